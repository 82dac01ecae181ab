"""DiscordChatExporter, format JSON: one channel a file.

https://github.com/Tyrrrz/DiscordChatExporter: ``guild``, ``channel`` and ``messages``, each with ``type``,
``timestamp``, ``content`` and ``author``; a reply names the message that it answers in ``reference``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from data_prep.records import Dialogue
from data_prep.sources.chats import Message, Names, as_dialogues, first_objects, not_this, objects, string
from data_prep.sources.clock import iso_time
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_SAID = frozenset(("Default", "Reply", "0", "19"))  # types that people write; all others are notices
_EMOJI = re.compile(r"<a?(:\w{1,40}:)\d{1,30}>")
_MENTION = re.compile(r"<@!?(\d{1,30})>")
_NO_TEXT = "Discord messages without text, left out"
_SYSTEM = "Discord notices (joined, pinned, called), left out"
_BOTS = "Discord messages of bots, left out"


def recognises(file: File) -> bool:
    """An object with a list of ``messages`` that have an author, a timestamp and content."""
    if not file.looks_like_text or not file.head_text.lstrip().startswith("{"):
        return False
    return any(_is_message(value) for value in first_objects(file.head_text, "messages"))


def _is_message(value: dict[str, Any]) -> bool:
    author = value.get("author")
    named = isinstance(author, dict) and "name" in author
    return named and isinstance(value.get("timestamp"), str) and "content" in value and "type" in value


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """The channel with all messages of people, oldest first; bots do not talk as people do and are left out.

    Raises:
        PrepareError: not JSON, or no export of DiscordChatExporter.
    """
    value = file.json()
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        raise not_this(file, value, "DiscordChatExporter's JSON with messages")
    names = Names(notes.names)
    messages = []
    for item in objects(value["messages"]):
        author = item["author"] if isinstance(item.get("author"), dict) else {}
        if string(item.get("type")) not in _SAID:
            notes.counts[_SYSTEM] += 1
        elif author.get("isBot") is True:
            notes.counts[_BOTS] += 1
        elif text := _text(item):
            messages.append(_message(item, author, text, names))
        else:
            notes.counts[_NO_TEXT] += 1
    yield from as_dialogues(file.name, messages, _group(value))


def _message(item: dict[str, Any], author: dict[str, Any], text: str, names: Names) -> Message:
    reference = item["reference"] if isinstance(item.get("reference"), dict) else {}
    account = string(author.get("id"))
    speaker = names.label(account, _name(author))
    names.label(account, string(author.get("name")))  # of the account, beside the one that the server shows
    return Message(
        speaker,
        text,
        iso_time(item.get("timestamp")),
        string(item.get("id")) or None,
        string(reference.get("messageId")) or None,
    )


def _name(user: dict[str, Any]) -> str:
    return string(user.get("nickname")) or string(user.get("name"))


def _text(item: dict[str, Any]) -> str:
    """What was written; mentions and emoji that were exported as codes get their names."""
    users = {string(user.get("id")): _name(user) for user in objects(item.get("mentions"))}
    text = _MENTION.sub(lambda match: f"@{users.get(match[1], match[1])}", string(item.get("content")))
    return _EMOJI.sub(r"\1", text).strip()


def _group(value: dict[str, Any]) -> str:
    guild, channel = value.get("guild"), value.get("channel")
    parts = [string(each.get("name")) for each in (guild, channel) if isinstance(each, dict)]
    parts += [string(channel.get("id"))] if isinstance(channel, dict) else []
    return "/".join(part for part in parts if part)


FORMAT = Format("discord", recognises, read, chat=True)
