"""What a reader is. A new format is one module with ``FORMAT``, and a line in ``data_prep/sources/__init__.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data_prep.records import Dialogue
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig


@dataclass(frozen=True)
class Format:
    """A raw format whose files are read one by one."""

    name: str
    """As ``--format`` and the reports call it."""
    recognises: Callable[[File], bool]
    """Told by the head of the file alone, never by its name; never raises."""
    read: Callable[[File, Notes, SourceConfig], Iterator[Dialogue]]
    """Dialogues in the order of the file; raises ``PrepareError`` with file and line where it is broken."""
    chat: bool = False
    """Its dialogues are streams of messages with times, which silence cuts into conversations."""
    take_up: bool = True
    """Its messages say themselves what they answer, so that one may take up what was said before a silence."""


@dataclass(frozen=True)
class Reading:
    """One thing to read: the format found, the files it takes, and its dialogues when asked."""

    format: str
    files: tuple[str, ...]
    dialogues: Callable[[], Iterator[Dialogue]]
    """Can be pickled: a partial of a function of a module."""
    size: int = 0
    """Bytes to read, as far as known."""
    stamp: str = ""
    """Changes when the files do."""


Gather = Callable[[list[File], Notes, SourceConfig], tuple[list[Reading], list[File]]]
"""For formats that need several files together: the readings found, and the files that remain for others."""
