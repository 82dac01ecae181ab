"""What readers of chat exports share: messages with ids and times become one dialogue; JSON is told by its head."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from data_prep.errors import PrepareError
from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File

_LOOKED_AT = 5  # objects of a list that tell its format
_LISTS = 20  # lists of one name that are looked into: the first chats of an account may be empty


class Message(NamedTuple):
    """A message as exports have it: others point to it by its id."""

    speaker: str
    text: str
    time: float | None = None
    id: Hashable = None
    answers: Hashable = None
    """Id of the message that this one expressly replies to."""


def as_dialogue(name: str, messages: list[Message], group: str = "", tolerance: float = 0.0) -> Dialogue:
    """One dialogue of all messages, by time; replies point to the place of what they answer.

    Args:
        name: the id.
        messages: in the order of the file, which stays where times are equal or absent.
        group: channel or chat.
        tolerance: a file whose clock goes back by no more than so many seconds is in order already.

    >>> as_dialogue("d", [Message("Bo", "Yes.", 20.0, id=2, answers=1), Message("Ann", "Tea?", 10.0, id=1)]).turns[1]
    Turn(speaker='Bo', text='Yes.', time=20.0, answers=0)
    """
    if _goes_back(messages, tolerance):
        messages = _by_time(messages)
    places: dict[Hashable, int] = {}
    turns = []
    for place, message in enumerate(messages):
        answers = places.get(message.answers) if message.answers is not None else None
        turns.append(Turn(message.speaker, message.text, message.time, answers))
        if message.id is not None:
            places[message.id] = place
    return Dialogue(name, tuple(turns), group)


def as_dialogues(name: str, messages: list[Message], group: str = "", tolerance: float = 0.0) -> Iterator[Dialogue]:
    """``as_dialogue``, or nothing where nobody wrote."""
    if messages:
        yield as_dialogue(name, messages, group, tolerance)


def _goes_back(messages: list[Message], tolerance: float) -> bool:
    times = [message.time for message in messages if message.time is not None]
    return any(after < before - tolerance for before, after in pairwise(times))


def _by_time(messages: list[Message]) -> list[Message]:
    """A message without a time stays behind the one before it."""
    keys = []
    last = float("-inf")
    for message in messages:
        last = last if message.time is None else message.time
        keys.append(last)
    return [messages[place] for place in sorted(range(len(messages)), key=keys.__getitem__)]


class Names:
    """A name for each account: two accounts that show the same name are told apart.

    Args:
        further: where other names of an account are put.

    >>> names = Names()
    >>> names.label("u1", "Ann"), names.label("u2", "Ann"), names.label("u1", "Anna"), names.label("u3", "")
    ('Ann', 'Ann (u2)', 'Ann', 'u3')
    """

    def __init__(self, further: set[str] | None = None) -> None:
        self._further = set() if further is None else further
        self._by_key: dict[str, str] = {}
        self._taken: set[str] = set()

    def label(self, key: str, name: str) -> str:
        """The same account (``key``) has the same label always, once its name was given."""
        if not key or not name:
            return name or self._by_key.get(key, key)
        if key not in self._by_key:
            label = f"{name} ({key})" if name in self._taken else name
            self._by_key[key] = label
            self._taken.add(label)
        if name != self._by_key[key]:
            self._further.add(name)
        return self._by_key[key]


def first_objects(text: str, key: str | None = None) -> list[dict[str, Any]]:
    """The first whole objects of the lists under ``key`` in JSON that may be cut; None: of the list that it is.

    >>> first_objects('{"name": "x", "messages": [{"id": 1}, {"id": 2}, {"id":', "messages")
    [{'id': 1}, {'id': 2}]
    >>> first_objects('[{"id": 1}]'), first_objects("[1, 2", "messages")
    ([{'id': 1}], [])
    """
    text = text.lstrip()
    if key is None:
        return _objects(text, 1) if text.startswith("[") else []
    if not text.startswith("{"):
        return []
    starts = re.compile(rf'"{re.escape(key)}"\s*:\s*\[').finditer(text)
    for match, _ in zip(starts, range(_LISTS), strict=False):
        if found := _objects(text, match.end()):
            return found
    return []


_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")


def _objects(text: str, place: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < _LOOKED_AT:
        between = _BETWEEN.match(text, place)
        try:
            value, place = _DECODER.raw_decode(text, between.end() if between else place)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            break
        found.append(value)
    return found


def objects(value: Any) -> Iterable[dict[str, Any]]:
    """The objects in a list; nothing where it is none."""
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def string(value: Any) -> str:
    """Text of a JSON value: a string as it is, a number as written, all else empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20 else ""


def not_this(file: File, value: Any, expected: str) -> PrepareError:
    """The error for JSON that is something else."""
    if isinstance(value, dict):
        found = f"an object with {', '.join(map(repr, list(value)[:5])) or 'nothing in it'}"
    else:
        found = f"a {type(value).__name__}"
    return PrepareError(f"{file.path}: {found}; expected {expected}; export it again or give another --format")
