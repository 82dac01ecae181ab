"""Trainings in processes of their own: in order, and never without their master."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from pathlib import Path
from chatbot.lab import jobs

def work(number):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(float(sys.argv[2]) if number else 0)
    return number * number

if __name__ == "__main__":
    jobs.cores = lambda: 2
    print(jobs.each(work, [0, 1, 2, 3], lambda job, done: f"{job}"))
"""


def started(folder: Path, seconds: float) -> subprocess.Popen[str]:
    (folder / "pids").mkdir()
    (folder / "script.py").write_text(SCRIPT)
    argv = [sys.executable, str(folder / "script.py"), str(folder / "pids"), str(seconds)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def test_what_other_processes_find_comes_in_order(tmp_path: Path) -> None:
    with started(tmp_path, 0.05) as master:
        assert "[0, 1, 4, 9]" in master.communicate(timeout=120)[0]
    worked = {int(file.name) for file in (tmp_path / "pids").iterdir()}
    assert worked, "each wrote down its number"
    assert master.pid not in worked


def alive(process: int) -> bool:
    """Whether it still works; one that waits for its end to be heard of does not."""
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux shows them")
def test_no_process_outlives_a_master_that_is_killed(tmp_path: Path) -> None:
    with started(tmp_path, 600) as master:
        until = time.monotonic() + 120
        while len(found := [int(file.name) for file in (tmp_path / "pids").iterdir()]) < 2:
            assert time.monotonic() < until, "no two processes began"
            time.sleep(0.1)
        os.kill(master.pid, signal.SIGKILL)
        master.wait()
    until = time.monotonic() + 30
    while any(map(alive, found)):
        assert time.monotonic() < until, f"still at work without a master: {found}"
        time.sleep(0.1)
