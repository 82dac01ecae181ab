"""Steps that would do harm are not taken: a gradient that is no number, or far larger than those before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from chatbot.errors import FitError

SIGMAS = 4.0
"""So many standard deviations above its running mean, the logarithm of a gradient's norm gives it away."""
IN_A_ROW = 10
"""So many such steps one after another are no accident."""
_KEEP = 0.99  # of the running mean at each step
_SETTLED = 100  # steps before the running figures are trusted
_LEAST_SIGMA = 0.25  # norms that hardly vary must not make an ordinary one stand out


class Guard(nn.Module):
    """Judges each gradient by its norm (Chen et al. 2018, "The best of both worlds", section 4.2).

    All figures stay on the device, as buffers, so a GPU is not waited for and checkpoints hold them.
    """

    mean: Tensor
    square: Tensor
    seen: Tensor
    skipped: Tensor
    row: Tensor
    longest: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("mean", "square"):
            self.register_buffer(name, torch.zeros(()))
        for name in ("seen", "skipped", "row", "longest"):
            self.register_buffer(name, torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def judge(self, norm: Tensor) -> Tensor:
        """Whether the step with a gradient of this norm is to be skipped: a bool scalar; books are kept."""
        log = norm.detach().float().clamp_min(torch.finfo(torch.float32).tiny).log()
        sigma = (self.square - self.mean**2).clamp_min(0).sqrt().clamp_min(_LEAST_SIGMA)
        settled = self.seen >= _SETTLED
        bad = settled & (log > self.mean + SIGMAS * sigma) | ~norm.isfinite()
        share = 1 / (self.seen + 1).clamp_max(round(1 / (1 - _KEEP)))  # a plain mean at first
        least = torch.where(settled, self.mean - SIGMAS * sigma, log)  # a gradient of 0 must not widen sigma for long
        sound = torch.where(bad, self.mean, log.maximum(least))
        self.mean.add_(torch.where(bad, 0.0, share * (sound - self.mean)))
        self.square.add_(torch.where(bad, 0.0, share * (sound**2 - self.square)))
        self.seen.add_(~bad)
        self.skipped.add_(bad)
        self.row.add_(1).mul_(bad)
        self.longest.copy_(torch.maximum(self.longest, self.row))
        return bad

    def check(self, step: int) -> None:
        """Waits for the device: not at each step.

        Raises:
            FitError: too many steps in a row were skipped.
        """
        if int(self.longest) >= IN_A_ROW:
            raise diverged(step, f"{IN_A_ROW} gradients in a row were no numbers, or far larger than those before")


def diverged(step: int, what: str) -> FitError:
    """What to say when training has left the ground."""
    return FitError(
        f"{what}, at step {step:,}; try a lower rate (--model.optimizer.lr), a longer warm-up "
        "(--model.optimizer.warmup_steps) or --trainer.precision 32-true; --resume goes on from the last checkpoint"
    )
