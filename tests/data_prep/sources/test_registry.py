"""All readers side by side: hostile bytes, files that are no talk, and who recognises what."""

import contextlib
import pickle
import sqlite3
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep import sources
from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.options import Columns, SourceConfig

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data"
FORMATS = sources._FORMATS
HEADS = [
    b"",
    b"PK\x03\x04",
    b"PAR1",
    b"{",
    b"[",
    b"\xff\xfe",
    b"WEBVTT\n",
    b"1\n00:00:01,000 --> 00:00:02,000\n",
    b"a,b\n",
]
HEADS += [
    b"[12:34] <ann> ",
    b"1/2/23, 3:04 PM - ",
    b"text:",
    b"1 hi\t",
    b"> MR. A: ",
    b"conversations:\n- - ",
    b"Ann: ",
]


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from(HEADS), body=st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(tmp_path, each, head, body):
    path = tmp_path / "file"
    path.write_bytes(head + body)
    file = File(str(path), "file")
    each.recognises(file)
    try:
        for dialogue in each.read(file, Notes(), SourceConfig()):
            assert isinstance(dialogue.id, str)
            for turn in dialogue.turns:
                assert isinstance(turn.speaker, str)
                assert isinstance(turn.text, str)
                assert turn.answers is None or 0 <= turn.answers < len(dialogue.turns)
    except PrepareError:
        return


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_a_transcript_is_read_in_any_encoding(tmp_path, encoding):
    text = "".join(f"Zoë: Où est le café n° {k} ?\nBo: Là-bas, à côté.\n\n" for k in range(20))
    (tmp_path / "talk.txt").write_bytes(text.encode(encoding))
    (reading,) = sources.plan([str(tmp_path / "talk.txt")], "auto", Notes())
    first = next(reading.dialogues())
    assert [turn[:2] for turn in first.turns] == [("Zoë", "Où est le café n° 0 ?"), ("Bo", "Là-bas, à côté.")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize(
    "text", ["Аня: Где ты был вчера?\nБорис: Дома, читал.\n\n", "小明: 你昨天去 哪里了\n小红: 去看 电影了\n\n"]
)
def test_wide_letters_without_a_mark_are_not_taken_for_dirt(tmp_path, encoding, text):
    (tmp_path / "talk.txt").write_bytes((text * 20).encode(encoding))
    (reading,) = sources.plan([str(tmp_path / "talk.txt")], "auto", Notes())
    turns = next(reading.dialogues()).turns
    assert "".join(f"{turn.speaker}: {turn.text}\n" for turn in turns) == text[:-1]


TALK = "Zoë: Hi there\nBo: Hello, you\n" * 20
LOG = "[12:00] <Zoë> Hi there\n[12:01] <Bo> Hello, you\n" * 20
LINES = '{"speaker": "Zoë", "text": "Hi there"}\n{"speaker": "Bo", "text": "Hello, you"}\n' * 20


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("talk.txt", TALK + "\0Zoë: Hi th\0ere\n\0Bo: Hello,\0 you\n"),
        ("codes.log", LOG + "\0[12:00] <Zoë> \x02Hi\x02 there\n[12:01] <Bo> Hello, you\n"),
        ("wide.txt", TALK + "Bo: Hello, you\0\nZoë: Hi there\0\n" * 20 + "Bo: Hello, you\0\0\nZoë: Hi there\0\n" * 9),
        ("crash.log", LOG + "\0" * 4096 + LOG),
        ("talk.jsonl", LINES + "\0" * 9 + LINES.replace("text", "te\0xt").replace("there", "th\0ere")),
        ("talk.json", f"[{LINES[:-1]},\0{LINES[:-1]}]".replace("}\n{", "},\0\n{").replace("\0", "", 70)),
        ("talk.csv", "speaker,text\n" + 'Zoë,Hi there\nBo,"Hello, you"\n' * 20 + '\0Zoë,Hi\0 there\nBo,"Hello, you"\n'),
    ],
)
def test_nuls_further_on_are_dirt_and_no_reason_to_refuse_a_file(tmp_path, name, data):
    (tmp_path / name).write_bytes(data.encode())
    (reading,) = sources.plan([str(tmp_path / name)], "auto", Notes())
    said = [turn for dialogue in reading.dialogues() for turn in dialogue.turns]
    assert {turn.text.replace("\x02", "") for turn in said} == {"Hi there", "Hello, you"}
    assert {turn.speaker for turn in said} == {"Zoë", "Bo"}
    assert len(said) == data.replace("\0", "").count("Hi") * 2


def _archive(path):
    (path / "a.txt").write_text(TALK * 40)
    with tarfile.open(path / "talk.txt", "w") as archive:
        archive.add(path / "a.txt")
    (path / "a.txt").unlink()


def _database(path):
    with contextlib.closing(sqlite3.connect(path / "talk.txt")) as opened, opened:
        opened.execute("create table said (text)")
        opened.executemany("insert into said values (?)", [(TALK * 9,)] * 3)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_archive, "an archive: unpack it"),
        (_database, "a database: export its messages as CSV"),
        (lambda path: (path / "talk.txt").write_bytes(pickle.dumps([TALK * 9])), "not text"),
        (lambda path: (path / "talk.txt").write_bytes(b"#!/bin/sh\n" * 60 + bytes(range(256)) * 9), "not text"),
        (lambda path: (path / "talk.txt").write_bytes(b"\0" * 9_000), "not text"),
    ],
)
def test_what_holds_texts_but_is_none_is_passed_over(tmp_path, make, why):
    make(tmp_path)
    (tmp_path / "good.txt").write_text(TALK)
    notes = Notes()
    sources.plan([str(tmp_path)], "auto", notes)
    assert notes.passed_over == {"talk.txt": why}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8_r", "Аня: Где ты был вчера вечером? Я тебя ждала.\nБорис: Я был дома, читал книгу о море.\n\n"),
        ("cp1251", "Аня: Где ты был вчера вечером? Я тебя ждала.\nБорис: Я был дома, читал книгу о море.\n\n"),
        ("shift_jis", "花子: 昨日はどこへ行きましたか。\n太郎: 友達と海へ行きました。とても楽しかったです。\n\n"),
        ("gb18030", "小明: 你昨天去哪里了？我一直在等你。\n小红: 我和朋友去看电影了，非常好看。\n\n"),
    ],
)
def test_a_legacy_encoding_is_told_by_its_letters(tmp_path, encoding, text):
    (tmp_path / "talk.txt").write_bytes((text * 20).encode(encoding))
    (reading,) = sources.plan([str(tmp_path / "talk.txt")], "auto", Notes())
    turns = next(reading.dialogues()).turns
    assert "".join(f"{turn.speaker}: {turn.text}\n" for turn in turns) == text[:-1]


def test_a_few_broken_bytes_do_not_spoil_a_utf8_file(tmp_path):
    lines = "".join(f"Zoë: Où est le café n° {k} ?\nBo: Là-bas.\n\n" for k in range(50)).encode()
    (tmp_path / "talk.txt").write_bytes(lines + b"Zo\xc3\xab: it\x92s late\nBo: oui\n")
    (reading,) = sources.plan([str(tmp_path / "talk.txt")], "auto", Notes())
    *_, last = reading.dialogues()
    assert last.turns[0].text == "it’s late"


@pytest.mark.parametrize(
    "name",
    ["README.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml", "constraints.txt", "chatbot/cli.py"],
)
def test_what_is_no_talk_is_not_taken_for_it(name):
    file = File(str(ROOT / name), name)
    assert [each.name for each in FORMATS if each.recognises(file)] == []


def test_columns_that_nobody_would_guess_can_be_named(tmp_path):
    (tmp_path / "table.csv").write_text("x1,x2\nWhere is it?,On the table.\nWhy?,Because.\n", encoding="utf-8")
    config = SourceConfig(columns=Columns(context="x1", reply="x2"))
    (reading,) = sources.plan([str(tmp_path / "table.csv")], "auto", Notes(), config=config)
    assert [turn.text for turn in next(reading.dialogues()).turns] == ["Where is it?", "On the table."]


def test_pictures_are_no_transcript_even_if_the_user_says_so(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100))
    with pytest.raises(PrepareError, match="not text"):
        sources.plan([str(tmp_path)], "transcript", Notes())


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the corpora")
@pytest.mark.parametrize(
    ("corpus", "formats", "dialogues", "turns"),
    [
        ("topical_chat", {"json"}, 1078, 23441),
        ("taskmaster_tm4", {"json"}, 3710, 13915),
        ("sgd", {"json"}, 1024, 15576),
        ("xpersona", {"json"}, 1540, 24028),
        ("realpersonachat_ja", {"json"}, 300, 9046),
        ("songys_ko", {"csv"}, 11823, 23646),
        ("dailydialog/train", {"eou"}, 11118, 87171),
        ("chatterbot_corpus", {"yaml_talk"}, 7617, 19562),
        ("shakespeare", {"transcript"}, 240, 7097),
    ],
)
def test_a_corpus_is_read_whole_without_being_told_what_it_is(corpus, formats, dialogues, turns):
    readings = sources.plan([str(SHARED / corpus)], "auto", Notes())
    assert {reading.format for reading in readings} == formats
    talks = [dialogue for reading in readings for dialogue in reading.dialogues()]
    assert (len(talks), sum(len(talk.turns) for talk in talks)) == (dialogues, turns)
    assert len({talk.id for talk in talks}) == dialogues
