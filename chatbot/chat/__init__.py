"""A conversation at a terminal.

session.py   a line in, an answer out: no terminal, no torch
commands.py  what a line that starts with a slash asks for
terminal.py  keys, colours, Ctrl-C; or one answer a line where there is no terminal
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import ConfigError

DEFAULT_BOT = Path("runs/demo/bot")
"""Where a bot is looked for when none is named: where the demo writes its own."""


@dataclass(frozen=True)
class ChatCommand:
    """Talk to a bot. Without a terminal: a line from stdin, its answer as a line on stdout."""

    bot: Path = DEFAULT_BOT
    """Folder that `chatbot fit` wrote."""
    beam: int | None = None
    """Hypotheses kept side by side, 1 is greedy; without it as the bot was saved."""
    length_penalty: float | None = None
    """How much longer replies are favoured (GNMT alpha); without it as the bot was saved."""
    min_length: int | None = None
    """Pieces of a reply at least; without it as the bot was saved."""
    max_length: int | None = None
    """Pieces of a reply at most; without it as the bot was saved."""
    no_repeat_ngram: int | None = None
    """No run of this many pieces twice in a reply, 0 allows it; without it as the bot was saved."""
    alternatives: int = 0
    """Further replies to show with each, at most, as far as the beam has them."""
    device: str = "cpu"
    """Where to compute: cpu, or cuda."""


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
    names = ("beam", "length_penalty", "min_length", "max_length", "no_repeat_ngram")
    settings = search_settings(bot.config, **{name: getattr(command, name) for name in names})
    parameters = sum(parameter.numel() for parameter in bot.model.parameters())
    title = f"{command.bot}: {parameters:,} parameters"
    terminal.talk(Session(Responder(bot), settings, alternatives=command.alternatives), title=title)
