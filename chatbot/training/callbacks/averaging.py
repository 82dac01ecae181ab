"""Averaged weights: what is validated and published is their running mean, which is steadier than they are."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from chatbot.training.module import DialogueModule


class Averaging(pl.Callback):
    """Exponential moving average of the weights (Polyak & Juditsky 1992; as in Tarvainen & Valpola 2017).

    After n steps the mean keeps min(decay, (1 + n) / (10 + n)) of itself, so that it forgets the beginning. While
    validation runs, up to the hooks at its end, the model holds the mean; `Keeper` gives its own weights back.

    Lightning has a callback for it; it gives the weights back before those who keep the best of them could ask.

    Args:
        decay: share of the mean that stays at each step, above 0 and below 1.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._mean: list[Tensor] = []
        self._steps = 0
        self._lent = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with the weights as they are, unless a checkpoint brought a mean."""
        weights = _weights(pl_module)
        if not self._mean:
            self._mean = [weight.detach().clone() for weight in weights]
        self._mean = [mean.to(weight.device) for mean, weight in zip(self._mean, weights, strict=True)]

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take a step's weights into the mean."""
        if trainer.global_step > self._steps:
            self._steps = trainer.global_step
            keep = min(self._decay, (1 + self._steps) / (10 + self._steps))
            with torch.no_grad():
                torch._foreach_lerp_(self._mean, _weights(pl_module), 1 - keep)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """What is validated is the mean."""
        self.lend(pl_module)

    def lend(self, pl_module: pl.LightningModule) -> None:
        """Put the mean into the model, in place of its own weights."""
        self._swap(pl_module, lent=True)

    def give_back(self, pl_module: pl.LightningModule) -> None:
        """Give the model its own weights again; whoever keeps the best weights calls it when they are kept."""
        self._swap(pl_module, lent=False)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """A validation that breaks off must not leave the mean in the model."""
        self._swap(pl_module, lent=False)

    def state_dict(self) -> dict[str, Any]:
        """The mean, for a checkpoint."""
        return {"mean": self._mean, "steps": self._steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self._mean, self._steps = list(state_dict["mean"]), int(state_dict["steps"])

    def _swap(self, pl_module: pl.LightningModule, *, lent: bool) -> None:
        if self._mean and self._lent is not lent:
            with torch.no_grad():
                for mean, weight in zip(self._mean, _weights(pl_module), strict=True):
                    held = weight.detach().clone()
                    weight.copy_(mean)
                    mean.copy_(held)
            self._lent = lent


def _weights(module: pl.LightningModule) -> list[Tensor]:
    assert isinstance(module, DialogueModule)
    return list(module.model.parameters())
