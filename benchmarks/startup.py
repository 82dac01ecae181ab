"""From the start of the process to the first reply, beside importing torch alone.

python benchmarks/startup.py --bot BOT [--rounds 10]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from table import print_table, report_bars

UNWANTED = (
    "pytorch_lightning",
    "lightning_fabric",
    "datasets",
    "daft",
    "pandas",
    "pyarrow",
    "matplotlib",
    "torchmetrics",
)
"""What takes a second to import and has no part in a reply."""


def timed(argv: list[str], said: str = "") -> float:
    """Seconds from starting a process to its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *argv], input=said, text=True, capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> int:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bot", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    reply = ["-m", "chatbot", "reply", str(given.bot)]
    figures: dict[str, list[float]] = {"import torch": [], "chatbot reply, one line": []}
    for _ in range(given.rounds):
        figures["import torch"].append(timed(["-c", "import torch"]))
        figures["chatbot reply, one line"].append(timed(reply, "Hi, how are you?\n"))
    torch, first = (statistics.median(seconds) for seconds in figures.values())
    print_table(["what", "seconds, p50"], [[name, f"{statistics.median(s):.2f}"] for name, s in figures.items()])
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *reply], input="Hi\n", text=True, capture_output=True, check=True
    ).stderr
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in told.splitlines()}
    heavy = sorted(imported & set(UNWANTED))
    most = 1.25 * torch + 0.5
    return report_bars(
        [
            (f"first reply, seconds, at most {most:.2f}", f"{first:.2f}", first <= most),
            ("imports that a reply does not need", ", ".join(heavy) or "none", not heavy),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
