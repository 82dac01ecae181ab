"""Keeps Lightning's own chatter off the screen; what people need to know, `chatbot fit` says itself."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric")
_FROM = r"(pytorch_lightning|lightning_fabric|lightning_utilities|torch\.jit|torch\.utils\.data)(\.|$)"


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, Lightning's tips and notices are not shown, nor are warnings that arise in it."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=_FROM)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
