"""How hypotheses compare: by length, by what others would say of them, by how often they were said before.

A ranker gives what is added to the score of each hypothesis of each input; `reranked` adds and sorts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from chatbot.search.steps import Hypothesis

Found: TypeAlias = Sequence[Sequence[Hypothesis]]
Ranker: TypeAlias = Callable[[Found], list[list[float]]]
LogProbs: TypeAlias = Callable[[Found], list[list[float]]]
"""Log-probabilities in nats of something about each hypothesis, its end included where it has one."""


def length_penalty(length: int, alpha: float) -> float:
    """Divide a log-probability by this to get its score: ((5 + length) / 6) ** alpha.

    `length` counts the scored tokens, the end among them; alpha 0 leaves log-probabilities as they are,
    a larger alpha favours longer replies. Source: Wu et al. 2016, equation 14, without its coverage term.

    >>> length_penalty(1, 1.0), length_penalty(7, 1.0), length_penalty(7, 0.0)
    (1.0, 2.0, 1.0)
    """
    return float(((5 + length) / 6) ** alpha)


def reranked(found: Found, rankers: Sequence[Ranker], margin: float | None = None) -> list[list[Hypothesis]]:
    """The hypotheses with all rankers' amounts added to their scores, best first; equals keep their order.

    Args:
        found: of each input, with their own scores.
        rankers: what is added.
        margin: those whose own score lies further below the best own one come behind all others that ended; None: none.
    """
    amounts = [ranker(found) for ranker in rankers]
    ranked = []
    for place, hypotheses in enumerate(found):
        sums = [sum(amount[place][k] for amount in amounts) for k in range(len(hypotheses))]
        scored = [replace(one, score=one.score + more) for one, more in zip(hypotheses, sums, strict=True)]
        best = min((one.order for one in hypotheses), default=(False, 0.0))
        far = [margin is not None and one.order > (best[0], best[1] + margin) for one in hypotheses]
        places = sorted(range(len(scored)), key=lambda k: (far[k], scored[k].order))
        ranked.append([scored[k] for k in places])
    return ranked


class AntiLanguageModel:
    """Replies that are likely after anything lose: score - weight * log p(reply) / penalty.

    Source: Li et al. 2016, "A diversity-promoting objective function", equation 9 (MMI-antiLM), on the finished
    hypotheses, and over the same length penalty as the score that it is taken from.
    """

    def __init__(self, log_probs: LogProbs, weight: float, alpha: float) -> None:
        self.log_probs, self.weight, self.alpha = log_probs, weight, alpha

    def __call__(self, found: Found) -> list[list[float]]:
        """What to add, an amount for each hypothesis."""
        return [
            [
                -self.weight * p / length_penalty(len(one.ids) + one.ended, self.alpha)
                for one, p in zip(some, own, strict=True)
            ]
            for some, own in zip(found, self.log_probs(found), strict=True)
        ]


class Backward:
    """Replies that tell what they answer gain: score + weight * log p(context | reply) / penalty.

    Source: Li et al. 2016, equation 13 (MMI-bidi). The penalty is that of the context's length, which is the same for
    all replies to it, so that one weight suits short contexts and long ones.

    Args:
        log_probs: of the context of each hypothesis, given it.
        lengths: of what each input has heard last, in tokens.
    """

    def __init__(self, log_probs: LogProbs, lengths: Sequence[int], weight: float, alpha: float) -> None:
        self.log_probs, self.lengths, self.weight, self.alpha = log_probs, lengths, weight, alpha

    def __call__(self, found: Found) -> list[list[float]]:
        """What to add, an amount for each hypothesis."""
        return [
            [self.weight * p / length_penalty(length + 1, self.alpha) for p in own]
            for length, own in zip(self.lengths, self.log_probs(found), strict=True)
        ]


class Generic:
    """Replies that stand often among those trained on lose: score - weight * log2(count).

    Args:
        counts: how often each hypothesis stands there, 0 where it does not.
        weight: what each doubling costs.
    """

    def __init__(self, counts: Callable[[Found], list[list[int]]], weight: float) -> None:
        self.counts, self.weight = counts, weight

    def __call__(self, found: Found) -> list[list[float]]:
        """What to add, an amount for each hypothesis."""
        return [[-self.weight * math.log2(max(1, count)) for count in some] for some in self.counts(found)]
