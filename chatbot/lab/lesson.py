"""How an experiment teaches a net: one Lightning module and one loop for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from chatbot.training.callbacks.freed import Freed
from chatbot.training.memory import keep_freed
from chatbot.training.quiet import quiet

Loss = Callable[[Any], Tensor]
"""loss(batch) -> a scalar."""


class Lesson(pl.LightningModule):
    """A net that is taught.

    Args:
        network: the net.
        loss: of a batch.
        optimizer: made of the weights.
        schedule: factor of the learning rate, by step; None: always 1.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Callable[[int], float] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self._loss, self._optimizer, self._schedule = loss, optimizer, schedule
        self.losses: list[float] = []
        """Of each step."""

    def training_step(self, batch: Any, index: int) -> Tensor:
        """The loss of a batch."""
        loss = self._loss(batch)
        self.losses.append(float(loss.detach()))
        return loss

    def configure_optimizers(self) -> Any:
        """The optimizer, and its schedule where there is one."""
        optimizer = self._optimizer(self.network.parameters())
        if self._schedule is None:
            return optimizer
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._schedule)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class StopWhen(pl.Callback):
    """Looks now and then whether enough is learnt.

    Args:
        enough: is asked, with the net in evaluation mode; it may test the net.
        every: steps between two looks; None: at the end of each epoch.
    """

    def __init__(self, enough: Callable[[], bool], every: int | None = None) -> None:
        self._enough, self._every = enough, every

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Ask, and stop."""
        if self._every is not None and trainer.global_step % self._every == 0:
            self._ask(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Ask, and stop."""
        if self._every is None:
            self._ask(trainer, pl_module)

    def _ask(self, trainer: pl.Trainer, lesson: pl.LightningModule) -> None:
        lesson.eval()
        with torch.no_grad():
            trainer.should_stop = self._enough()
        lesson.train()


def teach(
    lesson: Lesson,
    batches: Iterable[Any],
    *,
    steps: int = -1,
    epochs: int | None = None,
    clip: float | None = None,
    callbacks: Sequence[pl.Callback] = (),
    precision: str = "32-true",
    accelerator: str = "cpu",
) -> None:
    """Teach for so many steps, or so many times through the batches.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C.
    """
    keep_freed()
    with quiet():
        trainer = pl.Trainer(
            max_steps=steps,
            max_epochs=epochs if epochs is not None else -1,
            gradient_clip_val=clip,
            callbacks=[*callbacks, Freed()],
            accelerator=accelerator,
            devices=1,
            precision=precision,  # type: ignore[arg-type]
            barebones=True,
        )
        try:
            trainer.fit(lesson, batches)
        except SystemExit as error:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error
    if trainer.interrupted:
        raise KeyboardInterrupt
