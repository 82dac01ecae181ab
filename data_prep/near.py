"""Near repeats: pairs that share most of their word 3-shingles, found by MinHash and settled by counting.

Broder 1997 (resemblance of shingle sets), Indyk & Motwani 1998 (locality-sensitive hashing). Sixteen bands of four
hashes: two pairs whose shingle sets have a Jaccard index of 0.8 share a band with probability 0.9998, of 0.7 with
0.988, of 0.3 with 0.12. What shares a band is only a candidate; the true index decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from daft import Series

from data_prep.columns import Bools, Ints, Keys, hash_column, mix
from data_prep.grouping import distinct, in_order, runs

BANDS = 16
_ROWS = 4  # hashes a band
_SHINGLE = 3  # words
_FIRST, _BEFORE = 4, 4  # members of a band that each other member is compared with: its first, and those just before
_HELD, _HELD_COST = 1000, 1 << 24  # held-out members that each is compared with, and comparisons, in a run of alike
_ATTEMPT, _ATTEMPT_A_PAIR = 1 << 23, 32  # candidates that are held at a time: so many at least, or so many a pair
_ROOM = 0.7  # of which the next attempt should take so much
_THREADS = 2  # bands at a time: each takes some hundred bytes a pair
_MARKS = 4  # words of 64 bits a set that tell most of what two sets cannot share
_EDGES = 1 << 19  # candidates whose shingles are counted at a time
Small = npt.NDArray[np.uint32]
Side = Literal["both", "context", "reply"]


@dataclass(frozen=True)
class Shingles:
    """Sets of shingles one after another: ``keys`` (uint32, ascending within a set), ``offsets`` (sets + 1)."""

    keys: Small
    offsets: Ints


def band_keys(folded: pa.LargeStringArray, bands: int) -> pa.Table:
    """Columns ``band0`` … of uint32: near repeats are alike in at least one of them.

    Args:
        folded: folded pairs, context and reply joined by a space.
        bands: how many columns.
    """
    signature = Series.from_arrow(folded).minhash(bands * _ROWS, _SHINGLE, hash_function="xxhash3_64").to_arrow()
    hashes = signature.flatten().to_numpy(zero_copy_only=False).reshape(-1, bands, _ROWS).astype(np.uint64)
    columns = {}
    for band in range(bands):
        key = hashes[:, band, 0]
        for row in range(1, _ROWS):
            key = mix(key, hashes[:, band, row])
        columns[f"band{band}"] = pa.array(key.astype(np.uint32))
    return pa.table(columns)


@dataclass(frozen=True)
class Found:
    """Candidates: pairs of places that share a band, each once, the later ascending."""

    later: Ints
    earlier: Ints
    whole: bool
    """These are all; else those whose later one is in one stretch of places."""


def candidates(bands: Callable[[], Iterable[Small]], held: Bools, there: Bools) -> Iterator[Found]:
    """Pairs of places that share a band, stretch after stretch of the later ones where they are too many to hold.

    Members of a band are compared with a few others, since large bands hold what is all alike; but with each one that
    is held out, up to a thousand of them, or fewer where alike are more than sixteen thousand.

    Args:
        bands: gives the keys of each band, one a place, each time anew.
        held: whether a place belongs to a held-out split.
        there: whether a place is to be compared with later ones. Set it to false where the candidates of a stretch
            rule it out: what has gone takes nothing along, and of many alike few remain.
    """
    places = len(held)
    most = max(_ATTEMPT, _ATTEMPT_A_PAIR * places)
    begin, size = 0, places
    while begin < places:
        end = min(places, begin + size)
        among = np.flatnonzero(there[:end])
        first = int(np.searchsorted(among, begin))
        whole = len(among) == places
        some = (keys if whole else keys[among] for keys in bands())
        found = _within(some, held[among], first, most if size > 1 else None)
        if found is None:
            size = max(1, size // 8)
            continue
        edges, cost = found
        yield Found(among[edges >> np.uint64(32)], among[edges & np.uint64(0xFFFFFFFF)], end - begin == places)
        begin, size = end, max(1, int(size * min(4.0, _ROOM * most / max(1, cost))))


def _within(bands: Iterator[Small], held: Bools, first: int, most: int | None) -> tuple[Keys, int] | None:
    """The pairs whose later place is ``first`` or after it, and how many were met; None where there are too many."""
    found, cost = np.zeros(0, np.uint64), 0
    waiting: list[Keys] = []
    with ThreadPoolExecutor(
        _THREADS
    ) as pool:  # nearly all of it is sorting, for which numpy lets go of the interpreter
        while some := list(islice(bands, _THREADS)):
            for edges in pool.map(lambda keys: _edges(keys, held, first, most), some):
                if edges is None or (most is not None and (cost := cost + len(edges)) > most):
                    return None
                waiting.append(edges)
            if sum(map(len, waiting)) > len(found):  # each sorting doubles what is sorted, so that they are few
                found, waiting = distinct(np.concatenate([found, *waiting])), []
    return distinct(np.concatenate([found, *waiting])), cost


def _edges(keys: Small, held: Bools, first: int, most: int | None) -> Keys | None:
    """Pairs of one band, the later of which is ``first`` or after it; None if they would be more than ``most``."""
    ordered, order = in_order(keys)
    starts, sizes = runs(ordered)
    shared = np.repeat(sizes > 1, sizes)
    start = np.repeat(starts, sizes)[shared]
    at = np.flatnonzero(shared)
    if first:
        asked = order[at] >= first
        at, start = at[asked], start[asked]
    inside = at - start
    edges = []
    for back in range(1, _BEFORE + 1):
        rows = inside >= back
        edges.append((order[at[rows]], order[at[rows] - back]))
    for number in range(_FIRST):
        rows = inside > number + _BEFORE
        edges.append((order[at[rows]], order[start[rows] + number]))
    with_held = _with_held(order, starts[sizes > 1], sizes[sizes > 1], held, first, most)
    if with_held is None:
        return None
    edges += with_held
    later = np.concatenate([a for a, _ in edges]).astype(np.uint64)
    earlier = np.concatenate([b for _, b in edges]).astype(np.uint64)
    return distinct(later << np.uint64(32) | earlier)


def _with_held(
    order: Ints, starts: Ints, sizes: Ints, held: Bools, first: int, most: int | None
) -> list[tuple[Ints, Ints]] | None:
    """Each member of each run (beginning at ``starts`` in ``order``) with the held-out members of it."""
    runs_of = np.repeat(np.arange(len(sizes)), sizes)
    at = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(len(runs_of))
    mixed = (np.bincount(runs_of[held[order[at]]], minlength=len(sizes)) > 0)[runs_of]
    place = order[at[mixed]]
    sizes = sizes[np.unique(runs_of[mixed])] if len(place) else sizes[:0]
    begins = np.cumsum(sizes) - sizes
    begin, asked = np.repeat(begins, sizes), place >= first
    out = held[place]
    before: Ints = np.cumsum(out) - out
    limit = np.minimum(_HELD, np.maximum(_FIRST, _HELD_COST // np.maximum(1, sizes)))
    before -= before[begin]
    limit = np.repeat(limit, sizes)
    chosen = out & (before < limit)
    behind = np.where(asked, np.minimum(before, limit), 0)  # held-out members before each
    ahead = np.where(asked & chosen, np.arange(len(place)) - begin, 0)  # members before each that is held out
    if most is not None and int(behind.sum()) + int(ahead.sum()) > most:
        return None
    listed = np.flatnonzero(chosen)
    at_first: Ints = (np.cumsum(chosen) - chosen)[begin]
    owner, number = _ramps(behind)
    one = place[owner], place[listed[at_first[owner] + number]]
    owner, number = _ramps(ahead)
    return [one, (place[owner], place[begin[owner] + number])]


def _ramps(counts: Ints) -> tuple[Ints, Ints]:
    """Each place as often as its count says, and 0, 1, 2, … for each.

    >>> [column.tolist() for column in _ramps(np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [0, 1, 0, 1, 2]]
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def shingle_sets(folded: pa.LargeStringArray) -> Shingles:
    """The set of word 3-shingles of each folded text, hashed; a text of fewer words is one shingle."""
    parts = pc.split_pattern(folded, " ")
    words = parts.flatten().dictionary_encode()
    keys = hash_column(words.dictionary)[words.indices.to_numpy(zero_copy_only=False)]
    offsets = parts.offsets.to_numpy().astype(np.int64)
    offsets = offsets - offsets[0] if len(offsets) else np.zeros(1, np.int64)
    lengths = np.diff(offsets)
    sizes = np.maximum(1, lengths - _SHINGLE + 1)
    ends = np.r_[0, np.cumsum(sizes)]
    owner = np.repeat(np.arange(len(sizes)), sizes)
    at = offsets[owner] + np.arange(ends[-1]) - ends[owner]
    shingle = np.zeros(len(at), np.uint64)
    for word in range(_SHINGLE):
        there = np.arange(ends[-1]) - ends[owner] + word < lengths[owner]
        shingle = np.where(there, mix(shingle, keys[np.minimum(at + word, max(0, len(keys) - 1))]), shingle)
    tagged = distinct(owner.astype(np.uint64) << np.uint64(32) | (shingle & np.uint64(0xFFFFFFFF)))
    sizes = np.bincount((tagged >> np.uint64(32)).astype(np.int64), minlength=len(sizes))
    return Shingles((tagged & np.uint64(0xFFFFFFFF)).astype(np.uint32), np.r_[0, np.cumsum(sizes)])


def are_near(sets: Shingles, first: Ints, second: Ints, threshold: float) -> npt.NDArray[np.bool_]:
    """For each two sets whether their Jaccard index reaches the threshold.

    Most candidates share too little by far, which a few words of bits a set tell; the others are counted.
    """
    near = np.zeros(len(first), bool)
    marks = _marks(sets)
    for start in range(0, len(first), _EDGES):
        one, other = first[start : start + _EDGES], second[start : start + _EDGES]
        rows = np.flatnonzero(_at_most(sets, marks, one, other) >= threshold)
        near[start + rows] = jaccard(sets, one[rows], other[rows]) >= threshold
    return near


def _marks(sets: Shingles) -> Keys:
    """For each set 64 times ``_MARKS`` bits, (sets, _MARKS), with the bit of each of its shingles set."""
    marks = np.zeros((len(sets.offsets) - 1, _MARKS), np.uint64)
    filled = np.flatnonzero(np.diff(sets.offsets))  # reduceat wants no empty stretch
    for start in range(0, len(filled), _EDGES):  # bits are twice as wide as keys, so never all of them at once
        rows = filled[start : start + _EDGES]
        first, last = sets.offsets[rows[0]], sets.offsets[rows[-1] + 1]
        keys = sets.keys[first:last]
        bits = np.uint64(1) << (keys & np.uint32(63)).astype(np.uint64)
        words = (keys >> np.uint32(6)) % np.uint32(_MARKS)
        for word in range(_MARKS):
            chosen = np.where(words == word, bits, np.uint64(0))
            marks[rows, word] = np.bitwise_or.reduceat(chosen, sets.offsets[rows] - first)
    return marks


def _at_most(sets: Shingles, marks: Keys, first: Ints, second: Ints) -> npt.NDArray[np.float64]:
    """What the Jaccard index of each two sets is at most.

    A bit that is set for A and not for B stands for at least one shingle of A that B has not.
    """
    sizes = np.diff(sets.offsets)
    a, b = marks[first], marks[second]
    common = np.minimum(
        sizes[first] - np.bitwise_count(a & ~b).sum(axis=1, dtype=np.int64),
        sizes[second] - np.bitwise_count(b & ~a).sum(axis=1, dtype=np.int64),
    )
    index: npt.NDArray[np.float64] = common / (sizes[first] + sizes[second] - common)
    return index


def jaccard(sets: Shingles, first: Ints, second: Ints) -> npt.NDArray[np.float64]:
    """|A ∩ B| / |A ∪ B| of each two sets."""
    tagged = np.concatenate([_tagged(sets, first), _tagged(sets, second)])
    tagged.sort()
    both = tagged[1:][tagged[1:] == tagged[:-1]] >> np.uint64(32)
    common = np.bincount(both.astype(np.int64), minlength=len(first))
    sizes = np.diff(sets.offsets)
    index: npt.NDArray[np.float64] = common / (sizes[first] + sizes[second] - common)
    return index


def _tagged(sets: Shingles, rows: Ints) -> Keys:
    sizes = np.diff(sets.offsets)[rows]
    ends = np.r_[0, np.cumsum(sizes)]
    owner = np.repeat(np.arange(len(rows)), sizes)
    at = sets.offsets[rows][owner] + np.arange(ends[-1]) - ends[owner]
    return cast(Keys, owner.astype(np.uint64) << np.uint64(32) | sets.keys[at].astype(np.uint64))
