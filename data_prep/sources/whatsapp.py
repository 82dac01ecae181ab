"""WhatsApp, "Export chat" on a phone: one chat a text file.

Android writes ``1/23/23, 3:19 AM - Name: text``, an iPhone ``[23.01.23, 15:48:11] Name: text``, each in the date style
of the phone (``clock``). What follows without a date goes on with the message above, and so does what people wrote or
pasted with a date in another style than that of the file. Notices of the program have no name, or on an iPhone the name
of the chat and a text that begins with U+200E.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from data_prep.records import Dialogue
from data_prep.rules.judges import is_placeholder
from data_prep.sources import signal
from data_prep.sources.chats import Message, as_dialogues
from data_prep.sources.clock import HOURS_TWO, MARKS, Dates, Stamp, header, layout
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_MARK = "\u200e"
_EDGES = MARKS + " \t\u00a0\u202f"
_BEFORE_TEXT = "\u200e\u200f\ufeff \t\n\u00a0\u202f"
_LOOKED_AT = 200  # lines, not counting blank ones
_SHARE = 0.05  # of them that must begin with a date where the first one does,
_SHARE_LATER = 0.3  # and where it does not
_LONGEST_NAME = 120
_MAIN = 0.6  # of the dates: where more are in one style, it is that of the file
_SECOND, _SECOND_LINES = 0.1, 20  # share and lines of a further one: files of two phones, put together
_LONGEST_SURNAME = 3  # words after a colon in a name
_QUOTES = '"“”„‟«»「」『』＂'
_LEVELS = frozenset(
    ("debug", "info", "notice", "warn", "warning", "error", "err", "critical", "fatal", "trace", "stdout", "stderr")
)

# "Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, …": three stems.
_TALK = "|".join(
    (
        *("messages", "nachrichten", "mensajes", "messaggi", "mensagens", "berichten", "meddelanden", "beskeder"),
        *("meldinger", "viestit", "wiadomości", "zprávy", "správy", "poruke", "mesajele", "üzenetek", "сообщения"),
        *("повідомлення", "съобщения", "μηνύματα", "mesajlar", "pesan", "mesej", "tin nhắn", "الرسائل", "پیام"),
        *("הודעות", "संदेश", "मैसेज", "消息", "信息", "訊息", "メッセージ", "메시지", "ข้อความ"),
    )
)
_CLOSED = "|".join(
    (
        *("end.to.end", "ende.zu.ende", "de extremo a extremo", "de bout en bout", "ponta a ponta", "ponto a ponto"),
        *("uçtan uca", "сквозн", "наскрізн", "от край до край", "totalsträckskrypter", "hujung.ke.hujung"),
        *("end.til.end", "ende.til.ende", "päästä päähän", "w pełni szyfrowane", "koncov", "végpontok közötti"),
        *("الطرفين", "سرتاسر", "מקצה לקצה", "एंड-टू-एंड", "端到端", "端對端", "エンドツーエンド", "종단", "đầu cuối"),
        *("πλήρη κρυπτογράφηση", "ต้นทางถึงปลายทาง"),
    )
)
_ENCRYPTED = re.compile(
    rf"[^\n]{{0,24}}\b(?:{_TALK})[^\n]{{0,120}}(?:{_CLOSED})[^\n]{{0,200}}WhatsApp".replace(" ", r"\s"), re.IGNORECASE
)
_FIRST = 3  # messages among which it is looked for: later on, people may speak of it
_NOTICE = re.compile(
    r"""
      Messages\ (?:to\ this|you\ send\ to\ this)\ (?:chat|group) [^\n]{0,40} secured\ with\ end-to-end\ encryption
    | Messages\ and\ calls\ are\ end-to-end\ encrypted\. \ (?:No\ one|Only)
    | Your\ security\ code\ with\ [^\n]{1,120}\ changed\.
    | (?:POLL|UMFRAGE|ENCUESTA|SONDAGE|SONDAGGIO|ENQUETE):\n
    """,
    re.VERBOSE,
)
_EDITED = re.compile(
    r"""<(?:this\ message\ was\ edited|diese\ nachricht\ wurde\ bearbeitet|ce\ message\ a\ été\ modifié
    |se\ editó\ este\ mensaje|mensagem\ editada|esta\ mensagem\ foi\ editada|questo\ messaggio\ è\ stato\ modificato
    |dit\ bericht\ is\ bewerkt|сообщение\ изменено|bu\ mesaj\ düzenlendi)\.?>""",
    re.VERBOSE | re.IGNORECASE,
)
_ANGLES = re.compile(r"<[^<>\n]{1,200}>")
_OFTEN = 3  # times that "<two words>" alone stands in a chat: then it is "media omitted" in some language
_MEDIA_FILE = re.compile(r"(?:IMG|VID|AUD|PTT|STK|DOC|GIF)-\d{8}-WA\d{1,9}\.\w{1,5} \([^()\n]{3,40}\)")

_SYSTEM = "WhatsApp system lines, left out"
_NO_TEXT = "WhatsApp messages without text, left out"
_BEFORE = "lines before the first WhatsApp message, left out"


def recognises(file: File) -> bool:
    """Lines that begin with a date as WhatsApp writes it; at least one with a name after it."""
    if not file.looks_like_text or signal.recognises(file):
        return False
    lines = [line for line in file.first_lines if line.strip()][:_LOOKED_AT]
    found = [header(line) for line in lines]
    names = [named[0] for head in found if head and (named := split_name(head[1]))]
    least = _SHARE if found and found[0] else _SHARE_LATER
    logged = sum(not _LEVELS.isdisjoint(re.split(r"\W+", name.lower())) for name in names)
    return bool(names) and len(found) - found.count(None) >= least * len(found) and 2 * logged < len(names)


@dataclass(slots=True)
class _Entry:
    stamp: Stamp
    speaker: str | None
    lines: list[str]
    written: str
    """The first line as it stands in the file."""


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """The chat with all its messages, oldest first."""
    entries: list[_Entry] = []
    for _, line in file.lines():
        if found := header(line):
            name, text = split_name(found[1]) or (None, found[1])
            entries.append(_Entry(found[0], name, [text], line))
        elif entries:
            entries[-1].lines.append(line)
        elif line.strip():
            notes.counts[_BEFORE] += 1
    entries = _in_own_style(entries)
    dates = Dates((entry.stamp for entry in entries), config.dates)
    _warn(file, dates, notes)
    _mend_names(entries)
    yield from as_dialogues(file.name, list(_messages(entries, dates, notes)), tolerance=HOURS_TWO)


def _in_own_style(entries: list[_Entry]) -> list[_Entry]:
    """The messages; what begins with a date in another style than that of the file goes on with the one before it."""
    layouts = [layout(entry.written) for entry in entries]
    found = Counter(layouts)
    if len(found) < 2 or found.most_common(1)[0][1] <= _MAIN * len(entries):
        return entries
    (own, _), *others = found.most_common()
    further = {each for each, lines in others if lines >= max(_SECOND_LINES, _SECOND * len(entries))}
    kept: list[_Entry] = []
    for entry, each in zip(entries, layouts, strict=True):
        if not kept or each == own or each in further:
            kept.append(entry)
        else:
            kept[-1].lines += [entry.written, *entry.lines[1:]]
    return kept


def split_name(rest: str) -> tuple[str, str] | None:
    """Name and text after the date; None for a notice without a name.

    >>> split_name("Ann Lee: see: here")
    ('Ann Lee', 'see: here')
    >>> split_name('Ann changed the subject to "Trip: Rome"') is None
    True
    """
    at = rest.find(": ")
    if at < 0:
        at = len(rest) - 1 if rest.endswith(":") else next(_colons(rest), -1)
    name = " ".join(rest[: max(at, 0)].split()).strip(_EDGES)
    if not 0 < len(name) <= _LONGEST_NAME or sum(map(name.count, _QUOTES)) % 2:
        return None
    text = rest[at + 1 :]
    return name, text[1:] if text.startswith((" ", "\u00a0")) else text


def _colons(rest: str) -> Iterator[int]:
    """Colons that may end a name: not in a link, not in a time of day."""
    for match in re.finditer(r":(?!//)", rest[: _LONGEST_NAME + 1]):
        at = match.start()
        if not (rest[at - 1 : at].isdigit() and rest[at + 1 : at + 2].isdigit()):
            yield at


def _warn(file: File, dates: Dates, notes: Notes) -> None:
    for day, order in dates.doubtful:
        other = "day" if order == "month" else "month"
        warning = f"{file.path}: dates such as {day} are read {order} first, which nothing in the file tells; "
        warning += f"if that is wrong, give --source.dates {other}-first"
        if warning not in notes.warnings:
            notes.warnings.append(warning)


def _mend_names(entries: list[_Entry]) -> None:
    """A name with a colon in it: whoever begins each of many messages with the same "word: " is called so."""
    said: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        if entry.speaker is not None:
            start, colon, _ = entry.lines[0].partition(": ")
            said[entry.speaker][start if colon and len(start.split()) <= _LONGEST_SURNAME else ""] += 1
    longer = {name: next(iter(starts)) for name, starts in said.items() if len(starts) == 1 and starts.total() > 2}
    for entry in entries:
        if entry.speaker is not None and (more := longer.get(entry.speaker)):
            entry.speaker = f"{entry.speaker}: {more}"
            entry.lines[0] = entry.lines[0][len(more) + 2 :]


def _messages(entries: list[_Entry], dates: Dates, notes: Notes) -> Iterator[Message]:
    texts = [None if entry.speaker is None else "\n".join(entry.lines).strip() for entry in entries]
    omitted = _omitted(texts)
    marked = [text is not None and text.startswith(_MARK) and not _is_media(text, omitted) for text in texts]
    # A program that begins every text with the mark says nothing by it.
    telling = sum(marked) < 10 or 2 * sum(marked) < len(texts)
    for place, (entry, text, is_marked) in enumerate(zip(entries, texts, marked, strict=True)):
        if text is None or entry.speaker is None or (telling and is_marked) or _is_notice(text, place):
            notes.counts[_SYSTEM] += 1
        elif said := _said(text, omitted):
            yield Message(entry.speaker, said, dates.time(entry.stamp))
        else:
            notes.counts[_NO_TEXT] += 1


def _omitted(texts: list[str | None]) -> set[str]:
    """What stands for a file in the language of this chat: ``<Media omitted>``, over and over."""
    alone = Counter(text for text in texts if text and " " in text and _ANGLES.fullmatch(text))
    return {text for text, count in alone.items() if count >= _OFTEN}


def _is_notice(text: str, place: int) -> bool:
    text = text.lstrip(_BEFORE_TEXT)
    return bool(_NOTICE.match(text) or (place < _FIRST and _ENCRYPTED.match(text)))


def _is_media(text: str, omitted: set[str]) -> bool:
    """Whether the first line stands for a file or a message that is not there."""
    line = text.lstrip(_BEFORE_TEXT).partition("\n")[0].rstrip()
    by_mark = text.startswith(_MARK) and _ANGLES.fullmatch(line)
    return bool(by_mark or line in omitted or is_placeholder(line) or _MEDIA_FILE.fullmatch(line))


def _said(text: str, omitted: set[str]) -> str:
    """What was written: without the mark of an edit, and of a file whose caption it is."""
    at = text.rfind("<")
    if at >= 0 and _EDITED.fullmatch(text, at):
        text = text[:at].rstrip(_BEFORE_TEXT)
    before, mark, last = text.rpartition(_MARK)
    if mark and before.strip(_BEFORE_TEXT) and "\n" not in last.strip() and _is_media(mark + last, omitted):
        text = before
    _, _, caption = text.partition("\n")
    if caption.strip() and _is_media(text, omitted):
        text = caption
    bare = text.strip().lstrip(_BEFORE_TEXT)
    return "" if "\n" not in bare and _is_media(text, omitted) and not is_placeholder(bare) else bare


FORMAT = Format("whatsapp", recognises, read, chat=True)
