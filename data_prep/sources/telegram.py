"""Telegram Desktop, "Export chat history" or "Export Telegram data" as JSON: one chat, or all chats of an account.

https://telegram.org/blog/export-and-more: ``result.json`` has ``messages``, or ``chats.list`` and
``left_chats.list`` of such. A text is a string, or a list of strings and of parts such as
``{"type": "bold", "text": "…"}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from data_prep.records import Dialogue
from data_prep.sources.chats import Message, Names, as_dialogues, first_objects, not_this, objects, string
from data_prep.sources.clock import HOURS_TWO, iso_time, unix_time
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_ACCOUNT = ('"about"', '"personal_information"')  # an account's file may begin with more contacts than its head holds
_CHATS = ("chats", "left_chats")
_OPENING = re.compile(r"[\s(\[{<\"'«“‘„]")
_NO_TEXT = "Telegram messages without text (photos, stickers, polls), left out"
_SYSTEM = "Telegram service messages, left out"


def recognises(file: File) -> bool:
    """An object with a list of ``messages`` of type ``message`` or ``service``, dated; or the file of an account."""
    if not file.looks_like_text or not file.head_text.lstrip().startswith("{"):
        return False
    text = file.head_text
    if any(_is_message(value) for value in first_objects(text, "messages")):
        return True
    return all(key in text for key in _ACCOUNT) and any(f'"{key}"' in text for key in ("contacts", *_CHATS))


def _is_message(value: dict[str, Any]) -> bool:
    dated = "date" in value or "date_unixtime" in value
    return value.get("type") in ("message", "service") and dated and "text" in value


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Each chat with all its messages, oldest first.

    Raises:
        PrepareError: not JSON, or no export of Telegram.
    """
    value = file.json()
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        yield from _dialogues(file.name, value, notes)
        return
    listed = [value.get(key) for key in _CHATS] if isinstance(value, dict) else []
    chats = [chats["list"] for chats in listed if isinstance(chats, dict) and isinstance(chats.get("list"), list)]
    if not chats:
        raise not_this(file, value, "Telegram's result.json with messages, or with chats")
    met: set[str] = set()
    for place, chat in enumerate(chain.from_iterable(map(objects, chats)), 1):
        label = string(chat.get("id")) or string(chat.get("name")) or str(place)
        label = f"{label}~{place}" if label in met else label
        met.add(label)
        yield from _dialogues(f"{file.name}:{label}", chat, notes)


def _dialogues(name: str, chat: dict[str, Any], notes: Notes) -> Iterator[Dialogue]:
    names = Names(notes.names)
    said, rest = [], []
    for value in objects(chat.get("messages")):
        is_message = value.get("type") == "message"
        text = _text(value.get("text", value.get("text_entities"))) if is_message else ""
        if text:
            said.append((value, text))
            continue
        rest.append(value)
        notes.counts[_NO_TEXT if is_message else _SYSTEM] += 1
    for value in (*(value for value, _ in said), *rest):  # an account may be without its name in some messages only
        names.label(*_who(value))
    messages = [_message(value, text, names) for value, text in said]
    yield from as_dialogues(name, messages, name, HOURS_TWO)


def _who(value: dict[str, Any]) -> tuple[str, str]:
    """Account and name, in a message or a service message."""
    account, name = ("from_id", "from") if value.get("type") == "message" else ("actor_id", "actor")
    return string(value.get(account)), string(value.get(name))


def _message(value: dict[str, Any], text: str, names: Names) -> Message:
    time = unix_time(value.get("date_unixtime"))
    elsewhere = value.get("reply_to_peer_id") is not None  # what it answers was said in another chat
    return Message(
        names.label(*_who(value)),
        text,
        iso_time(value.get("date")) if time is None else time,
        string(value.get("id")) or None,
        None if elsewhere else string(value.get("reply_to_message_id")) or None,
    )


def _text(value: Any) -> str:
    """The parts joined; a link that an entity boundary glued to the word before it gets its space back."""
    if isinstance(value, str):
        return value.strip()
    joined = ""
    for part in value if isinstance(value, list) else ():
        words = part if isinstance(part, str) else string(part.get("text")) if isinstance(part, dict) else ""
        is_link = isinstance(part, dict) and part.get("type") == "link"
        glued = is_link and joined and words and not _OPENING.match(joined[-1])
        joined += f" {words}" if glued else words
    return joined.strip()


FORMAT = Format("telegram", recognises, read, chat=True)
