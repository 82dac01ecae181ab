import io
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.json_values import beginning, is_one_array, values
from data_prep.sources.jsonl import FORMAT
from data_prep.sources.options import SourceConfig

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "chatml"

OPENAI = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Tea?"},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "Yes,"}, {"type": "image_url"}, {"text": "please."}],
        },
    ]
}
SHAREGPT = {"id": "x", "conversations": [{"from": "human", "value": "Tea?"}, {"from": "gpt", "value": "Yes, please."}]}


def opened(text, encoding="utf-8"):
    data = text if isinstance(text, bytes) else text.encode(encoding)
    return File("/in/talk.json", "talk.json", lambda: io.BytesIO(data))


def read(text):
    notes = Notes()
    return list(FORMAT.read(opened(text), notes, SourceConfig())), notes


def said(text):
    return [[tuple(turn[:2]) for turn in dialogue.turns] for dialogue in read(text)[0]]


@pytest.mark.parametrize("value", [OPENAI, SHAREGPT])
@pytest.mark.parametrize(
    "written",
    [
        lambda v: f"{json.dumps(v)}\n{json.dumps(v)}\n",
        lambda v: f"\n{json.dumps(v)}\r\n\r\n{json.dumps(v)}",
        lambda v: json.dumps([v, v]),
        lambda v: json.dumps([v, v], indent=4),
        lambda v: "[\n" + ",\n".join(json.dumps(each) for each in (v, v)) + "\n]\n",
        lambda v: json.dumps(v, indent=2) + "\n" + json.dumps(v, indent=2),
        lambda v: "\ufeff" + json.dumps([v, v]),
    ],
)
def test_one_a_line_in_an_array_or_over_lines(value, written):
    first = value.get("conversations") or value["messages"][1:]
    names = [turn.get("from") or turn["role"] for turn in first]
    text = written(value)
    assert FORMAT.recognises(opened(text))
    assert said(text) == [list(zip(names, ["Tea?", "Yes, please."], strict=True))] * 2


def test_one_object_alone_is_one_dialogue():
    for text in (json.dumps(OPENAI), json.dumps(OPENAI, indent=1)):
        dialogues, notes = read(text)
        assert FORMAT.recognises(opened(text))
        assert [d.id for d in dialogues] == ["talk.json:1"]
        assert dialogues[0].personas == (("assistant", "Be kind."),)
        assert notes.counts == {"system messages, kept as personas": 1}


def test_ids_are_lines_or_places_in_the_array():
    line = json.dumps(SHAREGPT)
    assert [d.id for d in read(f"{line}\n\n{line}")[0]] == ["talk.json:1", "talk.json:3"]
    assert [d.id for d in read(json.dumps([SHAREGPT] * 2, indent=1))[0]] == ["talk.json:1", "talk.json:2"]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        # Nobody but the system answers the user: it is who answers.
        (
            [{"role": "user", "content": "A"}, {"role": "system", "content": "B"}, {"role": "user", "content": "C"}],
            ["user", "system", "user"],
        ),
        (
            [
                {"role": "user", "content": "A"},
                {"role": "system", "content": "B"},
                {"role": "assistant", "content": "C"},
            ],
            ["user", "assistant"],
        ),
        ([{"role": "user", "content": "A"}, {"role": "Tool", "content": "B"}], ["user"]),
    ],
)
def test_a_system_that_answers_is_a_speaker(turns, expected):
    assert [speaker for speaker, _ in said(json.dumps({"messages": turns}))[0]] == expected


def test_a_speaker_called_system_is_a_speaker():
    turns = [{"speaker": "system", "text": "Which day?"}, {"speaker": "user", "text": "Today."}]
    assert said(json.dumps({"turns": turns})) == [[("system", "Which day?"), ("user", "Today.")]]


@pytest.mark.parametrize(
    "other",
    [
        {"dialogue_id": "1", "turns": [{"speaker": "USER", "utterance": "Hi there"}]},
        {"messages": [{"sender_name": "Ann", "content": "Hi there", "timestamp_ms": 1}]},
        {"messages": [{"id": 1, "from": "Ann", "text": "Hi there", "date": "2024-01-01"}]},
        {"conversations": [["Hi there", "Hello"]]},
        {"turns": 3},
        {"name": "messages"},
        [1, 2],
        "messages",
    ],
)
def test_other_json_is_left_to_others(other):
    for indent in (None, 2):
        assert not FORMAT.recognises(opened(json.dumps(other, indent=indent)))
        assert not FORMAT.recognises(opened(json.dumps([other], indent=indent)))


def test_a_first_object_longer_than_the_head_is_recognised():
    long = {"messages": [{"role": "user", "content": "so much " * 3_000}, *OPENAI["messages"] * 30] * 4}
    assert len(json.dumps(long)) > 1 << 16
    for text in (json.dumps(long), json.dumps(long, indent=2), json.dumps([long] * 2)):
        assert FORMAT.recognises(opened(text))
        assert {len(turns) for turns in said(text)} == {len(long["messages"]) - 120}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (json.dumps(OPENAI) + "\n{oops}\n", 2),
        (json.dumps([OPENAI] * 2, indent=1).replace('"Tea?"', "oops"), 10),
        (json.dumps([OPENAI], indent=1)[:-1], 29),
        ('[{"messages": [{"role": "user", "content": "a"}]}\n{"messages": []}]', 2),
        ('[{"messages": [{"role": "user", "content": "a"}]}]\nmore', 2),
        ('{"messages": [\n{"role": "user", "content": "a"}\n]}\n{"messages": [\n{"role": "user" "content": "a"}', 5),
        (json.dumps(OPENAI) + "\n" + '{"messages": 3}', 2),
        (json.dumps([OPENAI, {"messages": [3]}], indent=None).replace("}, {", "},\n{"), 6),
        (json.dumps(OPENAI) + "\n" + '{"turns": [' + "9" * 5_000 + "]}", 2),
    ],
)
def test_what_is_broken_is_named_with_its_line(text, line):
    assert FORMAT.recognises(opened(text))
    with pytest.raises(PrepareError, match=rf"/in/talk\.json, line {line}: ") as told:
        read(text)
    assert "\n" not in str(told.value)


def test_control_characters_in_strings_are_let_pass():
    assert said('{"turns": ["a\tb", "c\x02d"]}') == [[("A", "a\tb"), ("B", "c\x02d")]]


def test_a_long_array_is_read_piece_by_piece():
    big = [{"turns": [f"number {k} " + "x" * 200, "yes"]} for k in range(12_000)]
    stream = values(opened(json.dumps(big)))
    assert next(stream)[0] == 1
    assert sum(1 for _ in stream) == 11_999
    long = [{"turns": ["x" * 3_000_000, "é" * 3_000_000]}, {"turns": []}]
    assert [v for _, _, v in values(opened(json.dumps(long, ensure_ascii=False)))] == long


def test_values_tell_arrays_from_lines_of_arrays():
    assert is_one_array(opened("[[1, 2],\n[3, 4]]"))
    assert not is_one_array(opened("[1, 2]\n[3, 4]"))
    assert [v for _, _, v in values(opened("[1, 2]\n[3, 4]"))] == [[1, 2], [3, 4]]
    assert [v for _, _, v in values(opened(" [ ] "))] == []
    assert [v for _, _, v in values(opened("[1.5e3, -2, null, true]"))] == [1500.0, -2, None, True]


@pytest.mark.parametrize("cut", range(1, 90))
def test_the_beginning_of_json_that_is_cut_is_what_is_there(cut):
    text = '[{"a": "x, [y]", "b": [1, {"c": "d\\"}e"}], "f": {}}, {"g": [[], [true, "h"]]}, 7]'
    found = beginning(text[:cut])
    assert len(found) == 1
    whole = json.loads(text)
    assert all(have == want or cut < len(text) for have, want in zip(found[0], whole, strict=False))
    if cut > 60:
        assert found[0][0] == whole[0]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.tuples(st.integers(0, 400), st.binary(max_size=4), st.booleans()))
def test_arbitrary_bytes_and_damage_raise_nothing_but_our_own_error(data):
    if isinstance(data, tuple):
        place, other, array = data
        text = json.dumps([OPENAI, SHAREGPT] if array else OPENAI).encode()
        data = text[:place] + other + text[place + len(other) :]
    file = opened(data)
    FORMAT.recognises(file)
    with suppress(PrepareError):
        for dialogue in FORMAT.read(file, Notes(), SourceConfig()):
            assert all(isinstance(turn.text, str) and isinstance(turn.speaker, str) for turn in dialogue.turns)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the corpora are not here")
def test_real_files_give_what_plain_json_gives():
    path = SHARED / "fastchat_dummy_conversation.json"
    wanted = [[(m["from"], m["value"]) for m in each["conversations"]] for each in json.loads(path.read_text("utf-8"))]
    assert said(path.read_bytes()) == wanted
    path = SHARED / "toy_chat_fine_tuning.jsonl"
    lines = [json.loads(line)["messages"] for line in path.read_text("utf-8").splitlines()]
    wanted = [[(m["role"], m["content"]) for m in line if m["role"] != "system"] for line in lines]
    dialogues, notes = read(path.read_bytes())
    assert [[tuple(t[:2]) for t in d.turns] for d in dialogues] == wanted
    assert notes.counts.total() == len(lines)


def test_what_is_told_later_stands_before_no_earlier_reply():
    """A system message in the middle is known to nobody who replied before it."""
    said_by = [
        ("system", "Be kind."),
        ("user", "Hi."),
        ("system", "Be brief."),
        ("assistant", "Hello."),
        ("user", "So?"),
    ]
    talk = [*said_by, ("system", "The user is called Zed."), ("assistant", "Well.")]
    notes = Notes()
    value = json.dumps({"messages": [{"role": role, "content": text} for role, text in talk]})
    (dialogue,) = FORMAT.read(opened(value), notes, SourceConfig())
    assert dialogue.personas == (("assistant", "Be kind."), ("assistant", "Be brief."))
    assert len(dialogue.turns) == 4
    assert notes.counts == {"system messages, kept as personas": 2, "messages of system and tools, left out": 1}
