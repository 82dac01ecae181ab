"""What /help shows."""

from __future__ import annotations

from chatbot.chat.commands import COMMANDS, CommandError, short

KEYS = """\
Enter says the line, Alt-Enter begins another in it; pasted lines stay lines.
Up and Down call back what was typed, Ctrl-R looks for it.
Ctrl-X Ctrl-E opens the line in $EDITOR; Tab completes commands and files.
Ctrl-C stops a reply or clears the line; in an empty line twice it leaves.
Ctrl-D leaves."""
_NARROW = 64  # columns below which what a command does stands below it


def help_on(what: str, columns: int) -> str:
    """All commands, the keys, or one command.

    Raises:
        CommandError: there is no such command.
    """
    name = what.lower().lstrip("/")
    if not name:
        return help_text(columns)
    if name == "keys":
        return KEYS
    for spec in COMMANDS:
        if spec.name == name:
            return f"{spec.usage}: {spec.does}"
    raise CommandError(f"/help {short(what)}: no such command; /help lists them")


def help_text(columns: int = 80) -> str:
    """The list of commands, one a line, and what does not fit beside its command on the next."""
    width = max(len(spec.usage) for spec in COMMANDS)
    lines = [(spec.usage, spec.does) for spec in COMMANDS] + [("//text", "say a line that starts with a slash")]
    if columns < _NARROW:
        return "\n".join(f"{usage}\n    {does}" for usage, does in lines)
    return "\n".join(f"{usage:<{width}}  {does}" for usage, does in lines)
