"""Where the decoder looks: multiplicative attention over the memory of the encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def position_mask(lengths: Tensor, device: torch.device) -> Tensor | None:
    """Which positions are text: (N,) lengths on the CPU -> (N, S) bool on `device`, or None where all are.

    lengths [2, 3] give [[True, True, False], [True, True, True]]. The question whether a mask
    is needed at all is answered on the CPU, so a GPU is not waited for.
    """
    longest = int(lengths.max())
    if int(lengths.min()) == longest:
        return None
    return (torch.arange(longest) < lengths[:, None]).to(device, non_blocking=True)


class Attention(nn.Module):
    """score(query, value) = query . W value: "general" in Luong, Pham & Manning 2015, equation 8.

    W value is the key. Keys depend on the source alone: they are made once, not at each step.
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(memory_size, query_size, bias=False)

    def keys(self, values: Tensor) -> Tensor:
        """Project values (N, S, M) to keys (N, S, H)."""
        keys: Tensor = self.key(values)
        return keys

    def forward(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Look from T queries at S positions: the context (N, T, M) and the weights (N, T, S).

        query (N, T, H), keys (N, S, H), values (N, S, M), mask (N, S) True at text or None for all text.
        Each row of the mask must have a True. Weights of a position that is not text are exactly 0;
        they are reckoned in float32 at least, as a softmax in half precision loses its small ones.
        """
        scores = query @ keys.mT  # (N, T, S)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None], torch.finfo(scores.dtype).min)  # finite: no NaN
        weights = scores.softmax(dim=-1)  # (N, T, S)
        return weights.to(values.dtype) @ values, weights
