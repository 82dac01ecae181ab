"""How the weights are changed: AdamW, the rate of learning, and when decay ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from chatbot.errors import ConfigError


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are changed: AdamW (Loshchilov & Hutter 2019)."""

    lr: float = 1e-3
    """The highest rate of learning, reached at the end of the warm-up; --find-lr proposes one."""
    betas: tuple[float, float] = (0.9, 0.98)
    """How long the running means of the gradient and of its square remember."""
    weight_decay: float = 0.01
    """Pull of the weight matrices towards zero; biases and norms are spared."""
    warmup_steps: int = 400
    """Steps over which the rate rises from nothing."""
    decay: Literal["inverse_sqrt", "cosine", "none"] = "inverse_sqrt"
    """After the warm-up. inverse_sqrt needs no known end; cosine falls to nothing at the last epoch or step."""
    ema: float | None = None
    """Validate and keep a running mean of the weights, of which this share stays at each step (0.999 suits some
    thousand steps); null: the weights themselves."""

    def __post_init__(self) -> None:
        betas = isinstance(self.betas, tuple | list) and len(self.betas) == 2 and all(0 <= b < 1 for b in self.betas)
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be a number above 0, got {self.lr}")
        if not betas:
            raise ValueError(f"betas must be two numbers from 0 up to but not 1, got {self.betas}")
        for name in ("weight_decay", "warmup_steps"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError(f"ema must be above 0 and below 1, or null, got {self.ema}")

    def check_end(self, max_epochs: int | None, max_steps: int) -> None:
        """Whether the planned end is there that a decay to nothing needs.

        Raises:
            ConfigError: it is not.
        """
        if self.decay == "cosine" and (max_epochs is None or max_epochs < 0) and max_steps < 0:
            raise ConfigError(
                "model.optimizer.decay is cosine, which needs a planned end; set --trainer.max_epochs or "
                "--trainer.max_steps, or take inverse_sqrt"
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


def adamw(parameters: Iterable[nn.Parameter], config: OptimizerConfig, *, fused: bool) -> torch.optim.AdamW:
    """AdamW that pulls matrices towards zero and spares vectors: biases and norms."""
    weights = list(parameters)
    groups = [
        {"params": [p for p in weights if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in weights if p.ndim < 2], "weight_decay": 0.0},
    ]
    first, second = config.betas
    return torch.optim.AdamW(groups, lr=config.lr, betas=(first, second), fused=fused)


def settle(optimizer: torch.optim.Optimizer, config: OptimizerConfig, rates: Sequence[float], *, fused: bool) -> None:
    """Give the groups of an optimizer that `adamw` made, and a checkpoint restored, the settings asked for now.

    Args:
        optimizer: the one.
        config: the settings.
        rates: of learning at this step, one a group.
        fused: whether one kernel takes the whole step.
    """
    for group, lr, decay in zip(optimizer.param_groups, rates, (config.weight_decay, 0.0), strict=True):
        group.update(lr=lr, weight_decay=decay, betas=tuple(config.betas), fused=fused)
