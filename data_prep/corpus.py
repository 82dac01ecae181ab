"""The pairs of all parts as one corpus, for what only the whole corpus can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from data_prep.columns import Bools, Ints, Keys
from data_prep.dedupe import Verdicts
from data_prep.grouping import distinct, runs
from data_prep.near import Shingles, Side
from data_prep.place import Place
from data_prep.runner import Runner
from data_prep.split import TEST, VALID
from data_prep.stages import ShingleTask, shingle


@dataclass(frozen=True)
class Part:
    """A part that was read: where it stands, and what it is."""

    name: str
    dialogues: int
    turns: int
    given: int | None = None
    """The split that it is, where that was given."""


class Parts:
    """See ``dedupe.Corpus``. A column is read when it is asked for, and not kept."""

    def __init__(self, work: Place, parts: Sequence[Part], runner: Runner, near: bool) -> None:
        self._work, self._parts, self._runner = work, parts, runner
        both = [work.read_table(f"clean/{part.name}.pairs.parquet", ["verdict", "split"]) for part in parts]
        sizes = [len(table) for table in both]
        self.starts: Ints = np.r_[0, np.cumsum(sizes)].astype(np.int64)
        self.verdict: Verdicts = np.concatenate([np.zeros(0, np.int8), *(t["verdict"].to_numpy() for t in both)])
        self.split: Verdicts = np.concatenate([np.zeros(0, np.int8), *(t["split"].to_numpy() for t in both)])
        self.given: Bools = np.repeat(np.array([part.given is not None for part in parts], bool), sizes)
        rows = (
            [self._band(part, "row") + start for part, start in zip(parts, self.starts, strict=False)] if near else []
        )
        self.banded: Ints = np.concatenate([np.zeros(0, np.int64), *rows])

    def keys(self, name: str) -> Keys:
        """See ``dedupe.Corpus``."""
        columns = (self._work.read_table(f"clean/{part.name}.pairs.parquet", [name])[name] for part in self._parts)
        return np.concatenate([np.zeros(0, np.uint64), *(column.to_numpy() for column in columns)])

    def band(self, number: int) -> npt.NDArray[np.uint32]:
        """See ``dedupe.Corpus``."""
        return np.concatenate([np.zeros(0, np.uint32), *(self._band(part, f"band{number}") for part in self._parts)])

    def shingles(self, rows: Ints, side: Side) -> Shingles:
        """See ``dedupe.Corpus``."""
        tasks = []
        for place, part in enumerate(self._parts):
            inside = rows[np.searchsorted(rows, self.starts[place]) : np.searchsorted(rows, self.starts[place + 1])]
            if len(inside):
                tasks.append(ShingleTask(self._work, part.name, side, inside - self.starts[place]))
        found = list(self._runner.map(shingle, tasks))
        keys = [np.zeros(0, np.uint32), *(each.keys for each in found)]
        sizes = [np.zeros(0, np.int64), *(np.diff(each.offsets) for each in found)]
        return Shingles(np.concatenate(keys), np.r_[0, np.cumsum(np.concatenate(sizes))].astype(np.int64))

    def of_part(self, place: int, column: Verdicts) -> Verdicts:
        """The rows of a part in a column of all pairs."""
        return column[self.starts[place] : self.starts[place + 1]]

    def most_frequent_replies(self, most: int) -> tuple[int, ...]:
        """Keys of the folded replies that stand most often, the most frequent first."""
        ordered = np.sort(self.keys("reply_key"))
        starts, uses = runs(ordered)
        keys = ordered[starts]
        order = np.lexsort((keys, -uses))[:most]
        return tuple(int(key) for key in keys[order[uses[order] > 1]])

    def _band(self, part: Part, name: str) -> npt.NDArray[np.uint32]:
        column: npt.NDArray[np.uint32] = self._work.read_table(f"clean/{part.name}.bands.parquet", [name])[
            name
        ].to_numpy()
        return column


@dataclass(frozen=True)
class Leak:
    """What a given split shares with training as both were given, before any rule."""

    dialogues: int
    all_dialogues: int
    pairs: int
    all_pairs: int
    names: tuple[str, ...]
    """Ids of the whole dialogues that stand in training."""


def find_leaks(work: Place, parts: Sequence[Part]) -> dict[int, Leak]:
    """For each given split what of it stands in the raw training input, by folded text."""
    training = [part for part in parts if part.given is None]
    raw, whole = (_union(work, training, kind) for kind in ("raw", "whole"))
    leaks = {}
    for split in sorted({part.given for part in parts if part.given is not None}):
        pairs = dialogues = all_pairs = all_dialogues = 0
        names: list[str] = []
        for part in (part for part in parts if part.given == split):
            leaking = np.isin(_keys(work, part, "raw"), raw)
            again = np.isin(_keys(work, part, "whole"), whole)
            pairs, all_pairs = pairs + int(leaking.sum()), all_pairs + len(leaking)
            dialogues, all_dialogues = dialogues + int(again.sum()), all_dialogues + len(again)
            ids = work.read_table(f"turns/{part.name}.parquet", ["dialogue"])["dialogue"]
            names += pc.filter(ids, again).to_pylist()
        leaks[split] = Leak(dialogues, all_dialogues, pairs, all_pairs, tuple(names))
    return leaks


def find_overlap(work: Place, parts: Sequence[Part]) -> tuple[int, int]:
    """Of the pairs of the given test split those that stand in the given validation split too, and all of them."""
    valid = _union(work, [part for part in parts if part.given == VALID], "raw")
    test = [_keys(work, part, "raw") for part in parts if part.given == TEST]
    return sum(int(np.isin(keys, valid).sum()) for keys in test), sum(map(len, test))


def _union(work: Place, parts: Sequence[Part], kind: str) -> Keys:
    return distinct(np.concatenate([np.zeros(0, np.uint64), *(_keys(work, part, kind) for part in parts)]))


def _keys(work: Place, part: Part, kind: str) -> Keys:
    keys: Keys = work.read_table(f"clean/{part.name}.{kind}.parquet")["key"].to_numpy()
    return keys
