"""Memory that was freed goes back to the system now and then."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from chatbot.training.memory import give_back

EVERY = 200
"""Steps: rarely enough to cost nothing, often enough that what is kept stays of the size of a step."""


class Freed(pl.Callback):
    """Gives back what `keep_freed` has kept."""

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Every so many steps."""
        if (batch_idx + 1) % EVERY == 0:
            give_back()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """And at the end."""
        give_back()
