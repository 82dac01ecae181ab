"""Cornell Movie-Dialogs, original layout: a table of lines and a table of conversations, `` +++$+++ `` between fields.

Danescu-Niculescu-Mizil & Lee 2011. The files are CP1252; conversations that point to absent lines are counted
and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Reading
from data_prep.sources.options import SourceConfig

SEPARATOR = " +++$+++ "
_LINE_ID = re.compile(r"L\d+")
_LIST = re.compile(r"\[\s*(?:'L\d+'\s*,?\s*)*\]")


def is_lines(file: File) -> bool:
    """``L1 +++$+++ u0 +++$+++ m0 +++$+++ NAME +++$+++ text``."""
    rows = [line.split(SEPARATOR) for line in file.first_lines[:20] if line.strip()]
    return bool(rows) and all(len(row) >= 4 and _LINE_ID.fullmatch(row[0]) for row in rows)


def is_conversations(file: File) -> bool:
    """``u0 +++$+++ u2 +++$+++ m0 +++$+++ ['L1', 'L2']``."""
    rows = [line.split(SEPARATOR) for line in file.first_lines[:20] if line.strip()]
    return bool(rows) and all(len(row) == 4 and _LIST.fullmatch(row[3].strip()) for row in rows)


def gather(files: list[File], notes: Notes, config: SourceConfig) -> tuple[list[Reading], list[File]]:
    """Each table of conversations with the largest table of lines beside it, and all other files."""
    lines = [file for file in files if _is_text(file) and is_lines(file)]
    conversations = [file for file in files if _is_text(file) and is_conversations(file)]
    readings, used = [], set()
    for table in conversations:
        beside = [f for f in lines if PurePosixPath(f.name).parent == PurePosixPath(table.name).parent]
        if beside:
            chosen = max(beside, key=lambda file: file.stamp()[0])  # of a damaged copy less is left
            used.add(chosen)
            readings.append(Reading("cornell", (chosen.name, table.name), partial(read, chosen, table, notes)))
        else:
            notes.passed_over[table.name] = "a table of conversations without its table of lines (movie_lines.txt)"
    for table in lines:
        if table not in used:
            with_other = "a second table of lines" if used else "a table of lines without movie_conversations.txt"
            notes.passed_over[table.name] = with_other
    return readings, [file for file in files if file not in lines and file not in conversations]


def _is_text(file: File) -> bool:
    return SEPARATOR.encode() in file.head


def read(lines: File, conversations: File, notes: Notes) -> Iterator[Dialogue]:
    """Whole conversations, in the order of their table."""
    said: dict[str, Turn] = {}
    for _, line in lines.lines():
        fields = line.split(SEPARATOR, 4)
        if len(fields) >= 4:
            said[fields[0]] = Turn(fields[1], fields[4] if len(fields) == 5 else "")
    for _, line in conversations.lines():
        fields = line.split(SEPARATOR)
        ids = _LINE_ID.findall(fields[-1]) if len(fields) == 4 else []
        turns = tuple([said[i] for i in ids if i in said])
        if ids and len(turns) == len(ids):
            yield Dialogue(f"{fields[2]}:{ids[0]}", turns, fields[2])
        elif line.strip():
            notes.counts["conversations that point to absent lines, passed over"] += 1
