"""How sure a figure is: it is reckoned anew of resamples, the same for all that is compared (Koehn 2004).

What is a sum over replies is resampled with replacement (the bootstrap, Efron 1979). What counts how many different
things there are is not: a resample that holds replies twice has fewer of them for that alone. Of such figures halves
are taken without replacement, whose spread is that of the whole where it is large (Politis & Romano 1994).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Weights: TypeAlias = npt.NDArray[np.float64]
Measure: TypeAlias = Callable[[Weights], Floats]
"""measure(how often each of N replies counts in each of R resamples, (R, N)) -> R figures."""

RESAMPLES = 500
LEVEL = 0.95
LEAST = 30
"""Replies below which nothing is said of chance."""
_Z = 1.959964  # of a normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


def resamples(count: int, seed: int, times: int = RESAMPLES) -> Weights:
    """How often each of ``count`` replies is drawn when as many are drawn with replacement: (times, count)."""
    rng = np.random.default_rng(seed)
    weights = np.empty((times, count))
    for row in weights:
        row[:] = np.bincount(rng.integers(count, size=count), minlength=count)
    return weights


def halves(count: int, seed: int, times: int = RESAMPLES) -> Weights:
    """A random half of ``count`` replies, drawn without replacement, each time: ones and zeros (times, count)."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((times, count))
    for row in weights:
        row[rng.choice(count, count // 2, replace=False)] = 1
    return weights


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of all replies, and how it comes out in each resample."""

    value: float
    drawn: Floats  # (R,); none where there is nothing to say of chance
    most: float = math.inf
    """What the figure can be at most; 0 is the least."""
    trials: int | None = None
    """Of a share of replies, how many there are."""

    @classmethod
    def of(cls, measure: Measure, weights: Weights, most: float = math.inf, trials: int | None = None) -> Spread:
        """Reckon it."""
        value = float(measure(np.ones((1, weights.shape[1])))[0])
        return cls(value, measure(weights) if weights.shape[1] >= LEAST else np.empty(0), most, trials)

    def figure(self) -> Figure:
        """With its interval: Wilson's for a share, else the middle 95 % of the resamples, moved onto the value."""
        if not np.isfinite(self.value) or len(self.drawn) < 2 or not np.isfinite(self.drawn).all():
            return Figure(self.value)
        if self.trials is not None:
            return Figure(self.value, *wilson(self.value * self.trials, self.trials))
        moved = self.drawn - self.drawn.mean() + self.value
        low, high = np.quantile(moved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).clip(0, self.most)
        return Figure(self.value, min(self.value, float(low)), max(self.value, float(high)))  # rounding


def p_value(one: Spread, other: Spread) -> float:
    """How often chance alone would part two figures as far as these are, on the same resamples (two-sided).

    As sacrebleu reckons it: the share of resamples whose difference is as far from their mean as the real one from 0.
    Not a number where there are no resamples, or a figure is none.
    """
    apart, drawn = abs(one.value - other.value), one.drawn - other.drawn
    if not len(drawn) or not np.isfinite(apart) or not np.isfinite(drawn).all():
        return math.nan
    return float((1 + np.count_nonzero(np.abs(drawn - drawn.mean()) >= apart)) / (1 + len(drawn)))


def wilson(won: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in wilson(8, 10)]
    [0.49, 0.943]
    """
    share, square = won / of, _Z**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = _Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)
