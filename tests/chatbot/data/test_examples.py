from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.data.batches import collate
from chatbot.data.examples import Examples, spans
from chatbot.errors import FitError
from chatbot.tokenizer import join
from data_prep.store import Prepared

PIECES = st.lists(st.integers(5, 300), max_size=6)
TURNS = st.lists(st.tuples(PIECES, st.integers(0, 1)), min_size=1, max_size=4)
CONTEXTS = st.tuples(st.lists(st.tuples(PIECES, st.just(2)), max_size=1), TURNS).map(lambda both: both[0] + both[1])
ROWS = st.lists(
    st.tuples(CONTEXTS, PIECES, st.integers(0, 9)).map(
        lambda row: ([turn for turn, _ in row[0]], [role for _, role in row[0]], row[1], row[2])
    ),
    max_size=25,
)
Row = tuple[list[list[int]], list[int], list[int], int]


def write(path: Path, rows: list[Row], chunk: int = 7, dtype: pa.DataType | None = None) -> Prepared:
    pieces = pa.large_list(dtype or pa.uint16())
    roles = pa.large_list(pa.uint8())
    schema = pa.schema([("context", pa.large_list(pieces)), ("roles", roles), ("reply", pieces), ("words", pa.int32())])
    (path / "ids").mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path / "ids" / "train.arrow"), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for start in range(0, len(rows), chunk):
            columns = zip(*rows[start : start + chunk], strict=True)
            arrays = [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
            stream.write_batch(pa.record_batch(arrays, schema=schema))
    return Prepared(path, {}, {}, None)


@settings(deadline=None, max_examples=40)
@given(rows=ROWS, chunk=st.integers(1, 9), turns=st.integers(1, 5), most=st.none() | st.integers(1, 12))
def test_rows_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], chunk: int, turns: int, most: int | None
) -> None:
    examples = Examples.open(write(tmp_path_factory.mktemp("ids"), rows, chunk), "train", turns, most)
    assert len(examples) == len(rows)
    expected = [join(context, turns, roles, most) for context, roles, _, _ in rows]
    for i, (context, _, reply, words) in enumerate(rows):
        assert examples.source(i).tolist() == expected[i]
        assert examples.target(i).tolist() == reply
        assert examples.asked(i) == context[-1]
        assert examples.words[i] == words
    assert examples.source_lengths.tolist() == [len(source) for source in expected]
    assert examples.target_lengths.tolist() == [len(reply) + 1 for _, _, reply, _ in rows]
    if rows:
        together = examples.batch(np.arange(len(rows)))
        read = [row[:n].tolist() for row, n in zip(together.source, together.source_lengths.tolist(), strict=True)]
        assert read == expected


@pytest.mark.parametrize("dtype", [pa.uint16(), pa.int32()])
def test_a_batch_is_what_collating_its_rows_gives(tmp_path: Path, dtype: pa.DataType) -> None:
    chance = np.random.default_rng(0)

    def ids() -> list[int]:
        return chance.integers(5, 300, chance.integers(0, 9)).tolist()

    rows: list[Row] = []
    for count in chance.integers(1, 4, 60).tolist():
        rows.append(([ids() for _ in range(count)], [0] * count, ids(), int(chance.integers(0, 9))))
    examples = Examples.open(write(tmp_path, rows, dtype=dtype), "train", 2)
    chosen = chance.permutation(60)[:20]
    got = examples.batch(chosen)
    expected = collate(
        [examples.source(i) for i in chosen], [examples.target(i) for i in chosen], examples.words[chosen]
    )
    for name in ("source", "source_lengths", "inputs", "targets", "real"):
        assert getattr(got, name).equal(getattr(expected, name)), name
    assert (got.words, got.tokens) == (expected.words, expected.tokens)


def test_ids_of_many_record_batches_are_not_copied(tmp_path: Path) -> None:
    rows: list[Row] = [([[5, 6]], [0], [7], 1)] * 100
    examples = Examples.open(write(tmp_path, rows, chunk=3), "train", 1)
    assert examples._turns.ids.nbytes > 100 * 3 * 2, "a view of the whole file, other columns and all"
    assert not examples._turns.ids.flags.owndata


def test_spans() -> None:
    assert spans(np.array([5, 9, 20]), np.array([3, 0, 2])).tolist() == [5, 6, 7, 20, 21]
    assert spans(np.array([], dtype=int), np.array([], dtype=int)).tolist() == []


def test_what_is_no_ids_file_is_refused_by_name(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, {}, {}, None)
    (tmp_path / "ids").mkdir()
    with pytest.raises(FitError, match=r"train\.arrow: no such file"):
        Examples.open(prepared, "train", 1)
    for content in (b"", b"not arrow at all", b"\xff" * 100):
        prepared.ids("train").write_bytes(content)
        with pytest.raises(FitError, match=r"train\.arrow: no Arrow stream"):
            Examples.open(prepared, "train", 1)
    table = pa.table({"text": ["a"]})
    with pa.OSFile(str(prepared.ids("train")), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    with pytest.raises(FitError, match=r"has columns \['text'\]"):
        Examples.open(prepared, "train", 1)


def test_contexts_must_have_turns(tmp_path: Path) -> None:
    with pytest.raises(FitError, match="context without turns"):
        Examples.open(write(tmp_path, [([], [], [5], 1)]), "train", 1)
    with pytest.raises(FitError, match="context_turns is 0"):
        Examples.open(write(tmp_path, [([[5]], [0], [5], 1)]), "train", 0)
    with pytest.raises(FitError, match="source_tokens is 0"):
        Examples.open(write(tmp_path, [([[5]], [0], [5], 1)]), "train", 1, 0)
