import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.eou import FORMAT
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "dailydialog"
SAMPLE = "Hi , Ann ! __eou__ Hello . __eou__ Tea ? __eou__\n\nIt rains . __eou__ Again ? __eou__\n"


def opened(content, name="talk.txt"):
    data = content if isinstance(content, bytes) else content.encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(content):
    notes = Notes()
    return list(FORMAT.read(opened(content), notes, SourceConfig())), notes


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_a_dialogue_a_line():
    assert FORMAT.recognises(opened(SAMPLE))
    dialogues, notes = read(SAMPLE.replace("\n", "\r\n"))
    assert [d.id for d in dialogues] == ["talk.txt:1", "talk.txt:3"]
    assert [spoken(d) for d in dialogues] == [
        [("A", "Hi , Ann !"), ("B", "Hello ."), ("A", "Tea ?")],
        [("A", "It rains ."), ("B", "Again ?")],
    ]
    assert not notes.counts
    assert {d.group for d in dialogues} == {""}


def test_empty_turns_are_counted_and_the_last_mark_may_be_absent():
    dialogues, notes = read("Hi __eou__ __eou__ Tea ? __eou__ Yes")
    assert spoken(dialogues[0]) == [("A", "Hi"), ("A", "Tea ?"), ("B", "Yes")]
    assert list(notes.counts.values()) == [1]


def test_turns_of_several_messages():
    line = "hi __eou__ anyone here ? __eou__ __eot__ yes __eou__ __eot__ which tea ? __eou__ __eot__\n"
    assert FORMAT.recognises(opened(line))
    assert spoken(read(line)[0][0]) == [("A", "hi"), ("A", "anyone here ?"), ("B", "yes"), ("A", "which tea ?")]


@pytest.mark.parametrize(
    "text",
    [
        "3 4 2 2\n2 1 2\n",
        'Context,Utterance,Label\n"hi __eou__ __eot__",hello __eou__,1\n"tea ? __eou__",yes __eou__,0\n',
        "Turns end with __eou__ in this corpus.\nEach line is a dialogue.\n",
        "",
    ],
)
def test_what_is_none(text):
    assert not FORMAT.recognises(opened(text))


@pytest.mark.skipif(not SHARED.exists(), reason="the corpus is not here")
@pytest.mark.parametrize(("split", "dialogues"), [("train", 11_118), ("validation", 1_000)])
def test_daily_dialog(split, dialogues):
    folder = SHARED / split
    good = [path.name for path in folder.iterdir() if FORMAT.recognises(File(str(path), path.name))]
    assert good == [f"dialogues_{split}.txt"]
    found = list(FORMAT.read(File(str(folder / good[0]), "x"), Notes(), SourceConfig()))
    assert len(found) == dialogues
    assert min(len(dialogue.turns) for dialogue in found) >= 2


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SAMPLE)), st.integers(0, 40))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(junk, place, taken):
    data = SAMPLE.encode()
    for content in (junk, data[:place] + junk + data[place + taken :]):
        file = opened(content)
        assert FORMAT.recognises(file) in (True, False)
        with suppress(PrepareError):
            assert all(
                isinstance(turn.text, str) for d in FORMAT.read(file, Notes(), SourceConfig()) for turn in d.turns
            )
