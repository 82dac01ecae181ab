"""Plain transcripts: ``name: line`` with a blank line between dialogues; or bare lines that alternate.

A time may stand before the name or behind it (``[00:12:03] Ann: hi``, ``2024-01-05 10:01 Ann: hi``, ``Ann (00:12):
hi``), the colon may be a full-width one, and the name may be bold in Markdown (``**Ann:** hi``). Where names stand
alone above what is said, as in plays, see ``play``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from data_prep.records import Dialogue, Turn
from data_prep.sources import play
from data_prep.sources.clock import iso_time
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_TIME = r"[\[(]?(?P<{}>(?:\d{{1,2}}:)?\d{{1,2}}:[0-5]\d)(?:[.,]\d{{1,3}})?(?:[ ]?[AaPp][Mm])?[\])]?"
# A name begins with a letter, is short, and its colon does not begin a link or stand inside a time of day.
_NAMED = re.compile(
    rf"""\s*(?:(?:[\[(]?(?P<day>\d{{4}}-\d\d-\d\d)[ T,]{{1,2}})?{_TIME.format("before")}[ \t]+(?:[-–][ \t]+)?)?
    (?P<bold>\*\*|__)?(?P<name>[^\W\d_][^:：\n]{{0,39}}?)(?:[ ]?[\[(]{_TIME.format("behind")}[\])])?
    (?(bold)(?:\s*[:：](?P=bold)|(?P=bold)\s*[:：])|\s*[:：])(?:(?<=：)|(?!//)(?=\s|\D|$))\s*(?P<text>.*)""",
    re.VERBOSE,
)
_ZOOM = re.compile(r"\s*(?P<before>\d\d:\d\d:\d\d)\s+From\s+(?P<name>\S.{0,60}?)\s+[tT]o\s+[^:]{1,60}:\s*(?P<text>.*)")
_LONGEST_NAME = 4  # words
_SHARE = 0.8  # of the lines that must have a name,
_SHARE_OF_TURNS = 0.6  # or so many where somebody speaks twice: the others go on with the turn above
_SHARE_ON_DEMAND = 0.5  # the same where the user says that it is a transcript
_FEW = 6  # lines
_SHARE_RETURNING = 0.5

# What stands before a colon again and again in files that are no talk.
_LEVELS = {"error", "warning", "warn", "info", "debug", "trace", "fatal", "critical", "notice", "verbose", "severe"}
_LEVELS |= {"passed", "failed", "pass", "fail", "skipped"}
_KEYS = {
    *("from", "to", "cc", "bcc", "subject", "date", "reply-to", "sender", "received", "message-id", "mime-version"),
    *("content-type", "content-length", "content-transfer-encoding", "return-path", "references", "in-reply-to"),
    *("begin", "end", "version", "n", "fn", "tel", "dtstart", "dtend", "uid", "user-agent", "disallow", "allow"),
    *("name", "type", "id", "title", "description", "size", "status", "url", "note", "todo", "author", "commit"),
    *("files", "copyright", "license", "comment", "start-date", "end-date", "commandline", "install", "upgrade"),
    *("requires-dist", "provides-extra", "classifier", "project-url", "license-file"),
    *("package", "architecture", "depends", "host", "accept", "make", "gcc", "npm", "fix", "feat", "chore", "docs"),
}
_CODE = re.compile(r"[{}<>=;\"\\|`$]")
_LETTER = re.compile(r"[^\W\d_]")


class _Line(NamedTuple):
    name: str
    text: str
    time: float | None
    dated: bool = False


class _Labels:
    """What stands before the colons of some lines, and what of it is a speaker.

    A line that goes on with a turn may have a colon too. What it seems to begin with is told by its looks: several
    words, the first in small letters where those of the speakers are not, and it does not come back.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._uses = Counter(pair[0] for line in lines if (pair := named(line)))
        returning = [name for name, uses in self._uses.items() if uses > 1]
        self._small = not returning or any(_is_phrase(name) for name in returning)

    def __contains__(self, name: str) -> bool:
        return name in self._uses and self.may_be(name)

    def may_be(self, name: str) -> bool:
        """Whether it may be a speaker, met or not."""
        return self._small or self._uses[name] > 1 or not _is_phrase(name)


def _is_phrase(name: str) -> bool:
    return name[0].islower() and " " in name


def named(line: str) -> tuple[str, str] | None:
    """Speaker and text of a line, or None where it has no speaker.

    >>> named("Ann Lee: I'm home: at last.")
    ('Ann Lee', "I'm home: at last.")
    >>> named("[00:12:03] **Ann:** I'm home.")
    ('Ann', "I'm home.")
    >>> named("see https://example.org") is None
    True
    """
    said = _parsed(line)
    return (said.name, said.text) if said and (said.text or said.time is not None) else None


def _parsed(line: str) -> _Line | None:
    match = _ZOOM.fullmatch(line) or _NAMED.fullmatch(line)
    if match is None or len(match["name"].split()) > _LONGEST_NAME:
        return None
    groups = match.groupdict()
    clock = groups["before"] or groups.get("behind")
    day = groups.get("day")
    time = play.seconds(clock) if clock else None
    if clock and day:
        time = iso_time(f"{day}T{clock:0>5}") or time
    return _Line(match["name"].strip(), match["text"], time, bool(day))


def has_names(file: File) -> bool:
    """Whether most lines begin with a name and the names come back: talk, not a list of settings."""
    lines = [line for line in file.first_lines if line.strip()]
    known = _Labels(lines)
    heads = [(line, said) for line in lines if (said := _parsed(line)) and said.name in known]
    speakers = [said.name for _, said in heads]
    least = _SHARE_OF_TURNS if len(set(speakers)) < len(speakers) else _SHARE
    enough = len(lines) >= 2 and len(speakers) >= least * len(lines)
    return (
        enough
        and 1 < len(set(speakers)) <= max(2, len(speakers) // 2)
        and _come_back(speakers)
        and not _are_keys(speakers)
        and not _are_records(speakers)
        and not _is_code([said for _, said in heads])
        and not _is_log([said for _, said in heads])
        and not _are_fields(lines, [line for line, _ in heads])
    )


def _come_back(names: list[str]) -> bool:
    """Most is said by people who speak again after somebody else did; two or three lines may be too few for that."""
    returning, met = set[str](), set[str]()
    for before, name in pairwise(names):
        met.add(before)
        if name != before and name in met:
            returning.add(name)
    return len(names) < _FEW or sum(name in returning for name in names) >= _SHARE_RETURNING * len(names)


def _are_keys(names: list[str]) -> bool:
    """Levels of a log, headers of mail, fields of cards and packages."""
    keys = sum(name.lower() in _KEYS or name.split()[0].lower() in _LEVELS for name in names)
    return 2 * keys >= len(names)


def _are_records(names: list[str]) -> bool:
    """The same keys in the same order, again and again: no three people talk like this for long."""
    period = next((place for place in range(1, len(names)) if names[place] == names[0]), len(names))
    enough = len(names) >= (3 if period == 3 else 2) * period
    same = sum(name == names[place % period] for place, name in enumerate(names))
    return period >= 3 and enough and len(set(names[:period])) == period and same >= 0.95 * len(names)


def _is_code(said: list[_Line]) -> bool:
    """Names with the signs of code, lines that end as code does, or values without a letter."""
    signs = sum(bool(_CODE.search(line.name)) for line in said)
    ends = sum(line.text.endswith((";", "{", "}", "[", "(", ",")) for line in said)
    letters = sum(bool(_LETTER.search(line.text)) for line in said if line.text)
    return 5 * signs > len(said) or 2 * ends > len(said) or 2 * letters < len(said)


def _is_log(said: list[_Line]) -> bool:
    """Dates before names in small letters: programs (``sshd``, ``kernel``) write so, and few people."""
    return 2 * sum(line.dated and line.name[0].islower() for line in said) > len(said)


def _has_some_names(file: File) -> bool:
    """Whether half of the lines begin with a name: enough where the user says that it is a transcript."""
    lines = [line for line in file.first_lines if line.strip()]
    known = _Labels(lines)
    return 0 < _SHARE_ON_DEMAND * len(lines) <= sum(pair[0] in known for line in lines if (pair := named(line)))


def _are_fields(lines: list[str], heads: list[str]) -> bool:
    """Names set in, below lines that are not: keys of a nested file, rules of a style sheet."""
    return 2 * sum(line[0] in " \t" for line in heads) > len(heads) and any(line[0] not in " \t" for line in lines)


def recognises(file: File) -> bool:
    """Named lines or blocks only: bare lines could be anything, they are talk when the user says so."""
    return file.looks_like_text and (has_names(file) or play.is_play(file))


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Dialogues of a transcript; a line without a name goes on with the turn above it.

    Where every turn has blank lines around it, blank lines do not part dialogues and the file is one dialogue.
    """
    names = has_names(file)
    if not names and play.is_play(file):
        yield from play.read(file, notes)
        return
    names = names or _has_some_names(file)
    known = _Labels(file.first_lines)
    whole = _blank_after_every_turn(file)
    turns: list[_Growing] = []
    number = 0
    for _, line in file.lines():
        if line.strip():
            _add(turns, line, known if names else None)
        elif turns and not whole:
            yield Dialogue(f"{file.name}:{number}", tuple(turn.grown() for turn in turns))
            turns = []
            number += 1
    if turns:
        yield Dialogue(f"{file.name}:{number}", tuple(turn.grown() for turn in turns))


class _Growing(NamedTuple):
    """A turn that lines may still be added to."""

    speaker: str
    lines: list[str]
    time: float | None

    def grown(self) -> Turn:
        return Turn(self.speaker, "\n".join(self.lines), self.time)


def _add(turns: list[_Growing], line: str, known: _Labels | None) -> None:
    if known is None:
        turns.append(_Growing("AB"[len(turns) % 2], [line], None))
        return
    said = _parsed(line)
    if said and known.may_be(said.name) and (said.text or said.time is not None or said.name in known):
        turns.append(_Growing(said.name, [said.text] if said.text else [], said.time))
    elif turns:
        turns[-1].lines.append(line)
    else:
        turns.append(_Growing("", [line], None))


def _blank_after_every_turn(file: File) -> bool:
    blocks = [len(block.split("\n")) for block in re.split(r"\n\s*\n", "\n".join(file.first_lines).strip())]
    return len(blocks) > 2 and max(blocks) == 1


FORMAT = Format("transcript", recognises, read)
