"""Dialogues as JSON: ``turns``, OpenAI ``messages`` or ShareGPT ``conversations``, in objects one a line, in an array,
or one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from data_prep.errors import PrepareError
from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.json_values import beginning, decode, is_one_array, values
from data_prep.sources.options import SourceConfig
from data_prep.sources.roles import ROLES, instructed

# key of the list → (keys of the speaker, keys of the text)
_SHAPES = {
    "turns": (("speaker", "role", "from"), ("text", "content", "value")),
    "messages": (("role",), ("content",)),
    "conversations": (("from", "role"), ("value", "content")),
}
_EXPECTED = "expected an object with turns, messages or conversations"
_LOOKED_AT = 20  # objects that may be dialogues, and messages of each


def recognises(file: File) -> bool:
    """An object with one of the three lists, of messages with the right fields, among the first."""
    if not file.looks_like_text or file.head_text.lstrip()[:1] not in ("{", "["):
        return False
    found = beginning(file.head_text)
    if len(found) == 1 and isinstance(found[0], list):
        found = tuple(found[0])
    return any(_is_dialogue(value) for value in found[:_LOOKED_AT])


def _is_dialogue(value: Any) -> bool:
    key = _list_of(value)
    return key is not None and any(_is_message(item, key) for item in value[key][:_LOOKED_AT])


def _is_message(item: Any, key: str) -> bool:
    speakers, texts = _SHAPES[key]
    if isinstance(item, str):
        return True
    if not isinstance(item, dict) or not any(text in item for text in texts):
        return False
    return key == "turns" or any(speaker in item for speaker in speakers)


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Dialogues in the order of the file.

    Raises:
        PrepareError: a line is not JSON or not a dialogue; it names file and line.
    """
    for place, where, value in _values(file):
        yield _dialogue(f"{file.name}:{place}", value, where, notes)


def _values(file: File) -> Iterator[tuple[int, str, Any]]:
    """(Place in the file, how to tell people where that is, decoded value)."""
    if is_one_array(file) or not _a_value_a_line(file):
        for place, line, value in values(file):
            yield place, f"{file.path}, line {line}", value
        return
    for number, text in file.lines():
        if not text.strip():
            continue
        where = f"{file.path}, line {number}"
        try:
            yield number, where, decode(text)
        except (ValueError, RecursionError) as error:
            raise PrepareError(
                f"{where}: not valid JSON ({error}); {_EXPECTED}; mend the line or take it out"
            ) from error


def _a_value_a_line(file: File) -> bool:
    """Told by the first line: an object that goes on below it is written over lines."""
    first = next((line for line in file.first_lines if line.strip()), "")
    try:
        decode(first)
    except (ValueError, RecursionError):
        return not any(line[:1] in " \t]}" for line in file.first_lines[1:_LOOKED_AT])
    return True


def _list_of(value: Any) -> str | None:
    if isinstance(value, dict):
        for key in _SHAPES:
            if isinstance(value.get(key), list):
                return key
    return None


def _dialogue(name: str, value: Any, where: str, notes: Notes) -> Dialogue:
    key = _list_of(value)
    if key is None:
        given = (
            f"an object with {', '.join(map(str, list(value)[:5]))}"
            if isinstance(value, dict)
            else type(value).__name__
        )
        raise PrepareError(f"{where}: {_EXPECTED} (a list), found {given}; mend the line or take it out")
    if all(type(item) is str for item in value[key]):  # much the commonest, and three times as fast
        return Dialogue(name, tuple(map(Turn, cycle("AB"), value[key])))
    said = [_said(item, key, where) for item in value[key]]
    kept, personas = instructed([(speaker if role else "", text) for speaker, text, role in said], notes)
    turns = tuple(Turn(said[at][0] or "AB"[place % 2], said[at][1]) for place, at in enumerate(kept))
    return Dialogue(name, turns, personas=personas)


def _said(item: Any, key: str, where: str) -> tuple[str, str, bool]:
    """Speaker, text, and whether the speaker is given as a role."""
    speakers, texts = _SHAPES[key]
    if isinstance(item, str):
        return "", item, False
    if not isinstance(item, dict):
        raise PrepareError(
            f"{where}: a turn is {type(item).__name__}; expected a string or an object with {speakers[0]} "
            f"and {texts[0]}; mend the line or take it out"
        )
    named = next((k for k in speakers if item.get(k) is not None), None)
    speaker = "" if named is None else str(item[named])
    return speaker, _text(next((item[k] for k in texts if k in item), None)), named in ROLES


def _text(content: Any) -> str:
    """Text of a message; of a list of parts, those that are text; a message without text is empty."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return " ".join(part for part in parts if isinstance(part, str))
    return ""


FORMAT = Format("jsonl", recognises, read)
