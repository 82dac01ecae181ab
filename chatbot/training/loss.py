"""The number that training lowers."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def smoothed_loss(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Cross-entropy with label smoothing, summed over tokens, and beside it the plain summed nats.

    logits (tokens, V), targets (tokens,) -> two scalars. With smoothing e the target's share of the wanted
    distribution is 1 - e, and e is spread evenly over all V pieces (Szegedy et al. 2016, section 7). The
    second scalar, without gradient, is comparable with a likelihood: there is no smoothing in it. Sums, since the mean
    is one over all tokens of an update, of which other devices may have some.
    """
    if not smoothing:
        summed = F.cross_entropy(logits, targets, reduction="sum")
        return summed, summed.detach()
    log_probs = logits.log_softmax(dim=-1)  # (tokens, V)
    nats = F.nll_loss(log_probs, targets, reduction="sum")
    even = -log_probs.mean(dim=-1).sum()
    return (1 - smoothing) * nats + smoothing * even, nats.detach()
