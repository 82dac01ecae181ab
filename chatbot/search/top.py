"""The largest of many numbers, sooner than by sorting them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_BLOCK = 64
_LEAST = 16  # times as many blocks as are wanted: below, nothing is won


def top(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The largest `k` of each row of scores (P, M), or all M, largest first: their values and places, (P, k) each.

    On a CPU `topk` holds every number against a heap; here the largest number of each block of 64 is found first, by
    vector instructions, as the largest k lie in the k blocks with the largest maxima. Of equals any may be taken.

    >>> values, places = top(torch.tensor([[1.0, 5.0, 3.0]]), 2)
    >>> values.tolist(), places.tolist()
    ([[5.0, 3.0]], [[1, 2]])
    """
    rows, size = scores.shape
    k = min(k, size)
    if scores.device.type != "cpu" or size < k * _BLOCK * _LEAST:
        values, places = scores.topk(k, dim=1)
        return values, places
    short = -size % _BLOCK
    whole = F.pad(scores, (0, short), value=float("-inf")) if short else scores
    blocks = whole.view(rows, -1, _BLOCK)  # (P, M / 64, 64)
    best = blocks.amax(dim=2).topk(k, dim=1, sorted=False).indices  # (P, k)
    taken = blocks[torch.arange(rows)[:, None], best].flatten(1)  # (P, k * 64)
    values, within = taken.topk(k, dim=1)  # (P, k)
    return values, best.gather(1, within // _BLOCK) * _BLOCK + within % _BLOCK
