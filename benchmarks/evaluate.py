"""What an evaluation costs beside the answering itself.

    python benchmarks/evaluate.py --data PREPARED --bot BOT [--contexts 8000] [--split train]

`chatbot evaluate` with the preset `plain`, a beam of five: what it says of its own time and memory. The split of
training is asked by default, as it has so many pairs.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from table import print_table, report_bars

TOLD = re.compile(r"^(?P<whole>\d+) s, (?P<answering>\d+) of them answering; at most (?P<peak>[\d.]+) GB", re.MULTILINE)


def main() -> int:
    """Run it and print what it said."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--bot", type=Path, required=True)
    parser.add_argument("--contexts", type=int, default=8000)
    parser.add_argument("--split", default="train", help="one that has so many pairs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "chatbot", "evaluate", str(given.data), str(given.bot), "--output", output]
        command += ["--split", given.split, "--limit", str(given.contexts), "--presets", "plain"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    told = TOLD.search(run.stderr)
    if told is None:
        sys.exit(f"it did not say what it took:\n{run.stderr}")
    whole, answering, peak = (float(told[name]) for name in ("whole", "answering", "peak"))
    print_table(
        ["contexts", "whole, s", "answering, s", "all else, s", "GB at most"],
        [[f"{given.contexts:,}", f"{whole:.0f}", f"{answering:.0f}", f"{whole - answering:.0f}", f"{peak:.2f}"]],
    )
    return report_bars([("all but answering, s", f"{whole - answering:.0f}", whole - answering < 60)])


if __name__ == "__main__":
    sys.exit(main())
