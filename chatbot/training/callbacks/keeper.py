"""Checkpoints: what training goes on from, and the best weights."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from chatbot.errors import FitError
from chatbot.training.agree import agreed, gradients_wait
from chatbot.training.callbacks.averaging import Averaging
from chatbot.training.curve import Curve
from chatbot.training.folder import BEST, CURVE, Workplace
from chatbot.training.guard import diverged
from chatbot.training.module import DialogueModule


@dataclass(frozen=True)
class CheckpointConfig:
    """Which weights become the bot, and how much work a kill may cost."""

    keep: Literal["best", "last"] = "best"
    """best: those with the fewest nats per word on validation. last: for corpora of a few thousand pairs, whose
    replies still get better while unseen ones no longer get likelier; then set validation.patience to null too."""

    minutes: float | None = 5.0
    """Save after this many minutes at the latest, also within an epoch; null: after validations alone."""

    def __post_init__(self) -> None:
        if self.keep not in ("best", "last"):
            raise ValueError(f"checkpoint.keep must be best or last, got {self.keep}")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"checkpoint.minutes must be above 0, or null, got {self.minutes}")


class Keeper(Checkpoint):
    """Saves ``best.ckpt`` after a validation that is the best so far, and ``last.ckpt`` after it and every so often.

    Lightning runs it after all other callbacks, so that what they keep is in the checkpoint.

    Args:
        place: the working folder.
        curve: saved along.
        settings: how often.
        identity: what must be the same when training goes on: fingerprint of the data, and settings.
        averaging: lends the mean of the weights where that is what is kept.
        clock: seconds from some fixed moment; tests bring their own.
    """

    def __init__(
        self,
        place: Workplace,
        curve: Curve,
        settings: CheckpointConfig,
        identity: dict[str, Any],
        averaging: Averaging | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._curve = curve
        self._seconds = None if settings.minutes is None else settings.minutes * 60
        self._identity = identity
        self._averaging = averaging
        self._clock = clock
        self._saved = clock()
        self._module: DialogueModule | None = None
        self._goes_on = False
        """Whether this is a training of before, from its checkpoint."""
        self._ends = False
        """Whether training is to end once the present update is whole."""

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Know the module, whose meter is saved along, and what makes an update."""
        assert isinstance(pl_module, DialogueModule)
        self._module = pl_module
        self._identity = with_updates(self._identity, trainer)

    def state_dict(self) -> dict[str, Any]:
        """What Lightning keeps for this callback in its checkpoint."""
        assert self._module is not None
        return {"identity": self._identity, "curve": self._curve.state(), "meter": self._module.meter.state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the curve and the meter of the checkpoint.

        Raises:
            FitError: data or settings are not those that training began with.
        """
        assert self._module is not None
        self._goes_on = True
        check_identity(state_dict["identity"], self._identity)
        self._curve.restore(state_dict["curve"])
        self._module.meter.restore(state_dict["meter"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the beginning, so that there is something to go on from at any moment, and start the clock."""
        if not self._goes_on:  # asked of what all devices know: the file may be there for some and not yet for others
            self._save_last(trainer)
        self._saved = self._clock()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when the last time is long ago; at the end of an epoch or of training the hooks below do it.

        Whoever ends the training, a limit of time or a person, it ends with a whole update: no checkpoint holds the
        gradients of half a one.
        """
        if gradients_wait(trainer):
            self._ends, trainer.should_stop = self._ends or trainer.should_stop, False
            return
        trainer.should_stop = trainer.should_stop or self._ends
        within = batch_idx + 1 < trainer.num_training_batches
        ends = trainer.should_stop or 0 < trainer.max_steps <= trainer.global_step
        if ends and within and not trainer.enable_validation:  # no hook below knows that the epoch is not over
            self._save_last(trainer)
            return
        late = self._seconds is not None and self._clock() - self._saved >= self._seconds
        if agreed(trainer, late and within and not ends):
            self._save_last(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the weights where they are those to keep so far, then everything."""
        if self._curve.keeps_latest:
            self._save_best(trainer)
        if self._averaging is not None:
            self._averaging.give_back(pl_module)
        rows = "".join(json.dumps(asdict(point)) + "\n" for point in self._curve.points)
        if trainer.is_global_zero:
            self._place.write(CURVE, rows.encode())
        if not gradients_wait(trainer):
            self._save_last(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Without a validation split nothing else saves the end of an epoch; Lightning calls this after a part, too."""
        if not trainer.enable_validation and trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._save_last(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Without any validation the last weights are the best."""
        if not self._curve.points and trainer.global_step:
            if self._averaging is not None:
                self._averaging.lend(pl_module)
            self._save_best(trainer)

    def _save_best(self, trainer: pl.Trainer) -> None:
        assert self._module is not None
        if trainer.is_global_zero:
            weights = self._module.model.state_dict()
            self._place.write(BEST, packed({"step": trainer.global_step, "weights": weights}))

    def _save_last(self, trainer: pl.Trainer) -> None:
        """Lightning's checkpoint; never one that has gone wrong."""
        assert self._module is not None
        self._module.meter.pause()
        if not all(bool(torch.isfinite(p).all()) for p in self._module.model.parameters()):
            raise diverged(trainer.global_step, "a weight is no number any more")
        trainer.save_checkpoint(self._place.last)  # all devices take part
        self._saved = self._clock()
        if trainer.training:
            self._module.meter.start()


class WholeFiles(TorchCheckpointIO):
    """Writes Lightning's checkpoints beside and renames them: Lightning's own way goes through the system's
    temporary folder, from which a move to another disk is not atomic.
    """

    def __init__(self, place: Workplace) -> None:
        super().__init__()
        self._place = place

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write ``checkpoint`` as a file of the working folder."""
        self._place.write(Path(path).name, packed(checkpoint))


def packed(value: Any) -> memoryview:
    """The bytes of `torch.save`; made in memory, since on a full disk its own writer fails without saying why."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getbuffer()


def with_updates(identity: dict[str, Any], trainer: pl.Trainer) -> dict[str, Any]:
    """What must stay the same, and of which batches an update is made."""
    batches = {"trainer.accumulate_grad_batches": trainer.accumulate_grad_batches}
    return {**identity, **batches, "the number of devices": trainer.world_size}


def check_identity(recorded: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise FitError, naming the first thing that is not what it was when training began."""
    for key in (*recorded, *now):
        if recorded.get(key) != now.get(key):
            if key == "fingerprint":
                raise FitError(
                    "the prepared folder has changed since training began, so it cannot be resumed; "
                    "give the former one, or begin again with --overwrite"
                )
            raise FitError(
                f"{key} was {recorded.get(key)} when training began and is {now.get(key)} now, so it cannot be "
                "resumed; leave it as it was, or begin again with --overwrite"
            )
