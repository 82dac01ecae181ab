"""Many turns: how fast and in how much memory `chatbot prepare` cleans millions of them, and how that grows.

    python benchmarks/scale.py --data CORPORA --turns 20000000

The turns are those of the corpora, in their dialogues, each used several times with some of its words exchanged, so
that the corpus grows without becoming one of repeats. The files are written first and are not part of the time.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from itertools import islice
from pathlib import Path

from measure import measured
from table import print_table, report_bars

from data_prep import sources

FILES = 16
SHARE = 8  # one word in so many is exchanged, in nine dialogues of ten
SMALL = 10  # the smaller corpus is a tenth


def main() -> int:
    """Make the corpora, prepare them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with raw corpora to make turns from")
    parser.add_argument("--turns", type=int, default=20_000_000)
    parser.add_argument("--near", choices=["off", "on", "both"], default="both")
    parser.add_argument("--folder", type=Path, help="where there is room for the corpora (default: the system's)")
    given = parser.parse_args()
    rows, bars = [], []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        seconds: dict[tuple[int, str], float] = {}
        for turns in (given.turns // SMALL, given.turns):
            made = make(given.data, turns, Path(folder) / str(turns))
            for near in ("off", "on") if given.near == "both" else (given.near,):
                took, peak = prepare(made, Path(folder) / f"{turns}-{near}", near)
                seconds[turns, near] = took
                rows.append([f"{turns:,}", near, f"{took:.1f}", f"{turns / took:,.0f}", f"{peak:.2f}"])
                shutil.rmtree(Path(folder) / f"{turns}-{near}")
            shutil.rmtree(made)
    for near, least in (("off", 100_000), ("on", 40_000)):
        if (given.turns, near) in seconds:
            took = seconds[given.turns, near]
            growth = took / (SMALL * seconds[given.turns // SMALL, near])
            bars.append((f"turns/s, near repeats {near}", f"{given.turns / took:,.0f}", given.turns / took >= least))
            bars.append((f"time over linear, near repeats {near}", f"{growth:.2f}", growth <= 1.15))
    most = max(float(row[-1]) for row in rows)
    bars.append(("gigabytes", f"{most:.2f}", most < 8))
    print_table(("turns", "near repeats", "seconds", "turns/s", "GB"), rows)
    return report_bars(bars)


def make(data: Path, turns: int, folder: Path) -> Path:
    """A folder of JSONL files with so many turns."""
    folder.mkdir()
    draw = random.Random(0)
    readings = sources.plan([str(data)], "auto", sources.Notes())
    talks = [[turn.text for turn in d.turns[:40]] for reading in readings for d in islice(reading.dialogues(), 50_000)]
    words = [word for talk in draw.sample(talks, min(len(talks), 20_000)) for text in talk for word in text.split()]
    left = turns
    outputs = [(folder / f"{number:02d}.jsonl").open("w", encoding="utf-8") for number in range(FILES)]
    number = 0
    while left > 0:
        talk = talks[draw.randrange(len(talks))][:left]
        if draw.random() < 0.9:
            talk = [varied(text, words, draw) for text in talk]
        outputs[number * FILES // max(1, turns // 8) % FILES].write(
            json.dumps({"turns": talk}, ensure_ascii=False) + "\n"
        )
        number += 1
        left -= len(talk)
    for output in outputs:
        output.close()
    return folder


def varied(text: str, words: list[str], draw: random.Random) -> str:
    """The text with one word in eight exchanged."""
    parts = text.split(" ")
    for _ in range(len(parts) // SHARE + 1):
        parts[int(draw.random() * len(parts))] = words[int(draw.random() * len(words))]
    return " ".join(parts)


def prepare(corpus: Path, output: Path, near: str) -> tuple[float, float]:
    """Seconds and gigabytes without the vocabulary."""
    without = ["--dedupe.near", "null"] if near == "off" else []
    return measured("prepare", corpus, "--output", output, "--stop-after", "pairs", *without)


if __name__ == "__main__":
    sys.exit(main())
