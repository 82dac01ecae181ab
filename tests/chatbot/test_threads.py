"""Batches are reckoned side by side, and torch is left as it was."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from chatbot.threads import AT_ONCE, FEW_ROWS, hands, side_by_side, threads_for
from tests.chatbot.conftest import threads


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    with threads(3):
        yield


def test_little_work_takes_one_thread_and_much_takes_all() -> None:
    with threads_for(FEW_ROWS):
        assert torch.get_num_threads() == 1
    with threads_for(FEW_ROWS + 1):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 3


def test_jobs_are_worked_at_at_once_by_a_thread_each_and_come_in_order() -> None:
    together = threading.Barrier(3, timeout=20)

    def work(job: int) -> tuple[int, int]:
        if job < 90:
            together.wait()  # breaks unless three are here
        return job, torch.get_num_threads()

    assert list(side_by_side(work, range(100), 3, lambda job: 99)) == [(job, 1) for job in range(100)]
    assert torch.get_num_threads() == 3


def test_many_cores_are_shared_by_a_few_jobs() -> None:
    together = threading.Barrier(AT_ONCE, timeout=20)

    def counted(job: int) -> int:
        together.wait()
        return torch.get_num_threads()

    with threads(9):
        assert hands() == AT_ONCE
        found = list(side_by_side(counted, range(80), hands(), lambda job: 1))
        assert sorted(set(found)) == [2, 3], "nine among four: two each, and one has another"
        assert torch.get_num_threads() == 9
    assert hands() == 3


@pytest.mark.parametrize(("jobs", "at_once"), [(1, 3), (4, 1)])
def test_alone_a_job_takes_what_its_rows_are_worth(jobs: int, at_once: int) -> None:
    rows = [1, 99, 1, 99][-jobs:]
    found = list(side_by_side(lambda job: torch.get_num_threads(), rows, at_once, lambda job: job))
    assert found == [1, 3, 1, 3][-jobs:]


def test_a_thread_that_comes_while_another_reckons_keeps_all_threads() -> None:
    found: list[int] = []
    asking = threading.Event()

    def ask() -> None:
        asking.set()
        found.append(hands())
        with threads_for(FEW_ROWS + 1):
            found.append(torch.get_num_threads())

    with threads_for(1):
        late = threading.Thread(target=ask)
        late.start()
        asking.wait()
        time.sleep(0.1)
    late.join()
    assert found == [3, 3]


@pytest.mark.parametrize("at_once", [1, 3])
def test_others_get_their_turn_before_all_is_done(at_once: int) -> None:
    done: list[int] = []
    begun = threading.Event()

    def work(job: int) -> None:
        begun.set()
        time.sleep(0.005)
        done.append(job)

    jobs = range(60 * at_once)
    long = threading.Thread(target=lambda: list(side_by_side(work, jobs, at_once, lambda job: 1)))
    long.start()
    begun.wait()
    with threads_for(1):
        assert len(done) < len(jobs) / 2
    long.join()
    assert sorted(done) == list(jobs)


def test_an_error_ends_it_and_leaves_torch_as_it_was() -> None:
    done = []

    def work(job: int) -> None:
        done.append(job)
        if job == 4:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(side_by_side(work, range(10_000), 3, lambda job: 1))
    assert torch.get_num_threads() == 3
    assert len(done) < 1000
    with threads_for(1):  # nobody holds the lock
        assert torch.get_num_threads() == 1
