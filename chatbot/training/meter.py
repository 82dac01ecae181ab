"""Tokens, time and loss of a running training, without making a GPU wait at each step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass
class Count:
    """Sums over a stretch of training."""

    nats: float = 0.0
    """Summed negative log-likelihood of the replies, with dropout, without label smoothing."""
    loss: float = 0.0
    """What training lowers: nats with label smoothing, summed over tokens."""
    words: int = 0
    """Words, plus one for each end."""
    tokens: int = 0
    """Target pieces, ends included."""
    seconds: float = 0.0
    """Time spent on training alone: neither on validation nor on saving."""

    def add(self, other: Count) -> None:
        """Add the sums of another stretch."""
        self.nats += other.nats
        self.loss += other.loss
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
        self.resumed = 0.0
        """Seconds of the total that are those of runs before this one."""

    def start(self) -> None:
        """Training begins, or goes on after a pause."""
        if self._since is None:
            self._since = self._clock()

    def pause(self) -> None:
        """Something else begins: a validation, a save."""
        self.read()
        self._since = None

    def add(self, sums: Tensor, words: int, tokens: int) -> None:
        """One batch: its summed nats and its summed loss (2,), on the device, its words and its tokens."""
        sound = sums.nan_to_num(posinf=0.0)  # a step that is skipped must not spoil the sum; `Guard` counts it
        self._pending = sound if self._pending is None else self._pending + sound
        self._fresh.words += words
        self._fresh.tokens += tokens

    def read(self) -> Count:
        """The sums since the last reading. Waits for the device: call it a few times a second, not at each step."""
        if self._pending is not None:
            self._fresh.nats, self._fresh.loss = self._pending.tolist()
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
        self.resumed = state["total"]["seconds"]
        self.total, self.stretch = (Count(**state[key]) for key in ("total", "stretch"))  # type: ignore[arg-type]
