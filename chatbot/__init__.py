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

__version__ = "0.1.0"
__all__ = ["load"]


def load(path: Path | str, device: str = "cpu") -> Bot:
    """Open the bot in a folder that `chatbot fit` wrote. Torch is imported here, and not before.

    Raises:
        BundleError: there is no bot, or it is damaged.
        ConfigError: there is no such device.
    """
    from chatbot.bot import Bot

    return Bot(path, device)
