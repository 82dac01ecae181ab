"""The learning curve as a picture: what was learnt, at what rate, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

from chatbot.training.curve import Curve, Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STRETCHES = 120  # points of a line at most: more of them are noise
_TRAIN, _VALID = "#7a8ba6", "#c2410c"


def training_png(curve: Curve) -> bytes:
    """PNG of four drawings over steps: nats per word, training loss, rate of learning, tokens a second."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # half a second, which only a picture should cost
    from matplotlib.figure import Figure

    marks = curve.marks[:: -(-len(curve.marks) // _STRETCHES) or 1]
    figure = Figure(figsize=(10.0, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    nats, loss, rate, speed = figure.subplots(2, 2).flat
    _nats(nats, curve, marks)
    _line(loss, marks, "train_loss", "loss, nats per piece (with label smoothing)")
    _line(rate, marks, "lr", "rate of learning")
    _line(speed, marks, "tokens_per_second", "target pieces a second")
    speed.set_ylim(bottom=0)
    for axes in (nats, loss, rate, speed):
        axes.set_xlabel("step")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _nats(axes: Axes, curve: Curve, marks: Sequence[Mark]) -> None:
    _line(axes, marks, "train_nats", "nats per word", label="training pairs, under dropout")
    points = curve.points
    if points:
        axes.plot([p.step for p in points], [p.nats_per_word for p in points], color=_VALID, label="validation pairs")
        axes.plot([p.step for p in points], [p.nats_per_word for p in points], ".", color=_VALID)
    if kept := curve.kept:
        axes.plot(
            kept.step, kept.nats_per_word, "o", mfc="none", mec=_VALID, ms=10, label=f"kept: {kept.nats_per_word:.3f}"
        )
    values = [p.nats_per_word for p in points] + [b.since(a)["train_nats"] for a, b in pairwise(marks)][1:]
    if values:  # the first steps are far off, and would press all others flat
        axes.set_ylim(max(0.0, min(values) - 0.3), min(max(values), min(values) + 4) + 0.3)
        axes.legend(frameon=False, fontsize=9)


def _line(axes: Axes, marks: Sequence[Mark], name: str, title: str, label: str | None = None) -> None:
    stretches = list(pairwise(marks))
    middle = [(a.step + b.step) / 2 for a, b in stretches]
    axes.plot(middle, [b.since(a)[name] for a, b in stretches], color=_TRAIN, label=label)
    axes.set_title(title, fontsize=10)
