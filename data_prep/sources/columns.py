"""Which columns of a table hold what: told by the user, else by their names and by what stands in them.

The same for the fields of messages in JSON, the columns of Parquet and of corpora of the hub, and CSV.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from data_prep.errors import PrepareError
from data_prep.sources import names
from data_prep.sources.cells import people, rows_of, scalars, take_turns, transposed, wordy
from data_prep.sources.names import normal
from data_prep.sources.options import Columns
from data_prep.sources.scripts import are_scripts

Samples = Mapping[str, Sequence[Any]]
"""Column → some of its values."""

_ANSWERS = 0.4  # of the messages that answer another one, in a table of threads
_WEAK = frozenset(
    ("value", "line", "content", "comment", "sentence", "body", "said", "transcript", "frase", "post", "input")
) | {"source", "name", "by", "who", "from"}
"""Names that many other things than texts and speakers have too."""


@dataclass(frozen=True)
class Picked:
    """The columns that were found; which are set depends on the kind."""

    kind: Literal["messages", "pairs", "lists", "scripts", "across"]
    """A message a row; a question and its reply a row; a dialogue a row, as a list, as one text, or a turn a column."""
    text: str = ""
    speaker: str | None = None
    dialogue: str | None = None
    chat: str | None = None
    time: str | None = None
    date: str | None = None
    order: str | None = None
    id: str | None = None
    parent: str | None = None
    threads: bool = False
    """Most messages answer another one, and nothing else says which belong together."""
    context: str = ""
    details: str | None = None
    """What goes on with the context, on the same row: an instruction's input."""
    reply: str = ""
    across: tuple[str, ...] = ()
    inner: Picked | None = None
    """Of a list of objects: the fields of each."""
    sure: bool = True
    """Known names say so, not statistics."""

    @property
    def needed(self) -> list[str]:
        """The columns that are read."""
        named = (self.text, self.speaker, self.dialogue, self.chat, self.time, self.date, self.order, self.id)
        asked = (self.parent, self.context, self.details, self.reply, *self.across)
        return list(dict.fromkeys(c for c in (*named, *asked) if c))


def guess(samples: Samples, asked: Columns | None = None, where: str = "") -> Picked | None:
    """What a table holds; None where its columns do not look like talk.

    Raises:
        PrepareError: a column that the user names is not there.

    >>> guess({"Frage": ["Wer da?"], "Antwort": ["Ich bin es."], "nr": [1]}).kind
    'pairs'
    >>> guess({"text": ["I like it."], "label": ["good"]}) is None
    True
    """
    look = _Look(samples, asked or Columns())
    look.check(where)
    if asked and (asked.context or asked.reply):
        return look.exchange(asked=True) or _missing(where, samples, "columns.context and columns.reply")
    if asked and asked.text:
        return look.asked_text(asked.text)
    return (
        look.continued()
        or look.lists(named=True)
        or look.exchange()
        or look.messages()
        or look.scripts()
        or look.lists()
    )


def by_statistics(samples: Samples) -> Picked | None:
    """Messages whose fields have unknown names: the longest texts, and short values that take turns."""
    look = _Look(samples, Columns())
    samples = look.samples
    if any(name in names.LOGS for name in look.normal.values()):
        return None
    known = look.best(names.TEXT, lambda c: wordy(samples[c], 0.2))
    texts = [c for c in samples if look.normal[c] not in names.UNRELATED and wordy(samples[c], 0.6)]
    text = known or max(texts, key=lambda c: sum(len(v) for v in samples[c] if isinstance(v, str)), default=None)
    if text is None:
        return None
    unlike = names.NOT_SPEAKER | names.ORDER
    others = [c for c in samples if c != text and look.normal[c] not in unlike]
    speaker = look.best(names.SPEAKER, lambda c: c != text and people(samples[c], many=True))
    speaker = speaker or next((c for c in others if take_turns(samples[c]) and not wordy(samples[c], 0.3)), None)
    speaker = None if look.weak(text, speaker) else speaker
    if not speaker and (not known or len(texts) > 1):
        return None
    return Picked("messages", text, speaker, time=look.time(), sure=bool(known and speaker))


def two_texts(samples: Samples) -> Picked | None:
    """Columns without known names: two of texts are questions and replies, all of texts are a turn a column."""
    texts = [c for c in samples if wordy(samples[c], 0.5)]
    if any(normal(c) in names.UNRELATED for c in samples):
        return None
    if len(texts) == 2:
        return Picked("pairs", context=texts[0], reply=texts[1], sure=False)
    if len(texts) > 2 and len(texts) == len(samples):
        return Picked("across", across=tuple(texts), sure=False)
    return None


def not_told(samples: Iterable[str], where: str) -> PrepareError:
    """The error for a table whose columns do not look like talk."""
    hint = "name the columns with --source.columns.text (and speaker, dialogue), or with context and reply"
    return PrepareError(f"{where}: its columns ({_there(samples)}) do not tell what is said by whom; {hint}")


def _there(samples: Iterable[str]) -> str:
    samples = list(samples)
    some = ", ".join(samples[:12])
    return some + (f" and {len(samples) - 12} more" if len(samples) > 12 else "")


def _missing(where: str, samples: Samples, what: str) -> Picked:
    raise PrepareError(f"{where}: expected columns for {what}; there are {_there(samples)}; name one of these")


class _Look:
    """One table and what the user says of it."""

    def __init__(self, samples: Samples, asked: Columns) -> None:
        self.samples = {column: values for column, values in samples.items() if column}
        self.told = asked
        self.normal = {column: normal(column) for column in self.samples}

    def check(self, where: str) -> None:
        for role in ("dialogue", "speaker", "text", "time", "context", "reply"):
            column = getattr(self.told, role)
            if column is not None and column not in self.samples:
                there = _there(self.samples)
                raise PrepareError(
                    f"{where}: no column {column!r} (columns.{role}); there are {there}; name one of these"
                )

    def best(self, lexicon: Mapping[str, int], fits: Callable[[str], bool]) -> str | None:
        known = [column for column in self.samples if self.normal[column] in lexicon]
        return next((c for c in sorted(known, key=lambda c: lexicon[self.normal[c]]) if fits(c)), None)

    def weak(self, text: str | None, speaker: str | None) -> bool:
        """Whether both are called so that they may be names and values of settings, and nobody's role tells better."""
        if not (text and speaker) or not {self.normal[text], self.normal[speaker]} <= _WEAK:
            return False
        said_by = {value.casefold() for value in self.samples[speaker] if isinstance(value, str)}
        return len(said_by) < 2 or not said_by <= names.ROLES

    def time(self) -> str | None:
        return self.told.time or self.best(names.TIME, lambda c: self._is_time(c))

    def _is_time(self, column: str) -> bool:
        known = [value for value in self.samples[column] if value is not None and value != ""]
        return bool(known) and not any(isinstance(value, (list, dict, bool)) for value in known)

    def exchange(self, asked: bool = False) -> Picked | None:
        context = self.told.context or self.best(names.CONTEXT, self._said)
        reply = self.told.reply or self.best(names.REPLY, lambda c: c != context and self._said(c))
        if context and reply:
            instructs = not self.told.context and self.normal[context] in names.ASKED_WITH
            details = self.best(names.DETAILS, lambda c: c != reply and self._texts(c)) if instructs else None
            return Picked("pairs", context=context, details=details, reply=reply)
        asks, replies = (self._with_word(words) for words in (names.ASKS, names.REPLIES))
        if not asked and len(asks) == len(replies) == 1 and asks != replies:
            return Picked("pairs", context=asks[0], reply=replies[0])
        return None

    def continued(self) -> Picked | None:
        """What was said so far, as a list, and the reply to it."""
        before = self.best(names.HISTORY, self._strings)
        reply = self.best(names.REPLY, self._said) if before else None
        return Picked("pairs", context=before, reply=reply) if before and reply else None

    def _with_word(self, words: Mapping[str, int]) -> list[str]:
        """Columns of texts whose names have one of these words."""
        known = [column for column in self.samples if not words.keys().isdisjoint(self.normal[column].split("_"))]
        return [column for column in known if wordy(self.samples[column], 0.3)]

    def messages(self, text: str | None = None) -> Picked | None:
        """A message a row: a text, and who says it or which dialogue it belongs to."""
        if not text and any(name in names.LOGS for name in self.normal.values()):
            return None
        text = text or self.best(names.TEXT, lambda c: wordy(self.samples[c], 0.0))
        dialogue = self.told.dialogue or self.best(names.DIALOGUE, lambda c: c != text and scalars(self.samples[c]))
        if not text or (not (dialogue or self.told.text) and any(n in names.ARTICLES for n in self.normal.values())):
            return None
        many = bool(dialogue)
        speaker = self.told.speaker or self.best(
            names.SPEAKER, lambda c: c not in (text, dialogue) and people(self.samples[c], many)
        )
        if not (dialogue or self.told.speaker) and self.weak(text, speaker):
            speaker = None
        if text and not speaker and not self.told.text and not self._said(text):
            text = None
        parent = self.best(names.PARENT, self._is_id)
        own = self.best(names.ID, lambda c: c not in (dialogue, parent) and self._is_id(c)) if parent else None
        if not text or not (speaker or dialogue or own or self.told.text):
            return None
        threads = (
            not dialogue
            and bool(own)
            and sum(bool(v) for v in self.samples[parent or ""]) >= _ANSWERS * len(self.samples[text])
        )
        picked = Picked("messages", text, speaker, dialogue, id=own, parent=parent if own else None, threads=threads)
        chat = self.best(names.CHAT, lambda c: c not in (text, speaker, dialogue) and self._is_id(c))
        order = self.best(names.ORDER, self._numbers) if dialogue else None
        time, date = self._moment()
        return replace(picked, chat=chat, order=order, time=time, date=date)

    def _moment(self) -> tuple[str | None, str | None]:
        """The column of times; with the day beside it where they stand apart."""
        time = self.time()
        day = self.best(names.DATE, lambda c: c != time and self._is_time(c)) if time else None
        apart = day and all(re.fullmatch(r"\D{0,3}\d{1,2}[:.h].{1,14}", str(v)) for v in self.samples[time or ""] if v)
        return time, day if apart else None

    def scripts(self) -> Picked | None:
        column = self.best(names.LISTS, self._scripts) or self.best(names.TEXT, self._scripts)
        return Picked("scripts", column) if column else None

    def lists(self, named: bool = False) -> Picked | None:
        """A dialogue a row: a column of lists, called so, or of objects that are messages for sure."""
        lexicon = names.LISTS if named else {n: 0 for n in self.normal.values() if n not in names.NOT_TALK}
        for column in sorted(
            (c for c in self.samples if self.normal[c] in lexicon), key=lambda c: lexicon[self.normal[c]]
        ):
            picked = self._list(column)
            if picked and (named or (picked.inner and picked.inner.sure and picked.inner.speaker)):
                return picked
        return None

    def asked_text(self, column: str) -> Picked:
        if picked := self._list(column):
            return picked
        if not self.told.speaker and self._scripts(column):
            return Picked("scripts", column)
        return self.messages(column) or Picked("messages", column)

    def _list(self, column: str) -> Picked | None:
        known = [value for value in self.samples[column] if value is not None]
        known = [rows_of(value) if isinstance(value, dict) else value for value in known]
        items = [item for value in known if isinstance(value, list) for item in value[:50]][:2000]
        if not items or not all(isinstance(value, list) for value in known):
            return None
        if all(isinstance(item, str) for item in items):
            speakers = self.best(names.SPEAKERS, lambda c: c != column and self._beside(c, column))
            return Picked("lists", column, speaker=speakers)
        if all(isinstance(item, dict) for item in items):
            fields = transposed(items)
            inner = _Look(fields, Columns()).messages() or by_statistics(fields)
            return Picked("lists", column, inner=inner) if inner else None
        return None

    def _said(self, column: str) -> bool:
        share = 0.3 if self.normal[column] in _WEAK else 0.0
        return wordy(self.samples[column], share)

    def _texts(self, column: str) -> bool:
        return all(value is None or isinstance(value, str) for value in self.samples[column])

    def _strings(self, column: str) -> bool:
        known = [value for value in self.samples[column] if value is not None]
        return bool(known) and all(isinstance(v, list) and all(isinstance(t, str) for t in v) for v in known)

    def _scripts(self, column: str) -> bool:
        known = [value for value in self.samples[column] if value]
        return bool(known) and all(isinstance(v, str) for v in known) and are_scripts(known[:50])

    def _is_id(self, column: str) -> bool:
        return scalars(self.samples[column]) and not wordy(self.samples[column], 0.5)

    def _numbers(self, column: str) -> bool:
        known = [value for value in self.samples[column] if value is not None]
        return bool(known) and all(str(value).strip().isdecimal() for value in known)

    def _beside(self, column: str, lists: str) -> bool:
        pairs = zip(self.samples[column], self.samples[lists], strict=True)
        return all(isinstance(a, list) and isinstance(b, list) and len(a) == len(b) for a, b in pairs if b is not None)
