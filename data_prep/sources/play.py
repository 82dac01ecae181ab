"""Plays and transcripts in blocks: a name on a line of its own, the speech below it, a blank line after each speech.

The name ends with a colon (``ANN:``), with a point where it is in capitals (``ANN.``, with the speech below or behind
it, as Project Gutenberg has it), or with the time (``Ann 0:12``, ``Ann (00:12):``). Acts and scenes part dialogues
where they are marked. Where they are not, a scene begins where none of the last five who spoke is among the next five:
in Shakespeare's plays without marks such places are ends of scenes, now and then the entry of a crowd.
Directions in square brackets, and those that begin with *Enter*, *Exit* or the like, are counted and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes

CAST = 5
"""Speeches on either side of the beginning of a scene that have no speaker in common."""
_SHARE = 0.7  # of the blocks begin with a name
_LONGEST_NAME = 6  # words
_TIME = r"(?:\d{1,2}:)?\d{1,2}:[0-5]\d"
_HEAD = re.compile(
    rf"""\s*(?: [\[(]?(?P<before>{_TIME})[\])]?\s+ )?
    (?: (?P<colon>[^\W\d_][^:.?!;{{}}<>=()\[\]"|\\/\n]{{0,39}}?) (?:\s*[\[(](?P<inner>{_TIME})[\])])? \s*:
      | (?P<point>[A-Z][A-Z'’ -]{{1,39}})\. (?:\s+(?P<text>.*))?
      | (?P<timed>[^\W\d_][^:.?!;,{{}}<>=()\[\]"|\\/\n]{{0,39}}?) \s+ [\[(]?(?P<after>{_TIME})[\])]? )\s*""",
    re.VERBOSE,
)
_MARK = re.compile(r"\s*(?:ACT|SCENE|Act|Scene)\s+(?:[IVXLC]{1,7}|\d{1,3}|[A-Z]{3,9})\b.{0,200}")
_DIRECTION = re.compile(r"\s*(?:Re-?enter|Enter|Exit|Exeunt|Flourish|Alarum|Curtain)\b[^:]*")
_BRACKETS = re.compile(r"_?\[[^\[\]]{0,400}\]_?")
_LIST = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")
_NO_NAMES = {"else", "try", "finally", "default", "public", "private", "usage", "options", "examples", "example"}


class _Speech(NamedTuple):
    scene: int
    """Acts and scenes that were marked before it."""
    turn: Turn


def name_of(line: str) -> tuple[str, str, float | None] | None:
    """Speaker, what is said on the same line, and when, of the line that begins a block; None for other lines.

    >>> name_of("First Citizen:"), name_of("JACK. Nonsense!"), name_of("Ann Lee  1:03")
    (('First Citizen', '', None), ('JACK', 'Nonsense!', None), ('Ann Lee', '', 63.0))
    >>> name_of("for x in y:") is None, name_of("He said: no.") is None
    (True, True)
    """
    match = _HEAD.fullmatch(line.replace("**", ""))  # bold in Markdown
    if match is None or _MARK.fullmatch(line):
        return None
    name = match["colon"] or match["point"] or match["timed"]
    if len(name.split()) > _LONGEST_NAME or name[0].islower():
        return None
    clock = match["before"] or match["inner"] or match["after"]
    return " ".join(name.split()), match["text"] or "", seconds(clock) if clock else None


def seconds(clock: str) -> float:
    """Seconds of ``1:02:03`` or ``02:03``."""
    total = 0
    for part in clock.split(":"):
        total = total * 60 + int(part)
    return float(total)


def is_play(file: File) -> bool:
    """Most blocks begin with a name, names come back, and below them is speech, no lists."""
    blocks = [block for block in _blocks(file.first_lines) if not _is_stage(block)]
    if len(blocks) < 3:
        return False
    heads = [(head[0], block) for block in blocks if (head := name_of(block[0])) and (head[1] or len(block) > 1)]
    names = {name.casefold() for name, _ in heads}
    lists = sum(bool(_LIST.match(block[1])) for _, block in heads if len(block) > 1)
    return (
        len(heads) >= _SHARE * len(blocks)
        and 1 < len(names) <= max(2, len(heads) // 2)
        and 2 * lists < len(heads)
        and not names & _NO_NAMES
    )


def _is_stage(block: list[str]) -> bool:
    text = " ".join(block)
    return bool(_MARK.fullmatch(block[0]) or _DIRECTION.fullmatch(text) or not _BRACKETS.sub("", text).strip())


def _blocks(lines: list[str]) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def read(file: File, notes: Notes) -> Iterator[Dialogue]:
    """Scenes in the order of the file; the id of each is its number, from 0."""
    speeches = list(_speeches(file, notes))
    number = start = 0
    for place in range(1, len(speeches) + 1):
        if place == len(speeches) or _begins(speeches, place):
            yield Dialogue(f"{file.name}:{number}", tuple(speech.turn for speech in speeches[start:place]))
            number, start = number + 1, place


def _begins(speeches: list[_Speech], place: int) -> bool:
    """Whether a scene begins here."""
    if speeches[-1].scene > speeches[0].scene:
        return speeches[place].scene > speeches[place - 1].scene
    if place + CAST > len(speeches):
        return False
    before = {speech.turn.speaker.casefold() for speech in speeches[max(0, place - CAST) : place]}
    return all(speech.turn.speaker.casefold() not in before for speech in speeches[place : place + CAST])


def _speeches(file: File, notes: Notes) -> Iterator[_Speech]:
    scene = 0
    head: tuple[str, str, float | None] | None = None
    below: list[str] = []
    begins = True
    for _, line in file.lines():
        next_head = name_of(line) if begins else None
        if next_head or (begins and _MARK.fullmatch(line)):
            if head:
                yield from _finished(scene, head, below, notes)
            scene += next_head is None
            head, below = next_head, []
        elif begins and line.strip() and _is_stage([line]):
            notes.counts["stage directions, left out"] += 1
        elif line.strip() and head is None:
            notes.counts["lines of a play without a speaker, left out"] += 1
        elif line.strip():
            below.append(line)
        begins = not line.strip()
    if head:
        yield from _finished(scene, head, below, notes)


def _finished(scene: int, head: tuple[str, str, float | None], below: list[str], notes: Notes) -> Iterator[_Speech]:
    speaker, first, time = head
    whole = "\n".join([first, *below] if first else below)
    text = _BRACKETS.sub("", whole)
    if text != whole:
        notes.counts["stage directions, left out"] += 1
        text = text.strip()
    if text.strip():
        yield _Speech(scene, Turn(speaker, text, time))
    elif not whole.strip():
        notes.counts["speeches without text, left out"] += 1
