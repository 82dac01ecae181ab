"""What was done, as one page of HTML that needs nothing else: no script, no font, no request; same input, same bytes.

All text of the corpus is hostile until shown: it is shortened, its controls and direction overrides are made visible,
its markup is escaped, and the page forbids itself to load anything.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from html import escape
from typing import Any

from data_prep import plots
from data_prep.report import Report
from data_prep.shape import Shape
from data_prep.sources.files import valid
from data_prep.tally import shorten
from data_prep.text import printable

_REPLIES = 20  # replies that the page compares
_LINE = 1000  # characters of a warning
_NAMED = 200  # files passed over that the page names; report.md names all
_SAME = 0.4  # texts less alike than this are marked whole: letters that happen to agree would only confuse
_UNSEEN = {"Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}  # categories of characters that leave no ink
_NOTHING = "<p>Nothing.</p>"
_LEGEND = (
    "<p>A dot · stands for a control character, a line end or a change of direction. "
    "In examples <del>this went</del> and <ins>this came</ins>.</p>"
)
_CSS = """\
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2125; --line: #d5d9de; --bar: #3867b0; --soft: #f3f5f7;
  --went: #ffdcd8; --came: #cdf0d3; --warn: #fff3cd; --link: #1d56a8 }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #16191d; --ink: #e4e7ea; --line: #3c434b; --bar: #7fa8e6; --soft: #20252b;
    --went: #6b2a27; --came: #1f5530; --warn: #4a3d10; --link: #8db8f5 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.6rem; margin: .5rem 0 1rem } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .25rem } p { margin: .25rem 0 .5rem } ul { padding-left: 1.2rem }
a { color: var(--link) } small { font-size: .55em; font-weight: normal; opacity: .8 }
li, td, th { overflow-wrap: anywhere }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem; margin: 0 }
.figures div { background: var(--soft); padding: .5rem .75rem; border-radius: .4rem }
.figures dt { font-size: .85rem } .figures dd { margin: 0; font-size: 1.3rem; font-weight: 600 }
.warnings { background: var(--warn); padding: .1rem 1rem .5rem; border-radius: .4rem; margin-top: 1rem }
.warnings h2 { margin-top: .75rem }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem }
figure { margin: 0; min-width: 0 } figcaption { margin-bottom: .5rem; font-size: .9rem }
svg { display: block; width: 100%; max-width: 32rem; height: auto; overflow: visible; font-family: inherit }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
td, th { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } tbody th { font-weight: normal } thead th { overflow-wrap: normal }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.rules th:nth-child(n+3) { text-align: right }
.replies { table-layout: fixed } .replies th:first-child { width: 44% } .replies .number { text-align: left }
.number i { display: block; height: .35rem; min-width: 1px; background: var(--bar) }
.examples { table-layout: fixed } .examples td { white-space: pre-wrap; overflow: hidden; width: 50% }
del, ins { padding: 0 .1em; text-decoration: none; color: inherit }
del { background: var(--went); border-bottom: 2px dotted } ins { background: var(--came); border-bottom: 2px solid }
@media (max-width: 40rem) {
  .figures { grid-template-columns: repeat(2, 1fr) } td, th { padding: .3rem }
  .rules td:nth-child(2), .rules th:nth-child(2) { display: none }
}
@media print {
  body { font-size: 10pt } main { max-width: none; padding: 0 } a { color: inherit; text-decoration: none }
  figure, tr, .rule, .figures div { break-inside: avoid } h2, h3 { break-after: avoid }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
"""


def to_html(report: Report, shape: Shape, drawn: str | None = None) -> str:
    """report.html; ``drawn`` is what `draw` made of the same report, or will be made."""
    books = report.as_dict()
    body = [
        "<header><h1>What preparing did</h1>",
        _figures(report),
        _list(line.strip() for line in report.summary()),
        "</header>",
        _titled("Warnings", _list(dict.fromkeys(books["warnings"])), "warnings"),
        draw(report, shape) if drawn is None else drawn,
        _replies(shape),
        _rules(books["repairs"], books["judges"]),
        _leaks(books["leaks"]),
        _left_out(books["left_out"], books["passed_over"]),
    ]
    return "\n".join([_HEAD, *filter(None, body), "</main></body></html>", ""])


_HEAD = f"""<!DOCTYPE html>
<html lang="en"><head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What preparing did</title>
<style>
{_CSS}</style>
</head><body><main>"""


def _figures(report: Report) -> str:
    """The figures that people look for first, large."""
    dropped = report.seen - report.kept
    rows = [("dialogues", report.dialogues, ""), ("turns", report.turns, ""), ("pairs seen", report.seen, "")]
    rows += [("pairs kept", report.kept, plots.share(report.kept, report.seen))]
    rows += [("pairs dropped", dropped, plots.share(dropped, report.seen))]
    rows += [(f"kept for {name}", count, plots.share(count, report.kept)) for name, count in report.splits.items()]
    cells = (f"<div><dt>{_text(name)}</dt><dd>{n:,} <small>{share}</small></dd></div>" for name, n, share in rows)
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
    return _titled("In figures", f'<div class="plots">{"".join(drawn)}</div>')


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
        f'<tr><th scope="row">{_text(reply)}</th>{_bar(seen, most)}{_bar(shape.replies_kept[reply], most)}</tr>'
        for reply, seen in rows
    )
    table = _table(("reply", "pairs seen", "kept for training"), cells, "replies") if rows else _NOTHING
    return _titled("The most frequent replies, before and after", f"<p>Case, marks and spacing aside.</p>{table}")


def _bar(count: int, most: int) -> str:
    return f'<td class="number">{count:,}<i style="width:{100 * count / most:.1f}%"></i></td>'


def _rules(repairs: Mapping[str, Any], judges: Mapping[str, Any]) -> str:
    """What each rule did: a table of all, then a section with examples for each that acted."""
    rules = [(name, "changed", "turns", entry) for name, entry in repairs.items()]
    rules += [(reason, "dropped", "pairs", entry) for reason, entry in judges.items()]
    rows, sections = [], []
    for number, (name, verb, unit, entry) in enumerate(rules):
        seen, acted = entry["seen"], entry[verb]
        title = _text(name)
        if acted:
            sections.append(_rule(f"rule-{number}", title, f"{acted:,} {verb} of {seen:,} {unit}", verb, entry))
            title = f'<a href="#rule-{number}">{title}</a>'
        cells = (f"{seen:,}", f"{acted:,}", plots.share(acted, seen))
        figures = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        rows.append(f'<tr><th scope="row">{title}</th><td>{verb}</td>{figures}</tr>')
    table = _table(("rule", "what it did", "seen", "acted", "share"), "".join(rows), "rules")
    return "\n".join([_titled("Rules", _LEGEND + table), *sections])


def _rule(anchor: str, title: str, figures: str, verb: str, entry: Mapping[str, Any]) -> str:
    """One rule that acted. A repair has a text before and after; a judge the two sides of a pair that went."""
    heads = ("before", "after") if verb == "changed" else ("context (last turn)", "reply")
    rows = []
    examples = ((shorten(example["before"]), shorten(example["after"])) for example in entry["examples"])
    for before, after in dict.fromkeys(examples):
        sides = marked(before, after) if verb == "changed" else (_text(before), _text(after))
        rows.append("<tr>" + "".join(f"<td><bdi>{side}</bdi></td>" for side in sides) + "</tr>")
        if verb == "changed" and before == after:
            rows.append('<tr><td colspan="2"><em>The change lies further on in this long text.</em></td></tr>')
    table = _table(heads, "".join(rows), "examples") if rows else "<p>No examples.</p>"
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
        left.append(_safe(before[a:b]) if plain else _mark("del", before[a:b]))
        right.append(_safe(after[c:d]) if plain else _mark("ins", after[c:d]))
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
    return f"<{tag}>{_safe(''.join(named))}</{tag}>"


def _leaks(leaks: Mapping[str, Any]) -> str:
    """What of a split that was given as such stands in the training input too."""
    rows = ""
    for split, leak in leaks.items():
        names = [_text(name) for name in leak["names"][:_NAMED]]
        more = len(leak["names"]) - len(names)
        names += [f"and {more:,} more"] if more > 0 else []
        shared = (f"{leak[what]:,} of {leak[f'all_{what}']:,}" for what in ("dialogues", "pairs"))
        cells = "".join(f"<td>{cell}</td>" for cell in (*shared, "<br>".join(names) or "none"))
        rows += f'<tr><th scope="row">{_text(split)}</th>{cells}</tr>'
    heads = ("given split", "whole dialogues", "pairs", "which dialogues")
    return _titled("What of given splits stands in the training input", _table(heads, rows, "leaks") if rows else "")


def _left_out(counts: Mapping[str, int], passed_over: Mapping[str, str]) -> str:
    more = len(passed_over) - _NAMED
    rows = "".join(
        f'<tr><th scope="row"><bdi>{_text(name)}</bdi></th><td>{_text(why)}</td></tr>'
        for name, why in list(passed_over.items())[:_NAMED]
    )
    files = _table(("file", "why it was passed over"), rows, "files") if rows else ""
    files += f"<p>And {more:,} more, which report.md names.</p>" if more > 0 else ""
    return _titled("Left out while reading", (_counts(counts) + files) or _NOTHING)


def _titled(title: str, content: str, kind: str = "") -> str:
    """A section, or nothing where there is no content."""
    named = f' class="{kind}"' if kind else ""
    return f"<section{named}><h2>{title}</h2>{content}</section>" if content else ""


def _table(heads: Iterable[str], rows: str, kind: str) -> str:
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f'<table class="{kind}"><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>'


def _counts(counts: Mapping[str, int]) -> str:
    return _list(f"{count:,} {what}" for what, count in counts.items())


def _list(lines: Iterable[str]) -> str:
    rows = "".join(f"<li>{_safe(line[:_LINE])}</li>" for line in lines)
    return f"<ul>{rows}</ul>" if rows else ""


def _text(text: str) -> str:
    """Foreign text of bearable length, fit to stand in HTML."""
    return _safe(shorten(text))


def _safe(text: str) -> str:
    return escape(printable(valid(text)))
