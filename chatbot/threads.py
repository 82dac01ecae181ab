"""Who reckons with how many threads: one reply with one, many batches side by side."""

from __future__ import annotations

import threading
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
_ROUND = 16  # jobs of each thread until others get their turn
_reckoning = threading.Lock()  # how many threads torch takes is one number for the whole process


@contextmanager
def threads_for(rows: int) -> Iterator[None]:
    """One thread where there is little to do at a time: threads wait for each other at every step.

    A greedy reply of `small` took 0.08 s with one thread and 2.9 s with two, on 2 cores that had other work too. The
    number is the whole process's, so whoever reckons with another one waits for the others.
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
    return min(AT_ONCE, torch.get_num_threads())


def side_by_side(work: Callable[[J], R], jobs: Sequence[J], at_once: int, rows: Callable[[J], int]) -> Iterator[R]:
    """What comes of each job, in their order; so many are worked at at once, and share torch's threads evenly.

    A step of a search is many small operations, and Python between them. Threads that share each operation wait at its
    end; of those that have a batch of their own, one goes on while the other is in Python. Where there is one job, or
    one at a time, it is worked at as `threads_for` its rows has it.
    """
    if min(len(jobs), at_once) < 2:
        for job in jobs:
            with threads_for(rows(job)):
                found = work(job)
            yield found
        return
    each = max(1, torch.get_num_threads() // at_once)
    for start in range(0, len(jobs), _ROUND * at_once):
        with threads_for(1), ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(each,)) as pool:
            some = list(pool.map(work, jobs[start : start + _ROUND * at_once]))
        yield from some
