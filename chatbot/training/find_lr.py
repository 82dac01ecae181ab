"""`chatbot fit --find-lr`: which rate of learning to try (Smith 2017, "Cyclical learning rates", section 3.3)."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stderr
from io import StringIO

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
from pytorch_lightning.tuner.tuning import Tuner

from chatbot.data.module import DialogueData
from chatbot.errors import FitError
from chatbot.training.module import DialogueModule

Floats = npt.NDArray[np.float64]

_LEAST, _MOST, _STEPS = 1e-5, 0.1, 100
_KEEP = 0.98  # of Lightning's running mean of the loss
_SETTLED = 10  # steps before that mean says much


def find_lr(trainer: pl.Trainer, module: DialogueModule, data: DialogueData) -> str:
    """Train for some steps at a rate that rises from one to the next, and say what the loss made of it.

    Lightning puts the weights back and keeps nothing of it; the trainer writes to its ``default_root_dir``.

    Raises:
        FitError: the loss fell nowhere.
    """
    limits = {"min_lr": _LEAST, "max_lr": _MOST, "num_training": _STEPS}
    with nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO()):  # a bar is for terminals
        found = Tuner(trainer).lr_find(module, datamodule=data, update_attr=False, **limits)  # type: ignore[arg-type]
    assert found is not None
    rates, losses = np.array(found.results["lr"]), corrected(np.array(found.results["loss"]))
    best = steepest(rates, losses)
    if best is None:
        raise FitError("the loss fell at no rate of learning; there may be too few pairs, or batches of too few tokens")
    shown = [*zip(rates, losses, strict=True)][:: max(1, len(rates) // 16)]
    lines = [f"  {rate:9.2e}  {'#' * round(6 * loss)} {loss:.2f}" for rate, loss in shown]
    return (
        "rate       loss of a piece, smoothed, as the rate rises\n" + "\n".join(lines) + "\n"
        f"The loss fell fastest at {best:.2g}: try --model.optimizer.lr {best:.2g}"
    )


def corrected(losses: Floats) -> Floats:
    """Running means as they should be: Lightning divides the one after n steps by 1 - 0.98^(n + 1) rather than by
    1 - 0.98^n, so that the first come out at a half, two thirds, three quarters … and seem to rise.
    """
    steps = np.arange(1, len(losses) + 1)
    right: Floats = losses * (1 - _KEEP ** (steps + 1)) / (1 - _KEEP**steps)
    return right


def steepest(rates: Floats, losses: Floats) -> float | None:
    """The rate at which the loss fell fastest as its logarithm rose; None where it never fell.

    (By the rate itself rather than its logarithm, as Lightning proposes, the smallest rates win whatever happens.)

    >>> rates = np.logspace(-5, -1, 41)
    >>> round(steepest(rates, 5 - 3 / (1 + (rates / 1e-3) ** -2)), 5)
    0.001
    """
    rates, losses = rates[_SETTLED:], losses[_SETTLED:]
    rates, losses = rates[np.isfinite(losses)], losses[np.isfinite(losses)]
    if len(losses) < 3:
        return None
    slopes = np.gradient(losses, np.log(rates))
    place = int(slopes.argmin())
    return float(rates[place]) if slopes[place] < 0 else None
