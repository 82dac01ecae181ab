"""Replies of any other system, from a file: a line each, or an object each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from chatbot.errors import ChatbotError
from chatbot.evaluation.questions import Questions

_KEYS = ("reply", "bot", "prediction", "text", "response")


def read_predictions(given: str, questions: Questions) -> tuple[str, list[str]]:
    """The name and the replies of ``NAME=FILE``, those to the questions alone.

    The file has a line for each pair of the split, in its order: a text, or (JSONL) an object with the reply under
    ``reply``, ``bot``, ``prediction``, ``text`` or ``response``, as `chatbot reply` writes them.

    Raises:
        ChatbotError: there is no such file, or it has another number of lines than the split has pairs.
    """
    name, equals, file = given.partition("=")
    if not (name and equals and file):
        raise ChatbotError(f"--predictions {given}: expected NAME=FILE, as in --predictions gpt=replies.jsonl")
    path = Path(file)
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}); expected a reply a line") from error
    except UnicodeDecodeError as error:
        raise ChatbotError(f"{path}: is not UTF-8 (byte {error.start:,}); save it as UTF-8") from error
    if lines[-1] == "":
        lines.pop()
    if len(lines) != questions.whole:
        raise ChatbotError(
            f"{path}: has {len(lines):,} replies; the split {questions.split} of {questions.path} has "
            f"{questions.whole:,} pairs: expected a line for each, in their order"
        )
    return name, _replies(path, [line.rstrip("\r") for line in lines], questions.places)


def _are_objects(lines: Sequence[str]) -> bool:
    """Whether the first line that says something is a JSON object, whole or broken, rather than a text in braces."""
    first = next((line.strip() for line in lines if line.strip()), "")
    return first.startswith(('{"', "{}")) or (first.startswith("{") and first[1:].lstrip().startswith('"'))


def _replies(path: Path, lines: Sequence[str], places: Sequence[int]) -> list[str]:
    if not _are_objects(lines):
        return [lines[place] for place in places]
    found = []
    for number, line in enumerate(lines, start=1):  # all of them, whichever are asked for
        where = f"{path}, line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ChatbotError(f"{where}: broken JSON; expected an object with the reply under {_KEYS[0]!r}") from error
        said = [value[key] for key in _KEYS if key in value] if isinstance(value, dict) else []
        if not said or not isinstance(said[0], str):
            raise ChatbotError(f"{where}: no text under any of {', '.join(_KEYS)}; expected an object with one of them")
        found.append(said[0])
    return [found[place] for place in places]
