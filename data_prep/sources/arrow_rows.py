"""Arrow tables as dialogues with little Python a turn: flat columns and offsets, cut where dialogues begin.

What is plain (no empty text, no role that instructs, nothing out of order) is sliced as it stands; the rest goes the
way of ``rows``. Parquet files and corpora of the hub are read so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, pairwise
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.errors import PrepareError
from data_prep.records import Dialogue, Turn
from data_prep.sources import names, rows
from data_prep.sources.cells import name_of
from data_prep.sources.columns import Picked, guess, not_told
from data_prep.sources.files import Notes
from data_prep.sources.moments import Moments
from data_prep.sources.names import normal
from data_prep.sources.options import SourceConfig
from data_prep.sources.roles import ROLES

SAMPLE = 200
"""Rows that tell what the columns hold."""
ERRORS = (pa.ArrowException, OSError, ValueError, OverflowError, NotImplementedError, BadZipFile)
"""What broken or strange Arrow data raises."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86400.0

Batches = Callable[[list[str]], Iterator[pa.RecordBatch]]
"""Opens a table anew and gives the batches of some of its columns."""


def dialogues(
    name: str, batches: Batches, where: str, notes: Notes, config: SourceConfig, *, again: bool = True
) -> Iterator[Dialogue]:
    """Dialogues of a table.

    Args:
        name: how the ids begin.
        batches: gives the batches of the columns asked for; of all with an empty list.
        where: what the table is called in messages.
        notes: takes what is left out.
        config: what the user says of the columns.
        again: the table may be read twice: first the column of dialogues, to see whether each is in one piece.

    Raises:
        PrepareError: nothing tells which columns are talk, or the data are broken.
    """
    try:
        first = next((batch for batch in batches([]) if batch.num_rows), None)
        if first is None:
            return
        known = Counter(first.schema.names)
        sample = {column: _values(first.column(column).slice(0, SAMPLE)) for column in known if known[column] == 1}
        picked = guess(sample, config.columns, where)
        if picked is None:
            raise not_told(sample, where)
        yield from _read(name, batches, picked, notes, config, again)
    except ERRORS as error:
        raise unreadable(where, error) from error


def unreadable(where: str, error: Exception) -> PrepareError:
    """What to say of data that are broken."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return PrepareError(f"{where}: cannot be read ({reason}); check it and run again")


def _read(
    name: str, batches: Batches, picked: Picked, notes: Notes, config: SourceConfig, again: bool
) -> Iterator[Dialogue]:
    if picked.kind == "lists":
        number = 0
        for batch in batches(picked.needed):
            yield from _listed(name, number, batch, picked, notes)
            number += batch.num_rows
        return
    grouped = picked.kind == "messages" and picked.dialogue and again and in_pieces(batches, picked.dialogue)
    if grouped and not picked.id:
        yield from _pieces(name, batches(picked.needed), picked, notes, config)
        return
    columns = ({c: _values(batch.column(c)) for c in picked.needed} for batch in batches(picked.needed))
    yield from rows.dialogues(name, columns, picked, notes, config, sorted_=bool(grouped))


def _values(column: pa.Array) -> list[Any]:
    """A column as Python values; times as seconds, bytes that are no UTF-8 as U+FFFD."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return _seconds(column)
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        if pa.types.is_nested(column.type):
            raise
        return [None if b is None else b.decode("utf-8", "replace") for b in column.cast(pa.large_binary()).to_pylist()]


def _seconds(column: pa.Array) -> list[float | None]:
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
        return [None if day is None else _DAY * day for day in column.to_pylist()]
    unit = _PER_SECOND[column.type.unit]
    return [None if ticks is None else ticks / unit for ticks in column.cast(pa.int64()).to_pylist()]


def _strings(column: pa.Array) -> pa.Array:
    """A column of names or texts as strings; raises where it holds lists or structs."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.large_string())


def _listed(name: str, number: int, batch: pa.RecordBatch, picked: Picked, notes: Notes) -> Iterator[Dialogue]:
    """A dialogue a row: its turns are a slice of the flat values. ``number``: rows before."""
    if not _is_plain(batch.column(picked.text), picked):
        yield from _slowly(name, number, batch, picked, notes)
        return
    column, inner = batch.column(picked.text), picked.inner
    edges = column.offsets.to_numpy()
    flat = column.values.slice(edges[0], edges[-1] - edges[0])
    texts = _strings(pc.struct_field(flat, inner.text) if inner else flat)
    speakers = _strings(pc.struct_field(flat, inner.speaker)) if inner else None
    odd = np.cumsum(np.r_[0, _odd(texts, speakers, inner)]).tolist()
    said, who = _values(texts), None if speakers is None else _values(speakers)
    offsets = (edges - edges[0]).tolist()
    for row, (start, end) in enumerate(pairwise(offsets)):
        if odd[end] > odd[start] or start == end:
            yield from _slowly(name, number + row, batch.slice(row, 1), picked, notes)
        else:
            people = cycle("AB") if who is None else who[start:end]
            yield Dialogue(f"{name}:{number + row + 1}", tuple(map(Turn, people, said[start:end])))


def _is_plain(column: pa.Array, picked: Picked) -> bool:
    """Lists of strings, or of structs with a string for the text and a name for the speaker, and no more to heed."""
    kind, inner = column.type, picked.inner
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or picked.speaker:
        return False
    lengths = np.diff(column.offsets.to_numpy())
    if lengths[column.is_null().to_numpy(zero_copy_only=False)].any():
        return False
    if inner is None:
        return _is_text(kind.value_type)
    if inner.time or inner.id or inner.order or inner.dialogue or not inner.speaker:
        return False
    fields = kind.value_type
    nested: bool = pa.types.is_nested(fields.field(inner.speaker).type)
    return _is_text(fields.field(inner.text).type) and not nested


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _slowly(name: str, number: int, batch: pa.RecordBatch, picked: Picked, notes: Notes) -> Iterator[Dialogue]:
    columns = {column: _values(batch.column(column)) for column in picked.needed}
    return rows.dialogues(name, [columns], picked, notes, SourceConfig(), first=number + 1)


def _odd(texts: pa.Array, speakers: pa.Array | None, picked: Picked | None) -> npt.NDArray[np.bool_]:
    """Which turns are not read as they stand: without a text or a speaker, or said by what instructs."""
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0)
    odd = pc.fill_null(blank, True)
    if speakers is not None:
        odd = pc.or_(odd, pc.is_null(speakers))
        if picked and picked.speaker and normal(picked.speaker) in ROLES:
            instructing = pa.array(sorted(names.INSTRUCTIONS), pa.large_string())
            odd = pc.or_(odd, pc.is_in(pc.utf8_lower(speakers), instructing))
    return np.asarray(odd.to_numpy(zero_copy_only=False), bool)


def in_pieces(batches: Batches, column: str) -> bool:
    """Whether the rows of each dialogue are beside each other."""
    begun: list[int] = []
    last: Any = object()
    for batch in batches([column]):
        keys = _values(batch.column(column))
        begun += [hash(keys[place]) for place in _starts(keys, last)]
        last = keys[-1] if keys else last
    return bool(len(np.unique(np.array(begun, np.int64))) == len(begun))


def _starts(keys: list[Any], last: Any) -> list[int]:
    return [place for place, (key, before) in enumerate(zip(keys, [last, *keys], strict=False)) if key != before]


def _pieces(
    name: str, batches: Iterable[pa.RecordBatch], picked: Picked, notes: Notes, config: SourceConfig
) -> Iterator[Dialogue]:
    """Messages a row, each dialogue in one piece, which may go on in the batches after."""
    open_: list[pa.RecordBatch] = []
    last: Any = object()
    for batch in batches:
        keys = _values(batch.column(picked.dialogue))
        starts = _starts(keys, last)
        last = keys[-1] if keys else last
        if not starts:
            open_.append(batch)
            continue
        whole = pa.Table.from_batches([*open_, batch.slice(0, starts[0])])
        yield from _cut(name, whole, [0, whole.num_rows], picked, notes, config)
        done = batch.slice(starts[0], starts[-1] - starts[0])
        yield from _cut(name, pa.Table.from_batches([done]), [s - starts[0] for s in starts], picked, notes, config)
        open_ = [batch.slice(starts[-1])]
    if open_:
        whole = pa.Table.from_batches(open_)
        yield from _cut(name, whole, [0, whole.num_rows], picked, notes, config)


def _cut(
    name: str, whole: pa.Table, starts: list[int], picked: Picked, notes: Notes, config: SourceConfig
) -> Iterator[Dialogue]:
    """The dialogues that begin at ``starts``, the last of which is the end."""
    if not whole.num_rows:
        return
    columns = {column: _values(whole.column(column).combine_chunks()) for column in picked.needed}
    if picked.time:
        columns[picked.time] = _as_seconds(columns, picked, config)
    odd = np.cumsum(np.r_[0, _odd_rows(whole, columns, starts, picked)]).tolist()
    nothing = [None] * whole.num_rows
    keys, said = columns[picked.dialogue or ""], columns[picked.text]
    who = columns[picked.speaker] if picked.speaker else None
    times = columns[picked.time] if picked.time else nothing
    groups = columns[picked.chat] if picked.chat else nothing
    for start, end in pairwise(starts):
        if odd[end] > odd[start]:
            piece = {column: values[start:end] for column, values in columns.items()}
            yield from rows.dialogues(name, [piece], picked, notes, config)
            continue
        people = cycle("AB") if who is None else map(name_of, who[start:end])
        turns = tuple(map(Turn, people, said[start:end], times[start:end]))
        yield Dialogue(f"{name}:{name_of(keys[start])}", turns, name_of(groups[start]))


def _as_seconds(columns: dict[str, list[Any]], picked: Picked, config: SourceConfig) -> list[float | None]:
    times = rows.times(columns, picked)
    moments = Moments(times[:SAMPLE], config.dates)
    return [moments.seconds(time) for time in times]


def _odd_rows(
    whole: pa.Table, columns: dict[str, list[Any]], starts: list[int], picked: Picked
) -> npt.NDArray[np.bool_]:
    """As ``_odd``; and what stands before a row that it should follow, by number or by time."""
    texts, speakers = whole.column(picked.text).combine_chunks(), None
    if picked.speaker:
        speakers = whole.column(picked.speaker).combine_chunks()
    if not _is_text(texts.type) or (speakers is not None and pa.types.is_nested(speakers.type)):
        return np.ones(whole.num_rows, bool)
    odd = _odd(_strings(texts), None if speakers is None else _strings(speakers), picked)
    first = np.zeros(whole.num_rows, bool)
    first[starts[:-1]] = True
    for column in filter(None, (picked.time, picked.order)):
        values = _numbers(columns[column])
        odd |= np.r_[False, values[1:] < values[:-1]] & ~first
    return odd


def _numbers(values: list[Any]) -> npt.NDArray[np.float64]:
    """Values as numbers; what is none, as may come after the rows that told what a column holds, is not a number."""
    try:
        return np.array(values, float)
    except (TypeError, ValueError):
        return np.array([_number(value) for value in values], float)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
