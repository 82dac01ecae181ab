import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig
from data_prep.sources.parlai import FORMAT

SAMPLE = """1 your persona: i like tea.
2 partner's persona: i have a cat.
3 hi there .\thello , how are you ?\t\tno .|hello , how are you ?
4 fine . you ?\tgreat .
1 your persona: i ski.
2 __SILENCE__\they
3 yo\tsup|hi
"""
FIELDS = (
    "text:your persona: i ski\\nhello\\nyou\tlabels:hi|hey\tepisode_done:False\n"
    "text:you ski?\tlabels:i do\tlabel_candidates:no|i do\tepisode_done:True\n\n"
    "text:bye\teval_labels:see __PIPE__ you\tepisode_done:True\n"
)


def opened(content, name="talk.txt"):
    data = content if isinstance(content, bytes) else content.encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(content):
    notes = Notes()
    return list(FORMAT.read(opened(content), notes, SourceConfig())), notes


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_numbered_lines():
    assert FORMAT.recognises(opened(SAMPLE))
    dialogues, notes = read(SAMPLE)
    assert [d.id for d in dialogues] == ["talk.txt:3", "talk.txt:6"]
    assert [spoken(d) for d in dialogues] == [
        [("A", "hi there ."), ("B", "hello , how are you ?"), ("A", "fine . you ?"), ("B", "great .")],
        [("B", "hey"), ("A", "yo"), ("B", "sup")],
    ]
    assert [d.personas for d in dialogues] == [
        (("B", "i like tea."), ("A", "i have a cat.")),
        (("B", "i ski."),),
    ]
    assert notes.counts == {"persona lines, kept as personas": 3}


def test_fields():
    assert FORMAT.recognises(opened(FIELDS))
    dialogues, notes = read(FIELDS)
    assert [d.id for d in dialogues] == ["talk.txt:1", "talk.txt:4"]
    assert [spoken(d) for d in dialogues] == [
        [("A", "hello\nyou"), ("B", "hi"), ("A", "you ski?"), ("B", "i do")],
        [("A", "bye"), ("B", "see | you")],
    ]
    assert [d.personas for d in dialogues] == [(("B", "i ski"),), ()]
    assert notes.counts == {"persona lines, kept as personas": 1}


def test_lines_that_are_no_turn_are_counted():
    dialogues, notes = read("1 a fact about a cafe\n2 hi\thello\nnothing at all\n3 tea?\tyes\n")
    assert [len(d.turns) for d in dialogues] == [4]
    assert notes.counts == {"ParlAI lines that are no turn, left out": 2}


def test_a_dialogue_may_end_with_the_file_and_without_a_reply():
    dialogues, _ = read("text:hi\tepisode_done:False\ntext:anyone?\tlabels:yes\n")
    assert [spoken(d) for d in dialogues] == [[("A", "hi"), ("A", "anyone?"), ("B", "yes")]]


@pytest.mark.parametrize(
    "text",
    [
        "1 Oslo\t700,000\n2 Bergen\t280,000\n3 Trondheim\t200,000\n",
        "1 Ann went to the garden.\n2 Bo went home.\n3 Where is Ann?\tgarden\t1\n1 Cy sat.\n",
        "text: a heading\nmore prose\n",
        "1 apple\n2 pear\n1 plum\n",
        "Ann: hi\nBo: hello\n",
        "",
    ],
)
def test_what_is_none(text):
    assert not FORMAT.recognises(opened(text))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SAMPLE)), st.integers(0, 40))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(junk, place, taken):
    data = (SAMPLE + FIELDS).encode()
    for content in (junk, data[:place] + junk + data[place + taken :]):
        file = opened(content)
        assert FORMAT.recognises(file) in (True, False)
        with suppress(PrepareError):
            assert all(
                isinstance(turn.text, str) for d in FORMAT.read(file, Notes(), SourceConfig()) for turn in d.turns
            )
