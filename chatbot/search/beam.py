"""Beam search, two pools for each input: hypotheses that are alive, and the best that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from chatbot.search.filters import Filter, allowed
from chatbot.search.rank import length_penalty as penalty
from chatbot.search.steps import DEAD, LOWEST, Hypothesis, S, Step, check_search, hypothesis


@dataclass(frozen=True, slots=True)
class Pool:
    """K hypotheses for each of B inputs, best first; empty places have a score below DEAD."""

    ids: Tensor  # (B, K, max_length) filled up with the end
    log_probs: Tensor  # (B, K) the model's own
    scores: Tensor  # (B, K) what they are ranked by: the filtered log-probability, over the penalty once ended

    def keep(self, inputs: Tensor) -> Pool:
        """Only these inputs (B',)."""
        return Pool(self.ids[inputs], self.log_probs[inputs], self.scores[inputs])

    def best(self, k: int) -> tuple[Pool, Tensor]:
        """The best `k` of each input, and where they stood (B, k)."""
        scores, places = self.scores.topk(k, dim=1)  # (B, k) each, best first
        return Pool(_rows_at(self.ids, places), self.log_probs.gather(1, places), scores), places

    def join(self, other: Pool) -> Pool:
        """Both side by side, not sorted."""
        return Pool(
            torch.cat([self.ids, other.ids], dim=1),
            torch.cat([self.log_probs, other.log_probs], dim=1),
            torch.cat([self.scores, other.scores], dim=1),
        )

    def over(self, divisor: float) -> Pool:
        """The same with the scores divided; empty places stay empty."""
        empty = self.scores <= DEAD  # (B, K)
        return Pool(self.ids, self.log_probs, (self.scores / divisor).masked_fill(empty, LOWEST))

    def bar(self, kept: Tensor) -> Pool:
        """Make those places empty where `kept` (B, K) is False."""
        return Pool(self.ids, self.log_probs, self.scores.masked_fill(~kept, LOWEST))


@torch.no_grad()
def beam(
    step: Step[S],
    state: S,
    rows: int,
    *,
    bos: int,
    eos: int,
    width: int,
    max_length: int,
    length_penalty: float = 1.0,
    filters: Sequence[Filter] = (),
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """Find the best `width` hypotheses for each of `rows` inputs, one row of `state` each; best first.

    At most `max_length` tokens, the end included; hypotheses that are cut there count only for an input
    of which none has ended. Always at least one an input, fewer than `width` where no more exist.
    `device` is where the step wants its tokens. An input leaves the batch once no living hypothesis can
    beat its worst ended one. Scores: Wu et al. 2016, equation 14. A width of 1 is not greedy: a living
    hypothesis goes on beside the first that has ended.
    """
    check_search(rows, width, max_length)
    found: list[list[Hypothesis]] = [[] for _ in range(rows)]
    going = torch.arange(rows, device=device)  # (B,) which inputs are still in the batch
    alive, ended = _begin(rows, width, max_length, eos, device)
    tokens = torch.full((rows * width,), bos, device=device)  # (N,)
    state = state.repeat(width)
    for length in range(1, max_length + 1):
        if not len(going):
            break
        log_probs, state = step(tokens, state)
        grown, parents = _grow(alive, log_probs, filters, length, eos)
        divisor = penalty(length, length_penalty)
        alive, ended, places = _part(grown, ended, grown.ids[:, :, length - 1] == eos, divisor)
        state = state.reorder(_flat(parents.gather(1, places)))
        # The most that a living hypothesis can still reach: it only loses probability, its divisor may grow.
        hope = alive.scores[:, 0] / max(divisor, penalty(max_length, length_penalty))  # (B,)
        hopeful = (hope > ended.scores[:, -1]) & (alive.scores[:, 0] > DEAD)  # (B,)
        hopeful &= length < max_length
        stay = hopeful.nonzero()[:, 0]  # (B',)
        if len(stay) < len(going):
            out = (~hopeful).nonzero()[:, 0]
            _collect(found, going[out], ended.keep(out), alive.keep(out).over(divisor), eos)
            going, alive, ended, state = going[stay], alive.keep(stay), ended.keep(stay), state.keep(stay)
        tokens = alive.ids[:, :, length - 1].flatten()  # (N,)
    return found


def _begin(rows: int, width: int, max_length: int, eos: int, device: torch.device | str) -> tuple[Pool, Pool]:
    """The two pools before the first token: one living hypothesis an input, none ended.

    All K rows of an input are alike at first, so all but one start empty: else every hypothesis would be
    a copy of the same. Scores alive [0, LOWEST, LOWEST], ended [LOWEST, LOWEST, LOWEST] when K = 3.
    """
    ids = torch.full((rows, width, max_length), eos, device=device)
    zeros = torch.zeros(rows, width, device=device)
    empty = torch.full((rows, width), LOWEST, device=device)
    first = empty.clone()
    first[:, 0] = 0.0
    return Pool(ids, zeros, first), Pool(ids, zeros, empty)


def _grow(alive: Pool, log_probs: Tensor, filters: Sequence[Filter], length: int, eos: int) -> tuple[Pool, Tensor]:
    """Let K hypotheses of each input grow to `length` tokens: the best 2K (B, 2K), and their parents (B, 2K).

    At most one child of each parent is its end, so of 2K at least K live. log_probs is (N, V).
    """
    rows, width = alive.scores.shape
    log_probs = log_probs.float().clamp(min=LOWEST)  # (N, V)
    so_far = alive.ids[:, :, : length - 1].flatten(0, 1)  # (N, length - 1)
    left = allowed(filters, so_far, log_probs, eos).view(rows, width, -1)  # (B, K, V)
    vocabulary = left.shape[-1]
    scores = (alive.scores[:, :, None] + left).clamp(min=LOWEST).flatten(1)  # (B, K * V)
    scores, places = scores.topk(min(2 * width, scores.shape[1]), dim=1)  # (B, 2K)
    parents, tokens = places // vocabulary, places % vocabulary  # place 8003 of V = 8000: parent 1, token 3
    ids = _rows_at(alive.ids, parents)  # (B, 2K, max_length)
    ids[:, :, length - 1] = tokens
    own = alive.log_probs.gather(1, parents) + log_probs.view(rows, -1).gather(1, places)  # (B, 2K)
    return Pool(ids, own, scores), parents


def _part(grown: Pool, ended: Pool, at_end: Tensor, divisor: float) -> tuple[Pool, Pool, Tensor]:
    """Part what has grown (B, 2K) in the K best that live, and the K best that have ended now or before.

    at_end is (B, 2K). The third result says where in `grown` the living stood (B, K).
    """
    width = ended.scores.shape[1]
    done = grown.bar(at_end).over(divisor)
    alive, places = grown.bar(~at_end).best(width)
    return alive, ended.join(done).best(width)[0], places


def _rows_at(ids: Tensor, places: Tensor) -> Tensor:
    """The rows of ids (B, P, L) at places (B, k): (B, k, L)."""
    return ids.take_along_dim(places[:, :, None], dim=1)


def _flat(parents: Tensor) -> Tensor:
    """Places within each input (B, K) as rows of the batch (N,): [[1, 0], [0, 0]] gives [1, 0, 2, 2]."""
    rows, width = parents.shape
    return (parents + torch.arange(rows, device=parents.device)[:, None] * width).flatten()


def _collect(found: list[list[Hypothesis]], inputs: Tensor, ended: Pool, alive: Pool, eos: int) -> None:
    """Write down what was found for inputs (B',): what has ended, else what is alive, best first."""
    pools = [
        list(zip(pool.ids.tolist(), pool.scores.tolist(), pool.log_probs.tolist(), strict=True))
        for pool in (ended, alive)
    ]
    for index, complete, cut in zip(inputs.tolist(), *pools, strict=True):
        for rows in (complete, cut):
            every = [hypothesis(*one, eos=eos) for one in zip(*rows, strict=True)]
            found[index] = [one for one in every if one.score > DEAD] or every[:1]
            if found[index][0].score > DEAD:
                break
