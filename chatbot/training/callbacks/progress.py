"""The progress bar, and a look now and then whether training still makes sense."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Timer
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from chatbot.training.console import console, duration
from chatbot.training.module import DialogueModule

_EVERY = 0.5  # seconds between two looks: each makes a GPU finish what it has been given


class Bar(pl.Callback):
    """Loss in nats per word, tokens a second and time left, some twice a second; silent when stderr is no terminal.

    Args:
        visible: False shows nothing; the loss is watched all the same.
        clock: seconds from some fixed moment; tests bring their own.
    """

    def __init__(self, visible: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._visible = visible
        self._clock = clock
        self._looked = -math.inf
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put up the bar."""
        if self._visible and console().is_terminal and trainer.is_global_zero:
            columns = BarColumn(bar_width=24), TextColumn("{task.description}")
            self._progress = Progress(*columns, console=console(), auto_refresh=False, transient=True)
            self._task = self._progress.add_task("starting", total=1.0)
            self._progress.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Twice a second: read the meter, move the bar.

        Raises:
            FitError: too many steps in a row did harm.
        """
        now = self._clock()
        if now - self._looked < _EVERY:
            return
        self._looked = now
        assert isinstance(pl_module, DialogueModule)
        meter = pl_module.meter
        count = meter.read()
        pl_module.guard.check(trainer.global_step)
        if self._progress is not None:
            text = f"step {trainer.global_step:,}  loss {count.nats_per_word or 0:.3f}  "
            text += f"{count.tokens_per_second:,.0f} tokens/s"
            done, left = progress(trainer, meter.total.seconds)
            text += f"  at most {duration(left)} left" if math.isfinite(left) else ""
            self._progress.update(self._task, completed=done, description=text, refresh=True)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say what takes the time."""
        if self._progress is not None:
            self._progress.update(self._task, description="validating", refresh=True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the bar down."""
        self._down()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Take the bar down before anybody speaks of the error."""
        self._down()

    def _down(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def progress(trainer: pl.Trainer, seconds: float) -> tuple[float, float]:
    """Share of the training that is done, and the seconds that are left, by whichever limit comes first.

    ``seconds`` is the time that training alone has taken so far. Seconds are infinite where no limit is set.
    """
    done, left = 0.0, math.inf
    step = trainer.global_step
    limits = [float(trainer.max_steps)] if trainer.max_steps > 0 else []
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        limits.append(float(trainer.max_epochs * trainer.num_training_batches / trainer.accumulate_grad_batches))
    if limits and step:
        done = min(1.0, step / min(limits))
        left = max(0.0, (min(limits) - step) * seconds / step)
    for timer in (c for c in trainer.callbacks if isinstance(c, Timer)):  # type: ignore[attr-defined]
        remaining = timer.time_remaining()
        if remaining is not None:
            elapsed = timer.time_elapsed()
            done = max(done, min(1.0, elapsed / max(elapsed + remaining, 1e-9)))
            left = min(left, max(0.0, remaining))
    return done, left


def limits(trainer: pl.Trainer) -> list[str]:
    """The limits of a training in words."""
    said = [f"after {trainer.max_steps:,} steps"] if trainer.max_steps > 0 else []
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        said.append(f"after {trainer.max_epochs:,} epochs")
    for timer in (c for c in trainer.callbacks if isinstance(c, Timer)):  # type: ignore[attr-defined]
        remaining = timer.time_remaining()
        if remaining is not None:
            whole = timedelta(seconds=remaining + timer.time_elapsed()).total_seconds()
            said.append(f"after {duration(whole)}")
    return said
