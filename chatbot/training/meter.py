"""Tokens, time and loss of a running training, without making a GPU wait at each step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Count:
    """Sums over a stretch of training."""

    nats: float = 0.0
    """Summed negative log-likelihood of the replies, with dropout, without label smoothing."""
    words: int = 0
    """Words, plus one for each end."""
    tokens: int = 0
    """Target pieces, ends included."""
    seconds: float = 0.0
    """Time spent on training alone: neither on validation nor on saving."""

    def add(self, other: Count) -> None:
        """Add the sums of another stretch."""
        self.nats += other.nats
        self.words += other.words
        self.tokens += other.tokens
        self.seconds += other.seconds

    @property
    def nats_per_word(self) -> float | None:
        """None before there are any words."""
        return self.nats / self.words if self.words else None

    @property
    def tokens_per_second(self) -> float:
        """Target pieces a second of training alone."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


class Meter:
    """Counts steps as they come. What they cost stays on the device until `read` asks for it.

    Args:
        clock: seconds from some fixed moment; tests bring their own.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._pending: Tensor | None = None
        self._fresh = Count()
        self._since: float | None = None
        self.total = Count()
        """Everything since training began, resumed runs included."""
        self.stretch = Count()
        """Everything since the last validation."""

    def start(self) -> None:
        """Training begins, or goes on after a pause."""
        if self._since is None:
            self._since = self._clock()

    def pause(self) -> None:
        """Something else begins: a validation, a save."""
        self.read()
        self._since = None

    def add(self, nats: Tensor, words: int, tokens: int) -> None:
        """One step: its summed nats (a scalar on the device), its words and its tokens."""
        self._pending = nats if self._pending is None else self._pending + nats
        self._fresh.words += words
        self._fresh.tokens += tokens

    def read(self) -> Count:
        """The sums since the last reading. Waits for the device: call it a few times a second, not at each step."""
        if self._pending is not None:
            self._fresh.nats = float(self._pending)
        if self._since is not None:
            now = self._clock()
            self._fresh.seconds, self._since = now - self._since, now
        read, self._fresh, self._pending = self._fresh, Count(), None
        self.total.add(read)
        self.stretch.add(read)
        return read

    def next_stretch(self) -> Count:
        """Close the stretch up to here and begin another; returns the closed one."""
        self.read()
        closed, self.stretch = self.stretch, Count()
        return closed

    def state(self) -> dict[str, dict[str, float]]:
        """Plain numbers, for a checkpoint."""
        self.read()
        return {"total": vars(self.total).copy(), "stretch": vars(self.stretch).copy()}

    def restore(self, state: dict[str, dict[str, float]]) -> None:
        """Go on from `state`."""
        self.total, self.stretch = (Count(**state[key]) for key in ("total", "stretch"))  # type: ignore[arg-type]


def finite(count: Count) -> bool:
    """Whether the loss of a stretch is a number."""
    return bool(torch.isfinite(torch.tensor(count.nats)))
