import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig
from data_prep.sources.play import name_of
from data_prep.sources.transcript import FORMAT

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
SAMPLE = """[00:12:03] Ann: Hi there
Bo (0:12:05): Hello,
and welcome
**Ann:** Tea?

00:13 Bo: Yes
Ann: Good
"""
PLAY = """ACT I
SCENE I. A garden.

Enter ANN and First Guest

ANN:
Is there tea?
Or cake?

First Guest:
[Aside] There is.

[They drink]

ANN:

ANN:
Good.

Scene 2

First Guest:
Who is there?

ANN:
I.
"""


def opened(content, name="talk.txt"):
    data = content if isinstance(content, bytes) else content.encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(content):
    notes = Notes()
    return list(FORMAT.read(opened(content), notes, SourceConfig())), notes


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_times_and_bold_names():
    assert FORMAT.recognises(opened(SAMPLE))
    dialogues, _ = read(SAMPLE)
    assert [[tuple(turn)[:3] for turn in d.turns] for d in dialogues] == [
        [("Ann", "Hi there", 723.0), ("Bo", "Hello,\nand welcome", 725.0), ("Ann", "Tea?", None)],
        [("Bo", "Yes", 13.0), ("Ann", "Good", None)],
    ]


def test_a_chat_saved_by_zoom():
    text = "09:15:22 From Ann Lee to Everyone:\n\tHi all\n09:15:30 From Bo To Ann Lee(Direct Message): hello\n"
    dialogues, _ = read(text * 2)
    assert [name for name, _ in spoken(dialogues[0])] == ["Ann Lee", "Bo"] * 2


def test_a_name_may_stand_alone_among_named_lines():
    dialogues, _ = read("Ann: Hi\nBo: Hello\nAnn:\nTea?\nBo: Yes\nMind:\nno milk\nAnn: Oh\n")
    assert spoken(dialogues[0])[2:] == [("Ann", "Tea?"), ("Bo", "Yes\nMind:\nno milk"), ("Ann", "Oh")]


def test_a_play_with_marks():
    assert FORMAT.recognises(opened(PLAY))
    dialogues, notes = read(PLAY)
    assert [d.id for d in dialogues] == ["talk.txt:0", "talk.txt:1"]
    assert [spoken(d) for d in dialogues] == [
        [("ANN", "Is there tea?\nOr cake?"), ("First Guest", "There is."), ("ANN", "Good.")],
        [("First Guest", "Who is there?"), ("ANN", "I.")],
    ]
    assert notes.counts == {
        "stage directions, left out": 3,
        "speeches without text, left out": 1,
        "lines of a play without a speaker, left out": 1,
    }


def test_a_play_without_marks_is_cut_where_the_cast_changes():
    scenes = [("ANN", "BO"), ("CY", "DEE"), ("ANN", "DEE")]
    speeches = [f"{scene[k % 2]}:\nLine {k}.\n" for scene in scenes for k in range(8)]
    dialogues, _ = read("\n".join(speeches))
    assert [len(d.turns) for d in dialogues] == [8, 16]


@pytest.mark.parametrize(
    ("line", "head"),
    [
        ("JACK.  Nonsense, Ann!", ("JACK", "Nonsense, Ann!", None)),
        ("Speaker 1 (01:02):", ("Speaker 1", "", 62.0)),
        ("[1:00:00] Ann Lee:", ("Ann Lee", "", 3600.0)),
        ("Ann Lee   0:03", ("Ann Lee", "", 3.0)),
        ("**Ann:**", ("Ann", "", None)),
        ("LADY  ANN:", ("LADY ANN", "", None)),
        ("Not rash like his accusers, and thus answered:", None),
        ("for x in y:", None),
        ("Nonsense.", None),
        ("SCENE II. A garden.", None),
        ("", None),
    ],
)
def test_lines_that_begin_a_speech(line, head):
    assert name_of(line) == head


TALK = [
    "Ann: Hi\nBo: Hello\n",
    "Q: Tea?\nA: Yes\n\nQ: Cake?\nA: No\n",
    "Human: Hi\nAssistant: Hello\nHuman: Tea?\nAssistant: Yes\n",
    "  Ann: Hi\n  Bo: Hello\n  Ann: Tea?\n",
    "**Ann:** Hi\n\n**Bo**: Hello\n\n**Ann:** Tea?\n",
    "Zo\u00eb : Salut\nJean-Luc : Bonjour\nZo\u00eb : Th\u00e9 ?\n",
    "小明：你好\n小红：你好\n小明：喝茶吗\n".replace("：", ": "),
    "ANN.\nTea?\n\nBO.\nYes.\n\nANN.\nGood.\n\nBO.\nSo.\n",
    "Ann Lee  0:01\nTea?\n\nBo  0:03\nYes.\n\nAnn Lee  0:05\nGood.\n\nBo  0:09\nSo.\n",
]
TALK += [
    "张伟：你好\n李娜：10点见\n张伟：好的\n",
    "2024-01-05 10:01:00 Ann: hi\n2024-01-05 10:01:09 Bo: hello\n2024-01-06 10:02:00 Ann: tea?\n",
    "[2024-01-05 10:01] Ann: hi\n[2024-01-05T10:02] Bo: hello\n",
]
NO_TALK = {
    "log with dates": "2024-01-05 10:01:00 sshd: in\n2024-01-05 10:01:02 cron: run\n2024-01-05 10:01:03 sshd: out\n",
    "levels": "ERROR: disk full\nINFO: started\nERROR: disk full\nWARNING: hot\nINFO: stopped\n",
    "levels with times": "12:00:01 INFO: started\n12:00:02 ERROR: disk full\n12:00:03 INFO: stopped\n",
    "mail": "From: ann@example.org\nTo: bo@example.org\nSubject: tea\n\nFrom: bo@example.org\nTo: ann\nSubject: tea\n",
    "yaml": "- name: a\n  size: big\n  colour: red\n- name: b\n  size: small\n  colour: blue\n",
    "settings": "name: x\nsize: 3\ncolour: red\nshape: round\n",
    "records": "Name: Ann\nTown: Oslo\nPet: cat\nFood: soup\n\nName: Bo\nTown: Bergen\nPet: dog\nFood: cake\n",
    "style sheet": "a {\n  color: red;\n  margin: 0;\n}\nb {\n  color: blue;\n  margin: 1px;\n}\n",
    "objects": "a: {x: 1},\nb: {x: 2},\na: {x: 3},\nb: {x: 4},\n",
    "figures": "cpu: 12%\nmem: 40%\ncpu: 13%\nmem: 41%\n",
    "cards": "BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nFN:Bo\nEND:VCARD\n",
    "robots": "User-agent: *\nDisallow: /a\nDisallow: /b\nUser-agent: x\nDisallow: /c\n",
    "package": "Metadata-Version: 2.1\nName: tea\nClassifier: x\nClassifier: y\nClassifier: z\nLicense: MIT\n",
    "one speaker": "Ann: Hi\nAnn: Hello\nAnn: Tea?\n",
    "python": "def tea():\n    try:\n        boil()\n    finally:\n        rest()\n\n\nclass Cup:\n    size: int\n",
    "readme": "Usage:\nrun it\n\nOptions:\n-v more\n\nUsage:\nrun it again\n\nOptions:\n-q less\n",
    "changes": "Added:\n- tea\n\nFixed:\n- cup\n\nAdded:\n- cake\n\nFixed:\n- plate\n",
    "prose": "It was late: too late.\nNobody spoke.\nThen: a sound.\nIt was rain.\nIt rained on.\n",
    "chapters": "CHAPTER ONE.\nIt rained.\n\nIt rained on.\n\nCHAPTER TWO.\nIt snowed.\n\nStill it snowed.\n",
    "nothing": "",
}


@pytest.mark.parametrize("text", TALK)
def test_what_is_talk(text):
    assert FORMAT.recognises(opened(text))
    dialogues, _ = read(text)
    assert sum(len(d.turns) for d in dialogues) >= 2
    assert len({turn.speaker for d in dialogues for turn in d.turns}) == 2


@pytest.mark.parametrize("text", NO_TALK.values(), ids=NO_TALK)
def test_what_is_no_talk(text):
    assert not FORMAT.recognises(opened(text))


def test_long_turns_take_no_quadratic_time():
    lines = "Ann: Hi\nBo: Hello\n" + "and so on\n" * 200_000
    assert len(read("Ann: Hi\nBo: Hello\n" * 5000 + lines)[0][0].turns) == 10_002


@pytest.mark.skipif(not SHARED.exists(), reason="the corpora are not here")
def test_shakespeare():
    file = File(str(SHARED / "shakespeare" / "input.txt"), "input.txt")
    assert FORMAT.recognises(file)
    dialogues = list(FORMAT.read(file, Notes(), SourceConfig()))
    assert len(dialogues) == 240
    assert sum(len(dialogue.turns) for dialogue in dialogues) == 7097


@pytest.mark.skipif(not SHARED.exists(), reason="the corpora are not here")
@pytest.mark.parametrize(
    "folder", ["sentence_polarity", "cornell", "irc_ubuntu", "dailydialog", "songys_ko", "exports"]
)
def test_what_is_no_transcript_among_the_corpora(folder):
    texts = [path for path in (SHARED / folder).rglob("*") if path.suffix in (".txt", ".md", "", ".pos", ".neg")]
    found = [path.name for path in texts if path.is_file() and FORMAT.recognises(File(str(path), path.name))]
    assert not found


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SAMPLE)), st.integers(0, 40))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(junk, place, taken):
    data = (PLAY + SAMPLE).encode()
    for content in (junk, data[:place] + junk + data[place + taken :]):
        file = opened(content)
        assert FORMAT.recognises(file) in (True, False)
        with suppress(PrepareError):
            assert all(
                isinstance(turn.text, str) for d in FORMAT.read(file, Notes(), SourceConfig()) for turn in d.turns
            )


def test_on_demand_labels_count_where_half_of_the_lines_have_one():
    text = "Ann: hi\nthere you are\nBo: hello\nfrom me\n"
    assert not FORMAT.recognises(opened(text))
    assert spoken(read(text)[0][0]) == [("Ann", "hi\nthere you are"), ("Bo", "hello\nfrom me")]
    bare = "Hi there\nHello: you\nHow are you?\nFine\n"
    assert [speaker for speaker, _ in spoken(read(bare)[0][0])] == ["A", "B", "A", "B"]


def test_a_colon_in_a_line_that_goes_on_makes_no_speaker():
    text = "Ann: One: two, three\nBo: Time is 10:30\nand then more: nice\nAnn: ok\n"
    assert FORMAT.recognises(opened(text))
    assert spoken(read(text)[0][0]) == [
        *(("Ann", "One: two, three"), ("Bo", "Time is 10:30\nand then more: nice"), ("Ann", "ok")),
    ]
    small = "ann lee: hi\nbo: hello\nann lee: tea?\nthe guest: yes\n"
    assert [speaker for speaker, _ in spoken(read(small)[0][0])] == ["ann lee", "bo", "ann lee", "the guest"]


def test_a_date_before_the_time_is_kept():
    (dialogue,) = read("2024-01-05 10:01:00 Ann: hi\n2024-01-05 10:02:00 Bo: hello\n")[0]
    assert [turn.time for turn in dialogue.turns] == [1704448860.0, 1704448920.0]
    (dialogue,) = read("[2024-01-05 9:01] Ann: hi\n[2024-01-05 10:02] Bo: hello\n")[0]
    assert [turn.time for turn in dialogue.turns] == [1704445260.0, 1704448920.0]
