"""What of a given validation split is left in training, found anew from the raw files and the prepared ones.

    python benchmarks/leaks.py --train DIALOGUES --valid DIALOGUES --prepared PREPARED

DIALOGUES are files of DailyDialog's kind, a dialogue a line and ``__eou__`` after each turn; PREPARED is what `chatbot
prepare` made of the one with ``--valid`` the other. Of the project only the definitions of "the same text" and of a
word are used: pairs are cut, folded, joined and compared here.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
from table import report_bars

from data_prep.text import fold, words

WIDTH, NEAR, GONE = 3, 0.8, 0.99  # words of a shingle; a Jaccard index; the share that must be gone

Pair = tuple[str, str]


def talk(path: Path) -> list[list[str]]:
    """Folded turns of each dialogue."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[fold(turn) for turn in line.split("__eou__") if turn.strip()] for line in lines if line.strip()]


def cut(dialogues: Iterable[list[str]]) -> list[Pair]:
    """Each turn with the one before it."""
    return [pair for turns in dialogues for pair in pairwise(turns)]


def kept(prepared: Path, split: str) -> list[Pair]:
    """Folded pairs of a prepared split."""
    rows = pq.read_table(prepared / split).to_pylist()
    return [(fold(row["context"][-1]), fold(row["reply"])) for row in rows]


def shingles(pair: Pair) -> frozenset[tuple[str, ...]]:
    """Runs of three words of a pair as one text."""
    said = words(" ".join(pair))
    return frozenset(tuple(said[k : k + WIDTH]) for k in range(max(1, len(said) - WIDTH + 1)))


def near(pairs: list[Pair], held: list[Pair]) -> Iterator[Pair]:
    """Those of ``pairs`` that are near to one of ``held``: an exact join over common shingles."""
    sets = [shingles(pair) for pair in dict.fromkeys(held)]
    places = defaultdict(list)
    for place, found in enumerate(sets):
        for shingle in found:
            places[shingle].append(place)
    for pair in pairs:
        own = shingles(pair)
        common: dict[int, int] = defaultdict(int)
        for shingle in own:
            for place in places.get(shingle, ()):
                common[place] += 1
        if any(n / (len(own) + len(sets[place]) - n) >= NEAR for place, n in common.items()):
            yield pair


def main() -> int:
    """Count, and say what is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "valid", "prepared"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    train, valid = talk(given.train), talk(given.valid)
    whole, pairs = set(map(tuple, train)), set(cut(train))
    print(f"whole dialogues of validation in raw training: {sum(tuple(t) in whole for t in valid)} of {len(valid)}")
    print(f"pairs of validation in raw training: {sum(p in pairs for p in cut(valid)):,} of {len(cut(valid)):,}")
    learned, held = kept(given.prepared, "train"), kept(given.prepared, "valid")
    same = len(set(learned) & set(held))
    were, left = len(list(near(sorted(pairs), cut(valid)))), len(list(near(learned, held)))
    print(f"distinct pairs of raw training near to validation: {were:,}; pairs of training after the run: {left:,}")
    return report_bars(
        [
            ("pairs of validation kept", f"{len(held):,} of {len(cut(valid)):,}", len(held) == len(cut(valid))),
            ("pairs shared after the run", f"{same}", same == 0),
            ("near pairs gone", f"{100 * (1 - left / max(were, 1)):.1f} %", left <= (1 - GONE) * were),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
