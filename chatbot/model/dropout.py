"""Dropout between layers and of whole words."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Drop values of a sequence, scaled so that the mean stays; off in `eval`.

    Args:
        share: of the values, from 0 up to but not 1.
        variational: one mask for all positions of a row: what a layer cannot see at one position it cannot see at the
            next, so its memory does not help it out (Gal & Ghahramani 2016). A mask for each position costs more, too.
    """

    def __init__(self, share: float, variational: bool = True) -> None:
        super().__init__()
        self.share = share
        self.variational = variational

    def forward(self, x: Tensor) -> Tensor:
        """Drop from x (N, T, W) -> (N, T, W)."""
        if not self.training or self.share == 0:
            return x
        stay = 1 - self.share
        positions = 1 if self.variational else x.shape[1]
        return x * x.new_empty(x.shape[0], positions, x.shape[2]).bernoulli_(stay).div_(stay)


class WordDropout(nn.Module):
    """Drop whole words from the input: all places of a piece in the batch, scaled so that the mean stays.

    Source: Gal & Ghahramani 2016, section 4.2; Merity, Keskar & Socher 2018, section 4.3.
    """

    def __init__(self, share: float, vocab_size: int) -> None:
        super().__init__()
        self.share = share
        self.vocab_size = vocab_size

    def forward(self, vectors: Tensor, ids: Tensor) -> Tensor:
        """Drop from vectors (N, T, E) of ids (N, T) -> (N, T, E)."""
        if not self.training or self.share == 0:
            return vectors
        stay = 1 - self.share
        factors = torch.empty(self.vocab_size, device=vectors.device, dtype=vectors.dtype).bernoulli_(stay).div_(stay)
        return vectors * factors[ids][..., None]
