"""Rows of a table as dialogues: messages gathered by dialogue, questions with replies, a dialogue a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from data_prep.records import Dialogue, Turn
from data_prep.sources.cells import name_of, rows_of, transposed
from data_prep.sources.chats import Message, as_dialogue
from data_prep.sources.columns import Picked
from data_prep.sources.files import Notes
from data_prep.sources.moments import Moments
from data_prep.sources.names import normal
from data_prep.sources.options import SourceConfig
from data_prep.sources.roles import ROLES, instructed
from data_prep.sources.scripts import spoken
from data_prep.sources.silence import cut_by_silence
from data_prep.sources.threads import parents_first, roots

Batch = Mapping[str, Sequence[Any]]
"""Column → values, all of one length."""

NO_TEXT = "rows without a text, left out"
_TANGLED = 0.2  # of the steps go back in time: then the rows of a dialogue are in no order of their own


Row = tuple[str, str, float | None, str | None, str | None, Any]
"""Speaker, text, time, id, id of what it answers, number in its dialogue: a bare tuple, since millions may wait, and
the garbage collector leaves these alone."""
_TIME: Final = 2
_NUMBER: Final = 5


def dialogues(
    name: str,
    batches: Iterable[Batch],
    picked: Picked,
    notes: Notes,
    config: SourceConfig,
    *,
    sorted_: bool = False,
    first: int = 1,
) -> Iterator[Dialogue]:
    """Dialogues of a table.

    Args:
        name: how the ids begin.
        batches: pieces of the table, one after another.
        picked: which columns hold what.
        notes: takes what is left out.
        config: how dates are read and chats are cut.
        sorted_: the rows of a dialogue are beside each other, so that none waits for the end of the table.
        first: number of the first row, where a row is a dialogue.
    """
    if picked.kind == "messages":
        return _messages(name, batches, picked, notes, config, sorted_)
    return _row_by_row(name, batches, picked, notes, first)


def talk(name: str, items: Sequence[Any], picked: Picked, notes: Notes) -> Dialogue:
    """One dialogue of messages that are objects, in their order."""
    batch = transposed(items, picked.needed)
    return _dialogue(name, _rows(batch, picked, Moments([]), notes), picked, notes, ordered=True)


def alternating(name: str, texts: Iterable[Any], first: int = 0) -> Dialogue:
    """A dialogue of bare texts, which two people say in turn."""
    return Dialogue(
        name, tuple(Turn("AB"[(first + k) % 2], text) for k, text in enumerate(texts) if isinstance(text, str))
    )


def _row_by_row(name: str, batches: Iterable[Batch], picked: Picked, notes: Notes, first: int) -> Iterator[Dialogue]:
    number = first - 1
    for batch in batches:
        columns = [batch[column] for column in picked.needed]
        for values in zip(*columns, strict=True):
            number += 1
            dialogue = _one(f"{name}:{number}", dict(zip(picked.needed, values, strict=True)), picked, notes)
            if dialogue.turns:
                yield dialogue


def _one(name: str, row: Mapping[str, Any], picked: Picked, notes: Notes) -> Dialogue:
    if picked.kind == "pairs":
        return _pair(name, _asked(row, picked), row[picked.reply], notes)
    if picked.kind == "across":
        found = alternating(name, (row[column] for column in picked.across if row[column]))
    elif picked.kind == "scripts":
        said = spoken(row[picked.text]) if isinstance(row[picked.text], str) else []
        found = Dialogue(name, tuple(Turn(*turn) for turn in said))
    else:
        found = _listed(name, row[picked.text], row.get(picked.speaker or ""), picked, notes)
    if not found.turns:
        notes.counts["rows without a dialogue, left out"] += 1
    return found


def _asked(row: Mapping[str, Any], picked: Picked) -> Any:
    """The context of a row; an instruction and what it is about are one turn."""
    context, details = row[picked.context], row[picked.details] if picked.details else None
    if isinstance(context, str) and context.strip() and isinstance(details, str) and details.strip():
        return f"{context}\n{details}"
    return context


def _pair(name: str, context: Any, reply: Any, notes: Notes) -> Dialogue:
    before = [text for text in context if isinstance(text, str)] if isinstance(context, list) else [context]
    if not all(isinstance(text, str) and text.strip() for text in (*before[-1:], reply)) or not before:
        notes.counts["rows without a question or a reply, left out"] += 1
        return Dialogue(name, ())
    return alternating(name, [*before, reply])


def _listed(name: str, items: Any, speakers: Any, picked: Picked, notes: Notes) -> Dialogue:
    items = rows_of(items) if isinstance(items, dict) else items
    if not isinstance(items, list):
        return Dialogue(name, ())
    if picked.inner:
        return talk(name, items, picked.inner, notes)
    if isinstance(speakers, list) and len(speakers) == len(items):
        said = zip(speakers, items, strict=True)
        return Dialogue(name, tuple(Turn(name_of(who), text) for who, text in said if isinstance(text, str)))
    return alternating(name, items)


def _messages(
    name: str, batches: Iterable[Batch], picked: Picked, notes: Notes, config: SourceConfig, sorted_: bool
) -> Iterator[Dialogue]:
    moments: Moments | None = None
    waiting: dict[Any, list[Row]] = {}
    chats: dict[Any, str] = {}
    key_column = picked.dialogue or (None if picked.threads else picked.chat)
    for batch in batches:
        moments = moments or _moments(name, batch, picked, notes, config)
        rows = _rows(batch, picked, moments, notes)
        keys = [_key(value) for value in batch[key_column]] if key_column else [None] * len(rows)
        groups = batch[picked.chat] if picked.chat else None
        for start, end in _runs(keys):
            key = keys[start]
            if sorted_ and key not in waiting:
                yield from _finished(name, waiting, chats, picked, notes, config)
            waiting.setdefault(key, []).extend(row for row in rows[start:end] if row is not None)
            if groups is not None:
                chats[key] = name_of(groups[start])
    if picked.threads:
        waiting = _threads(waiting.pop(None, []))
    yield from _finished(name, waiting, chats, picked, notes, config)


def _finished(
    name: str, waiting: dict[Any, list[Row]], chats: dict[Any, str], picked: Picked, notes: Notes, config: SourceConfig
) -> Iterator[Dialogue]:
    """Dialogues that are whole, taken out; what is no dialogue but a chat is cut by silence."""
    whole = picked.dialogue or picked.threads
    while waiting:
        key = next(iter(waiting))
        rows: list[Row | None] = list(waiting.pop(key))
        known = "" if key is None else name_of(key)
        label = name if key is None and not picked.dialogue else f"{name}:{known}"
        found = _dialogue(label, rows, picked, notes, chats.pop(key, ""))
        if not found.turns:
            continue
        if whole:
            yield found
        else:
            yield from cut_by_silence(found, config.silence)


def _moments(name: str, batch: Batch, picked: Picked, notes: Notes, config: SourceConfig) -> Moments:
    moments = Moments(times(batch, picked), config.dates)
    if moments.doubtful:
        warning = f"{name}: in the dates of {picked.time!r} nothing tells the day from the month; "
        warning += "if they are read wrongly, give --source.dates day-first or month-first"
        if warning not in notes.warnings:
            notes.warnings.append(warning)
    return moments


def times(batch: Batch, picked: Picked) -> Sequence[Any]:
    """The times of a batch as they are given, with their day where that stands apart."""
    given = batch[picked.time] if picked.time else []
    if not picked.date:
        return given
    return [f"{day} {time}" if time else day for day, time in zip(batch[picked.date], given, strict=True)]


def _rows(batch: Batch, picked: Picked, moments: Moments, notes: Notes) -> list[Row | None]:
    """A message a row of the batch; None where it says nothing."""
    texts = batch[picked.text]
    nothing = [None] * len(texts)
    speakers = batch[picked.speaker] if picked.speaker else nothing
    clocks = times(batch, picked) if picked.time else nothing
    ids = batch[picked.id] if picked.id else nothing
    parents = batch[picked.parent] if picked.parent else nothing
    orders = batch[picked.order] if picked.order else nothing
    rows: list[Row | None] = []
    for text, speaker, time, own, parent, order in zip(texts, speakers, clocks, ids, parents, orders, strict=True):
        if type(text) is int:
            text = str(text)
        if not isinstance(text, str) or not text.strip():
            notes.counts[NO_TEXT] += 1
            rows.append(None)
            continue
        when = None if time is None else moments.seconds(time)
        who = speaker if type(speaker) is str else name_of(speaker)
        rows.append((who, text, when, _id(own), _id(parent), order))
    return rows


def _key(value: Any) -> str:
    return str(value) if isinstance(value, (list, dict)) else name_of(value)


def _id(value: Any) -> str | None:
    """An id as others point to it: numbers as written, without the kind that Reddit puts before it."""
    if value is None or value == "" or isinstance(value, (list, dict)):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip().removesuffix(".0")
    return text[3:] if text[:1] == "t" and text[2:3] == "_" else text


def _runs(keys: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """(Start, end) of each run of equal keys."""
    start = 0
    for place in range(1, len(keys)):
        if keys[place] != keys[place - 1]:
            yield start, place
            start = place
    if keys:
        yield start, len(keys)


def _dialogue(
    name: str, rows: Sequence[Row | None], picked: Picked, notes: Notes, group: str = "", ordered: bool = False
) -> Dialogue:
    """Args: ``ordered``: the rows stand in the order of the talk, whatever their clocks say."""
    said = _in_order(
        [row for row in rows if row is not None],
        _TANGLED if ordered or picked.dialogue or picked.threads else 0.0,
    )
    personas: tuple[tuple[str, str], ...] = ()
    if picked.speaker is None:
        said = [("AB"[place % 2], *row[1:]) for place, row in enumerate(said)]
    elif normal(picked.speaker) in ROLES:
        kept, personas = instructed([row[:2] for row in said], notes)
        said = [said[place] for place in kept]
    if picked.id is None:
        return Dialogue(name, tuple(Turn(who, text, time) for who, text, time, *_ in said), group, personas)
    messages = [Message(*row[:_NUMBER]) for row in said]
    return replace(as_dialogue(name, parents_first(messages), group, tolerance=float("inf")), personas=personas)


def _in_order(rows: list[Row], tangled: float) -> list[Row]:
    """Rows by their number, else as they stand; by time where they are newest first, or mixed."""
    numbers = [str(row[_NUMBER]).strip() for row in rows if row[_NUMBER] is not None]
    if rows and len(numbers) == len(rows) == len(set(numbers)) and all(n.isdecimal() and len(n) < 20 for n in numbers):
        places = sorted(range(len(rows)), key=lambda place: int(numbers[place]))
        return [rows[place] for place in places]
    times = [row[_TIME] for row in rows if row[_TIME] is not None]
    if not times or len(times) < len(rows):
        return rows
    steps = Counter((after > before) - (after < before) for before, after in pairwise(times))
    if steps[-1] > steps[1]:
        rows.reverse()  # newest first: what is said in one second stays in order
    if min(steps[-1], steps[1]) > tangled * (steps[1] + steps[-1]):
        rows.sort(key=lambda row: row[_TIME] or 0.0)
    return rows


def _threads(rows: list[Row]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row, root in zip(rows, roots([Message(*row[:_NUMBER]) for row in rows]), strict=True):
        found.setdefault(root, []).append(row)
    return found
