import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig
from data_prep.sources.yaml_talk import FORMAT

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "chatterbot_corpus"
SAMPLE = """categories:
- tea
conversations:
- - Do you like tea?
  - no
- - When was it made?
  - 1984
  - "Yes: then."
"""


def opened(content, name="talk.txt"):
    data = content if isinstance(content, bytes) else content.encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(content):
    notes = Notes()
    return list(FORMAT.read(opened(content), notes, SourceConfig())), notes


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_values_stay_as_they_are_written():
    assert FORMAT.recognises(opened(SAMPLE))
    dialogues, notes = read(SAMPLE)
    assert [d.id for d in dialogues] == ["talk.txt:4", "talk.txt:6"]
    assert [spoken(d) for d in dialogues] == [
        [("A", "Do you like tea?"), ("B", "no")],
        [("A", "When was it made?"), ("B", "1984"), ("A", "Yes: then.")],
    ]
    assert not notes.counts


@pytest.mark.parametrize(
    "items",
    [
        "- - Tea?\n  - Yes\n",
        "  - - Tea?\n    - Yes\n",
        "- Tea?\n  - Yes\n",
        "- - - Tea?\n    - Yes\n",
        '- ["Tea?", Yes]\n',
        "- - Tea?\n  -\n  - \n  - ~\n  - 'Yes'\n".replace("  -\n  - \n  - ~\n", ""),
        "-\n  - Tea?\n  - |-\n    Yes\n",
    ],
)
def test_ways_to_write_a_conversation(items):
    text = f"conversations:\n{items}"
    assert FORMAT.recognises(opened(text))
    assert [spoken(d) for d in read(text)[0]] == [[("A", "Tea?"), ("B", "Yes")]]


def test_colons_and_empty_items():
    dialogues, _ = read("conversations:\n- - Remember: no tea\n  -\n  - ~\n  - Why\n- - Note:\n  - ok\n")
    assert [[text for _, text in spoken(d)] for d in dialogues] == [["Remember: no tea", "Why"], ["Note:", "ok"]]


def test_what_is_no_conversation_is_counted():
    text = (
        "conversations:\n- one line\n- - Hi\n- - {a: b, c: d}\n  - x\n- {a: b}\n- - [x, y]\n  - z\n- - Tea?\n  - Yes\n"
    )
    dialogues, notes = read(text)
    assert [spoken(d) for d in dialogues] == [[("A", "Tea?"), ("B", "Yes")]]
    assert notes.counts == {
        "conversations of one line, left out": 2,
        "conversations of another shape, left out": 3,
    }


def test_conversations_on_one_line_have_ids_of_their_own():
    dialogues, _ = read("conversations: [[Tea?, Yes], [Cake?, No]]\n")
    assert [d.id for d in dialogues] == ["talk.txt:1", "talk.txt:1~2"]


def test_aliases_multiply_nothing():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nconversations:\n- [*b, *b]\n- - &hi Hi\n  - *hi\n"
    dialogues, notes = read(bomb)
    assert [spoken(d) for d in dialogues] == [[("A", "Hi"), ("B", "Hi")]]
    assert notes.counts == {"conversations of another shape, left out": 1}


def test_broken_yaml_is_read_conversation_by_conversation():
    text = SAMPLE + "- - Tea: now: or later\n  - @home\n  # a comment\n- - 'torn\n    x\n- - Cake?\n  - Yes\n"
    dialogues, notes = read(text)
    assert [spoken(d) for d in dialogues][2:] == [
        [("A", "Tea: now: or later"), ("B", "@home")],
        [("A", "Cake?"), ("B", "Yes")],
    ]
    assert [d.id for d in dialogues][2:] == ["talk.txt:9", "talk.txt:14"]
    assert notes.counts == {"conversations in broken YAML, left out": 1}
    assert notes.warnings[0].startswith("/in/talk.txt, line 9: not valid YAML (")


@pytest.mark.parametrize("text", ["conversations:\n- - 'torn\n    x\n", "conversations:\n- " + "[" * 5000])
def test_yaml_with_nothing_sound_is_an_error(text):
    with pytest.raises(PrepareError, match=r"^/in/talk\.txt.*not valid YAML \([^\n]*\Z"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"conversations": [{"from": "human", "value": "Hi"}]}\n',
        '[\n  {\n    "conversations": [\n      {"from": "human", "value": "Hi"}\n    ]\n  }\n]\n',
        "name: x\nconversations: 3\n",
        "notes:\n  conversations:\n  - - Hi\n",
        "We had many conversations: - long ones.\n",
        f"How it looks:\n\nIt looks like this\n\n{SAMPLE}",
        "",
    ],
)
def test_what_is_none(text):
    assert not FORMAT.recognises(opened(text))


@pytest.mark.skipif(not SHARED.exists(), reason="the corpus is not here")
def test_all_of_chatterbot_corpus():
    languages, notes, number = set(), Notes(), 0
    for path in sorted(SHARED.rglob("*.yml")):
        file = File(str(path), path.relative_to(SHARED).as_posix())
        assert FORMAT.recognises(file), path
        dialogues = list(FORMAT.read(file, notes, SourceConfig()))
        assert dialogues, path
        assert len({dialogue.id for dialogue in dialogues}) == len(dialogues)
        languages.add(path.parent.name)
        number += len(dialogues)
    assert len(languages) == 28
    assert number == 7617
    assert not notes.counts
    assert not FORMAT.recognises(File(str(SHARED / "license.md"), "license.md"))


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
