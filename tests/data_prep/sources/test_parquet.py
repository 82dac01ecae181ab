import io
import pickle
import random
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.options import Columns, SourceConfig
from data_prep.sources.parquet import FORMAT

A, B, C = "How are you doing today?", "I am fine, thank you.", "Shall we have some tea?"


def written(table, **options):
    table = pa.table(table) if isinstance(table, dict) else table
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def opened(data):
    return File("/in/talk.parquet", "talk.parquet", partial(io.BytesIO, data))


def read(table, notes=None, columns=None, **options):
    data = table if isinstance(table, bytes) else written(table, **options)
    assert FORMAT.recognises(opened(data))
    return list(FORMAT.read(opened(data), notes or Notes(), SourceConfig(columns=columns or Columns())))


def said(table, **options):
    return {d.id.removeprefix("talk.parquet:"): [tuple(turn[:2]) for turn in d.turns] for d in read(table, **options)}


def talk(*texts, system=False):
    first = [{"role": "system", "content": "Be kind."}] if system else []
    return first + [{"role": "user" if k % 2 == 0 else "bot", "content": text} for k, text in enumerate(texts)]


def test_a_list_of_messages_a_row():
    notes = Notes()
    rows = [talk(A, B), talk(C, A, system=True), None, [], talk(B, "", C), talk(A)]
    table = {"prompt": [A, C, A, A, B, A], "messages": rows, "score": [1.0] * 6}
    assert said(table, notes=notes) == {
        "1": [("user", A), ("bot", B)],
        "2": [("user", C), ("bot", A)],
        "5": [("user", B), ("user", C)],
        "6": [("user", A)],
    }
    assert notes.counts == {
        "system messages, kept as personas": 1,
        "rows without a text, left out": 1,
        "rows without a dialogue, left out": 2,
    }


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.large_string()), pa.list_(pa.string(), 2)])
def test_a_list_of_strings_a_row(kind):
    table = pa.table({"dialog": pa.array([[A, B], [C, A]], kind), "act": [[1, 2], [3, 4]]})
    assert said(table) == {"1": [("A", A), ("B", B)], "2": [("A", C), ("B", A)]}


def test_speakers_may_stand_in_a_list_beside():
    table = {"speakers": [["Ann", "Bo"], ["Cy", "Ann"]], "dialogue": [[A, B], [C, A]]}
    assert said(table) == {"1": [("Ann", A), ("Bo", B)], "2": [("Cy", C), ("Ann", A)]}


def test_a_struct_of_lists_is_a_list_of_structs():
    turns = [
        {"turn_id": ["0", "1"], "speaker": [0, 1], "utterance": [A, B]},
        {"turn_id": ["0"], "speaker": [0], "utterance": [C]},
    ]
    assert said({"dialogue_id": ["a", "b"], "turns": turns}) == {"1": [("0", A), ("1", B)], "2": [("0", C)]}


def test_other_columns_of_other_types_do_no_harm():
    table = pa.table({
        "messages": [talk(A, B)] * 3,
        "image": pa.array([b"\xff\xd8"] * 3),
        "when": pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 3),
        "nested": pa.array([{"a": [{"b": 1}]}] * 3),
        "map": pa.array([[("k", 1)]] * 3, pa.map_(pa.string(), pa.int32())),
        "decimal": pa.array([1, 2, 3]).cast(pa.decimal128(20)),
        "none": pa.nulls(3),
        "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
    })  # fmt: skip
    assert len(said(table)) == 3


def turns(dialogues, length=6, **more):
    count = dialogues * length
    return pa.table({
        "dialogue": [f"t.txt:{k // length}" for k in range(count)],
        "turn": [k % length for k in range(count)],
        "speaker": ["Ann" if k % 2 else "Bo" for k in range(count)],
        "time": pa.array([None if k % 3 else 1.7e9 + k for k in range(count)], pa.float64()),
        "text": [f"This is line {k}" for k in range(count)],
        **more,
    })  # fmt: skip


def test_our_own_turns_are_read_back():
    table = turns(1_000)
    found = read(table, row_group_size=77)
    assert [d.id for d in found] == [f"talk.parquet:t.txt:{k}" for k in range(1_000)]
    columns = [table.column(name).to_pylist() for name in ("speaker", "text", "time")]
    assert [tuple(turn) for d in found for turn in d.turns] == [(*row, None) for row in zip(*columns, strict=True)]


def test_rows_in_any_order_are_put_in_order():
    table = turns(300)
    mixed = table.take(pa.array(random.Random(3).sample(range(table.num_rows), table.num_rows)))
    assert said(mixed, row_group_size=100).items() == said(table).items()
    # All of a dialogue together, but its turns mixed.
    inside = [6 * k + place for k in range(300) for place in (3, 0, 5, 1, 2, 4)]
    assert said(table.take(pa.array(inside)), row_group_size=100).items() == said(table).items()


def test_one_dialogue_may_be_longer_than_any_batch():
    found = read(turns(2, 20_000), row_group_size=3_000)
    assert [len(d.turns) for d in found] == [20_000, 20_000]


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (pa.array([datetime(2024, 1, 1), datetime(2024, 1, 2)], pa.timestamp("us")), 1704067200.0),
        (pa.array([datetime(2024, 1, 1, tzinfo=UTC), None], pa.timestamp("ns", "UTC")), 1704067200.0),
        (pa.array([date(2024, 1, 1), date(2024, 1, 2)]), 1704067200.0),
        (pa.array(["2024-01-01T01:00:00+01:00", "soon"]), 1704067200.0),
        (pa.array([1704067200123, 1704067300000]), 1704067200.123),
        (pa.array([1704067200, 1704067300]), 1704067200.0),
    ],
)
def test_times_of_all_types(times, first):
    table = pa.table({"dialogue_id": [1, 1], "speaker": ["Ann", "Bo"], "created_at": times, "text": [A, B]})
    (dialogue,) = read(table)
    assert [turn.text for turn in dialogue.turns] == [A, B]
    assert dialogue.turns[0].time == first


def test_rows_that_are_not_plain_go_the_longer_way():
    table = {
        "conversation_id": ["a", "a", "b", "b", "b", "c", "c"],
        "role": ["user", "system", "user", "bot", None, "system", "user"],
        "content": [A, B, C, None, A, B, C],
    }
    notes = Notes()
    assert said(table, notes=notes) == {
        "a": [("user", A), ("system", B)],
        "b": [("user", C), ("", A)],
        "c": [("user", C)],
    }
    assert notes.counts.total() == 2


def test_without_a_dialogue_a_table_is_a_chat():
    table = {"channel": ["x", "y", "x"], "user": ["Ann", "Bo", "Cy"], "message": [A, B, C], "ts": [100, 200, 9_000]}
    assert [(d.id, d.group, len(d.turns)) for d in read(table)] == [
        ("talk.parquet:x:1970-01-01 00:01", "x", 1),
        ("talk.parquet:x:1970-01-01 02:30", "x", 1),
        ("talk.parquet:y:1970-01-01 00:03", "y", 1),
    ]


def test_trees_of_messages_keep_their_links():
    table = {
        "message_id": ["a", "b", "c", "d"],
        "parent_id": [None, "a", "a", "b"],
        "text": [A, B, C, A],
        "role": ["prompter", "assistant", "assistant", "prompter"],
        "message_tree_id": ["a"] * 4,
    }
    (dialogue,) = read(table)
    assert [turn.answers for turn in dialogue.turns] == [None, 0, 0, 1]


def test_questions_and_replies_across_row_groups():
    table = {"instruction": [f"{A} {k}" for k in range(100)], "input": [""] * 100, "output": [B] * 100}
    found = said(table, row_group_size=7)
    assert list(found) == [str(k) for k in range(1, 101)]
    assert found["100"] == [("A", f"{A} 99"), ("B", B)]
    history = {"history": [[A, B], []], "response": [C, C]}
    assert said(history) == {"1": [("A", A), ("B", B), ("A", C)]}


def test_columns_may_be_named_and_absent_ones_are_told():
    table = {"x": [A, B], "y": [B, C], "n": [1, 1]}
    assert said(table, columns=Columns(context="y", reply="x"))["1"] == [("A", B), ("B", A)]
    assert said(table, columns=Columns(text="x", dialogue="n")) == {"1": [("A", A), ("B", B)]}
    with pytest.raises(PrepareError, match=r"/in/talk\.parquet: no column 'z' \(columns\.text\); there are x, y, n"):
        read(table, columns=Columns(text="z"))
    with pytest.raises(PrepareError, match=r"its columns \(x, y, n\) do not tell what is said by whom"):
        read(table)


def test_bytes_that_are_no_utf_8_are_mended():
    raw = pa.array([b"caf\xe9 and tea", b"milk and tea"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    table = pa.table({"dialogue_id": ["1", "1"], "speaker": ["Ann", "Bo"], "text": broken})
    assert [text for _, text in said(table)["1"]] == ["caf\ufffd and tea", "milk and tea"]


def test_an_empty_table_has_no_dialogue():
    assert read(pa.table({"messages": pa.array([], pa.list_(pa.string()))})) == []


@pytest.mark.parametrize("data", [b"PAR1" * 3, b"PAR1" + b"\0" * 60 + b"PAR1"])
def test_a_broken_file_is_told(data):
    assert not FORMAT.recognises(opened(b"PAR1"))
    assert not FORMAT.recognises(opened(b"text"))
    with pytest.raises(PrepareError, match=r"/in/talk\.parquet: cannot be read \(") as told:
        read(data)
    assert "\n" not in str(told.value)


def test_a_reading_can_be_pickled():
    data = written({"messages": [talk(A, B)]})
    reading = pickle.loads(pickle.dumps(partial(FORMAT.read, opened(data), Notes(), SourceConfig())))  # noqa: S301
    assert len(list(reading())) == 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10_000), st.binary(min_size=1, max_size=4), st.booleans())
def test_arbitrary_bytes_and_damage_raise_nothing_but_our_own_error(tail, place, other, flat):
    sample = written(turns(20)) if flat else written({"messages": [talk(A, B, C, system=True)] * 20})
    place %= len(sample)
    for data in (b"PAR1" + tail, tail, sample[:place] + other + sample[place + len(other) :]):
        FORMAT.recognises(opened(data))
        with suppress(PrepareError):
            for dialogue in FORMAT.read(opened(data), Notes(), SourceConfig()):
                assert all(isinstance(turn.text, str) and isinstance(turn.speaker, str) for turn in dialogue.turns)


@pytest.mark.parametrize("column", ["conversations", "messages", "anything"])
def test_rows_of_sharegpt_keep_their_speakers_and_system_prompts(column):
    """``from`` and ``value`` may be settings as well; roles of assistants tell that they are not."""
    said_by = [{"from": who, "value": text} for who, text in (("system", "Be kind."), ("human", A), ("gpt", B))]
    notes = Notes()
    found = read({"id": ["x"] * 3, column: [said_by, said_by[1:], said_by]}, notes)
    assert [[turn[:2] for turn in d.turns] for d in found] == [[("human", A), ("gpt", B)]] * 3
    assert [d.personas for d in found] == [(("gpt", "Be kind."),), (), (("gpt", "Be kind."),)]
    assert notes.counts == {"system messages, kept as personas": 2}
    settings = [{"from": name, "value": text} for name, text in (("title", A), ("subtitle", B))]
    assert not any(
        turn.speaker in ("title", "subtitle") for d in read({"messages": [settings] * 9}) for turn in d.turns
    )


@pytest.mark.parametrize("odd", ["x1", "", None, "12a"])
def test_a_number_of_a_turn_that_is_none_after_the_rows_that_were_looked_at(odd):
    turns = [str(number) for number in range(300)]
    who, texts = ["AB"[number % 2] for number in range(302)], [f"this is line {number}" for number in range(302)]
    table = {"turn": [*turns, odd, "301"], "dialogue_id": ["d"] * 302, "speaker": who, "text": texts}
    (dialogue,) = read(table)
    assert [turn.text for turn in dialogue.turns] == texts
