"""Where the work is done: in this process, in several on this machine, or on the nodes of a Ray cluster.

A stage is one function over many parts, each of which leaves a file. So it does not matter where a part is worked
on, in which order, or how often; a worker that dies costs its part, which is given to another.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Literal, Protocol, TypeVar

from data_prep.errors import PrepareError

Item = TypeVar("Item")
Result = TypeVar("Result")
_TRIES = 4  # of a part whose worker dies


class Runner(Protocol):
    """Runs a function over items and gives the results in the order of the items."""

    def ready(self) -> None:
        """Much is to come: what takes a while to start may start."""

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results in order. The task and the items can be pickled; running a task again does no harm."""


class Here:
    """In this process, one after another."""

    def ready(self) -> None:
        """It is."""

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See ``Runner``."""
        for item in items:
            yield task(item)


class Processes:
    """In several processes on this machine."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._pipe: tuple[Connection, Connection] | None = None

    def ready(self) -> None:
        """Start the processes beside what this one does: with all that they load it takes them a second."""
        threading.Thread(target=self._wake, args=(self._start(),), daemon=True).start()

    def _wake(self, pool: ProcessPoolExecutor) -> None:
        with suppress(RuntimeError):  # it may be over already; BrokenProcessPool is one, and `map` sees to that
            for _ in range(self._workers):
                pool.submit(int)

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See ``Runner``. A few items more than there are workers are under way at a time."""
        if len(items) == 1:
            yield task(items[0])
            return
        futures: dict[int, Future[Result]] = {}
        for number in range(len(items)):
            for _ in range(_TRIES):
                try:
                    for ahead in range(number, min(len(items), number + 2 * self._workers)):
                        if ahead not in futures:
                            futures[ahead] = self._start().submit(task, items[ahead])
                    result = futures.pop(number).result()
                    break
                except BrokenProcessPool:
                    self.close()
                    futures = {k: f for k, f in futures.items() if f.done() and f.exception() is None}
            else:
                raise PrepareError(
                    f"a worker process died {_TRIES} times (out of memory?); free some memory, or use --workers 1"
                )
            yield result

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
            if sys.platform != "win32":
                # Where pandas is installed, pyarrow loads it for the first column that it makes.
                context.set_forkserver_preload(["data_prep.stages", "data_prep.encoding", "pandas"])
            self._pipe = context.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=context, initializer=_serve, initargs=(self._pipe[0],)
            )
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        for end in self._pipe or ():
            end.close()
        self._pipe = None


def _serve(alive: Connection) -> None:
    """Begin as a worker. Ctrl-C reaches every process of a terminal, so this one waits to be told by its master.

    Args:
        alive: the end of a pipe that the master alone can write to. It never does: when it ends, however that may be,
            the pipe ends with it, and so does this process. Else the workers of a killed run would go on writing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: Connection) -> None:
    try:
        alive.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


class Ray:
    """On a Ray cluster, which gives the part of a worker or node that dies to another."""

    def __init__(self, address: str | None) -> None:
        try:
            import ray
        except ImportError as error:
            raise PrepareError('--runner ray needs Ray; install it with `pip install "chatbot[cluster]"`') from error
        self._ray: Any = ray
        self._ours = not ray.is_initialized()
        if self._ours:
            try:
                ray.init(address=address, log_to_driver=False, configure_logging=False, include_dashboard=False)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise PrepareError(f"--ray-address {address}: no Ray cluster answers there ({error})") from error

    def ready(self) -> None:
        """It was when it was found."""

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See ``Runner``."""
        ray = self._ray
        remote = ray.remote(max_retries=_TRIES, retry_exceptions=False)(task)
        handles = [remote.remote(item) for item in items]
        try:
            for handle in handles:
                yield ray.get(handle)
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, PrepareError) else error from error

    def close(self) -> None:
        """Leave the cluster."""
        if self._ours:
            self._ray.shutdown()


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def running(runner: Literal["local", "ray"], workers: int | None, address: str | None) -> Iterator[Runner]:
    """The runner that was asked for, ended when the work is.

    Args:
        runner: on this machine, or on a Ray cluster.
        workers: processes on this machine; None for one a core.
        address: of the cluster; None for the one Ray finds, or a new one on this machine.
    """
    if runner == "ray":
        on_ray = Ray(address)
        try:
            yield on_ray
        finally:
            on_ray.close()
        return
    count = workers or cores()
    if count == 1:
        yield Here()
        return
    processes = Processes(count)
    try:
        yield processes
    finally:
        processes.close()
