"""Plain transcripts: ``name: line`` with a blank line between dialogues; or bare lines that alternate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File

# A name begins with a letter, is short, and its colon does not begin a link or stand inside a time of day.
_NAMED = re.compile(r"\s*(?P<name>[^\W\d_][^:\n]{0,39}?)\s*:(?!//)(?=\s|\D)\s*(?P<text>.*)")
_LONGEST_NAME = 4  # words
_SHARE = 0.8  # of the lines that must have a name,
_SHARE_OF_TURNS = 0.6  # or so many where somebody speaks twice: the others go on with the turn above


def named(line: str) -> tuple[str, str] | None:
    """Speaker and text of a line, or None where it has no speaker.

    >>> named("Ann Lee: I'm home: at last.")
    ('Ann Lee', "I'm home: at last.")
    >>> named("see https://example.org") is None
    True
    """
    match = _NAMED.fullmatch(line)
    if match is None or len(match["name"].split()) > _LONGEST_NAME:
        return None
    return match["name"], match["text"]


def has_names(file: File) -> bool:
    """Whether most lines begin with a name and the names come back: talk, not a list of settings."""
    lines = [line for line in file.first_lines if line.strip()]
    speakers = [pair[0] for line in lines if (pair := named(line))]
    least = _SHARE_OF_TURNS if len(set(speakers)) < len(speakers) else _SHARE
    return len(lines) >= 2 and len(speakers) >= least * len(lines) and len(set(speakers)) <= max(2, len(speakers) // 2)


def recognises(file: File) -> bool:
    """Named lines only: bare lines could be anything, they are talk when the user says so."""
    return has_names(file)


def read(file: File) -> Iterator[Dialogue]:
    """Dialogues of a transcript; a line without a name goes on with the turn above it.

    Where every turn has blank lines around it, blank lines do not part dialogues and the file is one dialogue.
    """
    names = has_names(file)
    whole = _blank_after_every_turn(file)
    turns: list[Turn] = []
    number = 0
    for _, line in file.lines():
        if line.strip():
            _add(turns, line, names)
        elif turns and not whole:
            yield Dialogue(f"{file.name}:{number}", tuple(turns))
            turns = []
            number += 1
    if turns:
        yield Dialogue(f"{file.name}:{number}", tuple(turns))


def _add(turns: list[Turn], line: str, names: bool) -> None:
    if not names:
        turns.append(Turn("AB"[len(turns) % 2], line))
    elif pair := named(line):
        turns.append(Turn(*pair))
    elif turns:
        turns[-1] = Turn(turns[-1].speaker, f"{turns[-1].text}\n{line}")
    else:
        turns.append(Turn("", line))


def _blank_after_every_turn(file: File) -> bool:
    blocks = [len(block.split("\n")) for block in re.split(r"\n\s*\n", "\n".join(file.first_lines).strip())]
    return len(blocks) > 2 and max(blocks) == 1
