"""The number that training lowers, and its gradient, of the dearest layer of all."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

SCORES = {"cpu": 2**18}
"""How many scores are turned at a time: on a CPU as many as its nearest caches hold."""
SCORES_ELSEWHERE = 2**26


def smoothed_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of an output layer with label smoothing, summed over tokens, and beside it the plain summed nats.

    hidden (tokens, E), weight (V, E), bias (V,), targets (tokens,) -> two scalars. With smoothing e the target's share
    of the wanted distribution is 1 - e, and e is spread evenly over all V pieces (Szegedy et al. 2016, section 7). The
    second scalar, without gradient, is comparable with a likelihood: there is no smoothing in it. Sums, since the mean
    is one over all tokens of an update, of which other devices may have some.

    Scores and their gradient, (tokens, V), lie in the same memory, one after the other, and each row is turned while it
    is at hand: as separate operations they would be written and read some eight times over.
    """
    return _SmoothedLoss.apply(hidden, weight, bias, targets, smoothing)  # type: ignore[no-any-return, no-untyped-call]


class _SmoothedLoss(torch.autograd.Function):
    """The gradients are made in `forward`, as the scores are at hand there and the loss is a sum."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        scores = F.linear(hidden, weight, bias)  # (tokens, V); bf16 under autocast
        wanted = any(ctx.needs_input_grad)
        loss, nats, bias_gradient = _turn(scores, targets, smoothing)
        if wanted:
            ctx.save_for_backward(scores @ weight.to(scores.dtype), scores.mT @ hidden.to(scores.dtype), bias_gradient)
        ctx.dtypes = hidden.dtype, weight.dtype, bias.dtype
        ctx.mark_non_differentiable(nats)
        return loss, nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        gradients = zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        return *((gradient.to(dtype) * outer.to(dtype)) for gradient, dtype in gradients), None, None


def _turn(scores: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor, Tensor]:
    """Turn scores (tokens, V) into the loss's gradient by them, in place.

    What comes back is the loss, the nats and the loss's gradient by the bias (V,), all in float32 at least.
    """
    tokens, pieces = scores.shape
    precise = torch.promote_types(scores.dtype, torch.float32)
    rows = max(1, SCORES.get(scores.device.type, SCORES_ELSEWHERE) // pieces)
    bias_gradient = scores.new_zeros(pieces, dtype=precise)
    nats, all_nats = scores.new_zeros(2, dtype=precise)
    for first in range(0, tokens, rows):
        part, right = scores[first : first + rows], targets[first : first + rows, None]
        log_probs = part.log_softmax(dim=-1, dtype=precise)
        nats -= log_probs.gather(1, right).sum()
        all_nats -= log_probs.sum()
        gradient = log_probs.exp_()
        if smoothing:
            gradient -= smoothing / pieces
        gradient.scatter_add_(1, right, gradient.new_full((len(right), 1), smoothing - 1))
        bias_gradient += gradient.sum(0)
        part.copy_(gradient)
    loss = (1 - smoothing) * nats + smoothing / pieces * all_nats
    return loss, nats, bias_gradient
