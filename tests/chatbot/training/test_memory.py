"""What is freed stays at hand."""

import ctypes
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from chatbot.training.memory import keep_freed
if sys.argv[1] == "kept":
    assert keep_freed()
for time in range(20):
    if time == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16 << 20)  # 64 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library than glibc")
def test_freed_memory_is_taken_again_without_asking_the_system() -> None:
    assert faults("kept") < 100 < faults("left")
