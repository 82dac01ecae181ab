"""Whole columns of text at a time: the readings of ``data_prep.text`` and the first screen of the rules.

What is plain ASCII, most of any corpus in a Latin script, is read as one array of bytes by numpy or matched by RE2,
a hundred times faster than a call a text; the rest goes through the functions that define the result. Each function
here gives exactly what its scalar twin gives, text by text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from daft import Series

from data_prep.text import fold, words

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

_ROWS = 1 << 14  # texts read at a time: what lies between two steps then stays in the processor's cache
_SPACE, _LETTER, _DIGIT, _UNDERSCORE, _MARK = 1, 2, 4, 8, 16
_CLASSES = np.full(256, _MARK, np.uint8)
for _code in range(128):
    _character = chr(_code)
    if _character.isalpha():
        _CLASSES[_code] = _LETTER
    elif _character.isdigit():
        _CLASSES[_code] = _DIGIT
    elif _character.isspace():
        _CLASSES[_code] = _SPACE
_CLASSES[ord("_")] = _UNDERSCORE
_FOLDED = np.array([ord(chr(c).lower()) if c < 128 and chr(c).isalnum() else 32 for c in range(256)], np.uint8)

# Words with single spaces or dashes between, at most three plain marks behind each, quotation marks and apostrophes
# that touch a word: no repair has anything to do here, unless a letter or mark is held down, which the second pattern
# finds. Apostrophes are let pass only where none of `n't 's 're 'll 've 'd 'm o'clock qu'` could have been parted.
_RUN = "[A-Za-z0-9]+"
_WORD = rf"(?:{_RUN}|(?:[A-Za-z0-9]{{2,}}|[A-MO-Za-mo-z0-9])(?:(?:'|--?){_RUN})+)"
_MARKS = '(?:[.,?!;:]{0,3}"?|"[.,?!;:]{0,3}|--)'
_CLIPPED = "[A-Za-z0-9]{2,}[A-TV-Za-tv-z0-9]'"  # goin', followed by what cannot be the other half of a parted word
_SAFE = rf"[A-CE-KO-QUW-Za-ce-ko-quw-z0-9][A-Za-z0-9]*(?:(?:'|--?){_RUN})*{_MARKS}"
_TOKEN = rf'(?:"?{_WORD}(?:{_MARKS}|\.\.\.{_WORD}[.,?!]{{0,3}})|(?:{_CLIPPED} )+{_SAFE})'
_PLAIN = rf"^(?:\.\.\. ?)?{_TOKEN}(?: (?:-{{1,2}} )?{_TOKEN})*(?: --?)?$"
_HELD = "|".join(re.escape(chr(c) * 4) for c in range(33, 127) if not chr(c).isdigit())


@dataclass(frozen=True)
class Counts:
    """What a column of texts is made of; each array has one element a text."""

    ascii: Bools
    characters: Ints
    words: Ints
    """As ``len(data_prep.text.words(text))``."""
    letters: Ints
    """ASCII letters (of texts beyond ASCII: not counted, 0)."""
    marks: Ints
    """ASCII marks, the underscore included (of texts beyond ASCII: not counted, 0)."""


def count(texts: pa.LargeStringArray) -> Counts:
    """Characters, words, letters and marks of each text."""
    parts = [_count(texts.slice(start, _ROWS)) for start in range(0, max(1, len(texts)), _ROWS)]
    return Counts(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Counts)))


def _count(texts: pa.LargeStringArray) -> Counts:
    plain = to_bools(pc.string_is_ascii(texts))
    data, offsets = _bytes(texts)
    classes = _CLASSES[data]
    word = (classes & (_LETTER | _DIGIT | _UNDERSCORE)) != 0
    starts = word.copy()
    starts[1:] &= ~word[:-1]
    first = offsets[:-1][offsets[:-1] < offsets[1:]]
    starts[first] = word[first]
    counted = _sums(starts | (classes == _MARK), offsets)
    beyond = np.flatnonzero(~plain)
    counted[beyond] = [len(words(text)) for text in texts.take(pa.array(beyond)).to_pylist()]
    letters = np.where(plain, _sums(classes == _LETTER, offsets), 0)
    marks = np.where(plain, _sums((classes & (_MARK | _UNDERSCORE)) != 0, offsets), 0)
    characters = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    return Counts(plain, characters, counted, letters, marks)


def surely_clean(texts: pa.LargeStringArray) -> Bools:
    """Texts that no repair would change; of the others some are clean too.

    >>> surely_clean(pa.array(["Well, that's fine.", "two  spaces", "noooo", "où?"], pa.large_string())).tolist()
    [True, False, False, False]
    """
    plain = pc.match_substring_regex(texts, _PLAIN)
    return to_bools(pc.and_not(plain, pc.match_substring_regex(texts, _HELD)))


def even_spaces(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Texts with one plain space for each run of plain spaces, and none around them."""
    return pc.replace_substring_regex(pc.utf8_trim(texts, " "), " {2,}", " ")


def fold_column(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """``data_prep.text.fold`` of each text.

    >>> fold_column(pa.array(["  It's -- FINE!", "?!", "Ça va?"], pa.large_string())).to_pylist()
    ['it s fine', '?!', 'ça va']
    """
    return pa.concat_arrays([_fold(texts.slice(start, _ROWS)) for start in range(0, max(1, len(texts)), _ROWS)])


def _fold(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    data, offsets = _bytes(texts)
    folded = _FOLDED[data]
    filled = folded != 32
    keep = filled.copy()
    keep[1:] |= filled[:-1]  # the first of a run of spaces stays
    first = offsets[:-1][offsets[:-1] < offsets[1:]]
    keep[first] = filled[first]
    ends = np.r_[0, np.cumsum(_sums(keep, offsets))]
    kept = folded[keep]
    last = ends[1:][ends[1:] > ends[:-1]] - 1
    trailing = last[kept[last] == 32]
    ends -= np.searchsorted(trailing, ends)
    kept = np.delete(kept, trailing)
    result = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(kept))
    plain = to_bools(pc.string_is_ascii(texts))
    return _patched(texts, result, np.flatnonzero(~plain | (ends[1:] == ends[:-1])), fold)


def hash_column(texts: pa.Array) -> Keys:
    """64 bits of each text (XXH3), the same on every machine and in every run."""
    hashed = Series.from_arrow(texts).hash()
    return cast(Keys, hashed.to_arrow().to_numpy(zero_copy_only=False))


def mix(first: Keys, second: Keys) -> Keys:
    """One key of two, in which their order counts (the finaliser of MurmurHash3 on a weighted sum)."""
    key = first * np.uint64(0x9E3779B97F4A7C15) + second
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        key ^= key >> np.uint64(33)
        key *= np.uint64(factor)
    return cast(Keys, key ^ (key >> np.uint64(33)))


def joined(*columns: pa.LargeStringArray) -> pa.LargeStringArray:
    """Texts of several columns side by side, a space between."""
    return pc.binary_join_element_wise(*columns, pa.scalar(" ", pa.large_string()))


def to_bools(array: pa.Array) -> Bools:
    """A Boolean column as numpy."""
    return cast(Bools, array.to_numpy(zero_copy_only=False))


def large(texts: Any) -> pa.LargeStringArray:
    """A column of ``large_string`` in one piece, without nulls."""
    array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return array if isinstance(array, pa.LargeStringArray) else pa.array(array, pa.large_string())


def _patched(
    texts: pa.LargeStringArray, result: pa.LargeStringArray, rows: Ints, change: Callable[[str], str]
) -> pa.LargeStringArray:
    """``result`` with ``change(text)`` in some rows."""
    if not len(rows):
        return result
    changed = pa.array([change(text) for text in texts.take(pa.array(rows)).to_pylist()], pa.large_string())
    mask = np.zeros(len(texts), bool)
    mask[rows] = True
    return pc.replace_with_mask(result, pa.array(mask), changed)


def replaced(texts: pa.LargeStringArray, rows: Ints, changed: list[str] | pa.Array) -> pa.LargeStringArray:
    """The column with other texts in some rows (ascending)."""
    if not len(rows):
        return texts
    mask = np.zeros(len(texts), bool)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(changed, pa.large_string()))


def _bytes(texts: pa.LargeStringArray) -> tuple[npt.NDArray[np.uint8], Ints]:
    """The bytes of all texts one after another, and where each begins (length + 1)."""
    _, where, what = texts.buffers()
    offsets = (
        np.frombuffer(where, np.int64)[texts.offset : texts.offset + len(texts) + 1] if where else np.zeros(1, np.int64)
    )
    data = np.frombuffer(what, np.uint8) if what else np.zeros(0, np.uint8)
    return data[offsets[0] : offsets[-1]], offsets - offsets[0]


def _sums(flags: Bools, offsets: Ints) -> Ints:
    """How many flags are set within each row."""
    sums = np.zeros(len(offsets) - 1, np.int64)
    filled = offsets[:-1] < offsets[1:]
    if filled.any():  # rows without a byte would be given the next row's first
        sums[filled] = np.add.reduceat(flags.view(np.uint8), offsets[:-1][filled], dtype=np.int32)
    return sums
