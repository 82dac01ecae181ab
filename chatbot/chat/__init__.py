"""A conversation at a terminal.

session.py   a line in, answers out: what a line asks for
talking.py   what is said and answered, taken back, said otherwise
talk.py      turns, and the states of a conversation
commands.py  what a line that starts with a slash asks for;  help.py  what /help shows
settings.py  how replies are looked for, in words
kept.py      logs, saved conversations, the history of the prompt
bots.py      which bot is meant where none is named
remote.py    a bot in a process of its own;  worker.py  that process;  inside.py  a bot in this one
pictures.py  a look inside as lines of text;  png.py  as a file
terminal.py  keys and colours;  plain.py  a prompt that only reads and prints;  complete.py  the tab key
typed.py     what was typed before
lines.py     without a terminal: a line in, a line out
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chatbot.errors import ChatbotError, ConfigError

if TYPE_CHECKING:
    from chatbot.chat.talk import Talk

MOST_ALTERNATIVES = 99
_UNABLE = ("dumb", "unknown")  # terminals on which nothing can be drawn


@dataclass(frozen=True)
class ChatCommand:
    """Talk to a bot. Without a terminal: a line from stdin, its answer as a line on stdout."""

    bot: Path | None = None
    """Folder that `chatbot fit` wrote; null: the one under runs/, or one of those there."""
    message: str | None = None
    """Say this, print the answer, and end."""
    json: bool = False
    """Without a terminal: answers as JSON, an object a line."""
    alternatives: int = 0
    """Further replies to show with each, at most, as far as the search has them."""
    resume: bool = False
    """Go on with the last conversation with this bot (also as `--continue`)."""
    log: bool = True
    """Keep conversations, and what was typed, in the user's state directory."""
    theme: Literal["dark", "light", "mono"] = "dark"
    """Colours for a screen that is dark or light, or none; NO_COLOR has the last word."""
    plain: bool = False
    """Nothing moves, nothing is drawn twice: for screen readers."""
    device: str = "cpu"
    """Where to compute: cpu, or cuda."""
    search: dict[str, Any] = field(default_factory=dict)
    """Settings of the search that are not as the bot was saved, and perhaps a preset."""


def run(command: ChatCommand) -> int:
    """Open the bot and talk until the person leaves; 0, or 2 where something that was asked for could not be done.

    Raises:
        ChatbotError: the bot or a setting is not as expected.
    """
    from chatbot.chat import bots

    if not 0 <= command.alternatives <= MOST_ALTERNATIVES:
        raise ConfigError(f"--alternatives {command.alternatives}: expected 0 to {MOST_ALTERNATIVES}")
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty() and command.message is None and not command.json
    if command.alternatives and not at_terminal and not command.json:
        raise ConfigError("--alternatives: without a terminal they need --json, as a line has room for one reply")
    path = bots.checked(command.bot) if command.bot is not None else bots.chosen(ask=at_terminal)
    return _at_terminal(command, path) if at_terminal else _in_lines(command, path)


def _in_lines(command: ChatCommand, path: Path) -> int:
    from chatbot.chat.inside import Inside
    from chatbot.chat.kept import Log
    from chatbot.chat.lines import talk_in_lines
    from chatbot.chat.session import Session

    before = _before(command, path)
    kept = command.log and command.resume  # questions of a program are no conversation that one goes on with
    session = Session(Inside(path, command.device, command.search), Log.new(path) if kept else None)
    session.begin_with(before)
    lines = sys.stdin.buffer if command.message is None else [command.message.encode("utf-8", "surrogateescape")]
    others = command.alternatives
    well = talk_in_lines(session, lines, sys.stdout.buffer, sys.stderr, as_json=command.json, others=others)
    return 0 if well else 2


def _at_terminal(command: ChatCommand, path: Path) -> int:
    from chatbot.chat.remote import Remote

    bot = Remote(path, command.device, command.search)  # first of all: it loads while the rest is imported
    try:
        from chatbot.chat.kept import Log
        from chatbot.chat.session import Session
        from chatbot.chat.talk import turns

        before = _before(command, path)
        log = Log.new(path) if command.log else None
        session = Session(bot, log, others=command.alternatives)
        session.begin_with(before)
        last = session.talk.last
        greeting = [] if last is None else [f"{turns(before)} so far; the last reply was: {last.bot}"]
        typed = _typed(greeting) if command.log else None
        if command.plain or os.environ.get("TERM") in _UNABLE:
            from chatbot.chat.plain import Plain

            Plain(session, "\n".join(greeting), typed).run()
        else:
            from chatbot.chat.styled import Looks
            from chatbot.chat.terminal import Terminal

            looks = Looks(str(path), command.theme, "\n".join(greeting))
            Terminal(session, looks, typed, bot.stop, bot.leave).run()
        if log is not None and log.holds_something:
            from data_prep.text import printable

            print(f"This is kept: `chatbot chat {printable(str(path))} --continue` goes on with it.")  # noqa: T201
    finally:
        bot.close()
    return 0


def _typed(greeting: list[str]) -> Path | None:
    """The file of what was typed before; where the disk refuses one talks without, and is told so."""
    from chatbot.chat.kept import state_folder, typed_before

    try:
        return typed_before()
    except OSError as error:
        greeting.append(f"{state_folder()}: {error.strerror}; what is typed and said is not kept.")
        return None


def _before(command: ChatCommand, path: Path) -> Talk:
    """What was said before: nothing, or what `--continue` takes up."""
    from chatbot.chat.kept import latest
    from chatbot.chat.talk import Talk

    if not command.resume:
        return Talk()
    talk = latest(path)
    if talk is None:
        raise ChatbotError(f"--continue: there is no earlier conversation with {path}; leave it out to begin one")
    return talk
