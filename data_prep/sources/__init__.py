"""Raw formats: each file of the inputs is recognised by what it holds, and read as dialogues.

A new format is one module here with ``recognises`` and ``read``, and a line in ``_READERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import PrepareError
from data_prep.records import Dialogue
from data_prep.sources import cornell, jsonl, transcript
from data_prep.sources.files import File, Notes, find

FORMATS = ("auto", "transcript", "jsonl", "cornell")

# Tried in this order: the strictest layout first.
_READERS: dict[str, tuple[Callable[[File], bool], Callable[[File, Notes], Iterator[Dialogue]]]] = {
    "jsonl": (jsonl.recognises, jsonl.read),
    "transcript": (transcript.recognises, lambda file, notes: transcript.read(file)),
}


@dataclass(frozen=True)
class Reading:
    """One thing to read: the format found, the files it takes, and its dialogues when asked."""

    format: str
    files: tuple[str, ...]
    dialogues: Callable[[], Iterator[Dialogue]]


def plan(inputs: list[Path], wanted: str, notes: Notes, output: Path | None = None) -> list[Reading]:
    """What will be read, and how; what will not is named in ``notes``. What lies in ``output`` is ours, no input.

    Raises:
        PrepareError: an input is absent or empty, or no file is in a format that can be read.
    """
    if wanted not in FORMATS:
        raise PrepareError(f"--format is {wanted!r}; expected one of {', '.join(FORMATS)}")
    readings: list[Reading] = []
    lines: list[File] = []
    conversations: list[File] = []
    files = find(inputs, output)
    for file in files:
        if not file.head or not file.looks_like_text:
            notes.passed_over[file.name] = "not text" if file.head else "empty"
        elif wanted in ("auto", "cornell") and cornell.is_lines(file):
            lines.append(file)
        elif wanted in ("auto", "cornell") and cornell.is_conversations(file):
            conversations.append(file)
        elif reading := _single(file, wanted, notes):
            readings.append(reading)
        else:
            notes.passed_over[file.name] = "no format recognised"
    for table, talk in cornell.choose(lines, conversations, notes):
        readings.append(_cornell(table, talk, notes))
    if not readings:
        raise PrepareError(_nothing(inputs, files, wanted, notes))
    return readings


def _single(file: File, wanted: str, notes: Notes) -> Reading | None:
    for name, (recognises, read) in _READERS.items():
        if wanted == name or (wanted == "auto" and recognises(file)):
            return Reading(name, (file.name,), lambda read=read: read(file, notes))  # type: ignore[misc]
    return None


def _cornell(table: File, talk: File, notes: Notes) -> Reading:
    return Reading("cornell", (table.name, talk.name), lambda: cornell.read(table, talk, notes))


def _nothing(inputs: list[Path], files: list[File], wanted: str, notes: Notes) -> str:
    given = ", ".join(map(str, inputs))
    some = ", ".join(f"{name} ({why})" for name, why in list(notes.passed_over.items())[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    formats = "`name: line` transcripts, JSONL or Cornell tables" if wanted == "auto" else f"format {wanted}"
    hint = "; bare alternating lines are read with --format transcript" if wanted == "auto" else ""
    return f"{given}: nothing that can be read as dialogues: {some}{more}; expected {formats}{hint}"
