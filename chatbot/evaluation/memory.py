"""What of replies stands word for word in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data_prep.columns import mix
from data_prep.text import fold

Ints = npt.NDArray[np.int64]


def longest_runs(texts: Sequence[str], trained: Sequence[str]) -> Ints:
    """Words of the longest run of each text that stands in any of the trained ones, case and marks aside: (N,).

    Runs are looked for by their hash, of two words, of three and so on, until no text has one that long.

    >>> longest_runs(["I like green tea.", "Never!"], ["they like green tea", "no"]).tolist()
    [3, 0]
    """
    words: dict[str, int] = {}
    ours, theirs = (
        [[words.setdefault(word, len(words)) for word in fold(text).split()] for text in some]
        for some in (texts, trained)
    )
    found = np.zeros(len(texts), dtype=np.int64)
    said, learned = _Runs(ours), _Runs(theirs)
    while len(said.keys):
        there = _among(said.keys, learned.keys)
        found[said.owner[there]] = said.length
        said.keep(np.isin(said.owner, said.owner[there]))
        said.longer()
        learned.longer()
    return found


def _among(keys: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """As `numpy.isin`, several times sooner where there are a million others."""
    ordered = np.sort(others)
    places = np.searchsorted(ordered, keys).clip(max=max(0, len(ordered) - 1))
    return ordered[places] == keys if len(ordered) else np.zeros(len(keys), dtype=np.bool_)


class _Runs:
    """All runs of so many words, as hashes, and whose they are."""

    def __init__(self, texts: Sequence[Sequence[int]]) -> None:
        self.length = 1
        self._words = np.array([word for text in texts for word in text], dtype=np.uint64)  # (W,)
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        self._ends = np.repeat(np.cumsum(lengths), lengths)  # (W,) where the text of each word ends
        self.owner = np.repeat(np.arange(len(texts)), lengths)  # (R,)
        self._starts = np.arange(len(self._words))  # (R,)
        self.keys = mix(np.zeros(len(self._words), np.uint64), self._words)  # (R,)

    def keep(self, some: npt.NDArray[np.bool_]) -> None:
        self.keys, self.owner, self._starts = self.keys[some], self.owner[some], self._starts[some]

    def longer(self) -> None:
        """One word more each, as far as the texts go."""
        self.keep(self._starts + self.length < self._ends[self._starts])
        self.keys = mix(self.keys, self._words[self._starts + self.length])
        self.length += 1
