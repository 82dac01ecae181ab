"""What a line that starts with a slash asks for. Knows nothing of terminals, models or history."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data_prep.text import printable

_LONGEST = 4096  # characters of a path, on most systems
Takes = Literal["nothing", "number", "text", "file", "setting", "preset", "picture"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A command as help shows it: how it is typed, what it does, and what follows its name."""

    name: str
    usage: str
    does: str
    takes: Takes = "nothing"
    needed: bool = False
    """Whether something must follow."""


COMMANDS: tuple[Spec, ...] = (
    Spec("help", "/help [COMMAND]", "show this list; /help keys: the keys", "text"),
    Spec("undo", "/undo [N]", "take back the last N changes: turns, picks, edits", "number"),
    Spec("redo", "/redo [N]", "make them again", "number"),
    Spec("retry", "/retry", "another reply: the next that was found, then samples"),
    Spec("edit", "/edit [TEXT]", "say the last message otherwise; alone: edit it", "text"),
    Spec("alternatives", "/alternatives [N]", "the replies that were weighed; a number picks one", "number"),
    Spec("say", "/say TEXT", "put words into the bot's mouth, for its last reply", "text", needed=True),
    Spec("persona", "/persona [TEXT]", "who the bot is to be, or none; alone: who it is", "text"),
    Spec("context", "/context", "what the bot really reads, in pieces"),
    Spec("reset", "/reset", "forget the conversation so far"),
    Spec("set", "/set [NAME VALUE]", "change a setting, as in /set beam 5; alone: all", "setting"),
    Spec("preset", "/preset [NAME]", "settings by name; alone: which there are", "preset"),
    Spec("seed", "/seed [N]", "samples come out the same; alone: different again", "number"),
    Spec("settings", "/settings", "how replies are looked for now"),
    Spec("why", "/why [--save FILE.png]", "where the bot looked, how sure it was", "picture"),
    Spec("gates", "/gates [--save FILE.png]", "how open its gates were: what it kept, let go", "picture"),
    Spec("stats", "/stats", "speed, memory and size"),
    Spec("save", "/save FILE", "write the conversation to a .jsonl or .md file", "file", needed=True),
    Spec("load", "/load FILE.jsonl", "go on with a conversation that was saved", "file", needed=True),
    Spec("quit", "/quit", "leave; so do Ctrl-D, and Ctrl-C twice"),
)
_BY_NAME = {spec.name: spec for spec in COMMANDS}


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was understood, and what follows its name: a number, words, or a text."""

    name: str
    number: int | None = None
    text: str = ""
    words: tuple[str, ...] = ()


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

    >>> parse("/undo 2")
    Command(name='undo', number=2, text='', words=())
    >>> parse("/SAY Good evening.").text
    'Good evening.'
    """
    name, rest = [*line.strip().removeprefix("/").split(maxsplit=1), "", ""][:2]
    spec = _BY_NAME.get(name.lower())
    if spec is None:
        raise CommandError(_unknown(name))
    if spec.needed and not rest:
        raise CommandError(f"/{spec.name} alone says too little; expected {spec.usage}: {spec.does}")
    match spec.takes:
        case "nothing" if rest:
            raise CommandError(f"{spec.usage} takes no value; given: {short(rest)}")
        case "number" if rest:
            return Command(spec.name, number=_number(spec, rest))
        case "setting":
            return Command(spec.name, words=tuple(rest.split()), text=rest)
        case "picture" | "file" | "preset":
            return Command(spec.name, words=words_of(spec.usage, rest), text=rest)
    return Command(spec.name, text=rest)


def short(text: str, most: int = 40) -> str:
    """A typed text cut to what fits into a message, on one line."""
    text = printable(text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def _number(spec: Spec, typed: str) -> int:
    """A whole number of at least 0. Only plain digits: `int` would also take ``1_0``."""
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise CommandError(f"{spec.usage} takes one whole number; given: {short(typed)}")
    return int(typed)


def words_of(usage: str, rest: str) -> tuple[str, ...]:
    """The words, those in quotation marks being one; CommandError where a mark is open."""
    try:
        return tuple(shlex.split(rest, posix=True))
    except ValueError as error:
        raise CommandError(f"{usage}: {error}; given: {short(rest)}") from error


def path_of(typed: str) -> Path:
    """A file as it was typed, ``~`` being one's home; CommandError where there can be none."""
    try:
        path = Path(typed).expanduser()
    except RuntimeError as error:
        raise CommandError(f"{short(typed)}: there is nobody of that name ({error})") from error
    if "\0" in typed or len(typed) > _LONGEST:
        raise CommandError(f"{short(typed)}: no file can be called so; give another name")
    return path


def _unknown(name: str) -> str:
    """What to say of a command that does not exist: the near ones, or all, and the way to say it as text."""
    names = [spec.name for spec in COMMANDS]
    near = difflib.get_close_matches(name.lower()[:40], names, n=2, cutoff=0.5)
    near += [other for other in names if name and other.startswith(name.lower()) and other not in near]
    hint = " or ".join(f"/{other}" for other in near)
    advice = f"did you mean {hint}?" if hint else "/help lists them."
    return f"/{short(name)} is no command: {advice} To say it to the bot, start with two slashes."
