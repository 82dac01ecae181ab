"""Counts as small SVG drawings that stand in a page of HTML: no ids, no links, its fonts, its colours.

The page must define the CSS colours ``--ink``, ``--line`` and ``--bar``. Only our own words and figures are drawn,
never text of a corpus: a drawing knows no glyphs of most scripts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

from data_prep.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 5.0  # inches, which makes 360 units: letters keep their size on a phone
_BINS = 30
_TICKS = 6
# Colours are drawn as these and become variables of the page, which know light, dark and print.
_COLOURS = {"#010101": "var(--ink)", "#020202": "var(--line)", "#030303": "var(--bar)"}
INK, LINE, BAR = _COLOURS
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.size": 11.0,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}
_NOISE = re.compile(
    r"""<defs>\s*<style.*?</style>\s*</defs>|\ transform="rotate\(-?0[ ][^"]*"|\ font-family:[^;"]*;"""
    r"""|\ (?:id|xmlns|xmlns:xlink|version|width|height)="[^"]*"|<!--.*?-->""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class Bin:
    """So many cases from ``first`` to ``last``; ``last`` is None where there is no upper end."""

    first: int
    last: int | None
    count: int

    @property
    def label(self) -> str:
        """What the bin holds.

        >>> [b.label for b in (Bin(3, 3, 1), Bin(4, 6, 1), Bin(7, None, 1))]
        ['3', '4–6', '≥ 7']
        """
        if self.last is None:
            return f"≥ {self.first}"
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def at_share(counts: Counter[int], share: float) -> int:
    """The smallest value that at least this share of all cases does not pass.

    >>> at_share(Counter({1: 5, 2: 4, 90: 1}), 0.5), at_share(Counter({1: 5, 2: 4, 90: 1}), 0.99)
    (1, 90)
    """
    needed = share * counts.total()
    for value in sorted(counts):
        needed -= counts[value]
        if needed <= 0:
            return value
    return max(counts)


def share(part: int, whole: int) -> str:
    """A share in words, as short as it can be.

    >>> [share(*case) for case in ((1, 3), (1, 5000), (0, 7), (2, 0))]
    ['33.3%', 'under 0.1%', '0.0%', '–']
    """
    if not whole:
        return "–"
    return "under 0.1%" if 0 < part / whole < 0.001 else f"{part / whole:.1%}"


def bins(counts: Counter[int]) -> list[Bin]:
    """Bins of equal width up to the 99th percentile, and one for what lies above it.

    >>> [(b.label, b.count) for b in bins(Counter({1: 600, 3: 399, 500: 1}))]
    [('1', 600), ('2', 0), ('3', 399), ('≥ 4', 1)]
    """
    start, clip = min(counts), at_share(counts, 0.99)
    width = -(-(clip - start + 1) // _BINS)
    number = -(-(clip - start + 1) // width)
    sizes: Counter[int] = Counter()
    for value, count in counts.items():
        sizes[min((value - start) // width, number)] += count
    found = [Bin(start + k * width, start + (k + 1) * width - 1, sizes[k]) for k in range(number)]
    if sizes[number]:
        found.append(Bin(start + number * width, None, sizes[number]))
    return found


def histogram(counts: Counter[int], title: str) -> str:
    """How often each value occurs, as SVG; ``counts`` must hold something."""
    found = bins(counts)

    def draw(figure: Figure) -> None:
        from matplotlib.ticker import EngFormatter, MaxNLocator

        axes = axes_in(figure, (0.11, 0.15, 0.87, 0.81))
        axes.bar(range(len(found)), [each.count for each in found], width=0.85, color=BAR, clip_on=False, zorder=2)
        axes.set_xlim(-0.7, len(found) - 0.3)
        ticks = _ticks(len(found))
        axes.set_xticks(ticks, [found[k].label for k in ticks])
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(axis="y", color=LINE, linewidth=0.7, clip_on=False, zorder=1)

    values = ", ".join(f"{each.label}: {each.count:,}" for each in found)
    return svg(draw, 2.3, f"Histogram. {title}. {values}.")


def bars(counts: Mapping[str, int], total: int, title: str) -> str:
    """A bar a name, the longest first, each with its count and its share of ``total``, as SVG."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    texts = [f"{name}: {count:,} ({share(count, total)})" for name, count in rows]

    def draw(figure: Figure) -> None:
        axes = axes_in(figure, (0.0, 0.0, 1.0, 1.0))
        axes.barh(range(len(rows)), [count for _, count in rows], height=0.32, color=BAR, clip_on=False)
        axes.set_xlim(0, max(counts.values()))
        axes.set_ylim(len(rows) - 0.5, -0.75)
        axes.set_axis_off()
        for row, text in enumerate(texts):  # above its bar: beside it, long names would leave no room on a phone
            axes.text(0, row - 0.27, text)

    return svg(draw, 0.48 * len(rows) + 0.12, f"Bar chart. {title}. {'; '.join(texts)}.")


def _ticks(number: int) -> list[int]:
    """A few places of ``number``, evenly apart, the last among them."""
    step = -(-number // _TICKS)
    return [*range(0, number - step, step), number - 1]


def axes_in(figure: Figure, place: tuple[float, float, float, float]) -> Axes:
    """Bare axes at a place (left, bottom, width, height) of a figure, in shares of it."""
    axes = figure.add_axes(place)
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.tick_params(bottom=False, left=False)
    return axes


def svg(draw: Callable[[Figure], None], height: float, label: str) -> str:
    """The drawing, in matplotlib's own style whatever the user's is, as an ``svg`` element to stand in HTML."""
    import matplotlib  # slow, and only a report needs it
    from matplotlib.figure import Figure

    sink = StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(_WIDTH, height), facecolor="none")
        draw(figure)
        figure.savefig(sink, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawing = sink.getvalue()
    drawing = _NOISE.sub("", drawing[drawing.index("<svg") :])
    for drawn, variable in _COLOURS.items():
        drawing = drawing.replace(drawn, variable)
    drawing = re.sub(r"\s*\n\s*", " ", drawing).replace("> <", "><").strip()
    return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(printable(label))}"', 1)
