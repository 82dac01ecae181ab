"""Lines and heat maps, as all experiments draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_COLOURS = (
    "#1d4ed8",
    "#c2410c",
    "#15803d",
    "#7e22ce",
    "#a16207",
    "#0e7490",
    "#be123c",
    "#4d7c0f",
    "#6b7280",
    "#111827",
)


def sheet(columns: int, rows: int = 1, width: float = 5.2, height: float = 3.8) -> tuple[Figure, list[Axes]]:
    """A figure of so many drawings, row by row."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(np.ravel(figure.subplots(rows, columns)))


def lines(
    axes: Axes,
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    title: str,
    across: str,
    up: str,
    log_x: bool = False,
    log_y: bool = False,
) -> None:
    """A line for each name."""
    for colour, (name, (x, y)) in zip(_COLOURS * (1 + len(curves) // len(_COLOURS)), curves.items(), strict=False):
        axes.plot(x, y, marker="o" if len(x) < 20 else "", markersize=3, color=colour, label=name)
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if any(curves):  # one without a name needs none
        axes.legend(frameon=False, fontsize=8)


def heat(axes: Axes, values: np.ndarray, words: Sequence[str], *, title: str, low: float, high: float) -> None:
    """A map of units (rows) by words (columns)."""
    image = axes.imshow(values, aspect="auto", vmin=low, vmax=high, cmap="RdBu_r" if low < 0 else "viridis")
    axes.set_xticks(range(len(words)), words, rotation=90, fontsize=8)
    axes.set_yticks([])
    axes.set_title(title, fontsize=10)
    axes.figure.colorbar(image, ax=axes, fraction=0.05)
