"""What a line that starts with a slash asks for. Knows nothing of terminals, models or history."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

MAX_BEAM = 50
"""The widest beam that can be asked for: beyond it replies get slower and no better (Britz et al. 2017)."""

Action = Literal["help", "reset", "beam", "greedy", "quit"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A command as help shows it: how it is typed and what it does."""

    name: Action
    usage: str
    does: str


COMMANDS: tuple[Spec, ...] = (
    Spec("help", "/help", "show this list"),
    Spec("reset", "/reset", "forget the conversation so far"),
    Spec("beam", "/beam N", f"weigh N replies side by side and give the best; 1 to {MAX_BEAM}, 1 is greedy"),
    Spec("greedy", "/greedy", "always take the likeliest next word: the quickest replies"),
    Spec("quit", "/quit", "leave; so do Ctrl-D, and Ctrl-C twice"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was understood; ``value`` is the N of ``/beam N``, else None."""

    action: Action
    value: int | None = None


class CommandError(Exception):
    """A line that was meant as a command and is none: what was typed, what would be right."""


def is_command(line: str) -> bool:
    """Whether a line is for us and not for the bot; two slashes say that the line is text.

    >>> is_command("/reset"), is_command("  /reset"), is_command("//reset"), is_command("and/or")
    (True, True, False, False)
    """
    stripped = line.lstrip()
    return stripped.startswith("/") and not stripped.startswith("//")


def as_text(line: str) -> str:
    """What is said to the bot by a line that is no command: the slash that escapes another is taken off.

    >>> as_text("//home is a folder"), as_text("and/or")
    ('/home is a folder', 'and/or')
    """
    stripped = line.lstrip()
    return stripped[1:] if stripped.startswith("//") else line


def parse(line: str) -> Command:
    """The command in a line for which `is_command` holds; CommandError where there is none.

    >>> parse("/beam 5")
    Command(action='beam', value=5)
    >>> parse("/RESET").action
    'reset'
    """
    name, *values = line.strip().removeprefix("/").split() or [""]
    spec = next((spec for spec in COMMANDS if spec.name == name.lower()), None)
    if spec is None:
        raise CommandError(_unknown(name))
    if spec.name == "beam":
        return Command("beam", _width(values))
    if values:
        raise CommandError(f"{spec.usage} takes no value; given: {_short(' '.join(values))}")
    return Command(spec.name)


def help_text() -> str:
    """The list of commands, one a line."""
    width = max(len(spec.usage) for spec in COMMANDS)
    lines = [f"{spec.usage:<{width}}  {spec.does}" for spec in COMMANDS]
    return "\n".join([*lines, f"{'//text':<{width}}  say a line that starts with a slash"])


def _width(values: list[str]) -> int:
    """The N of ``/beam N``. Only plain digits: `int` would also take ``1_0``."""
    wanted = f"/beam takes one whole number from 1 to {MAX_BEAM}, as in /beam 5"
    if len(values) != 1:
        raise CommandError(f"{wanted}; given: {_short(' '.join(values)) if values else 'nothing'}")
    digits = values[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 9 and 1 <= int(digits) <= MAX_BEAM):
        raise CommandError(f"{wanted}; given: {_short(digits)}")
    return int(digits)


def _unknown(name: str) -> str:
    """What to say of a command that does not exist: the near ones, or all, and the way to say it as text."""
    names = [spec.name for spec in COMMANDS]
    near = difflib.get_close_matches(name.lower()[:40], names, n=2, cutoff=0.5)
    near += [other for other in names if name and other.startswith(name.lower()) and other not in near]
    hint = " or ".join(f"/{other}" for other in near)
    advice = f"did you mean {hint}?" if hint else f"there are {', '.join('/' + other for other in names)}."
    return f"/{_short(name)} is no command: {advice} To say it to the bot, start with two slashes."


def _short(text: str, most: int = 40) -> str:
    """A typed text cut to what fits into a message."""
    return text if len(text) <= most else text[: most - 1] + "…"
