import filecmp
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sentencepiece as spm
import yaml

from data_prep.config import PrepareConfig
from data_prep.dedupe import DedupeConfig
from data_prep.errors import PrepareError
from data_prep.pipeline import prepare
from data_prep.preview import preview
from data_prep.split import SplitConfig
from data_prep.store import SPLITS, open_prepared
from data_prep.text import fold, words
from data_prep.vocabulary import EOS, PAD, SEP, UNK, VocabularyConfig

CONFIG = PrepareConfig(
    split=SplitConfig(valid=0.2, test=0.2),
    dedupe=DedupeConfig(same_reply=3),
    vocabulary=VocabularyConfig(size=400),
)
DIRTY = """Ann: I don ' t know .
Bo: &quot;Really&quot; ?

Ann: I don't know.
Bo: Really!

Ann: Look
Bo: <Media omitted>
Ann: What was it?
Bo: {long}

Ann: no
Bo: NO!
Ann: Bye [deleted]
"""


def rows(prepared, name):
    return pq.read_table(prepared.split(name)).to_pylist()


def same_bytes(left, right):
    names = sorted(p.relative_to(left) for p in left.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(right) for p in right.rglob("*") if p.is_file())
    return all(filecmp.cmp(left / name, right / name, shallow=False) for name in names)


@pytest.fixture
def dirty(tmp_path, transcript):
    many = "".join(f"Ann: What about {k} {w}?\nBo: I see.\n\n" for k, w in enumerate(["tea", "rain", "soup"] * 5))
    file = tmp_path / "dirty.txt"
    text = DIRTY.format(long="word " * 300) + "\n" + many + "\n" + transcript.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def prepared(tmp_path, dirty):
    prepare([dirty], tmp_path / "out", CONFIG)
    return open_prepared(tmp_path / "out")


def test_the_books_balance(prepared):
    report = prepared.report
    assert report["seen"] == report["kept"] + sum(report["dropped"].values())
    assert report["kept"] == report["train"] + report["valid"] + report["test"]
    for name in SPLITS:
        assert len(rows(prepared, name)) == report[name] > 0
    assert Counter(row["reason"] for row in rows(prepared, "dropped")) == report["dropped"]
    for reason, count in report["dropped"].items():
        assert report["judges"][reason]["dropped"] == count
    asked = [entry["seen"] for entry in report["judges"].values()]
    acted = [entry["dropped"] for entry in report["judges"].values()]
    assert asked[0] == report["seen"]
    assert all(later == before - gone for before, gone, later in zip(asked, acted, asked[1:], strict=False))
    assert asked[-1] - acted[-1] == report["kept"]


def test_each_kind_of_dirt_is_dropped_for_its_own_reason(prepared):
    reasons = {row["reply"][:12]: row["reason"] for row in rows(prepared, "dropped") if row["reply"] != "I see."}
    assert reasons["<Media omitt"] == "placeholder"
    assert reasons["NO!"] == "reply echoes its context"
    assert "long" in reasons["word word wo"]
    assert reasons["Really!"] in ("repeats an earlier pair", "stands in another split")
    assert prepared.report["dropped"]["reply stands too often"] == 12


def test_repairs_are_made_before_anything_is_written(prepared):
    everything = [row for name in (*SPLITS, "dropped") for row in rows(prepared, name)]
    assert (["I don't know."], '"Really"?') in [(row["context"], row["reply"]) for row in everything]
    assert prepared.report["repairs"]["HTML entities"]["changed"] == 1


def test_no_folded_pair_is_in_two_splits(prepared):
    where = Counter()
    for name in SPLITS:
        where.update({(fold(row["context"][-1]), fold(row["reply"])) for row in rows(prepared, name)})
    assert max(where.values()) == 1


def test_a_dialogue_is_in_one_split(prepared):
    homes = [{row["dialogue"] for row in rows(prepared, name)} for name in SPLITS]
    assert not (homes[0] & homes[1])
    assert not (homes[0] & homes[2])
    assert not (homes[1] & homes[2])


def small(tmp_path, dialogues, **split):
    said = ["tea", "rain", "walk", "song", "film", "soup", "cake", "book"][:dialogues]
    text = "\n\n".join(f"Ann: Do you like the {word}?\nBo: I never liked a {word}." for word in said)
    (tmp_path / "small.txt").write_text(text, encoding="utf-8")
    config = PrepareConfig(stop_after="pairs", workers=1, split=SplitConfig(by="dialogue", **split))
    report = prepare([tmp_path / "small.txt"], tmp_path / "small", config)
    return tuple(report.splits.values()), [w for w in report.warnings if "too few" in w]


def test_a_small_corpus_has_a_validation_split_before_a_test_split(tmp_path):
    found = [small(tmp_path, 6, seed=seed, valid=0.15, test=0.15) for seed in range(12)]
    for (train, valid, test), warnings in found:
        assert train + valid + test == 6
        assert valid or not test
        assert valid or warnings
    assert any(not valid for (_, valid, _), _ in found)
    assert any(warnings and "for validation" in warnings[0] for _, warnings in found)


def test_no_validation_split_where_none_is_asked_for(tmp_path):
    assert small(tmp_path, 8, valid=0, test=0.5)[0][1] == 0
    assert small(tmp_path, 8, valid=0, test=0)[1] == []


def test_what_leaves_a_longer_turn_is_counted(tmp_path):
    file = tmp_path / "talk.txt"
    file.write_text("Ann: Look!\nAnn: image omitted\nBo: Lovely!\nAnn: Yes.\n", encoding="utf-8")
    report = prepare([file], tmp_path / "out", PrepareConfig(workers=1))
    assert report.notes.counts == preview([file], CONFIG)[1].notes.counts
    assert "- 1 placeholders (media omitted, message deleted) within longer turns" in report.to_markdown()


def test_twice_gives_the_same_bytes(tmp_path, dirty):
    prepare([dirty], tmp_path / "one", CONFIG)
    prepare([dirty], tmp_path / "two", CONFIG)
    prepare([dirty], tmp_path / "two", CONFIG)
    assert same_bytes(tmp_path / "one", tmp_path / "two")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dirty.txt", "one", "talk.txt", "two"]


def test_adding_dialogues_moves_none_between_splits(tmp_path, transcript):
    prepare([transcript], tmp_path / "one", CONFIG)
    with transcript.open("a", encoding="utf-8") as file:
        file.write("\n\nAnn: A new one?\nBo: Brand new.\n")
    prepare([transcript], tmp_path / "two", CONFIG)
    for name in SPLITS:
        before, after = ({r["dialogue"] for r in rows(open_prepared(tmp_path / n), name)} for n in ("one", "two"))
        assert before <= after


def test_ids_spell_the_texts(prepared):
    pieces = spm.SentencePieceProcessor(model_proto=prepared.tokenizer)
    for name in SPLITS:
        with pa.memory_map(str(prepared.ids(name))) as source:
            ids = pa.ipc.open_stream(source).read_all().to_pylist()
        for row, coded in zip(rows(prepared, name), ids, strict=True):
            assert [pieces.decode(turn) for turn in coded["context"]] == row["context"]
            assert pieces.decode(coded["reply"]) == row["reply"]
            assert coded["words"] == len(words(row["reply"]))
            assert not {PAD, UNK, EOS, SEP} & set(coded["reply"])


def test_the_vocabulary_knows_training_alone(tmp_path, transcript):
    text = transcript.read_text(encoding="utf-8")
    config = replace(CONFIG, dedupe=DedupeConfig(near=None))  # what is near to a held-out pair leaves training
    prepare([transcript], tmp_path / "one", config)
    held_out = open_prepared(tmp_path / "one")
    ids = {row["dialogue"] for name in ("valid", "test") for row in rows(held_out, name)}
    blocks = text.strip().split("\n\n")
    for name in ids:
        place = int(name.rsplit(":", 1)[1])
        blocks[place] = blocks[place].replace("I like the", "Zyx qwv the")
    transcript.write_text("\n\n".join(blocks), encoding="utf-8")
    prepare([transcript], tmp_path / "two", config)
    assert open_prepared(tmp_path / "two").tokenizer == held_out.tokenizer


def test_characters_are_a_vocabulary_too(tmp_path, transcript):
    config = PrepareConfig(vocabulary=VocabularyConfig(kind="characters", size=300))
    prepare([transcript], tmp_path / "out", config)
    pieces = spm.SentencePieceProcessor(model_proto=open_prepared(tmp_path / "out").tokenizer)
    assert pieces.encode("tea", out_type=str) == ["▁", "t", "e", "a"]


def test_what_is_too_small_to_train_on_is_written_whole(tmp_path):
    file = tmp_path / "tiny.txt"
    file.write_text("Ann: Hi.\nBo: Hello.\n", encoding="utf-8")
    report = prepare([file], tmp_path / "out", PrepareConfig())
    prepared = open_prepared(tmp_path / "out")
    assert prepared.tokenizer is None
    assert sum(len(rows(prepared, name)) for name in SPLITS) == 1
    assert len([w for w in report.warnings if "vocabulary" in w]) == 1


def test_a_size_that_the_corpus_cannot_fill_is_lowered_with_a_notice(tmp_path, transcript):
    report = prepare([transcript], tmp_path / "out", PrepareConfig())
    assert report.vocabulary["size"] < report.vocabulary["asked"]
    assert any("lowered from 8,000" in warning for warning in report.warnings)


def test_settings_say_what_was_asked(prepared, dirty):
    assert prepared.settings["inputs"] == [dirty.name]
    assert prepared.settings["dedupe"]["same_reply"] == 3
    assert yaml.safe_load((prepared.path / "prepare.yaml").read_text(encoding="utf-8")) == prepared.settings


def test_a_speaker_who_says_nothing_is_refused_with_those_who_do(tmp_path, transcript):
    with pytest.raises(PrepareError, match=r"--me is 'Cy', who says nothing here; expected one of 'Ann', 'Bo'"):
        prepare([transcript], tmp_path / "out", PrepareConfig(me="Cy"))
    assert not (tmp_path / "out").exists()


def test_a_dry_run_writes_nothing(tmp_path, dirty):
    before = sorted(tmp_path.rglob("*"))
    dialogues, report = preview([dirty], CONFIG)
    assert dialogues[0].turns[0].text == "I don ' t know ."
    assert report.tally["spaced apostrophes"].acted == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_another_folder_is_never_overwritten(tmp_path, transcript):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(PrepareError, match="did not write"):
        prepare([transcript], tmp_path / "mine", CONFIG)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_a_failed_run_leaves_the_earlier_folder_as_it_was(tmp_path, transcript):
    prepare([transcript], tmp_path / "out", CONFIG)
    before = (tmp_path / "out" / "report.json").read_bytes()
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"turns": ["a", "b"]}\n{"turns": [', encoding="utf-8")
    with pytest.raises(PrepareError, match="line 2"):
        prepare([transcript, broken], tmp_path / "out", CONFIG)
    assert (tmp_path / "out" / "report.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.jsonl", "out", "talk.txt"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_at_any_moment_the_output_is_absent_or_whole(tmp_path, transcript):
    out = tmp_path / "out"
    argv = [
        sys.executable,
        "-m",
        "chatbot",
        "prepare",
        str(transcript),
        "--output",
        str(out),
        "--vocabulary.size",
        "400",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole = tmp_path / "whole"
    prepare([transcript], whole, PrepareConfig(vocabulary=VocabularyConfig(size=400)))
    for delay in (0.0, 0.1, 0.4):
        process = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (tmp_path / ".out.being-prepared").exists():
            time.sleep(0.005)
        time.sleep(delay)
        process.kill()
        process.wait()
        assert not out.exists() or same_bytes(out, whole)
    subprocess.run(argv, env=environment, check=True, stderr=subprocess.DEVNULL)
    assert same_bytes(out, whole)
    assert not (tmp_path / ".out.being-prepared").exists()


def test_the_report_shows_what_happened_and_nothing_in_it_is_markup(tmp_path):
    file = tmp_path / "talk.jsonl"
    file.write_text(json.dumps({"turns": ["a | `b` <u>c</u>", "[x](http://y) \x1b[31m yes", "ok"]}), encoding="utf-8")
    text = prepare([file], tmp_path / "out", PrepareConfig()).to_markdown()
    assert "\x1b" not in text
    row = next(line for line in text.splitlines() if line.startswith("| HTML tags"))
    assert row.count("|") == 5


def test_the_terminal_is_told_in_few_words(tmp_path, capsys):
    file = tmp_path / "chat.txt"
    notice = "23/01/23, 15:18 - Messages and calls are end-to-end encrypted. Tap to learn more.\n"
    file.write_text(notice + "23/01/23, 15:19 - Ann: Tea?\n23/01/23, 15:20 - Bo: Yes.\n", encoding="utf-8")
    report = prepare([file], tmp_path / "out", PrepareConfig(workers=1, stop_after="pairs"))
    report.show(tmp_path / "out")
    shown = capsys.readouterr().err
    assert "rules found nothing (report.html lists them)." in shown
    assert "HTML entities" not in shown
    assert shown.count("left out") == 0
    assert "Left out: 1 WhatsApp" in shown
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "HTML entities" in page
