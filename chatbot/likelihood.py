"""Nats per word of a model on pairs: one definition, for training, for reports, and for whoever checks them.

The summed negative log-likelihood of the replies, ends included, over the words of the replies plus one for each
end. It does not depend on how the tokenizer cuts, so models of different vocabularies compare.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from chatbot.data.batches import Batch, shifted
from chatbot.model.decoder import Memory
from chatbot.model.seq2seq import Seq2Seq
from chatbot.tokenizer import EOS, PAD

_READ = 8192  # positions of sources that are read at a time, padding included
_SAID = 2048  # positions of replies that are said at a time, padding included
_AT_ONCE = 512  # of them that are scored at a time: memory for more scores would come fresh, which takes as long again
_KEPT = 32_768  # positions of sources that are held beside them, once for each reply
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What replies cost a model. Likelihoods of parts of a split add up to that of the split."""

    nats: float = 0.0
    """Summed negative log-likelihood, ends included."""
    words: int = 0
    """Words, plus one for each end."""
    tokens: int = 0
    """Pieces, ends included."""

    def __add__(self, other: Likelihood) -> Likelihood:
        return Likelihood(self.nats + other.nats, self.words + other.words, self.tokens + other.tokens)

    @property
    def nats_per_word(self) -> float:
        """Not a number where there are no words."""
        return self.nats / self.words if self.words else math.nan

    @property
    def perplexity_per_word(self) -> float:
        """exp(nats per word); infinite where that is beyond a float."""
        return perplexity(self.nats_per_word)


def perplexity(nats: float) -> float:
    """exp(nats), infinite where that is beyond a float.

    >>> perplexity(0.0), perplexity(1e6)
    (1.0, inf)
    """
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


def negative_log_likelihood(model: Seq2Seq, batch: Batch) -> Tensor:
    """Summed over the real target tokens of a batch, in nats: a scalar tensor, float32 at least."""
    hidden = model(batch.source, batch.source_lengths, batch.inputs)  # (N, T, E)
    logits = model.logits(batch.select(hidden))  # (tokens, V)
    return F.cross_entropy(logits, batch.select(batch.targets), reduction="sum")


def of_batch(batch: Batch, nats: float) -> Likelihood:
    """The likelihood of one batch whose summed nats are known."""
    return Likelihood(nats, batch.words + batch.rows, batch.tokens)


@torch.inference_mode()
def of_replies(
    model: Seq2Seq,
    sources: Sequence[Sequence[int]],
    replies: Sequence[Sequence[int]],
    ended: Sequence[bool] | None = None,
    watch: Callable[[int], object] | None = None,
) -> list[float]:
    """The log-probability of each reply after its source, ends included, in nats: many at a time, in their order.

    Sources end with EOS, replies do not; the model is in evaluation mode. Of replies that have not ``ended`` the end
    does not count. ``watch`` is told of each so many that are done.
    """
    device = model.bias.device
    asked: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, source in enumerate(sources):
        asked[tuple(source)].append(row)  # a source is read once, whatever replies it has
    found = [0.0] * len(sources)
    for read in _portions(asked, len, _READ):
        memory = model.encode(*_padded(read, device))
        place = {row: number for number, source in enumerate(read) for row in asked[source]}
        together = max(1, _KEPT // memory.values.shape[1])
        for rows in _portions(place, lambda row: len(replies[row]) + 1, _SAID, together):
            own = memory.keep(torch.tensor([place[row] for row in rows], device=device))
            counted = [ended is None or ended[row] for row in rows]
            nats = _of_rows(model, own, [replies[row] for row in rows], counted)
            for row, one in zip(rows, nats.tolist(), strict=True):
                found[row] = -one
            if watch is not None:
                watch(len(rows))
    return found


def _of_rows(model: Seq2Seq, memory: Memory, replies: Sequence[Sequence[int]], ended: Sequence[bool]) -> Tensor:
    """What N replies cost after what was read for each: (N,)."""
    lengths = np.array([len(ids) for ids in replies], dtype=np.int64)
    flat = np.array([one for ids in replies for one in ids], dtype=np.int64)
    device, (inputs, targets, real) = model.bias.device, shifted(flat, lengths)
    inputs, targets, real = inputs.to(device), targets.to(device), None if real is None else real.to(device)

    def select(positions: Tensor) -> Tensor:  # (N, T, ...) -> (tokens, ...)
        return positions.flatten(0, 1) if real is None else positions.flatten(0, 1)[real]

    both = (torch.split(select(tensor), _AT_ONCE) for tensor in (model.decode(inputs, memory), targets))
    parts = zip(*both, strict=True)
    cost = torch.cat([F.cross_entropy(model.logits(hidden), right, reduction="none") for hidden, right in parts])
    counts = torch.tensor(ended, device=device)[:, None] | (targets != EOS)  # (N, T)
    owner = torch.arange(len(replies), device=device)[:, None].expand_as(targets)
    return cost.new_zeros(len(replies)).index_add_(0, select(owner), cost.masked_fill_(~select(counts), 0.0))


def _padded(sources: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """(N, S), and their lengths on the CPU."""
    rows = [torch.tensor(source, dtype=torch.long) for source in sources]
    return pad_sequence(rows, batch_first=True, padding_value=PAD).to(device), torch.tensor(list(map(len, rows)))


def _portions(
    rows: Iterable[Row], size: Callable[[Row], int], most: int, count: int | None = None
) -> Iterator[list[Row]]:
    """The rows from small to large, cut where their number times the largest is above the most; at least one each.

    None has more than ``count`` rows.
    """
    some: list[Row] = []
    for row in sorted(rows, key=size):
        if some and ((len(some) + 1) * size(row) > most or len(some) == count):
            yield some
            some = []
        some.append(row)
    if some:
        yield some


@torch.no_grad()
def measure(model: Seq2Seq, batches: Iterable[Batch]) -> Likelihood:
    """Nats of all batches, without dropout; the model is left in the mode that it was in.

    Batches are moved to the model's device.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    try:
        total = Likelihood()
        for batch in batches:
            total += of_batch(batch, float(negative_log_likelihood(model, batch.to(device))))
        return total
    finally:
        model.train(training)
