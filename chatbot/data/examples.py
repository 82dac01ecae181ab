"""The token ids of a split, read where they lie on the disk.

An Arrow stream is mapped into memory, and all its numbers are seen as one array: where a turn or a reply
begins in it is reckoned once. A batch is then cut out by index arithmetic, without a loop over rows or tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from chatbot.data.batches import Batch, Ints, assemble
from chatbot.errors import FitError
from chatbot.tokenizer import EOS, PERSONA, SEP
from data_prep.store import Prepared


class Examples:
    """Sources (the last turns of a context, joined as in `chatbot.tokenizer.join`) and targets, by row.

    Open one with `Examples.open`. ``source_lengths`` and ``target_lengths`` (rows,) count the end; ``words``
    (rows,) are those of the reply.

    Args:
        table: columns context, roles, reply and words.
        context_turns: how many of the last turns are read; a persona before them is read besides.
        source_tokens: ids of a source at most, the oldest being left out; None for all.
        mapped: the file that the table lies in.
    """

    columns: tuple[str, ...] = ("context", "roles", "reply", "words")
    """What the table must have."""

    def __init__(
        self, table: pa.Table, context_turns: int, source_tokens: int | None = None, mapped: pa.Buffer | None = None
    ) -> None:
        if context_turns < 1:
            raise FitError(f"data.context_turns is {context_turns}; expected at least 1 turn to answer to")
        if source_tokens is not None and source_tokens < 1:
            raise FitError(f"data.source_tokens is {source_tokens}; expected at least 1, or null")
        turns, replies = _Pieces(), _Pieces()
        counts: list[Ints] = []
        roles: list[npt.NDArray[np.uint8]] = []
        for chunk in table.to_batches():
            context = chunk.column("context")
            counts.append(np.diff(_offsets(context)))
            first, last = (int(context.offsets[i].as_py()) for i in (0, -1))
            turns.add(context.values.slice(first, last - first))
            roles.append(chunk.column("roles").flatten().to_numpy(zero_copy_only=True))
            replies.add(chunk.column("reply"))
        self._table = table  # the arrays below are views of its memory
        self._turns, self._replies = turns.join(mapped), replies.join(mapped)
        count = np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)
        self._past = np.cumsum(count)  # (rows,) one past the last turn of a row
        self._first = self._past - count  # (rows,) the first turn of a row
        self._roles = np.concatenate([np.zeros(0, np.uint8), *roles])  # (turns,)
        if len(count) and int(count.min()) < 1:
            raise FitError("token ids: a row has a context without turns; run `chatbot prepare` again")
        self._persona = (self._roles[self._first] == PERSONA - SEP).astype(np.int64)  # (rows,) 1 where there is one
        self._used = np.minimum(count - self._persona, context_turns)  # (rows,) turns of a row that are read
        total = np.r_[0, np.cumsum(self._turns.lengths)]
        pieces = total[self._past] - total[self._past - self._used] + self._persona * self._turns.lengths[self._first]
        self._whole: Ints = pieces + self._used + self._persona  # a mark after each turn, an EOS after the last
        self.source_lengths: Ints = self._whole if source_tokens is None else np.minimum(self._whole, source_tokens)
        self.target_lengths: Ints = self._replies.lengths + 1
        self.words: npt.NDArray[np.integer] = table.column("words").to_numpy()

    @classmethod
    def open(cls, prepared: Prepared, split: str, context_turns: int, source_tokens: int | None = None) -> Self:
        """Map the ids of ``train``, ``valid`` or ``test``.

        Raises:
            FitError: they are absent, or no Arrow stream of the expected columns.
        """
        table, mapped = _read(prepared.ids(split), cls.columns)
        return cls(table, context_turns, source_tokens, mapped)

    def __len__(self) -> int:
        return len(self._past)

    def source(self, row: int) -> Ints:
        """The source of a row with its end, as the encoder reads it."""
        return self._sources(np.array([row]))[0]

    def target(self, row: int) -> Ints:
        """The reply of a row, neither BOS nor EOS in it."""
        return self._targets(np.array([row])).astype(np.int64)

    def asked(self, row: int) -> list[int]:
        """What a row is asked, without marks: what it replies to."""
        turn: list[int] = self._turns.cut(self._past[[row]] - 1).tolist()
        return turn

    def batch(self, rows: Ints) -> Batch:
        """The tensors of these rows."""
        source, lengths = self._sources(rows)
        return assemble(
            source, lengths, self._targets(rows), self.target_lengths[rows] - 1, int(self.words[rows].sum())
        )

    def _targets(self, rows: Ints) -> npt.NDArray[np.integer]:
        """Flat ids of what rows are to learn to say, without ends."""
        return self._replies.cut(rows)

    def _sources(self, rows: Ints) -> tuple[Ints, Ints]:
        """Flat ids of the sources of rows, one after the other, and the length of each."""
        persona, lengths = self._persona[rows], self.source_lengths[rows]
        count = self._used[rows] + persona
        ends = np.cumsum(count)
        turns = spans(self._past[rows] - count, count)
        turns[(ends - count)[persona == 1]] = self._first[rows[persona == 1]]
        steps = self._turns.lengths[turns] + 1  # each turn takes its pieces and one mark after them
        marks = np.cumsum(steps) - 1
        flat = np.empty(int(steps.sum()), dtype=np.int64)
        flat[spans(marks + 1 - steps, steps - 1)] = self._turns.cut(turns)
        flat[marks] = SEP + self._roles[turns].astype(np.int64)
        last = marks[ends - 1]
        flat[last] = EOS
        if len(flat) > lengths.sum():
            flat = flat[spans(last + 1 - lengths, lengths)]
        return flat, lengths


class BackwardExamples(Examples):
    """The other way about: the reply is the source, and what it answers, its last turn, the target."""

    columns = (*Examples.columns, "heard")

    def __init__(
        self, table: pa.Table, context_turns: int, source_tokens: int | None = None, mapped: pa.Buffer | None = None
    ) -> None:
        super().__init__(table, context_turns, source_tokens, mapped)
        whole = self._replies.lengths + 1
        self.source_lengths = whole if source_tokens is None else np.minimum(whole, source_tokens)
        self.target_lengths = self._turns.lengths[self._past - 1] + 1
        self.words = table.column("heard").to_numpy()

    def asked(self, row: int) -> list[int]:
        """The reply that a row is to find the question to."""
        reply: list[int] = self._replies.cut(np.array([row])).tolist()
        return reply

    def _sources(self, rows: Ints) -> tuple[Ints, Ints]:
        lengths = self.source_lengths[rows]
        flat = np.full(int(lengths.sum()), EOS, dtype=np.int64)
        kept = lengths - 1  # the last of a reply's pieces, where not all are read
        begins = np.cumsum(lengths) - lengths
        ends = self._replies.starts[rows] + self._replies.lengths[rows]
        flat[spans(begins, kept)] = self._replies.ids[spans(ends - kept, kept)]
        return flat, lengths

    def _targets(self, rows: Ints) -> npt.NDArray[np.integer]:
        return self._turns.cut(self._past[rows] - 1)


class UnpromptedExamples(Examples):
    """Replies alone: the source is an end and nothing else, so that what is learnt is how likely a reply is at all."""

    def __init__(
        self, table: pa.Table, context_turns: int, source_tokens: int | None = None, mapped: pa.Buffer | None = None
    ) -> None:
        super().__init__(table, context_turns, source_tokens, mapped)
        self.source_lengths = np.ones(len(self), dtype=np.int64)

    def asked(self, row: int) -> list[int]:
        """Nothing."""
        return []

    def _sources(self, rows: Ints) -> tuple[Ints, Ints]:
        return np.full(len(rows), EOS, dtype=np.int64), np.ones(len(rows), dtype=np.int64)


Task = Literal["reply", "backward", "language_model"]
TASKS: dict[Task, type[Examples]] = {
    "reply": Examples,
    "backward": BackwardExamples,
    "language_model": UnpromptedExamples,
}
"""What a network is to learn, by name."""


class _Pieces:
    """Lists of piece ids out of several record batches, as one array of ids and where each list begins."""

    def __init__(self) -> None:
        self._arrays: list[npt.NDArray[np.integer]] = []
        self._starts: list[Ints] = []
        self._lengths: list[Ints] = []

    def add(self, lists: pa.LargeListArray) -> None:
        """Take the lists of one record batch."""
        offsets = _offsets(lists)
        self._arrays.append(lists.values.to_numpy(zero_copy_only=True))
        self._starts.append(offsets[:-1])
        self._lengths.append(np.diff(offsets))

    def join(self, mapped: pa.Buffer | None) -> _Pieces:
        """Make one address space of all that was added; it lies in ``mapped`` where that is given."""
        self.ids, origins = _one_view(self._arrays, mapped)
        starts = [start + origin for start, origin in zip(self._starts, origins, strict=True)]
        self.starts: Ints = np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)
        self.lengths: Ints = np.concatenate(self._lengths) if starts else np.zeros(0, dtype=np.int64)
        return self

    def cut(self, lists: Ints) -> npt.NDArray[np.integer]:
        """The ids of these lists, one after the other."""
        return self.ids[spans(self.starts[lists], self.lengths[lists])]


def spans(starts: Ints, lengths: Ints) -> Ints:
    """Numbers ``start, start + 1, ...`` of each span, one span after the other.

    >>> spans(np.array([5, 20]), np.array([3, 2])).tolist()
    [5, 6, 7, 20, 21]
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - ends + lengths, lengths)


def _offsets(lists: pa.LargeListArray) -> Ints:
    offsets: Ints = lists.offsets.to_numpy(zero_copy_only=True).astype(np.int64, copy=False)
    return offsets


def _one_view(
    arrays: list[npt.NDArray[np.integer]], mapped: pa.Buffer | None
) -> tuple[npt.NDArray[np.integer], list[int]]:
    """One array over all of ``arrays``, and where each begins in it.

    Those of a mapped file lie in its memory, with other columns in between: the file itself, seen as numbers of
    their width, spans them all and copies nothing. Arrays from elsewhere are copied together.
    """
    if not arrays:
        return np.zeros(0, dtype=np.uint16), []
    if mapped is not None:
        width = arrays[0].itemsize
        distances = [array.__array_interface__["data"][0] - mapped.address for array in arrays]
        if all(0 <= d < mapped.size and d % width == 0 for d in distances):  # all of it is uncompressed
            file = np.frombuffer(mapped, dtype=arrays[0].dtype, count=mapped.size // width)
            return file, [d // width for d in distances]
    return np.concatenate(arrays), np.cumsum([0, *(len(a) for a in arrays[:-1])]).tolist()


def _read(path: Path, wanted: Sequence[str]) -> tuple[pa.Table, pa.Buffer]:
    """The table of an Arrow stream, its columns left on the disk until they are read, and the mapped file."""
    again = "run `chatbot prepare` again"
    if not path.is_file():
        raise FitError(f"{path}: no such file; expected the token ids of a prepared folder; {again}")
    mapped = pa.memory_map(str(path)).read_buffer()
    try:
        table = pa.ipc.open_stream(mapped).read_all()
    except (pa.ArrowInvalid, OSError) as error:  # the file is mapped already: an OSError tells of its content
        raise FitError(f"{path}: no Arrow stream of token ids ({error}); {again}") from error
    if any(name not in table.column_names for name in wanted):
        raise FitError(f"{path}: has columns {table.column_names}, expected {list(wanted)}; {again}")
    return table, mapped
