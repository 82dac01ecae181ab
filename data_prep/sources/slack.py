"""Slack, "Export workspace data": a folder or zip with a folder for each channel and a JSON file for each day in it.

https://slack.com/help/articles/220556107: ``channels.json``, ``groups.json``, ``dms.json``, ``mpims.json`` and
``users.json`` beside the folders; a day is a list of ``{"type": "message", "user", "text", "ts"}``.

A thread is a dialogue of its own: its first message, which also stays in the channel, and all replies to it, however
late. So the talk of the channel is not torn by answers to what was said hours before, and no reply stands in two
places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from data_prep.records import Dialogue
from data_prep.sources.chats import Message, Names, as_dialogue, first_objects, not_this, objects, string
from data_prep.sources.clock import unix_time
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Reading
from data_prep.sources.options import SourceConfig
from data_prep.sources.silence import cut_by_silence
from data_prep.sources.slack_text import plain

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_OTHER_TABLES = frozenset(
    f"{name}.json"
    for name in ("integration_logs", "channels", "groups", "dms", "mpims", "users", "org_users", "canvases", "lists")
)
_SAID = frozenset(("", "thread_broadcast", "me_message", "file_share", "file_comment"))
_UPLOAD = re.compile(
    r"<@\w+(?:\|[^<>]*)?> (?:uploaded|shared) a file: <[^<>]*>(?: and commented: (?P<said>.*))?", re.DOTALL
)
_COMMENT = re.compile(r"<@\w+(?:\|[^<>]*)?> commented on [^\n]{0,200}?<[^<>]*>: (?P<said>.*)", re.DOTALL)
_SYSTEM = "Slack notices (joined, left, topic changed), left out"
_BOTS = "Slack messages of bots, left out"
_NO_TEXT = "Slack messages without text, left out"


def is_day(file: File) -> bool:
    """A list of messages with a time stamp, of one day and channel."""
    values = first_objects(file.head_text) if _may_be(file, b'"ts"') else []
    return any(value.get("type") == "message" and "ts" in value for value in values)


def is_users(file: File) -> bool:
    """A list of accounts, each with a profile."""
    values = first_objects(file.head_text) if _may_be(file, b'"profile"') else []
    return any("id" in value and isinstance(value.get("profile"), dict) for value in values)


def is_channels(file: File) -> bool:
    """A list of channels, groups or direct messages, each with its members."""
    values = first_objects(file.head_text) if _may_be(file, b'"members"') else []
    return any("id" in value and "created" in value and "members" in value for value in values)


def _may_be(file: File, key: bytes) -> bool:
    return file.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and key in file.head and file.looks_like_text


@dataclass
class _Export:
    folders: dict[str, list[File]] = field(default_factory=dict)
    users: list[File] = field(default_factory=list)
    channels: list[File] = field(default_factory=list)

    def files(self) -> tuple[str, ...]:
        days = [file.name for folder in self.folders.values() for file in folder]
        return (*days, *(file.name for file in (*self.users, *self.channels)))


def gather(files: list[File], notes: Notes, config: SourceConfig) -> tuple[list[Reading], list[File]]:
    """One reading for each export, and all other files."""
    exports: dict[str, _Export] = {}
    taken: set[File] = set()
    for file in files:
        if is_day(file):
            folder = _parent(file.name)
            exports.setdefault(_parent(folder), _Export()).folders.setdefault(folder, []).append(file)
            taken.add(file)
    for file in files if exports else ():
        folder = _parent(file.name)
        export, inside = exports.get(folder), exports.get(_parent(folder))
        if file in taken:
            continue
        if inside is not None and folder in inside.folders and _DAY.fullmatch(PurePosixPath(file.name).name):
            inside.folders[folder].append(file)  # a day without a message, or a broken file, which must be told
            taken.add(file)
        elif export is not None and _take_table(file, export, notes):
            taken.add(file)
    readings = [
        Reading("slack", export.files(), partial(_dialogues, export, notes, config)) for export in exports.values()
    ]
    return readings, [file for file in files if file not in taken]


def _parent(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _take_table(file: File, export: _Export, notes: Notes) -> bool:
    if is_users(file):
        export.users.append(file)
    elif is_channels(file):
        export.channels.append(file)
    elif PurePosixPath(file.name).name in _OTHER_TABLES:
        notes.passed_over[file.name] = "a table of a Slack export, without messages"
    else:
        return False
    return True


def _dialogues(export: _Export, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Channel after channel: its talk cut by silence, then its threads."""
    people = _People(export, notes.names)
    for folder, days in sorted(export.folders.items()):
        name = "channel" if folder == "." else folder
        talk: list[Message] = []
        threads: dict[str, list[Message]] = {}
        roots: dict[str, Message] = {}
        for file in sorted(days, key=lambda file: file.name):
            for message, thread in _messages(file, people, notes):
                if thread and thread != message.id:
                    threads.setdefault(thread, []).append(message)
                else:
                    talk.append(message)
                    roots[string(message.id)] = message
        if talk:
            yield from cut_by_silence(as_dialogue(name, talk, name), config.silence)
        for thread, replies in sorted(threads.items()):
            whole = [roots[thread], *replies] if thread in roots else replies
            yield as_dialogue(f"{name}:thread {thread}", whole, name)


class _People:
    """Names of accounts and channels; further names of those who write something are put into ``further``."""

    def __init__(self, export: _Export, further: set[str]) -> None:
        self.names = Names(further)
        self._known: dict[str, list[str]] = {}
        self.bots: set[str] = {"USLACKBOT"}
        self.channels: dict[str, str] = {}
        for file in export.users:
            for user in objects(file.json()):
                account = string(user.get("id"))
                names = _names(user)
                self.names.label(account, names[0] if names else "")
                self._known[account] = names
                if user.get("is_bot") is True:
                    self.bots.add(account)
        for file in export.channels:
            for channel in objects(file.json()):
                self.channels[string(channel.get("id"))] = string(channel.get("name"))

    def speaker(self, item: dict[str, Any]) -> str:
        """Who wrote a message; accounts of other workspaces bring their profile with them."""
        profile = item["user_profile"] if isinstance(item.get("user_profile"), dict) else {}
        name = string(profile.get("display_name")) or string(profile.get("real_name")) or string(item.get("username"))
        account = _account(item)
        label = self.names.label(account, name)
        for other in (*self._known.pop(account, ()), string(profile.get("real_name"))) if account else ():
            self.names.label(account, other)
        return label


def _names(user: dict[str, Any]) -> list[str]:
    """What a user is called, the name that is shown first."""
    profile = user["profile"] if isinstance(user.get("profile"), dict) else {}
    names = (profile.get("display_name"), user.get("real_name"), profile.get("real_name"), user.get("name"))
    return [string(name) for name in names if string(name)]


def _account(item: dict[str, Any]) -> str:
    comment = item["comment"] if isinstance(item.get("comment"), dict) else {}
    return string(item.get("user")) or string(comment.get("user"))


def _messages(file: File, people: _People, notes: Notes) -> Iterator[tuple[Message, str]]:
    """Each message that a person wrote, and the time stamp of the thread that it is in."""
    value = file.json()
    if not isinstance(value, list):
        raise not_this(file, value, "a list of messages, as Slack exports each day of a channel")
    for item in objects(value):
        subtype = string(item.get("subtype"))
        if item.get("type") != "message" or subtype not in _SAID:
            notes.counts[_BOTS if subtype == "bot_message" else _SYSTEM] += 1
        elif item.get("bot_id") or item.get("bot_profile") or _account(item) in people.bots:
            notes.counts[_BOTS] += 1
        elif text := plain(_written(item), people.names.label, people.channels):
            stamp = string(item.get("ts"))
            message = Message(people.speaker(item), text, unix_time(item.get("ts")), stamp or None)
            yield message, string(item.get("thread_ts"))
        else:
            notes.counts[_NO_TEXT] += 1


def _written(item: dict[str, Any]) -> str:
    """The text; of an old notice of an upload or a comment, what was said with it."""
    text = string(item.get("text"))
    pattern = {"file_share": _UPLOAD, "file_comment": _COMMENT}.get(string(item.get("subtype")))
    match = pattern.fullmatch(text) if pattern else None
    return (match["said"] or "") if match else text
