"""Beam search, two pools for each input or group: hypotheses that are alive, and the best that have ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from chatbot.search.filters import Filter, allowed
from chatbot.search.rank import length_penalty as penalty
from chatbot.search.steps import DEAD, LOWEST, Hypothesis, S, Step, check_search, hypothesis, time_to_leave
from chatbot.search.top import top


class Partial(NamedTuple):
    """A hypothesis as it grows."""

    score: float
    """What it is ranked by: the filtered log-probability, over the penalty once it has ended."""
    log_prob: float
    """The model's own."""
    ids: tuple[int, ...]


Child: TypeAlias = tuple[float, float, int]
"""Score, the token's own log-probability, and where it stands: parent * V + token."""


@dataclass(slots=True)
class Group:
    """The hypotheses of an input, or of one of its groups. A step leaves ten numbers of it: too few for tensors."""

    width: int
    alive: list[Partial]
    """Always K, so that each has its row; empty places score below DEAD."""
    ended: list[Partial] = field(default_factory=list)
    """Best first."""

    @classmethod
    def begin(cls, width: int) -> Group:
        """Before the first token. All rows are alike then, so all but one are empty: else all would be its copies."""
        return cls(width, [Partial(0.0, 0.0, ()), *[Partial(LOWEST, 0.0, ())] * (width - 1)])

    def grow(self, children: Iterable[Child], vocabulary: int, divisor: float, eos: int) -> list[int]:
        """Go on with the first K children that live, keep the best K that have ended; the parents of those that live.

        `children` come in the order of choice. At most one child of each parent is its end, so of 2K at least K live.
        """
        alive: list[Partial] = []
        parents: list[int] = []
        ends: list[Partial] = []
        for score, log_prob, place in children:
            parent, token = divmod(place, vocabulary)
            before = self.alive[parent]
            if token != eos:
                if len(alive) < self.width:
                    alive.append(Partial(max(score, LOWEST), before.log_prob + log_prob, (*before.ids, token)))
                    parents.append(parent)
            elif score > DEAD:
                ends.append(Partial(score / divisor, before.log_prob + log_prob, (*before.ids, token)))
        empty = self.width - len(alive)  # where the vocabulary is smaller than the beam
        self.alive = alive + [Partial(LOWEST, 0.0, (eos,))] * empty
        if ends:
            self.ended = sorted([*self.ended, *ends], key=_score, reverse=True)[: self.width]
        return parents + [0] * empty

    def hopes(self, divisor: float, enough: int) -> bool:
        """Whether a living hypothesis may be one of the best so many, if it ended with this divisor."""
        best = max(map(_score, self.alive))
        worst = self.ended[enough - 1].score if len(self.ended) >= enough else LOWEST
        return best > DEAD and best / divisor > worst


def _score(one: Partial) -> float:
    return one.score


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
    patience: float = 1.0,
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
        exact: an input leaves the batch once no living hypothesis can become one of its best, however long it may grow.
            False: once none would if it ended here, as longer ones seldom gain; that is several times sooner.
        patience: how many are its best, as a share of the width (after Kasai et al. 2022, "A call for clarity in beam
            search", who count what has ended alone); at least one.
    """
    check_search(rows, width, max_length)
    if not 0 < patience <= 1:
        raise ValueError(f"patience must be above 0 and at most 1, got {patience}")
    if groups < 1 or width % groups:
        raise ValueError(f"groups must divide the width, got {groups} groups and a width of {width}")
    found: list[list[Hypothesis]] = [[] for _ in range(rows)]
    enough = math.ceil(patience * (width // groups))
    going = {place: place for place in range(rows)}  # where in the batch the inputs are that still go on
    pools = [Group.begin(width // groups) for _ in range(rows * groups)]  # those of an input side by side
    inputs = torch.arange(rows, device=device).repeat_interleave(width)  # (N,) that each row answers
    ids = torch.empty(rows * width, max_length, dtype=torch.long, device=device)  # (N, max_length)
    tokens = torch.full((rows,), bos, device=device)  # those of an input are alike until each has its first token
    for length in range(1, max_length + 1):
        if not going:
            break
        log_probs, state = step(tokens, state)  # (N, V)
        if length == 1:
            log_probs, state = log_probs.repeat_interleave(width, dim=0), state.repeat(width)
        left = allowed(filters, ids[:, : length - 1], log_probs, inputs, eos)
        divisor = penalty(length, length_penalty)
        parents = list(range(len(ids)))  # (N,)
        for place, children in enumerate(_children(pools, log_probs, left, groups, diversity, eos)):
            if place // groups in going:
                pool, first = pools[place], place * pools[place].width
                chosen = pool.grow(children, log_probs.shape[1], divisor, eos)
                parents[first : first + pool.width] = [first + parent for parent in chosen]
        order = torch.tensor(parents, device=device)
        state, ids = state.reorder(order), ids.index_select(0, order)
        tokens = torch.tensor([one.ids[-1] for pool in pools for one in pool.alive], device=device)
        ids[:, length - 1] = tokens
        # The most that a living hypothesis can still reach: it only loses probability, its divisor may grow.
        final = max(divisor, penalty(max_length, length_penalty)) if exact else divisor
        for place in list(going):
            own = pools[place * groups :][:groups]
            if length == max_length or not any(pool.hopes(final, enough) for pool in own):
                found[going.pop(place)] = _ranked(own, length_penalty, eos)
        if time_to_leave(len(going), len(tokens) // width):
            kept = torch.tensor(list(going), device=device)  # (B',)
            rows_kept = (kept[:, None] * width + torch.arange(width, device=device)).flatten()  # (N',)
            state = state.keep(kept)
            tokens, ids, inputs = tokens[rows_kept], ids[rows_kept], inputs[rows_kept]
            pools = [pool for place in going for pool in pools[place * groups :][:groups]]
            going = dict(enumerate(going.values()))
    return found


def _children(
    pools: Sequence[Group], log_probs: Tensor, left: Tensor, groups: int, diversity: float, eos: int
) -> Iterator[Iterable[Child]]:
    """The best 2K ways for each group to go on, in the order of choice.

    log_probs is the model's (N, V), left what the filters made of it.
    """
    width = pools[0].width
    alive = [[one.score for one in pool.alive] for pool in pools]
    before = torch.tensor(alive, dtype=left.dtype, device=left.device)  # (P, K)
    scores = left.view(len(pools), width, -1)  # (P, K, V)
    if groups == 1:
        values, places = top(scores, 2 * width, before)  # (P, 2K)
    else:
        values, places = _in_turn(scores, before, groups, diversity, eos)
    own = log_probs.view(len(pools), -1).gather(1, places).clamp_(min=LOWEST)  # (P, 2K)
    return (zip(*each, strict=True) for each in zip(values.tolist(), own.tolist(), places.tolist(), strict=True))


def _in_turn(scores: Tensor, before: Tensor, groups: int, diversity: float, eos: int) -> tuple[Tensor, Tensor]:
    """The best 2K of each group (B * G, K, V), each group shunning what those before it have chosen."""
    width, vocabulary = scores.shape[1:]
    by_group, before = scores.view(-1, groups, width, vocabulary), before.view(-1, groups, width)  # (B, G, K, ...)
    said = scores.new_zeros(len(by_group), vocabulary)  # (B, V) how often
    found, places = [], []
    for group in range(groups):
        shunned = by_group[:, group] - diversity * said[:, None]  # (B, K, V)
        _, best = top(shunned, 2 * width, before[:, group])  # (B, 2K)
        places.append(best)
        chosen = by_group[:, group].flatten(1).gather(1, best).clamp_(min=LOWEST)
        found.append(chosen + before[:, group].gather(1, best // vocabulary))
        tokens = best % vocabulary
        lives = (tokens != eos) & (found[-1] > DEAD)
        goes_on = lives & (lives.cumsum(dim=1) <= width)  # the K that do; an end is no word that others must shun
        said.scatter_add_(1, tokens, goes_on.to(said.dtype))
    return torch.stack(found, 1).flatten(0, 1), torch.stack(places, 1).flatten(0, 1)


def _ranked(pools: Sequence[Group], length_penalty: float, eos: int) -> list[Hypothesis]:
    """What was found for an input in all its groups, best first: what has ended, else what is alive.

    Filters have led the way; the scores are the model's own, so that they compare with those of any other search.
    """
    ended = [one for pool in pools for one in pool.ended]
    if not ended:
        alive = [one for pool in pools for one in pool.alive]
        ended = [one for one in alive if one.score > DEAD] or alive[:1]
    scored = [(one, one.log_prob / penalty(len(one.ids), length_penalty)) for one in ended]
    found = [hypothesis(list(one.ids), score, one.log_prob, eos=eos) for one, score in scored]
    return sorted(found, key=lambda one: -one.score)
