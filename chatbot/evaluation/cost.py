"""What an evaluation took."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Seconds and memory."""

    seconds: float
    answering: float
    """Of these, while bots looked for replies."""
    peak: int | None
    """Bytes of memory that the process held at most; None where the system does not say."""

    @classmethod
    def since(cls, began: float, answering: float) -> Cost:
        """From ``began``, of `time.monotonic`, to now."""
        return cls(time.monotonic() - began, answering, peak_memory())

    def __str__(self) -> str:
        """One line for people."""
        memory = "" if self.peak is None else f"; at most {self.peak / 1e9:.2f} GB of memory"
        return f"{self.seconds:.0f} s, {self.answering:.0f} of them answering{memory}."


def peak_memory() -> int | None:
    """Bytes that this process has held at most."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return None
    most = getrusage(RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
