"""Nats per word of a model on pairs: one definition, for training, for reports, and for whoever checks them.

The summed negative log-likelihood of the replies, ends included, over the words of the replies plus one for each
end. It does not depend on how the tokenizer cuts, so models of different vocabularies compare.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from chatbot.data.batches import Batch, collate
from chatbot.model.seq2seq import Seq2Seq
from chatbot.tokenizer import EOS

_POSITIONS = 2048  # of replies that are scored at a time, padding included: 65 MB of scores


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
) -> list[float]:
    """The log-probability of each reply after its source, ends included, in nats: many at a time, in their order.

    Sources end with EOS, replies do not; the model is in evaluation mode. Of replies that have not ``ended`` the end
    does not count.
    """
    device = model.bias.device
    found = [0.0] * len(sources)
    order = sorted(range(len(sources)), key=lambda i: (len(sources[i]), len(replies[i])))
    for rows in _portions(order, replies):
        some = (
            [np.array(sources[i], dtype=np.int64) for i in rows],
            [np.array(replies[i], dtype=np.int64) for i in rows],
        )
        batch = collate(*some, [0] * len(rows)).to(device)
        hidden = model(batch.source, batch.source_lengths, batch.inputs)  # (N, T, E)
        cost = F.cross_entropy(model.logits(batch.select(hidden)), batch.select(batch.targets), reduction="none")
        if ended is not None:
            cut = torch.tensor([not ended[i] for i in rows], device=device)[:, None]  # (N, 1)
            cost = cost.masked_fill_(batch.select(cut & (batch.targets == EOS)), 0.0)
        owner = torch.arange(len(rows), device=device)[:, None].expand_as(batch.targets)  # (N, T)
        nats = cost.new_zeros(len(rows)).index_add_(0, batch.select(owner), cost)  # (N,)
        for row, one in zip(rows, nats.tolist(), strict=True):
            found[row] = -one
    return found


def _portions(order: Sequence[int], replies: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The order cut where a batch would grow too large; at least one reply each."""
    rows: list[int] = []
    longest = 0
    for row in order:
        longest = max(longest, len(replies[row]) + 1)
        if rows and (len(rows) + 1) * longest > _POSITIONS:
            yield rows
            rows, longest = [], len(replies[row]) + 1
        rows.append(row)
    if rows:
        yield rows


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
