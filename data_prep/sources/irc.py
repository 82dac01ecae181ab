"""IRC logs of the usual clients (see ``irc_lines``): one stream of messages, where many talk at once.

- Joins, parts, quits, modes, topics and notices are no messages; they are counted and left out.
- ``/me waves`` is the message ``*waves*``, as people write it where there is no ``/me``.
- A person keeps one name, the first of the file, through all changes of the nick.
- A message that begins with the nick of somebody who has spoken (``ann: yes``, ``@ann yes``) answers the last message
  of that person; one that was addressed to a third is passed over if there is another not far above. (In the hand-made
  links of Kummerfeld et al. 2019 that is the right message for 70 of 100, and the right person for 9 in 10.)
  The address is then taken off the text: who is meant stands in the link, and a model that learns to begin its
  replies with names of strangers is of no use. An address of somebody who said nothing before stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.irc_lines import Clock, Line, parse
from data_prep.sources.options import SourceConfig

_LOOKED_AT = 400  # lines
_DIRT = 0.1  # of them may be anything
_ADDRESS = re.compile(r"@?([^\s:,<>]{1,64})(?::(?!/)|,(?=\s|$))\s*|@([^\s:,<>]{1,64})\s+")
_NEAR = 20  # messages
_FEW = 3  # people that one message is addressed to


def recognises(file: File) -> bool:
    """Nearly all lines are of a log, and people talk in it; without times, nothing else at all."""
    if not file.looks_like_text or not any(mark in file.head for mark in (b"<", b"\t", b"* ")):
        return False
    lines = [line for line in file.first_lines if line.strip()][:_LOOKED_AT]
    parsed = [parse(line) for line in lines]
    said = [line for line in parsed if line.kind == "says"]
    strange = sum(line.kind == "other" for line in parsed)
    if len(said) < 2 or strange > _DIRT * len(parsed):
        return False
    timed = [line for line in said if line.stamp]
    if len(timed) < 0.9 * len(said):
        return not strange and _is_talk_without_times(said, file.head_text)
    return not any(_by_tabs(line) for line in timed) or _is_weechat(parsed, timed)


def _by_tabs(line: Line) -> bool:
    return line.stamp is not None and line.stamp.string[line.stamp.end() :].startswith("\t")


def _is_weechat(parsed: list[Line], said: list[Line]) -> bool:
    """Not a table whose first columns are a time and a word."""
    return parsed[0].kind != "other" and (
        any(line.kind != "says" for line in parsed) or sum(" " in line.text for line in said) > 0.3 * len(said)
    )


def _is_talk_without_times(said: list[Line], text: str) -> bool:
    """Not HTML."""
    nicks = {line.nick for line in said}
    return len(said) > len(nicks) > 1 and "</" not in text and not any(nick.endswith("/") for nick in nicks)


class _People:
    """Who is behind a nick, and what each said last, and to whom."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._last: dict[str, int] = {}
        self._last_to: dict[tuple[str, str], int] = {}  # "" for nobody in particular
        self._taken: dict[str, set[str]] = {}  # by name, the nicks taken later

    def knows(self, nick: str) -> bool:
        return nick.casefold() in self._names

    def name(self, nick: str) -> str:
        return self._names.setdefault(nick.casefold(), nick)

    def renamed(self, old: str, new: str) -> None:
        name = self._names.pop(old.casefold(), old)
        # Somebody back under a stand-in nick (ann_) takes the old one again, before saying anything.
        if name in self._last or not self.knows(new):
            self._names[new.casefold()] = name
            self._taken.setdefault(name, set()).update((old, new))

    def taken(self) -> set[str]:
        """The nicks of those who spoke, beside the names they are known by."""
        return {nick for name, nicks in self._taken.items() if name in self._last for nick in nicks - {name}}

    def addressed(self, text: str, speaker: str) -> tuple[str, str]:
        """The text without the address, and the (first) person addressed; "" where nobody is."""
        to = ""
        for _ in range(_FEW):
            match = _ADDRESS.match(text)
            name = self._names.get((match[1] or match[2]).casefold()) if match else None
            if match is None or name is None or name not in self._last or name == speaker:
                break
            to = to or name
            text = text[match.end() :]
        return text, to

    def answered(self, speaker: str, to: str, place: int) -> int | None:
        """The place of the message that the speaker's message at ``place`` answers."""
        fitting = max(self._last_to.get((to, ""), -_NEAR), self._last_to.get((to, speaker), -_NEAR))
        return fitting if fitting >= 0 and place - fitting <= _NEAR else self._last.get(to)

    def said(self, speaker: str, to: str, place: int) -> None:
        self._last[speaker] = self._last_to[speaker, to] = place


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """The whole log as one dialogue, with times."""
    people, clock = _People(), Clock()
    turns: list[Turn] = []
    for _, raw in file.lines():
        line = parse(raw)
        time = clock.at(line.stamp)
        if line.kind in ("says", "acts") or (line.kind == "perhaps" and people.knows(line.nick)):
            _add(turns, line, time, people, notes)
        elif line.kind == "renamed":
            people.renamed(line.nick, line.text)
            notes.counts["IRC system lines, left out"] += 1
        elif raw.strip():
            _left_out(line, clock, people, notes)
    notes.names |= people.taken()
    if turns:
        yield Dialogue(file.name, tuple(turns))


def _add(turns: list[Turn], line: Line, time: float | None, people: _People, notes: Notes) -> None:
    speaker, says, place = people.name(line.nick), line.kind == "says", len(turns)
    text, to = people.addressed(line.text, speaker) if says else (line.text, "")
    if not text.strip():
        notes.counts["IRC messages without text, left out"] += 1
        return
    answers = people.answered(speaker, to, place) if to else None
    people.said(speaker, to, place)
    turns.append(Turn(speaker, text if says else f"*{text}*", time, answers))


def _left_out(line: Line, clock: Clock, people: _People, notes: Notes) -> None:
    if line.kind == "date":
        clock.day(line.text)
    elif line.kind == "system" and line.nick and "@" not in line.nick:
        people.name(line.nick.lstrip("@+"))
    what = {"notice": "IRC notices", "other": "IRC lines that are no message"}.get(line.kind, "IRC system lines")
    notes.counts[f"{what}, left out"] += 1


FORMAT = Format("irc", recognises, read, chat=True, take_up=False)  # whom a nick means is a guess
