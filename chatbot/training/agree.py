"""Decisions that the clock or the user makes, on which all devices must agree: each has a clock of its own."""

from __future__ import annotations

import pytorch_lightning as pl

_EVERY = 10  # updates between two questions, as each makes all devices wait for the slowest


def agreed(trainer: pl.Trainer, flag: bool, batch_idx: int) -> bool:
    """Whether any device says so, asked after a batch that made an update; all devices must ask.

    Between updates, where gradients of some batches wait for those of others, the answer is no.
    """
    if (batch_idx + 1) % trainer.accumulate_grad_batches:
        return False
    if trainer.world_size == 1:
        return flag
    return trainer.global_step % _EVERY == 0 and bool(trainer.strategy.reduce_boolean_decision(flag, all=False))
