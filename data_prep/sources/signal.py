"""Signal, chats as text or Markdown: ``[2019-12-24, 12:23] Jane: Hello`` (signal-export and its like).

https://github.com/carderne/signal-export writes a ``chat.md`` for each chat; newer ones have seconds and no comma. It
adds lines of its own: reactions ``(- Ann: 👍 -)``, stickers ``(( 😀 ))``, links to files, and quotes behind ``>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_prep.records import Dialogue
from data_prep.sources.chats import Message, as_dialogues
from data_prep.sources.clock import HOURS_TWO, iso_time
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_HEADER = re.compile(
    r"\[(?P<day>\d{4}-\d\d-\d\d)(?:, (?P<short>\d\d:\d\d)| (?P<long>\d\d:\d\d(?::\d\d)?))\]"
    r" (?P<name>[^:\n]{1,120}):(?P<text>.*)"
)
_LOOKED_AT = 200  # lines, not counting blank ones
_SHARE = 0.05  # of them that must begin a message
_FILE = re.compile(r"!?\[[^\]\n]{0,300}\]\((?:\./)?(?:media|\.\./exported_stickers|attachments)/[^)\n]{0,400}\)")
_REACTIONS = re.compile(r"^\(- .{1,2000} -\)$", re.MULTILINE)
_STICKER = re.compile(r"^\(\( .{1,100} \)\)$", re.MULTILINE)
_DELETED = "(This message was deleted)"
_CALL = re.compile(r"(?:Incoming|Outgoing|Missed)(?: voice| video| group)? call(?: \([^()\n]{1,60}\))?")
_LOGGED = re.compile(r"(?:.*[.\s])?(?:debug|info|notice|warn|warning|error|critical|fatal|trace)", re.IGNORECASE)
_IPHONE = "\u200e"  # WhatsApp of a Swedish iPhone has such dates too, and this mark

_SYSTEM = "Signal calls, left out"
_NO_TEXT = "Signal messages without text, left out"
_BEFORE = "lines before the first Signal message, left out"


def recognises(file: File) -> bool:
    """The first line that is not blank begins a message, and enough others do."""
    if not file.looks_like_text or not file.head_text.lstrip().startswith("[") or _IPHONE in file.head_text:
        return False
    lines = [line for line in file.first_lines if line.strip()][:_LOOKED_AT]
    found = [match for line in lines if (match := _HEADER.fullmatch(line))]
    logged = sum(bool(_LOGGED.fullmatch(match["name"])) for match in found)
    first = bool(lines and _HEADER.fullmatch(lines[0]))
    return first and len(found) >= _SHARE * len(lines) and 2 * logged < len(found)


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """The chat with all its messages, oldest first; a quote points to the message that it repeats."""
    messages: list[Message] = []
    latest: dict[str, int] = {}  # words of a message → its place
    for time, name, raw in _raw(file, notes):
        text, quote = _unquoted(raw)
        text = _without_additions(text)
        if _CALL.fullmatch(text):
            notes.counts[_SYSTEM] += 1
        elif text:
            messages.append(Message(name, text, time, len(messages), latest.get(_key(quote)) if quote else None))
            latest[_key(text)] = len(messages) - 1
        else:
            notes.counts[_NO_TEXT] += 1
    yield from as_dialogues(file.name, messages, tolerance=HOURS_TWO)


def _raw(file: File, notes: Notes) -> Iterator[tuple[float | None, str, str]]:
    """Time, name and all lines of each message."""
    time: float | None = None
    name: str | None = None
    lines: list[str] = []
    for _, line in file.lines():
        if match := _HEADER.fullmatch(line):
            if name is not None:
                yield time, name, "\n".join(lines)
            time = iso_time(f"{match['day']}T{match['short'] or match['long']}")
            name, lines = match["name"].strip(), [match["text"]]
        elif name is not None:
            lines.append(line)
        elif line.strip():
            notes.counts[_BEFORE] += 1
    if name is not None:
        yield time, name, "\n".join(lines)


def _unquoted(text: str) -> tuple[str, str]:
    """The text without the quote that it begins with, and the quote.

    >>> _unquoted(" \\n\\n> Tea?\\n\\nYes.")
    ('Yes.', 'Tea?')
    >>> _unquoted("> is larger than <")
    ('> is larger than <', '')
    """
    first, _, rest = text.partition("\n")
    lines = rest.strip("\n").split("\n")
    count = next((place for place, line in enumerate(lines) if not line.startswith(">")), len(lines))
    if first.strip() or not count:
        return text, ""
    quote = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines[:count])
    return "\n".join(lines[count:]).strip(), quote


def _without_additions(text: str) -> str:
    text = "\n".join(line.rstrip() for line in _FILE.sub("", text).split("\n"))
    text = _STICKER.sub("", _REACTIONS.sub("", text)).strip()
    return _DELETED[1:-1] if text == _DELETED else text


def _key(text: str) -> str:
    return " ".join(text.split())


FORMAT = Format("signal", recognises, read, chat=True)
