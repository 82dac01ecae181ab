"""The network behind Lightning: one shared step, an optimizer, a rate of learning."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from chatbot.data.batches import Batch
from chatbot.errors import ConfigError
from chatbot.likelihood import Likelihood, negative_log_likelihood, of_batch
from chatbot.model.seq2seq import NetworkConfig, Seq2Seq
from chatbot.training.loss import smoothed_loss
from chatbot.training.meter import Meter

VALID = "valid_nats"
"""Name of the figure that early stopping and the choice of the best model go by: nats per word."""


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are changed: AdamW (Loshchilov & Hutter 2019)."""

    lr: float = 1e-3
    """The highest rate of learning, reached at the end of the warm-up."""
    betas: tuple[float, float] = (0.9, 0.98)
    """How long the running means of the gradient and of its square remember."""
    weight_decay: float = 0.01
    """Pull of the weight matrices towards zero; biases are spared."""
    warmup_steps: int = 400
    """Steps over which the rate rises from nothing."""
    decay: Literal["inverse_sqrt", "cosine", "none"] = "inverse_sqrt"
    """After the warm-up. inverse_sqrt needs no known end; cosine falls to nothing at the last epoch or step."""

    def __post_init__(self) -> None:
        betas = isinstance(self.betas, tuple | list) and len(self.betas) == 2 and all(0 <= b < 1 for b in self.betas)
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be a number above 0, got {self.lr}")
        if not betas:
            raise ValueError(f"betas must be two numbers from 0 up to but not 1, got {self.betas}")
        if self.weight_decay < 0 or self.warmup_steps < 0:
            raise ValueError(
                f"weight_decay and warmup_steps must be at least 0, got {self.weight_decay} and {self.warmup_steps}"
            )


def rate(config: OptimizerConfig, end: float) -> Callable[[int], float]:
    """Share of the highest rate at each step, counted from 0; ``end`` is the planned number of steps.

    >>> share = rate(OptimizerConfig(warmup_steps=4), math.inf)
    >>> [share(step) for step in (0, 1, 3, 15)]
    [0.25, 0.5, 1.0, 0.5]
    """
    warmup = max(1, config.warmup_steps)

    def share(step: int) -> float:
        if step + 1 < warmup:
            return (step + 1) / warmup
        if config.decay == "inverse_sqrt":
            return math.sqrt(warmup / (step + 1))
        if config.decay == "cosine":
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step + 1 - warmup) / max(1.0, end - warmup))))
        return 1.0

    return share


class DialogueModule(pl.LightningModule):
    """A `Seq2Seq` in training.

    Args:
        network: sizes of the network.
        optimizer: how the weights are changed.
        label_smoothing: share of the wanted probability that is spread over all pieces, from 0 up to but not 1.
        vocab_size: taken from the prepared folder.
    """

    def __init__(
        self,
        network: NetworkConfig = NetworkConfig(),  # noqa: B008 (it is frozen)
        optimizer: OptimizerConfig = OptimizerConfig(),
        label_smoothing: float = 0.1,
        vocab_size: int = 8000,
    ) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"model.label_smoothing must be from 0 up to but not 1, got {label_smoothing}")
        self.save_hyperparameters(  # plain dictionaries: a checkpoint with objects in it cannot be loaded safely
            {
                "network": asdict(network),
                "optimizer": asdict(optimizer),
                "label_smoothing": label_smoothing,
                "vocab_size": vocab_size,
            }
        )
        self.optimizer_config = optimizer
        self.label_smoothing = label_smoothing
        self.model = Seq2Seq(vocab_size, network)
        self.meter = Meter()
        self.seed = 0
        self.valid = Likelihood()
        self._parts: list[tuple[Batch, Tensor]] = []

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of a batch: the mean over its real tokens."""
        hidden = self.model(batch.source, batch.source_lengths, batch.inputs)  # (N, T, E)
        logits = self.model.logits(batch.select(hidden))  # (tokens, V)
        loss, nats = smoothed_loss(logits, batch.select(batch.targets), self.label_smoothing)
        self.meter.add(nats, batch.words + batch.rows, batch.tokens)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Note what the replies of a batch cost; `chatbot.likelihood` says what that is."""
        self._parts.append((batch, negative_log_likelihood(self.model, batch)))

    def on_validation_start(self) -> None:
        """Stop the clock of training."""
        self.meter.pause()

    def on_validation_epoch_end(self) -> None:
        """Add up the split, over all devices, and hand the figure to whoever watches it."""
        nats = torch.stack([nats for _, nats in self._parts]).tolist() if self._parts else []
        total = Likelihood()
        for (batch, _), cost in zip(self._parts, nats, strict=True):
            total += of_batch(batch, cost)
        self._parts.clear()
        if self.trainer.world_size > 1:
            figures = torch.tensor([total.nats, total.words, total.tokens], device=self.device, dtype=torch.float64)
            summed = self.trainer.strategy.reduce(figures, reduce_op="sum")
            total = Likelihood(float(summed[0]), int(summed[1]), int(summed[2]))
        self.valid = total
        self.log(VALID, total.nats_per_word, batch_size=1)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed this step's dropout: what a step draws depends on the step alone, however training got there."""
        place = [self.seed, self.trainer.current_epoch, batch_idx, self.trainer.global_rank]
        self.meter.start()
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> np.uint64(1)))

    def on_train_start(self) -> None:
        """After a resume, take the rate that was asked for now rather than the one in the checkpoint."""
        for scheduler in self._schedulers():
            scheduler.base_lrs = [self.optimizer_config.lr] * len(scheduler.base_lrs)

    def on_train_end(self) -> None:
        """Stop the clock of training."""
        self.meter.pause()

    def configure_optimizers(self) -> Any:
        """AdamW, weight decay on matrices only, fused where nothing stands in the way."""
        config = self.optimizer_config
        first, second = config.betas
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        fused = self.trainer.precision != "16-mixed"  # whose scaler must see the gradients between
        optimizer = torch.optim.AdamW(groups, lr=config.lr, betas=(first, second), fused=fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate(config, self._planned_steps()))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip by the norm of all gradients together (Pascanu, Mikolov & Bengio 2013), or as asked for.

        Lightning itself refuses to under bf16 with a fused optimizer; there is no scaler then, and nothing to fear.
        """
        if self.trainer.precision == "bf16-mixed" and gradient_clip_val and gradient_clip_algorithm in (None, "norm"):
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), gradient_clip_val)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def _planned_steps(self) -> float:
        if self.optimizer_config.decay != "cosine":
            return math.inf
        steps = float(self.trainer.estimated_stepping_batches)
        if not math.isfinite(steps):
            raise ConfigError(
                "model.optimizer.decay is cosine, which needs a planned end; set --trainer.max_epochs or "
                "--trainer.max_steps, or take inverse_sqrt"
            )
        return steps

    def _schedulers(self) -> list[torch.optim.lr_scheduler.LambdaLR]:
        found = self.lr_schedulers()
        schedulers = found if isinstance(found, list) else [found]
        return [s for s in schedulers if isinstance(s, torch.optim.lr_scheduler.LambdaLR)]
