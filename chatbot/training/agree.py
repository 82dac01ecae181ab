"""Decisions that the clock or the user makes, on which all devices must agree: each has a clock of its own."""

from __future__ import annotations

import pytorch_lightning as pl

_EVERY = 10  # updates between two questions, as each makes all devices wait for the slowest


def gradients_wait(trainer: pl.Trainer) -> bool:
    """Whether some of the batches of an update have gone through and some not; the last of an epoch may be fewer."""
    progress = trainer.fit_loop.epoch_loop.batch_progress
    return progress.current.ready % trainer.accumulate_grad_batches != 0 and not progress.is_last_batch


def agreed(trainer: pl.Trainer, flag: bool) -> bool:
    """Whether any device says so, asked after each batch; all devices must ask.

    Between updates, where gradients of some batches wait for those of others, the answer is no.
    """
    if gradients_wait(trainer):
        return False
    if trainer.world_size == 1:
        return flag
    return trainer.global_step % _EVERY == 0 and bool(trainer.strategy.reduce_boolean_decision(flag, all=False))
