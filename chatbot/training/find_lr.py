"""`chatbot fit --find-lr`: which rate of learning to try (Smith 2017, "Cyclical learning rates", section 3.3)."""

from __future__ import annotations

import math

import pytorch_lightning as pl
from pytorch_lightning.tuner.tuning import Tuner

from chatbot.data.module import DialogueData
from chatbot.errors import FitError
from chatbot.training.module import DialogueModule

_LEAST, _MOST, _STEPS = 1e-5, 0.1, 100


def find_lr(trainer: pl.Trainer, module: DialogueModule, data: DialogueData) -> str:
    """Train for some steps at a rate that rises from one to the next, and say what the loss made of it.

    Lightning puts the weights back and keeps nothing of it; the trainer writes to its ``default_root_dir``.

    Raises:
        FitError: the loss fell nowhere.
    """
    limits = {"min_lr": _LEAST, "max_lr": _MOST, "num_training": _STEPS}
    found = Tuner(trainer).lr_find(module, datamodule=data, update_attr=False, **limits)  # type: ignore[arg-type]
    best = None if found is None else found.suggestion()
    if found is None or best is None or not math.isfinite(best):
        raise FitError("the loss fell at no rate of learning; there may be too few pairs, or batches of too few tokens")
    tried = list(zip(found.results["lr"], found.results["loss"], strict=True))
    lines = [f"  {rate:9.2e}  {'#' * round(6 * loss)} {loss:.2f}" for rate, loss in tried[:: max(1, len(tried) // 16)]]
    return (
        "rate       loss of a piece, smoothed, as the rate rises\n" + "\n".join(lines) + "\n"
        f"The loss fell fastest at {best:.2g}: try --model.optimizer.lr {best:.2g}"
    )
