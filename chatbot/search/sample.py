"""Drawing the next token at random, as the model spreads its probability, or bolder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from chatbot.search.steps import DEAD


class Sampler:
    """A choice for `walk`: tokens drawn from the model's distribution, reshaped and cut.

        temperature  log-probabilities are divided by it first
        top_k        the k likeliest alone                                        Fan, Lewis & Dauphin 2018
        top_p        the likeliest that have the share p together                 Holtzman et al. 2020
        min_p        those at least this share as likely as the likeliest         Nguyen et al. 2024

    Each row has a generator of its own, so what it says depends on its seed alone, not on the batch around it.

    Args:
        seeds: one an input.
        max_length: tokens to draw for each at most.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        max_length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
    ) -> None:
        self.temperature, self.top_k, self.top_p, self.min_p = temperature, top_k, top_p, min_p
        generator = torch.Generator()
        drawn = [torch.rand(max_length, generator=generator.manual_seed(seed), dtype=torch.float64) for seed in seeds]
        self.drawn = torch.stack(drawn) if drawn else torch.empty(0, max_length)  # (B, L) where in [0, 1) each falls

    def __call__(self, left: Tensor, length: int, inputs: Tensor) -> Tensor:
        """Draw from what is left (N, V), `length` tokens being there, for inputs (N,): tokens (N,)."""
        self.drawn = self.drawn.to(left.device)
        shares, tokens = self.distribution(left)
        reach = shares.cumsum(dim=-1)  # (N, k)
        wanted = self.drawn[inputs, length][:, None] * reach[:, -1:]  # (N, 1)
        last = (shares > 0).long().mul_(torch.arange(shares.shape[1], device=left.device)).amax(dim=-1, keepdim=True)
        place = torch.searchsorted(reach, wanted, right=True).minimum(last)  # rounding must not draw what is cut
        return tokens.gather(1, place)[:, 0]

    def distribution(self, left: Tensor) -> tuple[Tensor, Tensor]:
        """What is drawn from: shares (N, k) in float64, which need not sum to 1, and their tokens (N, k)."""
        scaled = left.double() / self.temperature
        if self.top_k is None and self.top_p is None:
            tokens = torch.arange(left.shape[1], device=left.device).expand_as(left)  # in any order: sorting costs
        else:
            scaled, tokens = scaled.topk(min(self.top_k or left.shape[1], left.shape[1]))
        shares = scaled.softmax(dim=-1).masked_fill_(scaled <= DEAD / self.temperature, 0.0)  # (N, k)
        if self.top_p is not None:  # the one that crosses the line is in
            shares = shares.masked_fill(shares.cumsum(dim=-1) - shares >= self.top_p, 0.0)
        if self.min_p is not None:
            shares = shares.masked_fill(shares < self.min_p * shares.amax(dim=-1, keepdim=True), 0.0)
        return shares, tokens
