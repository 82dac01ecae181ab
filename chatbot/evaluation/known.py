"""Which pairs of a split stand in training, or nearly: there a model need only remember."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_prep.near import BANDS, are_near, band_keys, candidates, shingle_sets
from data_prep.text import fold

NEAR = 0.7
"""Jaccard index of word 3-shingles from which two pairs are near, as `chatbot prepare` has it unless told otherwise."""

Pair = tuple[str, str]
Bools = npt.NDArray[np.bool_]


def stand_in(pairs: Sequence[Pair], trained: Sequence[Pair]) -> tuple[Bools, Bools]:
    """Of pairs (last turn of the context, reply): whether the folded pair is trained on, and whether a near one is.

    Both are (N,); what stands there exactly is near as well.
    """
    folded = [" ".join(map(fold, pair)) for pair in (*trained, *pairs)]
    keys = [tuple(map(fold, pair)) for pair in pairs]
    learned = {tuple(map(fold, pair)) for pair in trained}
    same = np.array([key in learned for key in keys], dtype=np.bool_)
    near = same.copy()
    first = len(trained)
    texts = pa.array(folded, pa.large_string())
    bands = band_keys(texts, BANDS)
    held = np.arange(len(folded)) >= first
    sets = shingle_sets(texts)
    columns = [column.to_numpy() for column in bands.columns]
    for found in candidates(lambda: iter(columns), held, np.ones(len(folded), np.bool_)):
        across = held[found.later] & ~held[found.earlier]
        later, earlier = found.later[across], found.earlier[across]
        near[later[are_near(sets, later, earlier, NEAR)] - first] = True
    return same, near
