"""Turn raw conversations into a small model that talks.

>>> from chatbot import load
>>> bot = load("bot/")  # doctest: +SKIP
>>> bot.reply(["Hi, how are you?"]).text  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatbot.bot import Bot
    from chatbot.model.light_linear import Form

__version__ = "0.1.0"
__all__ = ["load"]


def load(path: Path | str, device: str = "cpu", form: Form | None = None) -> Bot:
    """Open the bot in a folder that `chatbot fit` wrote. Torch is imported here, and not before.

    Args:
        path: the folder.
        device: where to reckon.
        form: of the weights, ``float32``, ``bfloat16`` or ``int8``; None for the lightest that keeps the words on the
            device. Lighter ones round, and not quite the same in every batch: where likelihoods are close, or pieces
            are drawn, a batch then says here and there something else than each alone.

    Raises:
        BundleError: there is no bot, or it is damaged.
        ConfigError: there is no such device.
    """
    from chatbot.bot import Bot

    return Bot(path, device, form)
