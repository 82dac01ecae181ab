"""What an experiment leaves: a picture, figures for programs, and a paragraph of what one should see."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from chatbot.errors import ChatbotError
from chatbot.swap import write_file
from data_prep.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Result:
    """Of one run of one experiment."""

    name: str
    settings: dict[str, Any]
    figures: dict[str, Any]
    rows: Sequence[Sequence[str]]
    """A table for people, its heads first."""
    tells: str
    """What one should see, in a paragraph or two."""
    picture: Figure | None = None
    seconds: float = 0.0
    texts: dict[str, str] = field(default_factory=dict)
    """Further text files, by name."""


def keep(result: Result, folder: Path) -> None:
    """Print the table and the paragraph, and write ``NAME.json``, ``NAME.png`` and the texts into a folder.

    Raises:
        ChatbotError: the disk refuses.
    """
    sys.stdout.write(f"{table(result.rows)}\n\n{result.tells}\n")
    sys.stdout.flush()
    report = {"experiment": result.name, "settings": result.settings, "seconds": round(result.seconds, 1)}
    contents = {f"{result.name}.json": _json({**report, "figures": result.figures})}
    if result.picture is not None:
        contents[f"{result.name}.png"] = _png(result.picture)
    contents |= {name: text.encode("utf-8", "replace") for name, text in result.texts.items()}
    claim(folder)
    try:
        for name, content in contents.items():
            write_file(folder / name, content)
    except OSError as error:
        raise ChatbotError(f"{folder}: cannot be written ({error.strerror}); give another --output") from error
    sys.stderr.write(f"{', '.join(contents)} in {folder}, after {result.seconds:.0f} s\n")


def claim(folder: Path) -> None:
    """Make the folder, before all work that would be lost without one.

    Raises:
        ChatbotError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ChatbotError(f"{folder}: cannot be written ({error.strerror}); give another --output") from error


def _json(value: Any) -> bytes:
    return f"{json.dumps(value, indent=1, ensure_ascii=False, default=str)}\n".encode()


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns, the first to the left, all others to the right.

    >>> print(table([["cell", "gap 1"], ["rnn", "99 %"]]))
    cell  gap 1
    rnn    99 %
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)] if shown else []
    lines = []
    for first, *others in shown:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
