"""Batches: which rows go together, and the tensors that are made of them once.

Rows of one exact source length stand together where there are enough of them, so that the encoder runs dense;
within a length, rows of similar replies stand together, so that hardly anything is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chatbot.tokenizer import BOS, EOS, PAD

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """N conversations with their replies, padded with PAD; S source and T target positions, the end included."""

    source: Tensor
    """(N, S) int64."""
    source_lengths: Tensor
    """(N,) int64, on the CPU whatever the device of the rest: the encoder reads it without waiting for a GPU."""
    inputs: Tensor
    """(N, T) int64: BOS and the reply."""
    targets: Tensor
    """(N, T) int64: the reply and EOS."""
    real: Tensor | None
    """Where ``targets`` is no padding, as indices into its N * T flat positions; None where none is padding."""
    words: int
    """Words of the replies, ends not counted."""
    tokens: int
    """Target positions that are no padding, ends counted."""
    scale: float | None = None
    """What a sum over ``tokens`` is multiplied by to make the loss; None: 1 / tokens, which makes a mean of it. 0 marks
    a batch that only keeps a device company."""

    @property
    def rows(self) -> int:
        """N, which is also the number of ends."""
        return self.source.shape[0]

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on a device; the source lengths stay on the CPU. The host does not wait for the copy."""
        target, now = torch.device(device), self.source.device
        if target.type == now.type and target.index in (None, now.index):  # "cuda" is whichever it lies on
            return self

        def move(tensor: Tensor) -> Tensor:
            pinned = tensor.pin_memory() if target.type == "cuda" and now.type == "cpu" else tensor
            return pinned.to(target, non_blocking=target.type == "cuda")

        return replace(
            self,
            source=move(self.source),
            inputs=move(self.inputs),
            targets=move(self.targets),
            real=None if self.real is None else move(self.real),
        )

    def halves(self) -> tuple[Batch, Batch]:
        """The first rows and the others as two batches, scaled so that their losses add up to that of the whole.

        Words are all counted with the first. Raises ValueError where there is one row only.
        """
        cut, width = self.rows // 2, self.targets.shape[1]
        if not cut:
            raise ValueError("a batch of one row cannot be halved")
        tokens = cut * width if self.real is None else int(torch.searchsorted(self.real, cut * width))
        reals = (None, None) if self.real is None else (self.real[:tokens], self.real[tokens:] - cut * width)
        counts = ((self.words, tokens), (0, self.tokens - tokens))
        first, last = (
            Batch(
                self.source[rows],
                self.source_lengths[rows],
                self.inputs[rows],
                self.targets[rows],
                real,
                *count,
                scale=1 / self.tokens if self.scale is None else self.scale,
            )
            for rows, real, count in zip((slice(0, cut), slice(cut, None)), reals, counts, strict=True)
        )
        return first, last

    def select(self, positions: Tensor) -> Tensor:
        """Of (N, T, ...) the positions that are no padding, flat: (tokens, ...)."""
        flat = positions.flatten(0, 1)
        return flat if self.real is None else flat.index_select(0, self.real)


def collate(sources: Sequence[Ints], targets: Sequence[Ints], words: Sequence[int] | Ints) -> Batch:
    """A batch of sources (each ends with EOS) and targets (neither BOS nor EOS in them).

    Raises:
        ValueError: there are no rows, a source is empty, or the three differ in length.
    """
    if not len(sources) == len(targets) == len(words) > 0:
        raise ValueError(
            f"expected as many sources, targets and word counts, at least one: got {len(sources)}, "
            f"{len(targets)} and {len(words)}"
        )
    return assemble(
        np.concatenate(sources),
        np.array([len(s) for s in sources]),
        np.concatenate(targets),
        np.array([len(t) for t in targets]),
        int(sum(words)),
    )


def assemble(
    source: npt.NDArray[np.integer],
    source_lengths: Ints,
    target: npt.NDArray[np.integer],
    target_lengths: Ints,
    words: int,
) -> Batch:
    """A batch from the flat ids of its rows, one row after the other, and their lengths (N,).

    ``target`` and ``target_lengths`` count neither BOS nor EOS. Raises ValueError where a source is empty.
    """
    if int(source_lengths.min()) < 1:
        raise ValueError("a source has no tokens; each must at least hold its end")
    rows = len(source_lengths)
    sources = np.full((rows, int(source_lengths.max())), PAD, dtype=np.int64)
    sources[np.arange(sources.shape[1]) < source_lengths[:, None]] = source
    inputs, targets, real = shifted(target, target_lengths)
    lengths = torch.from_numpy(np.ascontiguousarray(source_lengths, dtype=np.int64))
    return Batch(
        source=torch.from_numpy(sources),
        source_lengths=lengths,
        inputs=inputs,
        targets=targets,
        real=real,
        words=int(words),
        tokens=int(target_lengths.sum()) + rows,
    )


def shifted(target: npt.NDArray[np.integer], target_lengths: Ints) -> tuple[Tensor, Tensor, Tensor | None]:
    """What a decoder reads and what it is to say, from flat ids without ends: `Batch`'s inputs, targets and real."""
    rows, longest = len(target_lengths), int(target_lengths.max()) + 1
    inputs = np.full((rows, longest), PAD, dtype=np.int64)
    targets = inputs.copy()
    pieces = np.arange(longest) < target_lengths[:, None]  # (N, T) where the reply's own pieces are targets
    inputs[:, 0] = BOS
    inputs[:, 1:][pieces[:, :-1]] = target
    targets[pieces] = target
    targets[np.arange(rows), target_lengths] = EOS
    real = None
    if int(target_lengths.sum()) + rows < targets.size:
        real = torch.from_numpy(np.flatnonzero(np.arange(longest) <= target_lengths[:, None]))
    return torch.from_numpy(inputs), torch.from_numpy(targets), real


class TokenBatches:
    """The batches of an epoch as arrays of row numbers: a pure function of (seed, epoch).

    A batch costs rows * (longest source + longest target), at most ``budget`` tokens; a row that is dearer alone
    stands alone. Where the cuts fall depends on the lengths only, so every epoch has the same number of
    batches; what changes is which of the rows of equal lengths meet, and in what order batches come.

    Args:
        source_lengths: (rows,) with the end.
        target_lengths: (rows,) with the end.
        budget: tokens of a batch at most, padding counted.
        seed: of the shuffling.
    """

    def __init__(
        self,
        source_lengths: npt.NDArray[np.integer],
        target_lengths: npt.NDArray[np.integer],
        budget: int,
        seed: int,
    ) -> None:
        if budget < 1:
            raise ValueError(f"the token budget must be at least 1, got {budget}")
        if len(source_lengths) != len(target_lengths):
            raise ValueError(f"got {len(source_lengths)} source lengths and {len(target_lengths)} target lengths")
        self._seed = seed
        sources, targets = source_lengths.astype(np.int64), target_lengths.astype(np.int64)
        self._key = sources * (int(targets.max(initial=0)) + 1) + targets  # rows of equal key are interchangeable
        order = np.argsort(self._key, kind="stable")
        self._places, self._cuts = _cut(sources[order], targets[order], budget)

    def __len__(self) -> int:
        return len(self._cuts) - 1

    def epoch(self, number: int) -> list[Ints]:
        """The batches of epoch ``number``, shuffled; each row of the data stands in exactly one of them."""
        random = np.random.default_rng([self._seed, number])
        shuffled = random.permutation(len(self._key))
        order = shuffled[np.argsort(self._key[shuffled], kind="stable")]
        batches = self._split(order)
        return [batches[i] for i in random.permutation(len(batches))]

    def in_order(self) -> list[Ints]:
        """The batches unshuffled, from short to long: for validation."""
        return self._split(np.argsort(self._key, kind="stable"))

    def _split(self, order: Ints) -> list[Ints]:
        rows = order[self._places]
        return [rows[start:end] for start, end in pairwise(self._cuts)]


def _cut(sources: Ints, targets: Ints, budget: int) -> tuple[Ints, list[int]]:
    """Divide rows sorted by (source, target) length: their places in the order of batches, and where to cut.

    Each source length is cut alone; what is left of it and fills less than half a batch joins the leftovers of
    the other lengths, which are cut among themselves.
    """
    runs: list[Ints] = []
    leftover: list[Ints] = []
    bounds = [*np.flatnonzero(np.diff(sources, prepend=-1)).tolist(), len(sources)]
    for start, end in pairwise(bounds):
        first = start
        while first < end:
            last = _fill(sources, targets, first, end, budget)
            full = 2 * (last - first) * int(sources[first] + targets[last - 1]) >= budget
            (runs if last < end or full else leftover).append(np.arange(first, last))
            first = last
    if leftover:
        runs += _cut_mixed(sources, targets, np.concatenate(leftover), budget)
    places = np.concatenate(runs) if runs else np.zeros(0, dtype=np.int64)
    return places, np.cumsum([0, *(len(run) for run in runs)]).tolist()


def _fill(sources: Ints, targets: Ints, first: int, end: int, budget: int) -> int:
    """Where the batch that begins at ``first`` ends, its rows being of one source length; at least one row."""
    source = int(sources[first])
    most = min(end - first, max(1, budget // (source + int(targets[first]))))
    cost = np.arange(1, most + 1) * (source + targets[first : first + most])
    return first + max(1, int(np.searchsorted(cost, budget, side="right")))


def _cut_mixed(sources: Ints, targets: Ints, rows: Ints, budget: int) -> list[Ints]:
    """Divide rows of unlike lengths, from short to long."""
    runs: list[Ints] = []
    first = longest = 0
    for place, row in enumerate(rows.tolist()):
        longest = max(longest, int(targets[row]))
        if place > first and (place + 1 - first) * (int(sources[row]) + longest) > budget:
            runs.append(rows[first:place])
            first, longest = place, int(targets[row])
    return [*runs, rows[first:]]
