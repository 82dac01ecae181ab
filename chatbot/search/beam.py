"""Beam search, two pools for each input or group: hypotheses that are alive, and the best that have ended."""

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
    """K hypotheses for each of P groups (B inputs of G groups each), as chosen; empty places score below DEAD."""

    ids: Tensor  # (P, K, max_length) filled up with the end
    log_probs: Tensor  # (P, K) the model's own
    scores: Tensor  # (P, K) what they are ranked by: the filtered log-probability, over the penalty once ended

    def keep(self, groups: Tensor) -> Pool:
        """Only these groups (P',)."""
        return Pool(self.ids[groups], self.log_probs[groups], self.scores[groups])

    def at(self, places: Tensor) -> Pool:
        """Those at places (P, k) of their groups."""
        return Pool(_rows_at(self.ids, places), self.log_probs.gather(1, places), self.scores.gather(1, places))

    def best(self, k: int) -> Pool:
        """The best `k` of each group, best first."""
        return self.at(self.scores.topk(k, dim=1).indices)

    def join(self, other: Pool) -> Pool:
        """Both side by side, not sorted."""
        return Pool(
            torch.cat([self.ids, other.ids], dim=1),
            torch.cat([self.log_probs, other.log_probs], dim=1),
            torch.cat([self.scores, other.scores], dim=1),
        )

    def over(self, divisor: float) -> Pool:
        """The same with the scores divided; empty places stay empty."""
        empty = self.scores <= DEAD  # (P, K)
        return Pool(self.ids, self.log_probs, (self.scores / divisor).masked_fill(empty, LOWEST))

    def bar(self, kept: Tensor) -> Pool:
        """Make those places empty where `kept` (P, K) is False."""
        return Pool(self.ids, self.log_probs, self.scores.masked_fill(~kept, LOWEST))


@torch.inference_mode()
def beam(
    step: Step[S],
    state: S,
    rows: int,
    *,
    bos: int,
    eos: int,
    width: int,
    max_length: int,
    groups: int = 1,
    diversity: float = 0.0,
    length_penalty: float = 1.0,
    exact: bool = True,
    filters: Sequence[Filter] = (),
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """Find the best `width` hypotheses for each of `rows` inputs, one row of `state` each; best first.

    At most `max_length` tokens, the end included; hypotheses that are cut there count only for an input
    of which none has ended. Always at least one an input, fewer than `width` where no more exist.
    `device` is where the step wants its tokens. Scores: Wu et al. 2016, equation 14. A width of 1 is not greedy: a
    living hypothesis goes on beside the first that has ended.

    Args:
        groups: of `width / groups` hypotheses each; at each step a group chooses after those before it, and what these
            have just said loses `diversity` nats for each time (Vijayakumar et al. 2016, section 4, Hamming diversity;
            scores themselves keep what the model says).
        exact: an input leaves the batch once no living hypothesis can beat its worst ended one, however long it may
            grow. False: once none would if it ended here, as longer ones seldom gain; that is several times sooner.
    """
    check_search(rows, width, max_length)
    if groups < 1 or width % groups:
        raise ValueError(f"groups must divide the width, got {groups} groups and a width of {width}")
    share = width // groups
    found: list[list[Hypothesis]] = [[] for _ in range(rows)]
    going = torch.arange(rows, device=device)  # (B,) which inputs are still in the batch
    alive, ended = _begin(rows * groups, share, max_length, eos, device)
    tokens = torch.full((rows * width,), bos, device=device)  # (N,)
    state = state.repeat(width)
    for length in range(1, max_length + 1):
        if not len(going):
            break
        log_probs, state = step(tokens, state)
        log_probs = log_probs.clamp(min=LOWEST)  # (N, V)
        so_far = alive.ids[:, :, : length - 1].flatten(0, 1)  # (N, length - 1)
        left = allowed(filters, so_far, log_probs, going.repeat_interleave(width), eos)
        grown, parents = _grow(alive, log_probs, left, length, groups, diversity, eos)
        divisor = penalty(length, length_penalty)
        alive, ended, places = _part(grown, ended, grown.ids[:, :, length - 1] == eos, divisor)
        state = state.reorder(_flat(parents.gather(1, places)))
        # The most that a living hypothesis can still reach: it only loses probability, its divisor may grow.
        best = alive.scores.amax(dim=1)  # (P,)
        hope = best / (max(divisor, penalty(max_length, length_penalty)) if exact else divisor)  # (P,)
        hopeful = (hope > ended.scores[:, -1]) & (best > DEAD)  # (P,)
        hopeful = hopeful.view(-1, groups).any(dim=1) & (length < max_length)  # (B,)
        if not hopeful.all():
            stay, out = hopeful.nonzero()[:, 0], (~hopeful).nonzero()[:, 0]  # (B',), (B - B',)
            leaving = _of_inputs(out, groups)
            _collect(found, going[out], ended.keep(leaving), alive.keep(leaving).over(divisor), eos)
            staying = _of_inputs(stay, groups)
            going, alive, ended, state = going[stay], alive.keep(staying), ended.keep(staying), state.keep(stay)
        tokens = alive.ids[:, :, length - 1].flatten()  # (N,)
    return found


def _begin(rows: int, width: int, max_length: int, eos: int, device: torch.device | str) -> tuple[Pool, Pool]:
    """The two pools before the first token: one living hypothesis a group, none ended.

    All K rows of a group are alike at first, so all but one start empty: else every hypothesis would be
    a copy of the same. Scores alive [0, LOWEST, LOWEST], ended [LOWEST, LOWEST, LOWEST] when K = 3.
    """
    ids = torch.full((rows, width, max_length), eos, device=device)
    zeros = torch.zeros(rows, width, device=device)
    empty = torch.full((rows, width), LOWEST, device=device)
    first = empty.clone()
    first[:, 0] = 0.0
    return Pool(ids, zeros, first), Pool(ids, zeros, empty)


def _grow(
    alive: Pool, log_probs: Tensor, left: Tensor, length: int, groups: int, diversity: float, eos: int
) -> tuple[Pool, Tensor]:
    """Let K hypotheses of each group grow to `length` tokens: the best 2K (P, 2K), and their parents (P, 2K).

    At most one child of each parent is its end, so of 2K at least K live. log_probs is the model's (N, V), left what
    the filters made of it.
    """
    rows, width = alive.scores.shape
    vocabulary = log_probs.shape[-1]
    scores = (alive.scores[:, :, None] + left.view(rows, width, -1)).clamp_(min=LOWEST).flatten(1)  # (P, K * V)
    if groups == 1:
        scores, places = scores.topk(min(2 * width, scores.shape[1]), dim=1)  # (P, 2K)
    else:
        scores, places = _in_turn(scores, width, groups, diversity, eos)
    parents, tokens = places // vocabulary, places % vocabulary  # place 8003 of V = 8000: parent 1, token 3
    ids = _rows_at(alive.ids, parents)  # (P, 2K, max_length)
    ids[:, :, length - 1] = tokens
    own = alive.log_probs.gather(1, parents) + log_probs.view(rows, -1).gather(1, places)  # (P, 2K)
    return Pool(ids, own, scores), parents


def _in_turn(scores: Tensor, width: int, groups: int, diversity: float, eos: int) -> tuple[Tensor, Tensor]:
    """The best 2K of each group (B * G, K * V), each group shunning what those before it have chosen."""
    by_group = scores.view(-1, groups, width, scores.shape[1] // width)  # (B, G, K, V)
    said = scores.new_zeros(len(by_group), by_group.shape[-1])  # (B, V) how often
    found, places = [], []
    for group in range(groups):
        shunned = (by_group[:, group] - diversity * said[:, None]).flatten(1)  # (B, K * V)
        best = shunned.topk(min(2 * width, shunned.shape[1]), dim=1).indices  # (B, 2K)
        places.append(best)
        found.append(by_group[:, group].flatten(1).gather(1, best))
        tokens = best % by_group.shape[-1]
        lives = (tokens != eos) & (found[-1] > DEAD)
        chosen = lives & (lives.cumsum(dim=1) <= width)  # the K that go on; an end is no word that others must shun
        said.scatter_add_(1, tokens, chosen.to(said.dtype))
    return torch.stack(found, 1).flatten(0, 1), torch.stack(places, 1).flatten(0, 1)


def _part(grown: Pool, ended: Pool, at_end: Tensor, divisor: float) -> tuple[Pool, Pool, Tensor]:
    """Part what has grown (P, 2K) in the first K that live, and the K best that have ended now or before.

    at_end is (P, 2K). The third result says where in `grown` the living stood (P, K).
    """
    width, size = ended.scores.shape[1], at_end.shape[1]
    done = grown.bar(at_end).over(divisor)
    order = torch.arange(size, device=at_end.device) + at_end * size  # (P, 2K) the ended behind all others
    places = order.topk(width, dim=1, largest=False).indices  # (P, K)
    return grown.bar(~at_end).at(places), ended.join(done).best(width), places


def _rows_at(ids: Tensor, places: Tensor) -> Tensor:
    """The rows of ids (P, Q, L) at places (P, k): (P, k, L)."""
    return ids.take_along_dim(places[:, :, None], dim=1)


def _flat(parents: Tensor) -> Tensor:
    """Places within each group (P, K) as rows of the batch (N,): [[1, 0], [0, 0]] gives [1, 0, 2, 2]."""
    rows, width = parents.shape
    return (parents + torch.arange(rows, device=parents.device)[:, None] * width).flatten()


def _of_inputs(inputs: Tensor, groups: int) -> Tensor:
    """The groups of inputs (B',) as places (B' * G,)."""
    return (inputs[:, None] * groups + torch.arange(groups, device=inputs.device)).flatten()


def _collect(found: list[list[Hypothesis]], inputs: Tensor, ended: Pool, alive: Pool, eos: int) -> None:
    """Write down what was found for inputs (B',) in all groups: what has ended, else what is alive, best first."""
    count = len(inputs)
    pools = [
        list(zip(*(part.view(count, -1).tolist() for part in (pool.scores, pool.log_probs)), strict=True))
        for pool in (ended, alive)
    ]
    said = [pool.ids.view(count, -1, pool.ids.shape[-1]).tolist() for pool in (ended, alive)]
    for place, index in enumerate(inputs.tolist()):
        for pool, ids in zip(pools, said, strict=True):
            every = [hypothesis(*one, eos=eos) for one in zip(ids[place], *pool[place], strict=True)]
            every.sort(key=lambda one: -one.score)
            found[index] = [one for one in every if one.score > DEAD] or every[:1]
            if found[index][0].score > DEAD:
                break
