"""A conversation at a terminal.

session.py   a line in, an answer out: no terminal, no torch
commands.py  what a line that starts with a slash asks for
terminal.py  keys, colours, Ctrl-C; or one answer a line where there is no terminal
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatbot.errors import ConfigError

DEFAULT_BOT = Path("runs/demo/bot")
"""Where a bot is looked for when none is named: where the demo writes its own."""


@dataclass(frozen=True)
class ChatCommand:
    """Talk to a bot. Without a terminal: a line from stdin, its answer as a line on stdout."""

    bot: Path = DEFAULT_BOT
    """Folder that `chatbot fit` wrote."""
    alternatives: int = 0
    """Further replies to show with each, at most, as far as the beam has them."""
    device: str = "cpu"
    """Where to compute: cpu, or cuda."""
    search: dict[str, Any] = field(default_factory=dict)
    """Settings of the search that are not as the bot was saved, and perhaps a preset."""


def run(command: ChatCommand) -> None:
    """Open the bot and talk until the person leaves.

    Raises:
        ChatbotError: the bot or a setting is not as expected.
    """
    if command.alternatives < 0:
        raise ConfigError(f"--alternatives {command.alternatives}: expected 0 or more")
    from chatbot import bundle
    from chatbot.chat import terminal
    from chatbot.chat.session import Session
    from chatbot.responder import Responder, search_settings

    bot = bundle.load(command.bot, command.device)
    settings = search_settings(bot.config, **command.search)
    parameters = sum(parameter.numel() for parameter in bot.model.parameters())
    title = f"{command.bot}: {parameters:,} parameters"
    terminal.talk(Session(Responder(bot), settings, alternatives=command.alternatives), title=title)
