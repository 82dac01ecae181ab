"""What was done, as one page of HTML (see `data_prep.page`)."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from difflib import SequenceMatcher
from html import escape
from typing import Any

from data_prep import page, plots
from data_prep.report import Report
from data_prep.shape import Shape
from data_prep.tally import shorten

_REPLIES = 20  # replies that the page compares
_NAMED = 200  # files passed over that the page names; report.md names all
_SAME = 0.4  # texts less alike than this are marked whole: letters that happen to agree would only confuse
_UNSEEN = {"Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}  # categories of characters that leave no ink
_NOTHING = "<p>Nothing.</p>"
_LEGEND = (
    "<p>A dot · stands for a control character, a line end or a change of direction. "
    "In examples <del>this went</del> and <ins>this came</ins>.</p>"
)


def to_html(report: Report, shape: Shape, drawn: str | None = None) -> str:
    """report.html; ``drawn`` is what `draw` made of the same report, or will be made."""
    books = report.as_dict()
    body = [
        "<header><h1>What preparing did</h1>",
        _figures(report),
        page.listed(line.strip() for line in report.summary()),
        "</header>",
        page.section("Warnings", page.listed(dict.fromkeys(books["warnings"])), "warnings"),
        draw(report, shape) if drawn is None else drawn,
        _replies(shape),
        _rules(books["repairs"], books["judges"]),
        _leaks(books["leaks"]),
        _left_out(books["left_out"], books["passed_over"]),
    ]
    return page.whole("What preparing did", body)


def _figures(report: Report) -> str:
    """The figures that people look for first, large."""
    dropped = report.seen - report.kept
    rows = [("dialogues", report.dialogues, ""), ("turns", report.turns, ""), ("pairs seen", report.seen, "")]
    rows += [("pairs kept", report.kept, plots.share(report.kept, report.seen))]
    rows += [("pairs dropped", dropped, plots.share(dropped, report.seen))]
    rows += [(f"kept for {name}", count, plots.share(count, report.kept)) for name, count in report.splits.items()]
    cells = (f"<div><dt>{page.text(name)}</dt><dd>{n:,} <small>{share}</small></dd></div>" for name, n, share in rows)
    return f'<dl class="figures">{"".join(cells)}</dl>'


def draw(report: Report, shape: Shape) -> str:
    """What of the page is drawn: lengths, and why pairs were dropped."""
    drawn = [
        _histogram(shape.reply_words, "Words in a reply", "kept pairs"),
        _histogram(shape.context_words, "Words in a context", "kept pairs"),
        _histogram(shape.turns, "Turns in a dialogue", "dialogues"),
    ]
    title = "Why pairs were dropped"
    dropped = {reason: count for reason, count in report.dropped.items() if count}
    svg = plots.bars(dropped, report.seen, title) if dropped else _NOTHING
    drawn.append(_figure(svg, title, f"{sum(dropped.values()):,} of {report.seen:,} pairs seen"))
    return page.section("In figures", f'<div class="plots">{"".join(drawn)}</div>')


def _histogram(counts: Counter[int], title: str, unit: str) -> str:
    counts = +counts
    if not counts:
        return _figure(_NOTHING, title, f"no {unit}")
    half, most = plots.at_share(counts, 0.5), plots.at_share(counts, 0.99)
    words = f"{counts.total():,} {unit}; half have at most {half:,}, 99 of 100 at most {most:,}, "
    words += f"the largest {max(counts):,}"
    return _figure(plots.histogram(counts, title), title, words)


def _figure(drawing: str, title: str, words: str) -> str:
    return f"<figure><figcaption><b>{escape(title)}</b><br>{escape(words)}</figcaption>{drawing}</figure>"


def _replies(shape: Shape) -> str:
    """The replies that stand most often, and what is left of each in training."""
    rows = sorted((+shape.replies_seen).items(), key=lambda row: (-row[1], row[0]))[:_REPLIES]
    most = max((max(count, shape.replies_kept[reply]) for reply, count in rows), default=1)
    cells = "".join(
        f'<tr><th scope="row">{page.text(reply)}</th>{_bar(seen, most)}{_bar(shape.replies_kept[reply], most)}</tr>'
        for reply, seen in rows
    )
    table = page.table(("reply", "pairs seen", "kept for training"), cells, "replies") if rows else _NOTHING
    return page.section("The most frequent replies, before and after", f"<p>Case, marks and spacing aside.</p>{table}")


def _bar(count: int, most: int) -> str:
    return f'<td class="number">{count:,}<i style="width:{100 * count / most:.1f}%"></i></td>'


def _rules(repairs: Mapping[str, Any], judges: Mapping[str, Any]) -> str:
    """What each rule did: a table of all, then a section with examples for each that acted."""
    rules = [(name, "changed", "turns", entry) for name, entry in repairs.items()]
    rules += [(reason, "dropped", "pairs", entry) for reason, entry in judges.items()]
    rows, sections = [], []
    for number, (name, verb, unit, entry) in enumerate(rules):
        seen, acted = entry["seen"], entry[verb]
        title = page.text(name)
        if acted:
            sections.append(_rule(f"rule-{number}", title, f"{acted:,} {verb} of {seen:,} {unit}", verb, entry))
            title = f'<a href="#rule-{number}">{title}</a>'
        cells = (f"{seen:,}", f"{acted:,}", plots.share(acted, seen))
        figures = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        rows.append(f'<tr><th scope="row">{title}</th><td>{verb}</td>{figures}</tr>')
    table = page.table(("rule", "what it did", "seen", "acted", "share"), "".join(rows), "rules")
    return "\n".join([page.section("Rules", _LEGEND + table), *sections])


def _rule(anchor: str, title: str, figures: str, verb: str, entry: Mapping[str, Any]) -> str:
    """One rule that acted. A repair has a text before and after; a judge the two sides of a pair that went."""
    heads = ("before", "after") if verb == "changed" else ("context (last turn)", "reply")
    rows = []
    examples = ((shorten(example["before"]), shorten(example["after"])) for example in entry["examples"])
    for before, after in dict.fromkeys(examples):
        sides = marked(before, after) if verb == "changed" else (page.text(before), page.text(after))
        rows.append("<tr>" + "".join(f"<td><bdi>{side}</bdi></td>" for side in sides) + "</tr>")
        if verb == "changed" and before == after:
            rows.append('<tr><td colspan="2"><em>The change lies further on in this long text.</em></td></tr>')
    table = page.table(heads, "".join(rows), "examples") if rows else "<p>No examples.</p>"
    return f'<section class="rule" id="{anchor}"><h3>{title}</h3><p>{figures}</p>{table}</section>'


def marked(before: str, after: str) -> tuple[str, str]:
    """Both texts as HTML, what went in ``del``, what came in ``ins``.

    >>> marked("&lt;3 you", "<3 you")
    ('<del>&amp;lt;</del>3 you', '<ins>&lt;</ins>3 you')
    """
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    steps = matcher.get_opcodes()
    if matcher.ratio() < _SAME:
        steps = [("replace", 0, len(before), 0, len(after))]
    left, right = [], []
    for step, a, b, c, d in steps:
        # Where a long text was cut, what differs just before the cut is only that more or less of it fitted.
        plain = step == "equal" or (_is_cut(before, b) and _is_cut(after, d) and step != "replace")
        left.append(page.safe(before[a:b]) if plain else _mark("del", before[a:b]))
        right.append(page.safe(after[c:d]) if plain else _mark("ins", after[c:d]))
    return "".join(left) or "(empty)", "".join(right) or "(empty)"


def _is_cut(text: str, end: int) -> bool:
    """Whether the text was shortened, and ``end`` is where: before its last sign, the ellipsis."""
    return end == len(text) - 1 and text.endswith("…") and shorten(text + "…") == text


def _mark(tag: str, text: str) -> str:
    """Marked text in which also a character without ink of its own can be seen, by its number."""
    if not text:
        return ""
    inks = (c == " " or unicodedata.category(c) not in _UNSEEN for c in text)
    stacked = all(unicodedata.combining(c) for c in text)  # accents alone would go to the letter before the mark
    named = (c if ink and not stacked else f"⟨U+{ord(c):04X}⟩" for c, ink in zip(text, inks, strict=True))
    return f"<{tag}>{page.safe(''.join(named))}</{tag}>"


def _leaks(leaks: Mapping[str, Any]) -> str:
    """What of a split that was given as such stands in the training input too."""
    rows = ""
    for split, leak in leaks.items():
        names = [page.text(name) for name in leak["names"][:_NAMED]]
        more = len(leak["names"]) - len(names)
        names += [f"and {more:,} more"] if more > 0 else []
        shared = (f"{leak[what]:,} of {leak[f'all_{what}']:,}" for what in ("dialogues", "pairs"))
        cells = "".join(f"<td>{cell}</td>" for cell in (*shared, "<br>".join(names) or "none"))
        rows += f'<tr><th scope="row">{page.text(split)}</th>{cells}</tr>'
    heads = ("given split", "whole dialogues", "pairs", "which dialogues")
    return page.section(
        "What of given splits stands in the training input", page.table(heads, rows, "leaks") if rows else ""
    )


def _left_out(counts: Mapping[str, int], passed_over: Mapping[str, str]) -> str:
    more = len(passed_over) - _NAMED
    rows = "".join(
        f'<tr><th scope="row"><bdi>{page.text(name)}</bdi></th><td>{page.text(why)}</td></tr>'
        for name, why in list(passed_over.items())[:_NAMED]
    )
    files = page.table(("file", "why it was passed over"), rows, "files") if rows else ""
    files += f"<p>And {more:,} more, which report.md names.</p>" if more > 0 else ""
    return page.section("Left out while reading", (_counts(counts) + files) or _NOTHING)


def _counts(counts: Mapping[str, int]) -> str:
    return page.listed(f"{count:,} {what}" for what, count in counts.items())
