"""Where the decoder looks: one or several heads over the memory of the encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Soft attention from queries to a memory of keys and values.

        multiplicative   score(q, v) = q . W v                 "general" in Luong, Pham & Manning 2015, equation 8
        additive         score(q, v) = e . tanh(U q + W v)     Bahdanau, Cho & Bengio 2015, appendix A.1.2

    W v is the key: it depends on the source alone and is made once, not at each step. With several heads queries, keys
    and values are parted among them, each head looks for itself, and the contexts stand side by side (Vaswani et al.
    2017, section 3.2.2; its scores are divided by the square root of a head's width, too, where there are several).

    Args:
        query_size: H; heads must divide it.
        memory_size: M; heads must divide it.
        kind: ``multiplicative`` or ``additive``.
        heads: how many look.
    """

    def __init__(self, query_size: int, memory_size: int, kind: str = "multiplicative", heads: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.key: nn.Module = nn.Linear(memory_size, query_size, bias=False)
        self.scale = 1.0 if heads == 1 else (query_size // heads) ** -0.5
        self.query = nn.Linear(query_size, query_size) if kind == "additive" else None
        self.energy: nn.Parameter | None = None
        if kind == "additive":
            bound = (query_size // heads) ** -0.5
            self.energy = nn.Parameter(torch.empty(query_size).uniform_(-bound, bound))

    def keys(self, values: Tensor) -> Tensor:
        """Project values (N, S, M) to keys (N, S, H)."""
        keys: Tensor = self.key(values)
        return keys

    def forward(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Look from T queries at S positions: the context (N, T, M), and the weights (N, T, S), a mean over the heads.

        query (N, T, H), keys (N, S, H), values (N, S, M), mask (N, S) True at text or None for all text.
        Each row of the mask must have a True. Weights of a position that is not text are exactly 0;
        they are reckoned in float32 at least, as a softmax in half precision loses its small ones.
        """
        scores = self._scores(query, keys)  # (N * heads, T, S)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        if mask is not None:
            pads = ~mask.repeat_interleave(self.heads, dim=0)[:, None]
            scores = scores.masked_fill(pads, torch.finfo(scores.dtype).min)  # finite: no NaN
        weights = scores.softmax(dim=-1)
        context = torch.bmm(weights.to(values.dtype), self._parted(values))  # (N * heads, T, M / heads)
        if self.heads == 1:
            return context, weights
        context = context.view(-1, self.heads, *context.shape[1:]).transpose(1, 2)
        return context.flatten(2), weights.view(-1, self.heads, *weights.shape[1:]).mean(dim=1)

    def _scores(self, query: Tensor, keys: Tensor) -> Tensor:
        if self.query is None or self.energy is None:
            scores = torch.bmm(self._parted(query), self._parted(keys).mT)
            return scores if self.scale == 1 else scores * self.scale
        # The sum over a head's width is a matrix product with its part of the energy.
        both = (self._parted(self.query(query))[:, :, None] + self._parted(keys)[:, None]).tanh()
        each = both.view(-1, self.heads, *both.shape[1:])  # (N, heads, T, S, W)
        return (each @ self.energy.view(self.heads, 1, -1, 1)).squeeze(-1).flatten(0, 1)

    def _parted(self, x: Tensor) -> Tensor:
        """(N, L, W) -> (N * heads, L, W / heads); of one head x itself, as a step of search has no time for more."""
        if self.heads == 1:
            return x
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2).flatten(0, 1)
