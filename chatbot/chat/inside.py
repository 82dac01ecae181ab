"""A bot in this process, with all that a conversation asks of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chatbot import bundle
from chatbot.replies import Gates, Look, Reply
from chatbot.responder import Responder, search_settings
from chatbot.search.config import SearchConfig


class Inside:
    """Opens a bot.

    Args:
        path: the bot.
        device: where it reckons.
        changes: how the search differs from the bot's own settings.

    Raises:
        BundleError, ConfigError: as `chatbot.bundle.load`.
    """

    def __init__(self, path: Path, device: str, changes: dict[str, Any]) -> None:
        self.ready = True
        began = time.perf_counter()
        bot = bundle.load(path, device)
        self._responder = Responder(bot)
        self.facts: dict[str, Any] = {
            "name": str(path),
            "settings": search_settings(bot.config, **changes),
            "parameters": sum(p.numel() for p in bot.model.parameters()),
            "bytes": sum(file.stat().st_size for file in path.iterdir() if file.is_file()),
            "form": self._responder.form,
            "context_turns": int(bot.config["context_turns"]),
            "seconds": time.perf_counter() - began,
        }

    def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
        """As `Responder.stream`."""
        yield from self._responder.stream(history, settings, persona)

    def reply(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Reply:
        """As `Responder.reply`."""
        return self._responder.reply(history, settings, persona)

    def look(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Look:
        """As `Responder.look`."""
        return self._responder.look(history, ids, persona)

    def gates(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Gates:
        """As `Responder.gates`."""
        return self._responder.gates(history, ids, persona)

    def source(self, history: Sequence[str], persona: str = "") -> tuple[str, ...]:
        """As `Responder.source`."""
        return self._responder.source(history, persona)

    def memory(self) -> int:
        """Bytes that this process holds."""
        return resident()


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the platform does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0
