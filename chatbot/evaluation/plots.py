"""Drawings for the page of an evaluation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from data_prep.plots import BAR, LINE, axes_in, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHARE = 200  # a length is drawn that one reply in so many has


def scores_by_length(lengths: Sequence[int], scores: Sequence[float], title: str) -> str:
    """Scores of replies by their words, as SVG: the mean as a line, and where eight of ten lie as a band."""
    by_length: defaultdict[int, list[float]] = defaultdict(list)
    for length, score in zip(lengths, scores, strict=True):
        by_length[length].append(score)
    drawn = [length for length in sorted(by_length) if len(by_length[length]) * _SHARE >= len(lengths)]
    means = [float(np.mean(by_length[length])) for length in drawn]
    bands = np.array([np.quantile(by_length[length], (0.1, 0.9)) for length in drawn]).reshape(-1, 2)

    def draw(figure: Figure) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = axes_in(figure, (0.11, 0.2, 0.87, 0.76))
        axes.fill_between(drawn, bands[:, 0], bands[:, 1], color=BAR, alpha=0.25, linewidth=0)
        axes.plot(drawn, means, color=BAR, linewidth=2)
        axes.set_xlabel("words of the reply")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=LINE, linewidth=0.7)

    told = ", ".join(f"{length} words {mean:.2f}" for length, mean in zip(drawn, means, strict=True))
    return svg(draw, 2.4, f"Line chart. {title}. Mean score by length: {told}.")
