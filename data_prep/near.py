"""Near repeats: pairs that share most of their word 3-shingles, found by MinHash and settled by counting.

Broder 1997 (resemblance of shingle sets), Indyk & Motwani 1998 (locality-sensitive hashing). Sixteen bands of four
hashes: two pairs whose shingle sets have a Jaccard index of 0.8 share a band with probability 0.9998, of 0.7 with
0.988, of 0.3 with 0.12. What shares a band is only a candidate; the true index decides.
"""

from __future__ import annotations

from collections.abc import Iterator
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
_HELD = 1 << 24  # comparisons with held-out pairs that one band may cost
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


def candidates(bands: Iterator[Small], held: Bools) -> tuple[Ints, Ints]:
    """Pairs of places (later, earlier) that share a band, without repeats, the later ascending.

    Members of a band are compared with a few others, since large bands hold what is all alike; but with each one that
    is held out, as far as there are not thousands of them.

    Args:
        bands: keys of each band, one a place.
        held: whether a place belongs to a held-out split.
    """
    found = np.zeros(0, np.uint64)
    waiting: list[Keys] = []
    with ThreadPoolExecutor(
        _THREADS
    ) as pool:  # nearly all of it is sorting, for which numpy lets go of the interpreter
        while some := list(islice(bands, _THREADS)):
            waiting += pool.map(lambda keys: _edges(keys, held), some)
            if sum(map(len, waiting)) > len(found):  # each sorting doubles what is sorted, so that they are few
                found, waiting = distinct(np.concatenate([found, *waiting])), []
    found = distinct(np.concatenate([found, *waiting]))
    return (found >> np.uint64(32)).astype(np.int64), (found & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _edges(keys: Small, held: Bools) -> Keys:
    ordered, order = in_order(keys)
    starts, sizes = runs(ordered)
    shared = np.repeat(sizes > 1, sizes)
    start = np.repeat(starts, sizes)[shared]
    at = np.flatnonzero(shared)
    inside = at - start
    edges = [_with_held(order, starts[sizes > 1], sizes[sizes > 1], held)]
    for back in range(1, _BEFORE + 1):
        rows = inside >= back
        edges.append((order[at[rows]], order[at[rows] - back]))
    for first in range(_FIRST):
        rows = inside > first + _BEFORE
        edges.append((order[at[rows]], order[start[rows] + first]))
    one = np.concatenate([a for a, _ in edges]).astype(np.uint64)
    other = np.concatenate([b for _, b in edges]).astype(np.uint64)
    later, earlier = np.maximum(one, other), np.minimum(one, other)
    return distinct((later << np.uint64(32) | earlier)[later != earlier])


def _with_held(order: Ints, starts: Ints, sizes: Ints, held: Bools) -> tuple[Ints, Ints]:
    """Each member of each band with the held-out members of it."""
    members = np.repeat(np.arange(len(sizes)), sizes)
    at = np.repeat(starts, sizes) + np.arange(len(members)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    out = held[order[at]]
    places = at[out]  # of held-out members, band after band
    counts = np.bincount(members[out], minlength=len(sizes))
    first = np.cumsum(counts) - counts
    mixed = (counts > 0)[members]
    at, members = at[mixed], members[mixed]
    most = int(min(counts.max(initial=0), max(_FIRST, _HELD // max(1, len(at)))))
    one, other = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number in range(most):
        rows = counts[members] > number
        one.append(order[at[rows]])
        other.append(order[places[first[members[rows]] + number]])
    return np.concatenate(one), np.concatenate(other)


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
