import io
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.options import Columns, SourceConfig
from data_prep.sources.shapes import FORMAT

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
A, B, C = "How are you doing today?", "I am fine, thank you.", "Shall we have some tea?"
AB = [("A", A), ("B", B)]


def opened(value, lines=False, indent=1):
    if not isinstance(value, bytes):
        dump = [json.dumps(v, ensure_ascii=False) for v in value] if lines else None
        value = ("\n".join(dump) if dump else json.dumps(value, ensure_ascii=False, indent=indent)).encode()
    return File("/in/talk.json", "talk.json", lambda: io.BytesIO(value))


def read(file, **config):
    notes = Notes()
    return list(FORMAT.read(file, notes, SourceConfig(**config))), notes


def said(file):
    assert FORMAT.recognises(file)
    return {d.id.removeprefix("talk.json:"): [tuple(turn[:2]) for turn in d.turns] for d in read(file)[0]}


TALK = {
    "by id, with ratings beside the text": (
        {
            f"t{k}": {
                "config": "A",
                "content": [
                    {"message": A, "agent": "agent_1", "mood": "Curious to know more", "sources": ["FS 1"]},
                    {"message": B, "agent": "agent_2", "mood": "Happy indeed", "sources": []},
                ],
                "rating": {"agent_1": "Good", "agent_2": "Poor"},
            }
            for k in "xy"
        },
        {"tx": [("agent_1", A), ("agent_2", B)], "ty": [("agent_1", A), ("agent_2", B)]},
    ),
    "an array, with a scenario and annotations": (
        [
            {
                "conversation_id": "dlg-1",
                "instructions": "Imagine that you order tea, and be as kind as you can.",
                "utterances": [
                    {
                        "index": 0,
                        "speaker": "user",
                        "text": A,
                        "segments": [{"text": "How are you", "annotations": [{"name": "greeting of people"}]}],
                        "annotations": [{"name": "api_call", "value": "get the menu items", "context": "call 0"}],
                    },
                    {"index": 1, "speaker": "assistant", "text": B, "segments": [], "annotations": []},
                ],
            }
        ]
        * 2,
        {"1": [("user", A), ("assistant", B)], "2": [("user", A), ("assistant", B)]},
    ),
    "frames beside the utterance": (
        [
            {
                "dialogue_id": "1_0",
                "services": ["Food_1"],
                "turns": [
                    {
                        "frames": [{"actions": [{"act": "INFORM", "values": ["some good tea"]}]}],
                        "speaker": s,
                        "utterance": u,
                    }
                    for s, u in (("USER", A), ("SYSTEM", B), ("USER", C))
                ],
            }
        ],
        {"1": [("USER", A), ("SYSTEM", B), ("USER", C)]},
    ),
    "a persona and exchanges": (
        [{"persona": ["I like my tea hot.", "I have two old dogs."], "dialogue": [[A, B], [C]]}] * 2,
        {"1": [*AB, ("A", C)], "2": [*AB, ("A", C)]},
    ),
    "splits of lists of strings": (
        {"train": [[A, B], [B, C, A]], "valid": [[C, A]]},
        {"train/1": AB, "train/2": [("A", B), ("B", C), ("A", A)], "valid/1": [("A", C), ("B", A)]},
    ),
    "an array of arrays": ([[A, B], [C, A]], {"1": AB, "2": [("A", C), ("B", A)]}),
    "an array of arrays of messages": (
        [[{"role": "user", "content": A}, {"role": "assistant", "content": B}]] * 2,
        {"1": [("user", A), ("assistant", B)], "2": [("user", A), ("assistant", B)]},
    ),
    "conversations that are lists": (
        {"conversations": [[A, B], ["Hi", "Ho"]]},
        {"1": AB, "2": [("A", "Hi"), ("B", "Ho")]},
    ),
    "one dialogue a file": (
        {
            "dialogue_id": 3,
            "interlocutors": ["AA", "AB"],
            "utterances": [
                {"utterance_id": 0, "interlocutor_id": "AA", "text": A, "timestamp": "2022-08-06T14:51:18.36"},
                {"utterance_id": 1, "interlocutor_id": "AB", "text": B, "timestamp": "NaT"},
            ],
            "evaluations": [{"interlocutor_id": "AA", "interest": 5}, {"interlocutor_id": "AB", "interest": 4}],
        },
        {"1": [("AA", A), ("AB", B)]},
    ),
    "a log by file name, nobody named": (
        {
            f"MUL{k}.json": {"goal": {"info": [C]}, "log": [{"text": A, "metadata": {}}, {"text": B, "metadata": {}}]}
            for k in (1, 2, 3)
        },
        {f"MUL{k}.json": AB for k in (1, 2, 3)},
    ),
    "passages beside the text": (
        [{"dialog": [{"speaker": "0_W", "text": A, "passages": [{"Tea": [B, C]}]}, {"speaker": "1_L", "text": B}]}] * 3,
        {k: [("0_W", A), ("1_L", B)] for k in "123"},
    ),
    "questions with answers": (
        {"faq": [{"question": A, "answer": B}, {"question": C, "answer": "Yes."}]},
        {"1": AB, "2": [("A", C), ("B", "Yes.")]},
    ),
    "instructions": ([{"instruction": A, "input": "", "output": B}] * 2, {"1": AB, "2": AB}),
    "exchanges of a dialogue": (
        [{"id": 1, "dialogue": [{"user": A, "system": B}, {"user": C, "system": "Yes, let us."}]}] * 2,
        {k: [*AB, ("A", C), ("B", "Yes, let us.")] for k in "12"},
    ),
    "a text with names in it": (
        [
            {"id": "1", "summary": "They greet.", "dialogue": "Ann: Hi\r\nBo: Hello"},
            {"id": "2", "summary": "Bye.", "dialogue": "Cy: Bye\nDi: Bye\nCy: Bye"},
        ],
        {"1": [("Ann", "Hi"), ("Bo", "Hello")], "2": [("Cy", "Bye"), ("Di", "Bye"), ("Cy", "Bye")]},
    ),
    "speakers in a list of their own": (
        [{"speakers": ["Ann", "Bo"], "dialogue": [A, B], "narrative": "They talk and have some tea."}] * 2,
        {k: [("Ann", A), ("Bo", B)] for k in "12"},
    ),
    "names nobody knows": (
        [{"utterances": [{"wer": who, "was": what} for who, what in zip("XYXYXY", [A, B, C] * 2, strict=True)]}] * 3,
        {k: list(zip("XYXYXY", [A, B, C] * 2, strict=True)) for k in "123"},
    ),
    "speakers that are objects": (
        [
            {
                "title": "It breaks",
                "comments": [{"body": A, "user": {"login": "ann", "id": 1}}, {"body": B, "user": {"login": "bo"}}],
            }
        ]
        * 2,
        {k: [("ann", A), ("bo", B)] for k in "12"},
    ),
}


@pytest.mark.parametrize("name", TALK)
def test_dialogues_are_found_by_their_shape(name):
    value, wanted = TALK[name]
    for indent in (None, 4):
        assert said(opened(value, indent=indent)) == wanted


LINES = {
    "a message a line": (
        [
            {
                "id": "a",
                "conversation_id": "a",
                "text": A,
                "speaker": "u1",
                "meta": {},
                "reply-to": None,
                "timestamp": 1500,
            },
            {
                "id": "b",
                "conversation_id": "a",
                "text": B,
                "speaker": "u2",
                "meta": {},
                "reply-to": "a",
                "timestamp": 1600,
            },
            {
                "id": "c",
                "conversation_id": "a",
                "text": C,
                "speaker": "u1",
                "meta": {},
                "reply-to": "a",
                "timestamp": 1700,
            },
        ],
        {"a": [("u1", A, 1500.0, None), ("u2", B, 1600.0, 0), ("u1", C, 1700.0, 0)]},
    ),
    "comments of threads": (
        [
            {"author": "y", "body": B, "created_utc": "1600", "link_id": "t3_9", "parent_id": "t1_c1", "id": "c2"},
            {"author": "x", "body": A, "created_utc": 1500, "link_id": "t3_9", "parent_id": "t3_9", "id": "c1"},
            {"author": "x", "body": "  ", "created_utc": 1700, "link_id": "t3_9", "parent_id": "t3_9", "id": "c3"},
        ],
        {"t3_9": [("x", A, 1500.0, None), ("y", B, 1600.0, 0)]},
    ),
    "strings": (
        [{"topic": "x", "dialog": [A, B], "act": [1, 2], "emotion": [0, 0]}] * 2,
        {k: [("A", A, None, None), ("B", B, None, None)] for k in "12"},
    ),
    "arrays": ([[A, B], [A, B]], {k: [("A", A, None, None), ("B", B, None, None)] for k in "12"}),
    "data": (
        [{"id": str(k), "data": [A, B]} for k in range(3)],
        {k: [("A", A, None, None), ("B", B, None, None)] for k in "123"},
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_values_may_stand_one_a_line(name):
    value, wanted = LINES[name]
    file = opened(value, lines=True)
    assert FORMAT.recognises(file)
    assert {d.id.removeprefix("talk.json:"): [tuple(turn) for turn in d.turns] for d in read(file)[0]} == wanted


def test_a_list_of_messages_with_times_is_a_chat_and_silence_cuts_it():
    messages = [
        {"sender": s, "text": t, "time": f"2024-01-0{d}T10:00:00Z"}
        for s, t, d in (("Ann", A, 1), ("Bo", B, 1), ("Ann", C, 2))
    ]
    for value in (messages, {"title": "Ann", "messages": messages}):
        dialogues, _ = read(opened(value))
        assert [(d.id, len(d.turns)) for d in dialogues] == [
            ("talk.json:2024-01-01 10:00", 2),
            ("talk.json:2024-01-02 10:00", 1),
        ]
    # Dialogues of a corpus are not cut, nor is their order changed for a clock that goes wrong once.
    times = ["10:00", "10:05", "10:04", "13:00", "13:01", "13:02", "13:03"]
    turns = [{"speaker": "AB"[k % 2], "text": f"{A} {k}", "time": f"2024-01-01T{t}Z"} for k, t in enumerate(times)]
    dialogues, _ = read(opened([{"utterances": turns}]))
    assert [[turn.text for turn in d.turns] for d in dialogues] == [[turn["text"] for turn in turns]]


def test_newest_first_is_turned_round():
    messages = [
        {"sender": s, "text": t, "time": f"2024-01-01T10:00:0{n}Z"}
        for s, t, n in (("Ann", C, 9), ("Bo", B, 9), ("Ann", A, 3))
    ]
    assert [[turn.text for turn in d.turns] for d in read(opened(messages))[0]] == [[A, B, C]]


def test_roles_that_instruct_are_left_out_and_counted():
    turns = [
        {"role": "system", "content": "Be kind to them."},
        {"role": "user", "content": A},
        {"role": "bot", "content": B},
    ]
    dialogues, notes = read(opened([{"conversation": turns}]))
    assert [[tuple(t[:2]) for t in d.turns] for d in dialogues] == [[("user", A), ("bot", B)]]
    assert list(notes.counts.values()) == [1]


def test_columns_that_the_user_names_count_in_rows():
    file = opened([{"x": A, "y": B}] * 2)
    assert not FORMAT.recognises(file)
    dialogues, _ = read(file, columns=Columns(context="x", reply="y"))
    assert [[tuple(t[:2]) for t in d.turns] for d in dialogues] == [AB, AB]
    # ... and mean another file where there are none of that name.
    value, wanted = TALK["frames beside the utterance"]
    dialogues, _ = read(opened(value), columns=Columns(context="x", reply="y"))
    assert [[tuple(t[:2]) for t in d.turns] for d in dialogues] == list(wanted.values())


NO_TALK = {
    "package": {
        "name": "x",
        "scripts": {"test": "run the tests"},
        "keywords": ["tea cup", "milk jug"],
        "authors": [{"name": "Ann Lee"}],
    },
    "labels": [{"text": A, "label": "good"}, {"text": B, "label": "bad"}] * 5,
    "reading comprehension": {
        "data": [
            {"paragraphs": [{"context": A, "qas": [{"question": A, "answers": [{"text": B, "answer_start": 1}]}]}]}
        ]
    },
    "map": {
        "features": [{"properties": {"name": "Some big place"}, "geometry": {"coordinates": [[1, 2], [3, 4]]}}] * 3
    },
    "tokens": [{"tokens": ["I", "am", "here"], "tags": ["O", "O", "O"]}] * 5,
    "lint": [
        {"filePath": f, "messages": [{"ruleId": "x", "severity": 2, "message": "A semicolon is missing here."}]}
        for f in "abcd"
    ],
    "settings": {"properties": [{"name": n, "value": "a path of some kind"} for n in ("x", "y", "x", "y", "x", "y")]},
    "translations": {
        "en": {"hello": "Hello there", "bye": "See you soon"},
        "de": {"hello": "Hallo du", "bye": "Bis bald"},
    },
    "api": {
        "paths": {"/a": {"get": {"parameters": [{"name": "id", "in": "path", "description": "The id of it"}] * 3}}}
    },
    "notebook": {
        "cells": [
            {
                "cell_type": "code",
                "source": ["x = 1 + 2\n", "print the thing"],
                "outputs": [{"name": "stdout", "text": ["a b\n"]}],
            }
        ]
        * 3
    },
    "people": [{"id": 1, "name": "Ann Lee", "email": "a@b.c"}, {"id": 2, "name": "Bo Ray", "email": "b@b.c"}],
    "flags": [{"name": n, "switch": "x", "comment": "Turns the thing on", "value": "true"} for n in "abcabc"],
    "empty": [],
    "numbers": [1, 2, 3],
    "strings": ["one sentence here", "another one there"],
    "null": None,
}


@pytest.mark.parametrize("name", NO_TALK)
def test_json_about_other_things_is_not_talk(name):
    for indent in (None, 2):
        assert not FORMAT.recognises(opened(NO_TALK[name], indent=indent))


def test_where_no_dialogue_is_found_the_notes_say_so():
    dialogues, notes = read(opened(NO_TALK["package"]))
    assert dialogues == []
    assert notes.passed_over == {"talk.json": "no dialogues in this JSON"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[{"utterances": [{"speaker": "A", "text": "Hi there"}]},\n{"utterances": oops}]', 2),
        ('{"utterances": [{"speaker": "A", "text": "Hi there"},\n{"speaker": "B", "text": "cut', 2),
        ("[" * 5_000, 1),
        ("{" + '"a": {' * 50_000, 1),
    ],
)
def test_broken_json_is_named_with_its_line(text, line):
    with pytest.raises(PrepareError, match=rf"/in/talk\.json, line {line}: not valid JSON") as told:
        read(opened(text.encode()))
    assert "\n" not in str(told.value)


def test_a_file_longer_than_the_head_is_judged_by_its_beginning():
    value = [{"id": k, "utterances": [{"speaker": s, "text": f"{t} {k}"} for s, t in AB * 5]} for k in range(500)]
    for indent in (None, 3):
        file = opened(value, indent=indent)
        assert len(file.open().read()) > 1 << 17
        found = said(file)
        assert len(found) == 500
        assert found["500"][9] == ("B", f"{B} 499")


def test_fields_without_a_name_are_no_texts():
    assert read(opened([None, [{"speaker": "Ann", "": A}], [{"": A, "text": B, "speaker": "Ann"}]]))[0]


def test_deep_json_is_no_recursion():
    nested = [A, B]
    for _ in range(300):
        nested = {"more": [nested]}
    file = opened(nested, indent=None)
    assert not FORMAT.recognises(file)
    assert read(file)[0] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([A, B, C]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "speaker",
                    "role",
                    "content",
                    "id",
                    "dialogue",
                    "turns",
                    "reply_to",
                    "question",
                    "answer",
                    "time",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | JSON | st.lists(JSON, min_size=2, max_size=6))
def test_arbitrary_bytes_and_json_raise_nothing_but_our_own_error(value):
    file = opened(value) if isinstance(value, bytes) else opened(json.dumps(value).encode())
    FORMAT.recognises(file)
    dialogues = []
    with suppress(PrepareError):
        dialogues, _ = read(file)
    assert all(isinstance(turn.text, str) and isinstance(turn.speaker, str) for d in dialogues for turn in d.turns)
    assert len({d.id for d in dialogues}) == len(dialogues)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(TALK)), st.integers(0, 2_000), st.binary(max_size=5))
def test_damage_raises_nothing_but_our_own_error(name, place, other):
    text = json.dumps(TALK[name][0]).encode()
    file = opened(text[:place] + other + text[place + len(other) :])
    FORMAT.recognises(file)
    with suppress(PrepareError):
        read(file)


REAL = {
    "topical_chat": (1078, 23441, lambda v: v.values(), lambda d: [(m["agent"], m["message"]) for m in d["content"]]),
    "taskmaster_tm4": (3710, 13915, list, lambda d: [(m["speaker"], m["text"]) for m in d["utterances"]]),
    "sgd": (1024, 15576, list, lambda d: [(m["speaker"], m["utterance"]) for m in d["turns"]]),
    "xpersona": (1540, 24028, list, lambda d: [("AB"[k], t) for pair in d["dialogue"] for k, t in enumerate(pair)]),
    "realpersonachat_ja": (
        300,
        9046,
        lambda v: [v],
        lambda d: [(m["interlocutor_id"], m["text"]) for m in d["utterances"]],
    ),
    "lccc_toy": (
        1400,
        5104,
        lambda v: [d for s in v.values() for d in s],
        lambda d: [("AB"[k % 2], t) for k, t in enumerate(d)],
    ),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the corpora are not here")
@pytest.mark.parametrize("folder", REAL)
def test_real_corpora_give_what_plain_json_gives(folder):
    dialogues, turns, listed, spoken = REAL[folder]
    counted = []
    for path in sorted((SHARED / folder).rglob("*.json")):
        file = File(str(path), "talk.json")
        found = list(said(file).values())
        assert found == [spoken(each) for each in listed(json.loads(path.read_text("utf-8")))], path
        counted += map(len, found)
    assert (len(counted), sum(counted)) == (dialogues, turns)


def test_what_an_instruction_is_about_goes_on_with_it():
    rows = [{"instruction": A, "input": B, "output": C}, {"instruction": A, "input": "", "output": C}]
    for order in (rows, rows[::-1]):
        talk = said(opened(order, lines=True)).values()
        assert sorted(talk) == [[("A", A), ("B", C)], [("A", f"{A}\n{B}"), ("B", C)]]
    asked = Columns(context="instruction", reply="output")
    assert [d.turns[0].text for d in read(opened(rows, lines=True), columns=asked)[0]] == [A, A]
