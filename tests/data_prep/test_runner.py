import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.errors import PrepareError
from data_prep.runner import Here, Processes, running

# What workers run must be importable there, which a test's own module is not.
TASKS = """
import os
import signal
import time
from pathlib import Path

from data_prep.errors import PrepareError
from data_prep.runner import running


def squared(number):
    return number * number


def fail(number):
    if number == 3:
        raise PrepareError("three is no number")
    return number


def die_once(mark):
    path = Path(mark)
    if path.name == "3" and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def linger(mark):
    Path(f"{mark}-{os.getpid()}").touch()
    time.sleep(60)


def master(folder):
    with running("local", 2, None) as runner:
        list(runner.map(linger, [f"{folder}/{number}" for number in range(2)]))
"""


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    (tmp_path / "tasks_of_a_test.py").write_text(TASKS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("tasks_of_a_test")
    del sys.modules["tasks_of_a_test"]


def test_results_come_in_order_here_and_in_processes(tasks):
    with running("local", 2, None) as runner:
        assert isinstance(runner, Processes)
        assert list(runner.map(tasks.squared, range(20))) == list(Here().map(tasks.squared, range(20)))


def test_one_worker_is_this_process():
    with running("local", 1, None) as runner:
        assert isinstance(runner, Here)


def test_an_error_of_a_task_is_ours_to_see(tasks):
    with running("local", 2, None) as runner, pytest.raises(PrepareError, match="three is no number"):
        list(runner.map(tasks.fail, range(9)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_worker_that_dies_costs_its_part_only(tasks, tmp_path):
    with running("local", 2, None) as runner:
        names = list(runner.map(tasks.die_once, [str(tmp_path / str(number)) for number in range(8)]))
    assert names == [str(number) for number in range(8)]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_workers_that_always_die_are_told_of(tasks):
    with running("local", 2, None) as runner, pytest.raises(PrepareError, match="died 4 times"):
        list(runner.map(tasks.die, range(3)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_workers_end_with_the_process_they_work_for(tasks, tmp_path):
    """However it ends: a worker that goes on writes into the folder of the next run."""
    (tmp_path / "marks").mkdir()
    code = "import sys, tasks_of_a_test; tasks_of_a_test.master(sys.argv[1])"
    path = os.pathsep.join((str(tmp_path), str(Path.cwd())))
    argv = [sys.executable, "-c", code, str(tmp_path / "marks")]
    master = subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": path})
    within(60, lambda: len(list((tmp_path / "marks").iterdir())) == 2)
    workers = [int(mark.name.split("-")[1]) for mark in (tmp_path / "marks").iterdir()]
    assert all(map(lives, workers))
    master.kill()
    master.wait()
    within(20, lambda: not any(map(lives, workers)))


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def within(seconds, happened):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)
