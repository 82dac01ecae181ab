"""The largest of many numbers, sooner than by sorting them."""

from __future__ import annotations

import torch
from torch import Tensor

from chatbot.search.steps import LOWEST

_BLOCK = 64
_LEAST = 16  # times as many blocks as are wanted: below, nothing is won


def top(scores: Tensor, k: int, before: Tensor) -> tuple[Tensor, Tensor]:
    """The largest `k` of each pool, or all there are, largest first: their values and places, (P, k) each.

    A pool has K rows of V numbers, scores (P, K, V); to those of a row `before` (P, K) is added. What is below LOWEST
    counts as that. A place is row * V + column.

    On a CPU `topk` holds every number against a heap; here the largest number of each block of 64 is found first, by
    vector instructions, as the largest k lie in the k blocks with the largest maxima. Of equals any may be taken.

    >>> values, places = top(torch.tensor([[[1.0, 5.0, 3.0], [2.0, 0.0, 1.0]]]), 3, torch.tensor([[0.0, 2.5]]))
    >>> values.tolist(), places.tolist()
    ([[5.0, 4.5, 3.5]], [[1, 3, 5]])
    """
    pools, rows, size = scores.shape
    k = min(k, rows * size)
    if scores.device.type != "cpu" or rows * size < k * _BLOCK * _LEAST:
        values, places = (scores.clamp(min=LOWEST) + before[:, :, None]).flatten(1).topk(k, dim=1)
        return values, places
    whole = size // _BLOCK
    largest = scores[:, :, : whole * _BLOCK].reshape(pools, rows, whole, _BLOCK).amax(dim=3)  # (P, K, V / 64)
    if size % _BLOCK:
        largest = torch.cat([largest, scores[:, :, whole * _BLOCK :].amax(dim=2, keepdim=True)], dim=2)
    by_row = largest.clamp_(min=LOWEST) + before[:, :, None]
    best = by_row.flatten(1).topk(k, dim=1, sorted=False).indices[:, :, None]  # (P, k, 1)
    row, column = best // by_row.shape[2], best % by_row.shape[2] * _BLOCK + torch.arange(_BLOCK)
    places = (row * size + column).clamp_(max=rows * size - 1).flatten(1)  # (P, k * 64)
    values = scores.reshape(pools, -1).gather(1, places).clamp_(min=LOWEST).view_as(column)
    values = values + before.gather(1, row[:, :, 0])[:, :, None]
    if size % _BLOCK:
        values.masked_fill_(column >= size, float("-inf"))  # past the end of a row
    found, within = values.flatten(1).topk(k, dim=1)  # (P, k)
    return found, places.gather(1, within)
