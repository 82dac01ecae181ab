"""How sure a figure is: the bootstrap (Efron 1979), the same resamples for all that is compared (Koehn 2004)."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of all replies, and how it comes out in each resample."""

    value: float
    drawn: Floats  # (R,)

    @classmethod
    def of(cls, measure: Measure, weights: Weights) -> Spread:
        """Reckon it."""
        return cls(float(measure(np.ones((1, weights.shape[1])))[0]), measure(weights))

    def figure(self) -> Figure:
        """With its interval.

        The middle of the resamples is moved onto the value: what counts distinct things comes out too small in all of
        them, as they hold some replies twice and some not at all.
        """
        if not np.isfinite(self.value) or len(self.drawn) < 2:
            return Figure(self.value)
        moved = self.drawn - self.drawn.mean() + self.value
        low, high = np.quantile(moved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Figure(self.value, min(self.value, float(low)), max(self.value, float(high)))  # rounding


def p_value(one: Spread, other: Spread) -> float:
    """How often chance alone would part two figures as far as these are, on the same resamples (two-sided).

    As sacrebleu reckons it: the share of resamples whose difference is as far from their mean as the real one from 0.
    """
    apart = abs(one.value - other.value)
    drawn = one.drawn - other.drawn
    return float((1 + np.count_nonzero(np.abs(drawn - drawn.mean()) >= apart)) / (1 + len(drawn)))
