"""An evaluation as one page of HTML (see `data_prep.page`)."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence

from chatbot.evaluation.baselines import COMMONEST, ECHO, MEANING, PEOPLE
from chatbot.evaluation.evaluate import Evaluation, System
from chatbot.evaluation.figures import KINDS, Kind
from chatbot.evaluation.plots import scores_by_length
from chatbot.evaluation.resample import Figure
from chatbot.replies import Look
from data_prep import page, plots
from data_prep.text import words

_SHOWN = 20  # replies of a list
_CSS = """\
.wide { overflow-x: auto } .evaluation { width: auto; min-width: 50% }
.evaluation td { padding: .3rem .5rem; white-space: nowrap } .evaluation th { padding: .3rem .5rem }
.evaluation td:not(:first-child), .evaluation th:not(:first-child) { text-align: right }
.evaluation small { display: block; font-size: .75em }
.talk td { width: auto; min-width: 8rem; white-space: normal }
.heat { width: auto; font-size: .8rem } .heat td, .heat th { border: 0; padding: .15rem .35rem; white-space: nowrap }
.heat td { min-width: 1.6rem; text-align: center }
"""


def to_html(evaluation: Evaluation) -> str:
    """The page."""
    questions = evaluation.questions
    same, near = questions.known
    figures = [
        ("pairs", f"{len(questions):,}"),
        ("stand in training", f"{same.sum():,}"),
        ("or near to one there", f"{near.sum():,}"),
        ("with several true replies", f"{sum(len(own) > 1 for own in questions.references):,}"),
    ]
    large = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures)
    body = [
        f"<style>{_CSS}</style>",
        f"<header><h1>Evaluation on {page.text(str(questions.path))}, {questions.split}</h1>",
        f'<dl class="figures">{large}</dl>',
        page.listed(evaluation.verdicts.values()),
        "</header>",
        page.section("Likelihood of what people said", _likelihood(evaluation)),
        page.section("Figures of replies", _figures(evaluation)),
        page.section("Beyond chance?", _compared(evaluation)),
        page.section("Lengths and scores", _drawings(evaluation)),
        page.section("Side by side", _side_by_side(evaluation)),
        *(_best_and_worst(evaluation, system) for system in evaluation.contestants),
        *(_looks(name, looks) for name, looks in evaluation.looks.items()),
        page.section("What the figures are", _meaning(evaluation)),
    ]
    return page.whole("Evaluation", body)


def _table(heads: Iterable[str], rows: Iterable[Sequence[str]], kind: str) -> str:
    """Cells are HTML already."""
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide">{page.table(heads, lines, kind)}</div>'


def _with_interval(figure: Figure, kind: Kind) -> str:
    if figure.low is None or figure.high is None:
        return kind.shown(figure.value)
    low, high = kind.shown(figure.low).removesuffix(" %"), kind.shown(figure.high)
    return f"{kind.shown(figure.value)}<small>{low} – {high}</small>"


def _likelihood(evaluation: Evaluation) -> str:
    nats, rows, notes = Kind("", "", digits=3), [], ""
    for name, learned in evaluation.learned.items():
        for part, likely in learned.likely.items():
            if likely is not None:
                figures = (likely.perplexity_per_word, likely.bits_per_character, likely.perplexity_per_piece)
                own = _with_interval(likely.nats_per_word, nats)
                rows.append([page.text(name), part, f"{likely.pairs:,}", own, *(f"{one:,.2f}" for one in figures)])
        hits = (
            _with_interval(learned.hits, Kind("", "", percent=True)).replace("<small>", " (").replace("</small>", ")")
        )
        notes += (
            f"<p>{page.text(name)} ranks the true reply {learned.ranks} in {hits} of {learned.ranked:,} contexts; "
            f"chance would in {100 * learned.by_chance:.0f} %. Mean reciprocal rank "
            f"{learned.mean_reciprocal_rank:.2f}.</p>"
        )
        if learned.other_pieces:
            notes += (
                f"<p>{page.text(name)} was trained on pieces of another vocabulary than this folder's: its figures "
                "hold, but what is said of training is said of this folder's.</p>"
            )
    heads = [
        "bot",
        "of the split",
        "pairs",
        "nats a word",
        "perplexity a word",
        "bits a character",
        "perplexity a piece",
    ]
    return _table(heads, rows, "evaluation") + notes if rows else ""


def _figures(evaluation: Evaluation) -> str:
    systems = _bots_first(evaluation)
    heads = ["", *(page.text(system.name) for system in systems)]
    rows = []
    for name, kind in KINDS.items():
        spreads = (evaluation.scores[system.name].spreads[name] for system in systems)
        rows.append([kind.label, *(_with_interval(spread.figure(), kind) for spread in spreads)])
    timed = [None if one.seconds is None else 1000 * one.seconds / len(one.texts) for one in systems]
    rows.append(["ms a reply, in batches", *("–" if ms is None else f"{ms:.1f}" for ms in timed)])
    return _table(heads, rows, "evaluation") + "<p>Small: 95 % intervals by bootstrap.</p>"


def _bots_first(evaluation: Evaluation) -> list[System]:
    """People, then those under test, then the other baselines: what matters stands where nobody need scroll."""
    return sorted(evaluation.systems, key=lambda system: (system.name != PEOPLE, system.kind == "baseline"))


def _compared(evaluation: Evaluation) -> str:
    comparisons = evaluation.comparisons
    if not comparisons:
        return ""
    heads = ["p", *map(page.text, comparisons)]
    names = [name for name in KINDS if any(name in values for values in comparisons.values())]
    rows = [
        [KINDS[name].label, *(f"{values[name]:.3f}" if name in values else "–" for values in comparisons.values())]
        for name in names
    ]
    first = page.text(evaluation.contestants[0].name)
    note = f"<p>The first is {first}. p: how often chance alone would part two as far, on the same resamples.</p>"
    return _table(heads, rows, "evaluation") + note


def _drawings(evaluation: Evaluation) -> str:
    drawn = []
    people = next(system for system in evaluation.systems if system.name == PEOPLE)
    for system in (people, *evaluation.contestants):
        lengths = [len(words(text)) for text in system.texts]
        title = f"Words of a reply: {system.name}"
        drawn.append(_figure(plots.histogram(Counter(lengths), title), title))
        scores = [(length, reply.score) for length, reply in zip(lengths, system.replies, strict=False)]
        sound = [(length, score) for length, score in scores if score is not None and math.isfinite(score)]
        if sound:
            title = f"Score by length: {system.name}"
            drawing = scores_by_length([one for one, _ in sound], [score for _, score in sound], title)
            drawn.append(_figure(drawing, title))
    return f'<div class="plots">{"".join(drawn)}</div>'


def _figure(drawing: str, title: str) -> str:
    return f"<figure><figcaption>{page.text(title)}</figcaption>{drawing}</figure>"


def _side_by_side(evaluation: Evaluation) -> str:
    questions = evaluation.questions
    places = sorted(random.Random(evaluation.seed).sample(range(len(questions)), min(_SHOWN, len(questions))))
    systems = [system for system in _bots_first(evaluation) if system.name not in (ECHO, COMMONEST)]
    heads = ["said", *(page.text(system.name) for system in systems)]
    rows = [
        [page.text(questions.last_turns[place]), *(page.text(system.texts[place]) for system in systems)]
        for place in places
    ]
    return _table(heads, rows, "talk")


def _best_and_worst(evaluation: Evaluation, system: System) -> str:
    f1, questions = evaluation.scores[system.name].f1, evaluation.questions
    order = sorted(range(len(f1)), key=lambda place: -f1[place])
    content = ""
    for title, places in (("nearest to people's", order[:_SHOWN]), ("farthest", order[::-1][:_SHOWN])):
        rows = [
            [
                page.text(questions.last_turns[one]),
                page.text(system.texts[one]),
                page.text(questions.replies[one]),
                f"{f1[one]:.2f}",
            ]
            for one in places
        ]
        content += f"<h3>The {len(places)} {title}, by word F1</h3>"
        content += _table(["said", "reply", "what people said", "F1"], rows, "talk")
    return page.section(f"Best and worst: {page.text(system.name)}", content)


def _looks(name: str, looks: Sequence[tuple[int, Look]]) -> str:
    content = ""
    for _, look in looks:
        heads = ["", "sure", *(page.text(piece.replace("▁", "_")) for piece in look.source)]
        rows = ""
        for piece, weights, log_prob in zip(look.reply, look.attention, look.log_probs, strict=True):
            most = max(weights, default=0.0) or 1.0
            cells = "".join(
                f'<td style="background:color-mix(in srgb,var(--bar) {100 * one / most:.0f}%,transparent)"></td>'
                for one in weights
            )
            shown = page.text(piece.replace("▁", "_"))
            rows += f'<tr><th scope="row">{shown}</th><td>{100 * math.exp(log_prob):.0f} %</td>{cells}</tr>'
        content += f'<div class="wide">{page.table(heads, rows, "heat")}</div>'
    note = (
        "<p>A row for each piece of a reply: how sure it was, and where it looked; a row's darkest is its largest.</p>"
    )
    return page.section(f"Where {page.text(name)} looked", note + content) if content else ""


def _meaning(evaluation: Evaluation) -> str:
    signatures = next(iter(evaluation.scores.values())).signatures
    lines = [f"{kind.label}: {kind.means}" for kind in KINDS.values()]
    lines += [f"{name}: {what}" for name, what in MEANING.items()]
    lines += [f"{name}: {signature}" for name, signature in signatures.items()]
    return page.listed(lines)
