"""When to validate, and when enough is enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping

from chatbot.training.agree import agreed
from chatbot.training.module import VALID

_SHARE = 0.1  # of the time, at most, goes into validations that the clock asks for


@dataclass(frozen=True)
class ValidationConfig:
    """When the model is held against pairs that it does not train on, and what it is asked then."""

    minutes: float | None = 3.0
    """Validate after this many minutes at the latest, also within an epoch; null: by epochs alone."""
    patience: int | None = 6
    """Stop after this many validations in a row without a better one; null: never."""
    min_delta: float = 0.0
    """Nats per word by which a validation must be better to count as better for the patience."""
    replies: int = 5
    """After each validation, so many prompts are answered, always the same."""
    prompts: list[str] | None = None
    """What it is asked; null: the first prompts of the validation split."""

    def __post_init__(self) -> None:
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"validation.minutes must be above 0, or null, got {self.minutes}")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"validation.patience must be at least 1, or null, got {self.patience}")
        if self.min_delta < 0 or self.replies < 0:
            raise ValueError("validation.min_delta and validation.replies must be at least 0")


class ValidationClock(pl.Callback):
    """Ask for a validation when the last is long ago, and at a planned end within an epoch.

    Where a validation takes long, the clock waits longer, so that a tenth of the time at most goes into it.
    """

    def __init__(self, minutes: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = None if minutes is None else minutes * 60
        self._clock = clock
        self._last = self._began = clock()
        self._regular: int | float | None = None
        self._epochs = 1

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock; remember when Lightning itself would validate.

        Of check_val_every_n_epoch we take care ourselves: in the epochs between, Lightning would refuse to validate
        even at the end of all training.
        """
        self._last = self._clock()
        self._regular = trainer.val_check_batch
        if trainer.check_val_every_n_epoch is not None:
            self._epochs, trainer.check_val_every_n_epoch = trainer.check_val_every_n_epoch, 1

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Have Lightning validate after this batch where it is time: it does so when the count of batches fits."""
        if self._regular is None:
            return
        late = self._seconds is not None and self._clock() - self._last >= self._seconds
        due = agreed(trainer, late)
        ends = 0 < trainer.max_steps <= trainer.global_step
        turn = (trainer.current_epoch + 1) % self._epochs == 0 or trainer.current_epoch + 1 == trainer.max_epochs
        between = self._regular if turn else trainer.num_training_batches + 1  # which no count of batches reaches
        over_epochs = trainer.check_val_every_n_epoch is None  # then Lightning counts batches from the very first
        count = trainer.fit_loop.total_batch_idx + 1 if over_epochs else batch_idx + 1
        trainer.val_check_batch = count if due or ends else between

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note when it began."""
        self._began = self._clock()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Wind the clock again."""
        now = self._clock()
        self._last = now
        if self._seconds is not None:
            self._seconds = max(self._seconds, (now - self._began) / _SHARE)


class Patience(EarlyStopping):
    """Stop after so many validations without a better one.

    Differs from Lightning's own in that a resumed training takes the patience asked for now, and that
    one which had run out of it already does not train on.
    """

    def __init__(self, patience: int, min_delta: float) -> None:
        super().__init__(VALID, min_delta=min_delta, patience=patience, mode="min", check_on_train_epoch_end=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take everything but the patience."""
        super().load_state_dict({**state_dict, "patience": self.patience})

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Do not begin where there is no patience left."""
        trainer.should_stop = trainer.should_stop or self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether this is what ends the training."""
        return self.wait_count >= self.patience
