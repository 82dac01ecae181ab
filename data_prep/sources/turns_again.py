"""The ``turns.parquet`` that ``--stop-after read`` writes: the dialogues as they were read, in full.

Any other table of messages loses what only ours has: personas, what a message expressly answers, groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from data_prep.ours import MARK, TURNS
from data_prep.records import Dialogue, Turn

_COLUMNS = ("dialogue", "turn", "speaker", "time", "text", "answers", "group", "personas")
_MILLISECONDS = 1000


def is_ours(schema: pa.Schema) -> bool:
    """Whether a Parquet file is ours by its mark, and has kept its columns."""
    return MARK.items() <= (schema.metadata or {}).items() and set(_COLUMNS) <= set(schema.names)


def dialogues(name: str, batches: Iterable[pa.RecordBatch]) -> Iterator[Dialogue]:
    """Dialogues in the order of the file; the rows of each are beside each other.

    Args:
        name: of the file. A ``turns.parquet`` alone keeps its ids, so that they fall to the splits they would have
            fallen to without it; of several, each puts its name before.
        batches: some rows after others.
    """
    before = "" if name == TURNS else f"{name}:"
    open_: list[tuple[Any, ...]] = []
    for batch in batches:
        for row in zip(*map(_values, batch.select(_COLUMNS).columns), strict=True):
            if open_ and (row[0] != open_[-1][0] or row[1] <= open_[-1][1]):
                yield _dialogue(before, open_)
                open_ = []
            open_.append(row)
    if open_:
        yield _dialogue(before, open_)


def _values(column: pa.Array) -> list[Any]:
    column = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return list(column.to_pylist())


def _dialogue(before: str, rows: list[tuple[Any, ...]]) -> Dialogue:
    """One dialogue; what is answered is found again where rows were taken out."""
    places = {row[1]: place for place, row in enumerate(rows)}
    turns = [
        Turn(speaker or "", text or "", None if time is None else time / _MILLISECONDS, places.get(answers))
        for _, _, speaker, time, text, answers, _, _ in rows
    ]
    name, group = rows[0][0] or "", rows[0][6]
    personas = tuple((told["speaker"], told["text"]) for row in rows for told in row[7] or ())
    return Dialogue(f"{before}{name}", tuple(turns), f"{before}{group}" if group else "", personas)
