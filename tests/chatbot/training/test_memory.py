"""What is freed stays at hand."""

import platform
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


pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

HELD = """
import torch
from chatbot.training.memory import give_back, keep_freed

def held():
    status = open("/proc/self/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) >> 10  # MB

assert keep_freed()
before = held()
blocks = [torch.ones(size << 18) for size in range(40, 60)]
above = torch.ones(1)  # what is below it is a hole, not the end of the heap
del blocks
print(held() - before)
give_back()
print(held() - before)
"""


def test_freed_memory_is_taken_again_without_asking_the_system() -> None:
    assert faults("kept") < 100 < faults("left")


def test_what_is_kept_is_given_back_also_from_holes() -> None:
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)
    kept, left = map(int, done.stdout.split())
    assert kept > 900
    assert left < 100
