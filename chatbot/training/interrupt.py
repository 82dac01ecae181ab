"""Ctrl-C while training: the first ends it in order, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from chatbot.training.agree import agreed, gradients_wait
from chatbot.training.console import say


class Interrupt(pl.Callback):
    """Whether somebody pressed Ctrl-C, and what follows from it. Several devices stop after the same batch."""

    def __init__(self) -> None:
        self.asked = False
        self._handle: Callable[[int, FrameType | None], None] | None = None

    @contextmanager
    def watching(self, trainer: pl.Trainer) -> Iterator[None]:
        """Within it, the first Ctrl-C lets the trainer finish its batch, validate and save; the next one breaks off.

        Outside the main thread, where Python delivers no signals, nothing is changed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: FrameType | None) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = True
            if trainer.world_size == 1 and not gradients_wait(trainer):
                stop(trainer)
            if trainer.is_global_zero:
                say("Stopping after this batch and a last validation; Ctrl-C again stops at once.")

        self._handle = handle
        before = signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take SIGTERM as Ctrl-C where there are several devices: Lightning would have them talk within the handler of
        the signal, in the middle of whatever they talk about already.
        """
        if trainer.world_size > 1 and self._handle is not None:
            signal.signal(signal.SIGTERM, self._handle)  # Lightning puts back what was there before it

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop where any device was asked to."""
        if agreed(trainer, self.asked):
            self.asked = True
            stop(trainer)


def stop(trainer: pl.Trainer) -> None:
    """End training after the present batch, whatever least number of epochs or steps was asked for."""
    trainer.fit_loop.min_epochs = 0
    trainer.fit_loop.epoch_loop.min_steps = None
    trainer.should_stop = True
