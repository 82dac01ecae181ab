"""The words after `chatbot fit`, before they are parsed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chatbot.config import find_recipe, with_recipe
from chatbot.training.folder import SETTINGS, Workplace

DEFAULT_RECIPE = "small"
_SHORT = {"--context-turns": "--data.context_turns"}


def with_settings(argv: Sequence[str]) -> list[str]:
    """The arguments with a settings file before them: those of the training that goes on, a recipe, or the default.

    A training that goes on keeps its settings: what --config names is not read again, flags still override.
    """
    argv = spelt(argv)
    output = value_of(argv, "--output")
    if "--resume" in argv and output:
        recorded = Workplace(Path(output).resolve(), "resume")
        if (recorded.partial / SETTINGS).is_file():
            return ["--config", str(recorded.partial / SETTINGS), *_without(argv, "--config")]
    arguments = with_recipe(argv, "fit")
    if value_of(argv, "--config") is None:
        return ["--config", str(find_recipe("fit", DEFAULT_RECIPE)), *arguments]
    return arguments


def value_of(argv: Sequence[str], option: str) -> str | None:
    """The value of an option, written with a blank or with ``=``; the last one counts."""
    found = None
    for place, word in enumerate(argv):
        if word == option and place + 1 < len(argv):
            found = argv[place + 1]
        elif word.startswith(f"{option}="):
            found = word.removeprefix(f"{option}=")
    return found


def _without(argv: Sequence[str], option: str) -> list[str]:
    """The arguments without an option and its value.

    >>> _without(["a", "--config", "small", "--config=tiny", "b"], "--config")
    ['a', 'b']
    """
    kept: list[str] = []
    words = iter(argv)
    for word in words:
        if word == option:
            next(words, None)
        elif not word.startswith(f"{option}="):
            kept.append(word)
    return kept


def spelt(argv: Sequence[str]) -> list[str]:
    """Options that have a shorter name, by their full one.

    >>> spelt(["--context-turns", "3", "--context-turns=4", "--output"])
    ['--data.context_turns', '3', '--data.context_turns=4', '--output']
    """
    parts = [word.partition("=") for word in argv]
    return [f"{_SHORT.get(name, name)}{equals}{value}" for name, equals, value in parts]
