"""Batches are reckoned side by side, and torch is left as it was."""

import threading
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
    with threads(9):
        assert hands() == AT_ONCE
        found = list(side_by_side(lambda job: torch.get_num_threads(), range(8), hands(), lambda job: 1))
        assert found == [2] * 8
        assert torch.get_num_threads() == 9
    assert hands() == 3


@pytest.mark.parametrize(("jobs", "at_once"), [(1, 3), (4, 1)])
def test_alone_a_job_takes_what_its_rows_are_worth(jobs: int, at_once: int) -> None:
    rows = [1, 99, 1, 99][-jobs:]
    found = list(side_by_side(lambda job: torch.get_num_threads(), rows, at_once, lambda job: job))
    assert found == [1, 3, 1, 3][-jobs:]


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
