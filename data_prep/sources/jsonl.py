"""Dialogues as JSON, one a line or in one array: ``turns``, OpenAI ``messages`` or ShareGPT ``conversations``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from data_prep.errors import PrepareError
from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes

# key of the list → (keys of the speaker, keys of the text)
_SHAPES = {
    "turns": (("speaker", "role", "from"), ("text", "content", "value")),
    "messages": (("role",), ("content",)),
    "conversations": (("from", "role"), ("value", "content")),
}
_NOT_TALK = {"system", "tool", "function", "developer"}  # roles that instruct or compute
_EXPECTED = "expected an object with turns, messages or conversations"


def recognises(file: File) -> bool:
    """An object with one of the three lists on one of the first lines, or an array that begins with such."""
    text = "\n".join(file.first_lines).lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        rest = text[1:].lstrip()
        return rest.startswith("{") and any(f'"{key}"' in rest for key in _SHAPES)
    return text.startswith("{") and any(_is_dialogue(line) for line in file.first_lines[:20])


def _is_dialogue(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        # A first line longer than the head is cut: its keys must do.
        return line.lstrip().startswith("{") and any(f'"{key}":' in line.replace(" ", "") for key in _SHAPES)
    return isinstance(value, dict) and any(key in value for key in _SHAPES)


def read(file: File, notes: Notes) -> Iterator[Dialogue]:
    """Dialogues in the order of the file.

    Raises:
        PrepareError: a line is not JSON or not a dialogue; it names file and line.
    """
    for place, where, value in _values(file):
        yield Dialogue(f"{file.name}:{place}", tuple(_turns(value, where, notes)))


def _values(file: File) -> Iterator[tuple[int, str, Any]]:
    """(Place in the file, how to tell people where that is, decoded value)."""
    if next((line.lstrip("\ufeff \t")[:1] for line in file.first_lines if line.strip()), "") == "[":
        try:
            values = json.loads(file.path.read_text(encoding=file.encoding, errors="replace"))
        except (ValueError, RecursionError) as error:
            raise PrepareError(f"{file.path}: not valid JSON ({error}); mend the file and run again") from error
        for place, value in enumerate(values, 1):
            yield place, f"{file.path}, element {place}", value
        return
    for number, line in file.lines():
        if not line.strip():
            continue
        where = f"{file.path}, line {number}"
        try:
            yield number, where, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise PrepareError(
                f"{where}: not valid JSON ({error}); {_EXPECTED}; mend the line or take it out"
            ) from error


def _turns(value: Any, where: str, notes: Notes) -> Iterator[Turn]:
    key = next((k for k in _SHAPES if isinstance(value, dict) and isinstance(value.get(k), list)), None)
    if key is None:
        given = (
            f"an object with {', '.join(map(str, list(value)[:5]))}"
            if isinstance(value, dict)
            else type(value).__name__
        )
        raise PrepareError(f"{where}: {_EXPECTED} (a list), found {given}; mend the line or take it out")
    speakers, texts = _SHAPES[key]
    place = 0
    for item in value[key]:
        if isinstance(item, str):
            yield Turn("AB"[place % 2], item)
        elif isinstance(item, dict):
            speaker = next((str(item[k]) for k in speakers if item.get(k) is not None), "AB"[place % 2])
            if speaker.lower() in _NOT_TALK:
                notes.counts["messages of system and tools, left out"] += 1
                continue
            yield Turn(speaker, _text(next((item[k] for k in texts if k in item), None)))
        else:
            raise PrepareError(
                f"{where}: a turn is {type(item).__name__}; expected a string or an object with {speakers[0]} "
                f"and {texts[0]}; mend the line or take it out"
            )
        place += 1


def _text(content: Any) -> str:
    """Text of a message; of a list of parts, those that are text; a message without text is empty."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return " ".join(part for part in parts if isinstance(part, str))
    return ""
