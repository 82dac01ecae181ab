"""Arguments before a court as one stream of lines ``> MR. MILLER: text`` (US Supreme Court talk).

Nothing marks where a case begins. It is where the court says that it will hear argument, and after it has said that a
case is submitted; a stream in which neither is said for long is cut at a fixed number of turns. The reporter's notes
of laughter and the word ``Official``, the foot of a page that slipped behind a sentence, are taken off.
Words that were torn by the end of a page cannot be told from others, and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

LONGEST = 600
"""Turns of one dialogue; the longest argument of an hour has fewer."""
_SHARE = 0.9  # of the lines have a speaker
_SPEAKER = re.compile(r"> ?([A-Z][\w.,'’ -]{0,60}):(?:\s+(.*)|$)")
_OPENS = re.compile(
    r"\b(?:[Ww]e|[Cc]ourt)(?:'ll|’ll| will)\b[^.?!]{0,40}\bhear (?:oral |re-?)?arguments?\b|^Argument (?:next )?in\b"
)
_CLOSES = re.compile(
    r"\b(?:case|matter|cause)s?,? (?:is|are|will be|stands?) (?:now )?submitted\W{0,3}$", re.IGNORECASE
)
_LAUGHTER = re.compile(r"\s?[(\[]Laughter\.?[)\]]\.?", re.IGNORECASE)
_FOOT = re.compile(r"(?<=[.?!,;\"')\]-]) Official$")


def speech(line: str) -> tuple[str, str] | None:
    """Speaker, in capitals but for ``Mc``, and what is said.

    >>> speech("> MR. McKAY: Yes, Your Honor.")
    ('MR. McKAY', 'Yes, Your Honor.')
    >>> speech("> Ann: a quotation in a letter") is None
    True
    """
    match = _SPEAKER.fullmatch(line)
    if match is None or not re.sub(r"\b(?:Ma?c|De|Di|La|Le|O['’])(?=[A-Z])", "", match[1]).isupper():
        return None
    return match[1], match[2] or ""


def recognises(file: File) -> bool:
    """Nearly all lines are speech, of people who come back."""
    if not file.looks_like_text or not file.head_text.lstrip().startswith(">"):
        return False
    lines = [line for line in file.first_lines if line.strip()]
    speakers = [said[0] for line in lines if (said := speech(line))]
    return len(speakers) >= max(2, _SHARE * len(lines)) and 1 < len(set(speakers)) < len(speakers)


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """A dialogue from each case; its id is the number of its first line."""
    turns: list[Turn] = []
    first = 1
    for number, speaker, text in _speeches(file):
        if turns and (_OPENS.search(text) or _CLOSES.search(turns[-1].text) or len(turns) >= LONGEST):
            yield Dialogue(f"{file.name}:{first}", tuple(turns))
            turns = []
        if not turns:
            first = number
        text = _FOOT.sub("", text)
        spoken = _LAUGHTER.sub("", text)
        if spoken != text:
            notes.counts["notes of laughter, left out"] += 1
        if spoken.strip():
            turns.append(Turn(speaker, spoken))
    if turns:
        yield Dialogue(f"{file.name}:{first}", tuple(turns))


def _speeches(file: File) -> Iterator[tuple[int, str, str]]:
    """(Number of the first line, speaker, text): a line without a speaker goes on with the speech above it."""
    start, speaker, lines = 1, "", list[str]()
    for number, line in file.lines():
        said = speech(line)
        if said:
            if lines:
                yield start, speaker, "\n".join(lines)
            start, (speaker, text) = number, said
            lines = [text]
        elif line.strip():
            lines.append(line.removeprefix("> "))
    if lines:
        yield start, speaker, "\n".join(lines)


FORMAT = Format("court", recognises, read)
