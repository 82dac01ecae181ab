"""Many small trainings at once: a net of fifty units keeps one core busy, not two."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import torch

from chatbot.training.console import say

Job = TypeVar("Job")
Done = TypeVar("Done")


def each(work: Callable[[Job], Done], jobs: Sequence[Job], tell: Callable[[Job, Done], str]) -> list[Done]:
    """work(job) for every job, in their order, as many at a time as there are cores, each on one thread.

    ``tell`` says a line when one is done. ``work`` is a function of a module, as it is called in processes of its own.
    """
    found: list[Done] = []
    workers = min(len(jobs), os.cpu_count() or 1)
    if workers < 2:
        _alone()
        results = map(work, jobs)
        return [_told(job, done, tell) for job, done in zip(jobs, results, strict=True)]
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _alone) as pool:
        for job, done in zip(jobs, pool.map(work, jobs), strict=True):
            found.append(_told(job, done, tell))
    return found


def _told(job: Job, done: Done, tell: Callable[[Job, Done], str]) -> Done:
    say(tell(job, done))
    return done


def _alone() -> None:
    torch.set_num_threads(1)
