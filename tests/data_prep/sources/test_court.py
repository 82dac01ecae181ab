import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.court import FORMAT
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "scotus" / "scotus.txt"
SAMPLE = """> CHIEF JUSTICE WREN: We'll hear argument now in Tea against Coffee. Ms. McKay.
> MS. McKAY: Mr. Chief Justice, and may it please the Court: Tea is older.
> JUSTICE O'FINCH: Than what? (Laughter.)
> MS. McKAY: Than coffee, Your Honor. Official
> CHIEF JUSTICE WREN: Thank you. The case is submitted.
> JUSTICE O'FINCH: We will now hear argument in Rain against Snow. Mr. Dove.
> MR. DOVE: Thank you.
"""


def opened(content, name="talk.txt"):
    data = content if isinstance(content, bytes) else content.encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(content):
    notes = Notes()
    return list(FORMAT.read(opened(content), notes, SourceConfig())), notes


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_cases_are_parted_by_what_the_court_says():
    assert FORMAT.recognises(opened(SAMPLE))
    dialogues, notes = read(SAMPLE)
    assert [d.id for d in dialogues] == ["talk.txt:1", "talk.txt:6"]
    assert [len(d.turns) for d in dialogues] == [5, 2]
    assert spoken(dialogues[0])[2:4] == [("JUSTICE O'FINCH", "Than what?"), ("MS. McKAY", "Than coffee, Your Honor.")]
    assert notes.counts == {"notes of laughter, left out": 1}


def test_a_submitted_case_ends_even_if_no_argument_is_announced():
    dialogues, _ = read(SAMPLE.replace("We will now hear argument in Rain against Snow. Mr. Dove.", "Mr. Dove."))
    assert [len(d.turns) for d in dialogues] == [5, 2]


def test_a_stream_without_cases_is_cut():
    dialogues, _ = read("> MR. A: One.\n> MR. B: Two.\n" * 700)
    assert [len(d.turns) for d in dialogues] == [600, 600, 200]


def test_a_line_without_a_speaker_goes_on():
    dialogues, _ = read("> MR. A: One\n> and two.\nand three.\n\n> MR. B: (Laughter.)\n> MR. C: Four.\n")
    assert [spoken(d) for d in dialogues] == [[("MR. A", "One\nand two.\nand three."), ("MR. C", "Four.")]]


@pytest.mark.parametrize(
    "text",
    [
        "> Ann: did you see it?\n> Bo: yes\n> Ann: and?\n",
        "> quoted\n> mail\n\nAn answer.\n",
        "MR. A: One.\nMR. B: Two.\n",
        "> NOTE: one\n> NOTE: two\n",
        "",
    ],
)
def test_what_is_none(text):
    assert not FORMAT.recognises(opened(text))


@pytest.mark.skipif(not SHARED.exists(), reason="the corpus is not here")
def test_the_supreme_court():
    file = File(str(SHARED), "scotus.txt")
    assert FORMAT.recognises(file)
    dialogues = list(FORMAT.read(file, Notes(), SourceConfig()))
    assert len(dialogues) == 207
    assert sum(len(dialogue.turns) for dialogue in dialogues) > 51_000
    assert max(len(dialogue.turns) for dialogue in dialogues) < 600


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
