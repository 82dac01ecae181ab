"""What only the whole corpus can tell: repeats, near repeats, generic sides, and pairs that would leak between splits.

Works on 64-bit keys of folded text, a few numbers a pair, held by one process: 20 million pairs take about a
gigabyte. The texts of candidates for near repeats alone are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, cast

import numpy as np
import numpy.typing as npt

from data_prep.columns import Bools, Ints, Keys
from data_prep.errors import PrepareError
from data_prep.grouping import earliest, runs
from data_prep.near import BANDS, Shingles, Side, are_near, candidates
from data_prep.rules import REASONS, REPEATS
from data_prep.rules.whole_columns import PASSED
from data_prep.split import TRAIN

GENERIC, REPEATED, LEAKING, NEAR, NEAR_LEAKING, CAPPED = (REASONS.index(reason) for reason in REPEATS)
Verdicts = npt.NDArray[np.int8]
_SIDES: tuple[Side, ...] = ("context", "reply")
_AT_A_TIME = 1 << 16  # near repeats that are turned into Python numbers together


@dataclass(frozen=True)
class DedupeConfig:
    """How much repetition is left in."""

    same_reply: int | None = 50
    """At most this many pairs with one same reply, case and marks aside; null for no limit."""
    near: float | None = 0.7
    """Pairs that share so much of their word 3-shingles (Jaccard index) count as repeats; null: none does."""
    entropy: float | None = None
    """Bits: a turn whose replies (a reply whose turns) are spread wider is dropped as generic; null: no limit."""
    entropy_side: Literal["source", "target", "both"] = "both"
    """Whether the entropy of the turn before, of the reply, or of either drops a pair."""

    def __post_init__(self) -> None:
        if self.same_reply is not None and self.same_reply < 1:
            raise PrepareError(f"dedupe.same_reply is {self.same_reply}; expected at least 1, or null for no limit")
        if self.near is not None and not 0 < self.near <= 1:
            raise PrepareError(f"dedupe.near is {self.near}; expected a share above 0 and up to 1, or null for none")
        if self.entropy is not None and self.entropy < 0:
            raise PrepareError(f"dedupe.entropy is {self.entropy}; expected bits from 0, or null for no limit")
        if self.entropy_side not in ("source", "target", "both"):
            raise PrepareError(f"dedupe.entropy_side is {self.entropy_side!r}; expected source, target or both")

    @property
    def bands(self) -> int:
        """Keys of near repeats that each pair needs."""
        return 0 if self.near is None else BANDS


class Corpus(Protocol):
    """All pairs of the corpus in their order, those of given splits first."""

    verdict: Verdicts
    """A place in ``REASONS``, or ``PASSED``."""
    split: Verdicts
    given: Bools
    """Whether it belongs to a given split, which stays as it is."""
    banded: Ints
    """Places of the pairs that have bands, ascending."""

    def keys(self, name: str) -> Keys:
        """Keys of all pairs: ``pair``, ``reply_key`` or ``context_key``."""

    def band(self, number: int) -> npt.NDArray[np.uint32]:
        """Keys of one band, of the pairs that are ``banded``."""

    def shingles(self, rows: Ints, side: Side) -> Shingles:
        """Shingle sets of the pairs at some places (ascending): of context and reply as one text, or of one of them."""


def find_repeats(corpus: Corpus, config: DedupeConfig, step: Callable[[str], None] = lambda stage: None) -> Verdicts:
    """The verdict on each pair, now that all are known.

    Of pairs with one same folded text, and of near repeats, the first in the corpus stays, wherever it stands: so
    neither is in two splits. Pairs of given splits come first, and all stay: what they share with training leaves
    training. Of the pairs with one same folded reply, ``same_reply`` stay, chosen by hash and not by place.

    Args:
        corpus: the pairs.
        config: the limits.
        step: told what is being looked for.
    """
    verdict = corpus.verdict.copy()
    verdict[corpus.given] = PASSED
    if config.entropy is not None:
        step("looking for generic turns")
        _drop_generic(verdict, corpus, config)
    step("looking for repeats")
    _drop_exact(verdict, corpus)
    if config.near is not None:
        step("looking for near repeats")
        _drop_near(verdict, corpus, config.near)
    if config.same_reply is not None:
        _cap(verdict, corpus, config.same_reply)
    return verdict


def entropies(keys: Keys, pairs: Keys) -> npt.NDArray[np.float64]:
    """For each pair the entropy, in bits, of what stands beside its key (Csáky et al. 2019, eq. 1).

    >>> entropies(np.array([1, 1, 2, 2], np.uint64), np.array([10, 11, 12, 12], np.uint64)).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    owner, first = earliest(keys), earliest(pairs)
    uses, pair_uses = np.bincount(owner, minlength=len(keys)), np.bincount(first, minlength=len(keys))
    each = np.flatnonzero(pair_uses)  # one place a distinct pair
    share = pair_uses[each] / uses[owner[each]]
    by_key = np.bincount(owner[each], -share * np.log2(share), minlength=len(keys))
    return cast(npt.NDArray[np.float64], by_key[owner] + 0.0)


def _free(verdict: Verdicts, corpus: Corpus) -> Ints:
    return np.flatnonzero((verdict == PASSED) & ~corpus.given)


def _drop_generic(verdict: Verdicts, corpus: Corpus, config: DedupeConfig) -> None:
    assert config.entropy is not None
    rows = _free(verdict, corpus)
    pairs = corpus.keys("pair")[rows]
    for side, name in (("source", "context_key"), ("target", "reply_key")):
        if config.entropy_side in (side, "both"):
            verdict[rows[entropies(corpus.keys(name)[rows], pairs) > config.entropy]] = GENERIC


def _drop_exact(verdict: Verdicts, corpus: Corpus) -> None:
    rows = np.flatnonzero(verdict == PASSED)
    earlier = rows[earliest(corpus.keys("pair")[rows])]
    again = (rows != earlier) & ~corpus.given[rows]
    later, earlier = rows[again], earlier[again]
    verdict[later] = np.where(corpus.split[later] != corpus.split[earlier], LEAKING, REPEATED)


def _drop_near(verdict: Verdicts, corpus: Corpus, threshold: float) -> None:
    """Across splits two pairs are near if they are as one text; within a split, only if both their sides are.

    Else `X → LONG` would take `LONG → short` of the same dialogue along, and `LONG → yes` a `LONG → no`.
    """
    alive = verdict[corpus.banded] == PASSED
    rows = corpus.banded[alive]
    there = np.ones(len(rows), bool)
    sets: dict[Side, Shingles] = {}
    for found in candidates(
        lambda: (corpus.band(number)[alive] for number in range(BANDS)), corpus.split[rows] != TRAIN, there
    ):
        near = _Near(corpus, threshold, rows, None if found.whole else sets)
        _rule_out(verdict, corpus, near, rows[found.later], rows[found.earlier])
        there[:] = verdict[rows] == PASSED


def _rule_out(verdict: Verdicts, corpus: Corpus, near: _Near, later: Ints, earlier: Ints) -> None:
    """The verdicts on ``later``, the earlier of which are all known or among them too."""
    asked = ~corpus.given[later]
    later, earlier = near(later[asked], earlier[asked], "both")
    leaks = corpus.split[later] != corpus.split[earlier]
    within = later[~leaks], earlier[~leaks]
    for side in _SIDES:
        within = near(*within, side)
    later, earlier = np.r_[later[leaks], within[0]], np.r_[earlier[leaks], within[1]]
    reasons = np.repeat([NEAR_LEAKING, NEAR], [int(leaks.sum()), len(within[0])])
    order = np.lexsort((reasons != NEAR_LEAKING, later))
    for start in range(0, len(order), _AT_A_TIME):
        some = order[start : start + _AT_A_TIME]
        for one, other, reason in zip(*(column[some].tolist() for column in (later, earlier, reasons)), strict=True):
            if verdict[other] == PASSED and verdict[one] == PASSED:  # what has gone itself takes nothing along
                verdict[one] = reason


@dataclass(frozen=True)
class _Near:
    """Keeps of some candidates those that are near by one of their sides, or by both as one text."""

    corpus: Corpus
    threshold: float
    rows: Ints
    """The pairs that may be among them."""
    sets: dict[Side, Shingles] | None
    """The shingles of all these, once they are known, where candidates come in many stretches; None: in one."""

    def __call__(self, later: Ints, earlier: Ints, side: Side) -> tuple[Ints, Ints]:
        if self.sets is None:
            asked = np.zeros(len(self.corpus.verdict), bool)
            asked[later] = asked[earlier] = True
            rows = np.flatnonzero(asked)
            sets, place = self.corpus.shingles(rows, side), np.cumsum(asked) - 1
            near = are_near(sets, place[later], place[earlier], self.threshold)
        else:
            if side not in self.sets:
                self.sets[side] = self.corpus.shingles(self.rows, side)
            first, second = np.searchsorted(self.rows, later), np.searchsorted(self.rows, earlier)
            near = are_near(self.sets[side], first, second, self.threshold)
        return later[near], earlier[near]


def _cap(verdict: Verdicts, corpus: Corpus, most: int) -> None:
    """Drop the pairs above ``most`` of one reply."""
    rows = _free(verdict, corpus)
    reply, pair = corpus.keys("reply_key")[rows], corpus.keys("pair")[rows]
    often = np.bincount(owner := earliest(reply), minlength=len(reply))[owner] > most
    rows, reply, pair = rows[often], reply[often], pair[often]
    order = np.lexsort((pair, reply))
    starts, sizes = runs(reply[order])
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    verdict[rows[order[rank >= most]]] = CAPPED
