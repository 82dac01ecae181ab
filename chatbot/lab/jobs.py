"""Many small trainings at once: a net of fifty units keeps one core busy, not two."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.process import BaseProcess
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
    workers = min(len(jobs), cores())
    if workers < 2:
        _alone()
        results = map(work, jobs)
        return [_told(job, done, tell) for job, done in zip(jobs, results, strict=True)]
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _alone)
    try:
        for job, done in zip(jobs, pool.map(work, jobs), strict=True):
            found.append(_told(job, done, tell))
    except BaseException:  # Ctrl-C as well: nobody waits for what is still at work
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        raise
    pool.shutdown()
    return found


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _told(job: Job, done: Done, tell: Callable[[Job, Done], str]) -> Done:
    say(tell(job, done))
    return done


def _alone() -> None:
    """One thread; Ctrl-C is for the process that gave the work, and whatever ends that ends this one as well."""
    master = multiprocessing.parent_process()
    if master is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_end_with, args=(master,), daemon=True).start()
    torch.set_num_threads(1)


def _end_with(master: BaseProcess) -> None:
    master.join()  # else a process whose master was killed would work on for nobody
    os._exit(1)
