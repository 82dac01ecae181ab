"""The figures for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

from chatbot.evaluation.evaluate import Evaluation, System
from chatbot.evaluation.figures import KINDS
from chatbot.evaluation.resample import Figure
from data_prep.text import printable

TABLES: dict[str, tuple[str, ...]] = {
    "Near to what people said": ("bleu1", "bleu2", "bleu3", "bleu4", "chrf", "f1"),
    "Varied": ("distinct1", "distinct2", "distinct3", "distinct1_equal", "distinct2_equal", "entropy4"),
    "Of what kind": ("words", "repeats", "commonest", "echoes", "copies", "run", "run_share"),
}
_NAME = 28  # columns of a name at most


def tables(evaluation: Evaluation, columns: int | None = None) -> str:
    """All tables and verdicts, in so many columns; intervals as ± where there is room."""
    room = columns or shutil.get_terminal_size((120, 24)).columns
    parts = [_head(evaluation), _likelihood(evaluation, room)]
    parts += [_figures(evaluation, title, names, room) for title, names in TABLES.items()]
    told = [*map(printable, evaluation.verdicts.values()), *_compared(evaluation)]
    parts += [textwrap.fill(one, room, break_long_words=False, break_on_hyphens=False) for one in told]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(evaluation: Evaluation) -> str:
    questions = evaluation.questions
    same, near = questions.known
    some = "" if len(questions) == questions.whole else f" of {questions.whole:,}"
    several = sum(len(own) > 1 for own in questions.references)
    more = f"; {several:,} contexts have several true replies" if several else ""
    return printable(
        f"{questions.path}, {questions.split}: {len(questions):,}{some} pairs; {same.sum():,} stand in training, "
        f"{near.sum():,} with those near to one there{more}."
    )


def _likelihood(evaluation: Evaluation, room: int) -> str:
    rows = []
    for name, learned in evaluation.learned.items():
        for part, likely in learned.likely.items():
            if likely is not None:
                figures = (likely.perplexity_per_word, likely.bits_per_character, likely.perplexity_per_piece)
                nats = _shown(likely.nats_per_word, "{:.3f}".format, True)
                rows.append([name, part, f"{likely.pairs:,}", nats, *(f"{one:,.2f}" for one in figures)])
    if not rows:
        return ""
    heads = ["people's replies to", "pairs", "", "nats/word", "perplexity/word", "bits/character", "perplexity/piece"]
    lines = [_aligned("Likelihood", [heads, *rows], room)]
    for name, learned in evaluation.learned.items():
        hits = _shown(learned.hits, lambda value: f"{100 * value:.1f} %", True)
        lines.append(
            printable(
                f"{name} ranks the true reply {learned.ranks} in {hits} of {learned.ranked:,} contexts (chance: "
                f"{100 * learned.by_chance:.0f} %), mean reciprocal rank {learned.mean_reciprocal_rank:.2f}."
            )
        )
        if learned.other_pieces:
            lines.append(
                printable(
                    f"{name} was trained on pieces of another vocabulary than {evaluation.questions.path}: its figures "
                    "hold, but what is said of training is said of that folder's."
                )
            )
    return "\n".join(lines)


def _figures(evaluation: Evaluation, title: str, names: Sequence[str], room: int) -> str:
    for intervals in (True, False):
        heads = ["", *(KINDS[name].label for name in names)]
        rows = [heads, *(_row(evaluation, system, names, intervals) for system in evaluation.systems)]
        if sum(_widths(rows)) + 2 * len(heads) <= room:
            break
    return _aligned(title, rows, room)


def _row(evaluation: Evaluation, system: System, names: Sequence[str], intervals: bool) -> list[str]:
    spreads = evaluation.scores[system.name].spreads
    return [system.name, *(_shown(spreads[name].figure(), KINDS[name].shown, intervals) for name in names)]


def _shown(figure: Figure, show: object, interval: bool) -> str:
    assert callable(show)
    value = str(show(figure.value))
    if not interval or figure.low is None or figure.high is None:
        return value
    return f"{value} ±{show((figure.high - figure.low) / 2)}".replace(" % ±", " ±")


def _compared(evaluation: Evaluation) -> list[str]:
    told = []
    first = evaluation.contestants[0].name if evaluation.contestants else ""
    for name, values in evaluation.comparisons.items():
        sure = [KINDS[metric].label for metric, p in values.items() if p < 0.05]
        told.append(
            printable(f"{name} differs from {first} beyond chance (p < 0.05) in {', '.join(sure) or 'nothing'}.")
        )
    return told


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        min(_NAME, max(map(cell_len, column))) if not place else max(map(cell_len, column))
        for place, column in enumerate(zip(*rows, strict=True))
    ]


def _aligned(title: str, rows: Sequence[Sequence[str]], room: int) -> str:
    """Names to the left, figures to the right; names that are too long lose their middle.

    Columns that do not fit side by side stand in tables one below the other.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    first, *widths = _widths(rows)
    blocks: list[list[int]] = [[]]
    for place, width in enumerate(widths):
        taken = first + sum(2 + widths[other] for other in blocks[-1])
        if blocks[-1] and taken + 2 + width > room:
            blocks.append([])
        blocks[-1].append(place)
    tables = []
    for block in blocks:
        for name, *cells in rows:
            short = _shortened(name, first)
            padded = [cells[place].rjust(widths[place]) for place in block]
            tables.append("  ".join([short + " " * (first - cell_len(short)), *padded]).rstrip())
    return "\n".join([title, *tables])


def _shortened(name: str, columns: int) -> str:
    """A name of so many columns at most: its beginning and its end."""
    if cell_len(name) <= columns:
        return name
    begin, end = name[: columns // 2 - 1], name[-(columns // 2) :]
    while cell_len(f"{begin}…{end}") > columns:
        begin, end = begin[:-1], end[1:]
    return f"{begin}…{end}"
