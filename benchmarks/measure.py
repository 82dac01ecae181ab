"""Seconds and memory of a command, with all the processes that it starts."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def measured(*argv: object) -> tuple[float, float]:
    """Seconds of `chatbot ARGV`, start included, and gigabytes of all its processes at their peak."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "chatbot", *map(str, argv)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"chatbot {argv[0]} ended with {process.returncode}")
    return seconds, peak


def _memory(root: int) -> float:
    """Gigabytes of a process and all below it; pages that they share count once (proportional set size; Linux)."""
    total = 0
    pids = [root]
    while pids:
        pid = pids.pop()
        try:
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 2**20
