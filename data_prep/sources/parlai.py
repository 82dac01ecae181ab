r"""ParlAI's two layouts: labelled fields, and numbered lines (PersonaChat, ConvAI2, and dialogues of Facebook).

``text:Hi<TAB>labels:Hello<TAB>episode_done:True`` is a turn and its reply; within fields a line break is ``\n``, a tab
``\t``, and ``|`` parts alternatives, of which the first is taken. In the other layout ``3 Hi<TAB>Hello<TAB><TAB>a|b``
is turn 3, its reply and candidates, and a number that does not grow begins a new dialogue. What describes a persona
is no talk but goes before it, and the silence that lets the other begin is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_FIELD = re.compile(r"(text|labels|eval_labels|episode_done):(.*)", re.DOTALL)
_NUMBERED = re.compile(r"(\d{1,9}) (.*)", re.DOTALL)
_PERSONA = re.compile(r"\s*(your|partner's) persona:", re.IGNORECASE)
_SILENCE = re.compile(r"\s*(?:__silence__|<silence>)\s*", re.IGNORECASE)
_SHARE = 0.9  # of the lines are of the layout
_SHARE_OF_TALK = 0.5  # of the numbered lines have a reply or tell a persona: the rest may be facts


def recognises(file: File) -> bool:
    """Nearly all lines are of one of the two layouts."""
    if not file.looks_like_text:
        return False
    lines = [line for line in file.first_lines if line.strip()]
    return bool(lines) and (_has_fields(lines) or _is_numbered(lines))


def _has_fields(lines: list[str]) -> bool:
    fields = [_fields(line) for line in lines]
    good = sum(("text" in f and len(f) > 1) or "labels" in f or "eval_labels" in f for f in fields)
    return good >= _SHARE * len(lines) and any("labels" in f or "eval_labels" in f for f in fields)


def _is_numbered(lines: list[str]) -> bool:
    """The numbers begin again or a persona is told: else it could be any numbered table."""
    matches = [match for line in lines if (match := _NUMBERED.fullmatch(line))]
    numbers = [int(match[1]) for match in matches]
    if len(numbers) < max(2, _SHARE * len(lines)) or numbers[0] != 1:
        return False
    grows = sum(b in (a + 1, 1) for a, b in pairwise(numbers))
    replies = sum("\t" in match[2] for match in matches)
    personas = sum(bool(_PERSONA.match(match[2])) for match in matches)
    return (
        grows >= _SHARE * (len(numbers) - 1)
        and replies > 0
        and replies + personas >= _SHARE_OF_TALK * len(numbers)
        and (personas > 0 or numbers.count(1) > 1)
    )


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Dialogues in the order of the file; the id of each is the number of its first line."""
    first, talk, last = 1, _Talk(notes), 0
    for number, line in file.lines():
        if not line.strip():
            continue
        match = _NUMBERED.fullmatch(line)
        if match and int(match[1]) <= last:
            yield from talk.ended(f"{file.name}:{first}")
            talk = _Talk(notes)
        if not talk.turns:
            first = number
        if match:
            last = int(match[1])
            talk.add_numbered(match[2])
        elif talk.add_fields(_fields(line)):
            yield from talk.ended(f"{file.name}:{first}")
            talk = _Talk(notes)
    yield from talk.ended(f"{file.name}:{first}")


def _fields(line: str) -> dict[str, str]:
    matches = [_FIELD.fullmatch(field) for field in line.split("\t")]
    return {match[1]: match[2] for match in matches if match}


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("__PIPE__", "|")


class _Talk:
    """A dialogue as it comes: A speaks, B has the labels; "your" persona is that of B, who is to learn."""

    def __init__(self, notes: Notes) -> None:
        self.turns: list[Turn] = []
        self._personas: list[tuple[str, str]] = []
        self._notes = notes

    def ended(self, name: str) -> Iterator[Dialogue]:
        """The dialogue, where anything was said."""
        if self.turns:
            if self._personas:
                self._notes.counts["persona lines, kept as personas"] += len(self._personas)
            yield Dialogue(name, tuple(self.turns), personas=tuple(self._personas))

    def add_fields(self, fields: dict[str, str]) -> bool:
        """Add the turn and its reply; whether the dialogue ends with them."""
        labels = fields.get("labels") or fields.get("eval_labels") or ""
        if not fields:
            self._notes.counts["ParlAI lines that are no turn, left out"] += 1
        self._add("A", _unescaped(fields.get("text", "")))
        self._add("B", _unescaped(labels.split("|")[0]))
        return fields.get("episode_done", "").strip().lower() == "true"

    def add_numbered(self, text: str) -> None:
        """Add the turn and its reply of a numbered line, or the persona that it tells."""
        said, tab, rest = text.partition("\t")
        if not tab and not _PERSONA.match(said):
            self._notes.counts["ParlAI lines that are no turn, left out"] += 1
            return
        self._add("A", said)
        self._add("B", rest.partition("\t")[0].split("|")[0])

    def _add(self, speaker: str, text: str) -> None:
        talk = []
        for line in text.split("\n"):
            if match := _PERSONA.match(line):
                self._personas.append(("B" if match[1].lower() == "your" else "A", line[match.end() :].strip()))
            else:
                talk.append(line)
        text = "\n".join(talk)
        if text.strip() and not _SILENCE.fullmatch(text):
            self.turns.append(Turn(speaker, text))


FORMAT = Format("parlai", recognises, read)
