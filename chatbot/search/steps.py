"""The seam between model and search: tokens and state in, log-probabilities and state out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias, TypeVar

from torch import Tensor

LOWEST = -1e9
"""The log-probability of what must not be: finite, so sums and differences of it are never NaN."""
DEAD = LOWEST / 2
"""Below this a score has a LOWEST in it."""


class State(Protocol):
    """What a step carries along. Row b * K + k belongs to hypothesis k of input b."""

    def repeat(self, k: int) -> Self:
        """Each row k times, side by side: [a, b] with k = 2 becomes [a, a, b, b]."""

    def reorder(self, rows: Tensor) -> Self:
        """The rows at these indices (N,); a row only ever replaces one of its own input."""

    def keep(self, inputs: Tensor) -> Self:
        """Only the inputs at these indices (B',), each with all its rows."""


S = TypeVar("S", bound=State)

Step: TypeAlias = Callable[[Tensor, S], tuple[Tensor, S]]
"""step(last tokens (N,), state) -> (log-probabilities of the next token (N, V), state after them).

The log-probabilities are the search's own from then on: it may change them in place.
"""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One reply that a search found."""

    ids: tuple[int, ...]
    """Its tokens, without begin and end."""
    score: float
    """What it is ranked by: `log_prob` over the length penalty."""
    log_prob: float
    """The model's own log-probability of the ids, and of the end where it was reached; in nats."""
    ended: bool = True
    """Whether it came to its end, rather than being cut where no more was allowed."""

    @property
    def order(self) -> tuple[bool, float]:
        """What the best come first by: what was cut never paid for an end, and comes after all that did."""
        return not self.ended, -self.score


def check_search(rows: int, width: int, max_length: int) -> None:
    """Raise ValueError unless a search of this size can find something."""
    if rows < 0 or width < 1 or max_length < 1:
        raise ValueError(
            f"rows must be at least 0, width and max_length at least 1, got {rows}, {width} and {max_length}"
        )


def time_to_leave(going: int, batch: int) -> bool:
    """Whether inputs that are done should leave a batch of which so many still go on.

    Making room copies what all others remember, and being there costs a step: they leave an eighth at a time.
    """
    return 0 < going <= batch - max(1, batch / 8)


def hypothesis(ids: list[int], score: float, log_prob: float, *, eos: int) -> Hypothesis:
    """Cut `ids` at the first end; raise ValueError where the step gave no numbers."""
    if math.isnan(score) or math.isnan(log_prob):
        raise ValueError("the step gave log-probabilities that are not numbers (NaN): are the weights sound?")
    end = ids.index(eos) if eos in ids else len(ids)
    return Hypothesis(tuple(ids[:end]), score, log_prob, eos in ids)
