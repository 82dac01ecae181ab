"""What a bot looked at, and how open its gates were, as a picture in a file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chatbot.chat.pictures import shown
from chatbot.errors import ChatbotError
from chatbot.replies import Gates, Look
from chatbot.swap import write_file

_CELL = 0.28  # inches


def save(found: Look | Gates, path: Path) -> None:
    """Draw into a PNG, whole or not at all.

    Raises:
        ChatbotError: the disk refuses.
    """
    figure = _look(found) if isinstance(found, Look) else _gates(found)
    drawn = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box stands for it
        figure.savefig(drawn, format="png", dpi=120, bbox_inches="tight")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, drawn.getvalue())
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be written ({error.strerror})") from error


def _look(found: Look) -> Figure:
    figure = _figure(len(found.source), len(found.reply))
    sure = [
        f"{shown(piece)}  {100 * math.exp(one):.0f} %" for piece, one in zip(found.reply, found.log_probs, strict=True)
    ]
    _map(figure.subplots(), found.attention, found.source, sure)
    return figure


def _gates(found: Gates) -> Figure:
    names = [f"{name} {number}" for number in range(1, len(found.layers) + 1) for name in found.names]
    rows = [[value for layer in found.layers for value in layer[place]] for place in range(len(found.reply))]
    figure = _figure(len(names) * 2, len(rows))
    _map(figure.subplots(), rows, names, [shown(piece) for piece in found.reply])
    return figure


def _figure(columns: int, rows: int) -> Figure:
    return Figure(figsize=(2.5 + _CELL * columns, 1.2 + _CELL * rows))


def _map(axes: Axes, rows: Sequence[Sequence[float]], columns: Sequence[str], names: Sequence[str]) -> None:
    axes.imshow(rows, vmin=0.0, vmax=1.0, cmap="Blues", aspect="auto")
    axes.set_xticks(range(len(columns)), [shown(name) for name in columns], rotation=90)
    axes.set_yticks(range(len(names)), names)
