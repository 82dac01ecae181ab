"""Who reckons with how many threads: one reply with one, several batches side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

J = TypeVar("J")
R = TypeVar("R")

FEW_ROWS = 16
"""Up to so many hypotheses at once are computed by one thread."""
AT_ONCE = 4
"""Jobs at most that are worked at at once: up to a quarter of a search is Python, which one thread alone can be in."""
_ROUND = 8  # jobs of each thread until others get their turn
_TURN = 0.001  # seconds in which they take it: a lock that is free for less goes to whoever let go of it
_reckoning = threading.Lock()
"""Held by whoever may change how many threads torch takes. Each thread has a number of its own, but the last that was
set is what threads that come later begin with."""


@contextmanager
def threads_for(rows: int) -> Iterator[None]:
    """One thread where there is little to do at a time: threads wait for each other at every step.

    A greedy reply of `small` took 0.08 s with one thread and 2.9 s with two, on 2 cores that had other work too.
    Whoever else wants to reckon waits.
    """
    with _reckoning:
        before = torch.get_num_threads()
        if rows > FEW_ROWS or before == 1:
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def hands() -> int:
    """How many jobs can be worked at at once."""
    with _reckoning:  # a thread's first look at the number makes it its own: not while it is another's
        return min(AT_ONCE, torch.get_num_threads())


def side_by_side(work: Callable[[J], R], jobs: Sequence[J], at_once: int, rows: Callable[[J], int]) -> Iterator[R]:
    """What comes of each job, in their order; so many are worked at at once, and share torch's threads.

    A step of a search is many small operations, and Python between them. Threads that share each operation wait at its
    end; of those that have a batch of their own, one goes on while the other is in Python. Where there is one job, or
    one at a time, it is worked at as `threads_for` its rows has it. Others get their turn in between.
    """
    alone = min(len(jobs), at_once) < 2
    size = 1 if alone else _ROUND * at_once
    for start in range(0, len(jobs), size):
        if start:
            time.sleep(_TURN)
        some = jobs[start : start + size]
        if alone:
            with threads_for(rows(some[0])):
                found = [work(some[0])]
        else:
            found = _in_pool(work, some, at_once)
        yield from found


def _in_pool(work: Callable[[J], R], jobs: Sequence[J], at_once: int) -> list[R]:
    each, more = divmod(torch.get_num_threads(), at_once)
    counts = [max(1, each + (place < more)) for place in range(at_once)]

    def begin() -> None:
        torch.get_num_threads()  # at a thread's first look it takes the number that was set last, by whomever
        torch.set_num_threads(counts.pop())

    with threads_for(1), ThreadPoolExecutor(at_once, initializer=begin) as pool:  # the first keeps this thread's number
        return list(pool.map(work, jobs))
