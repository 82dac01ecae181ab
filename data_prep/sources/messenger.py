"""Facebook Messenger and Instagram, "Download your information" as JSON: ``message_1.json`` and on, newest first.

Strings of these files were encoded twice: "é" is written as the two characters ``\\u00c3\\u00a9``. Messenger's download
of encrypted chats has other keys (``senderName``, ``text``, ``timestamp``) and right strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from data_prep.records import Dialogue
from data_prep.sources.chats import Message, as_dialogues, first_objects, not_this, objects, string
from data_prep.sources.clock import unix_time
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format, Reading
from data_prep.sources.options import SourceConfig
from data_prep.sources.silence import cut_by_silence

_PART = re.compile(r"message_\d{1,6}\.json")
_NOTICES = frozenset(("Call", "Subscribe", "Unsubscribe"))  # values of "type"
_REACTION = re.compile(
    r"""
      (?:Reacted|Reaccionó|Reaccionaste|Reagiu|A\ réagi|Hat|Ha\ reagito|Heeft|Reageerde|Zareagował(?:a|\(a\))?)
      \ (?:(?:to|con|com|avec|mit|met)\ )? [^\w\s]{1,24}
      \ (?:to\ your\ message|a\ tu\ mensaje|à\ (?:sua|tua)\ mensagem|à\ (?:votre|ton)\ message
        |auf\ deine\ Nachricht\ reagiert|al\ tuo\ messaggio|op\ je\ bericht(?:\ gereageerd)?|na\ Twoją\ wiadomość)
    | Liked\ a\ message
    """,
    re.VERBOSE,
)
_DONE = re.compile(  # after the sender's name, or "You"
    r"""
      (?:sent|shared)\ (?:an?\ )?(?:attachment|photo|video|sticker|GIF|link|(?:live\ )?location|(?:voice|audio)\ message
        |post|reel|story|profile|file)\.
    | (?:liked|unsent|pinned|unpinned)\ a\ message\.?
    | (?:named\ the\ group|changed\ the\ (?:chat\ theme|theme|group\ photo|chat\ colou?rs|group\ name))\b.*\.
    | (?:set|cleared)\ (?:the\ nickname\ (?:for|of)|(?:your|his|her|their)\ own\ nickname)\b.*
    | set\ the\ (?:emoji|quick\ reaction)\ to\b.*
    """,
    re.VERBOSE,
)
_DONE_BY_NAME = re.compile(  # after the sender's name alone: "You left the group." may be said
    r"""
      (?:left|created|joined)\ the\ (?:group|call|video\ (?:call|chat)|audio\ call)\.
    | (?:added|removed)\ .{1,200}\ (?:to|from)\ the\ group\.
    | (?:missed\ (?:your|a)|started\ an?)\ (?:(?:audio|video|group)\ )?(?:call|chat)\b.*
    | (?:called\ you|waved\ at\ .{1,100}|created\ a\ poll:\ .*|voted\ for\ .{1,200}\ in\ the\ poll:\ .*)\.?
    | hat\ (?:einen\ Anhang|ein\ Foto|einen\ Link)\ (?:gesendet|geschickt|verschickt)\.
    | a\ envoyé\ (?:une\ pièce\ jointe|une\ photo|un\ lien)\.
    | envió\ (?:un\ archivo\ adjunto|una\ foto|un\ enlace)\.
    | enviou\ (?:um\ anexo|uma\ foto|um\ link)\.
    | ha\ inviato\ (?:un\ allegato|una\ foto|un\ link)\.
    | heeft\ een\ (?:bijlage|foto|link)\ (?:verzonden|gestuurd|verstuurd)\.
    """,
    re.VERBOSE,
)
_OTHER = re.compile(
    r"""
      You\ are\ now\ connected\ on\ Messenger\.? | You\ can\ now\ (?:message\ and\ )?call\ each\ other\b.*
    | Say\ hi\ to\ your\ new\ Facebook\ friend,\ .{1,100} | The\ (?:video\ chat|call|audio\ call)\ ended\.
    | You\ missed\ an?\ (?:(?:video|audio)\ )?(?:call|chat)\ (?:from|with)\ .{1,100}
    | Du\ hast\ einen\ Anhang\ (?:gesendet|verschickt)\. | Vous\ avez\ envoyé\ une\ pièce\ jointe\.
    | Enviaste\ un\ archivo\ adjunto\. | Você\ enviou\ um\ anexo\. | Hai\ inviato\ un\ allegato\.
    | Je\ hebt\ een\ bijlage\ (?:verzonden|verstuurd)\.
    """,
    re.VERBOSE,
)
_SYSTEM = "Messenger notices and reactions, left out"
_NO_TEXT = "Messenger messages without text (photos, stickers), left out"


def recognises(file: File) -> bool:
    """An object with a list of ``messages`` that have a sender's name and a time in milliseconds."""
    if not file.looks_like_text or not file.head_text.lstrip().startswith("{"):
        return False
    return any(_is_message(value) for value in first_objects(file.head_text, "messages"))


def _is_message(value: dict[str, Any]) -> bool:
    encrypted = "senderName" in value and "timestamp" in value and ("text" in value or "media" in value)
    return encrypted or ("sender_name" in value and "timestamp_ms" in value)


def gather(files: list[File], notes: Notes, config: SourceConfig) -> tuple[list[Reading], list[File]]:
    """Chats in several files ``message_N.json`` of one folder; a chat in one file remains for ``FORMAT``."""
    folders: dict[tuple[str, str], list[File]] = {}
    for file in files:
        path = PurePosixPath(file.name)
        if _PART.fullmatch(path.name) and recognises(file):
            people = sorted(string(each.get("name")) for each in first_objects(file.head_text, "participants"))
            folders.setdefault((str(path.parent), repr(people)), []).append(file)
    chats = [(folder, parts) for (folder, _), parts in folders.items() if len(parts) > 1]
    readings = [
        Reading("messenger", tuple(part.name for part in parts), partial(_chat, parts, notes, config))
        for folder, parts in chats
    ]
    taken = {part for _, parts in chats for part in parts}
    return readings, [file for file in files if file not in taken]


def _chat(parts: list[File], notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    for dialogue in _dialogues(parts, notes):
        yield from cut_by_silence(dialogue, config.silence)


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """The chat with all its messages, oldest first.

    Raises:
        PrepareError: not JSON, or no export of Messenger or Instagram.
    """
    yield from _dialogues([file], notes)


def _dialogues(parts: list[File], notes: Notes) -> Iterator[Dialogue]:
    messages: list[Message] = []
    group = ""
    for file in parts:
        value = file.json()
        if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
            raise not_this(file, value, "a chat of Messenger or Instagram with messages")
        group = group or next((string(value[k]) for k in ("thread_path", "threadName", "title") if value.get(k)), "")
        part = list(_messages(value["messages"], notes))
        messages += reversed(part) if _newest_first(part) else part
    yield from as_dialogues(parts[0].name, messages, mended(group))


def _newest_first(messages: list[Message]) -> bool:
    times = [message.time for message in messages if message.time is not None]
    return bool(times) and times[0] > times[-1]


def _messages(values: list[Any], notes: Notes) -> Iterator[Message]:
    for value in objects(values):
        speaker = mended(string(value.get("sender_name", value.get("senderName"))))
        text = mended(string(value.get("content", value.get("text")))).strip()
        if _is_notice(value, speaker, text):
            notes.counts[_SYSTEM] += 1
        elif text and value.get("is_unsent") is not True and value.get("isUnsent") is not True:
            time = unix_time(value.get("timestamp_ms", value.get("timestamp")), 1e-3)
            yield Message(speaker, text, time)
        else:
            notes.counts[_NO_TEXT] += 1


def _is_notice(value: dict[str, Any], speaker: str, text: str) -> bool:
    if string(value.get("type")) in _NOTICES or "call_duration" in value:
        return True
    if speaker and text.startswith(f"{speaker} "):
        at = len(speaker) + 1
        return bool(_DONE.fullmatch(text, at) or _DONE_BY_NAME.fullmatch(text, at))
    if text.startswith("You ") and _DONE.fullmatch(text, len("You ")):
        return True
    return bool(_REACTION.fullmatch(text) or _OTHER.fullmatch(text))


def mended(text: str) -> str:
    """A string that was encoded twice, decoded once more; any other as it is.

    >>> mended("caf\\u00c3\\u00a9"), mended("caf\\u00e9"), mended("\\u00e2\\u009d\\u00a4")
    ('café', 'café', '❤')
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


FORMAT = Format("messenger", recognises, read, chat=True)
