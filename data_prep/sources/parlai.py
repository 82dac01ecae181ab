r"""ParlAI's two layouts: labelled fields, and numbered lines (PersonaChat, ConvAI2, and dialogues of Facebook).

``text:Hi<TAB>labels:Hello<TAB>episode_done:True`` is a turn and its reply; within fields a line break is ``\n``, a tab
``\t``, and ``|`` parts alternatives, of which the first is taken. In the other layout ``3 Hi<TAB>Hello<TAB><TAB>a|b``
is turn 3, its reply and candidates, and a number that does not grow begins a new dialogue. What describes a persona
is no talk, and neither is the silence that lets the other begin.
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
_PERSONA = re.compile(r"\s*(?:your|partner's) persona:", re.IGNORECASE)
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
    first, turns, last = 1, list[Turn](), 0
    for number, line in file.lines():
        if not line.strip():
            continue
        match = _NUMBERED.fullmatch(line)
        if match and int(match[1]) <= last and turns:
            yield Dialogue(f"{file.name}:{first}", tuple(turns))
            turns = []
        if not turns:
            first = number
        if match:
            last = int(match[1])
            _add_numbered(turns, match[2], notes)
        elif _add_fields(turns, _fields(line), notes):
            if turns:
                yield Dialogue(f"{file.name}:{first}", tuple(turns))
            turns = []
    if turns:
        yield Dialogue(f"{file.name}:{first}", tuple(turns))


def _fields(line: str) -> dict[str, str]:
    matches = [_FIELD.fullmatch(field) for field in line.split("\t")]
    return {match[1]: match[2] for match in matches if match}


def _add_fields(turns: list[Turn], fields: dict[str, str], notes: Notes) -> bool:
    """Adds the turn and its reply; whether the dialogue ends with them."""
    labels = fields.get("labels") or fields.get("eval_labels") or ""
    if not fields:
        notes.counts["ParlAI lines that are no turn, left out"] += 1
    _add(turns, "A", _unescaped(fields.get("text", "")), notes)
    _add(turns, "B", _unescaped(labels.split("|")[0]), notes)
    return fields.get("episode_done", "").strip().lower() == "true"


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("__PIPE__", "|")


def _add_numbered(turns: list[Turn], text: str, notes: Notes) -> None:
    said, tab, rest = text.partition("\t")
    if not tab and not _PERSONA.match(said):
        notes.counts["ParlAI lines that are no turn, left out"] += 1
        return
    _add(turns, "A", said, notes)
    _add(turns, "B", rest.partition("\t")[0].split("|")[0], notes)


def _add(turns: list[Turn], speaker: str, text: str, notes: Notes) -> None:
    lines = text.split("\n")
    talk = [line for line in lines if not _PERSONA.match(line)]
    if len(talk) < len(lines):
        notes.counts["persona lines, left out"] += len(lines) - len(talk)
    text = "\n".join(talk)
    if text.strip() and not _SILENCE.fullmatch(text):
        turns.append(Turn(speaker, text))


FORMAT = Format("parlai", recognises, read)
