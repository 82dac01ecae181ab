"""A page of HTML that needs nothing else: no script, no font, no request; same input, same bytes.

All text of a corpus or a bot is hostile until shown: it is shortened, its controls and direction overrides are made
visible, its markup is escaped, and the page forbids itself to load anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from data_prep.sources.files import valid
from data_prep.tally import shorten
from data_prep.text import printable

_LINE = 1000  # characters of a line of a list
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


def whole(title: str, parts: Iterable[str]) -> str:
    """The page; parts that are empty are left out."""
    return "\n".join([_HEAD.format(title=escape(title)), *filter(None, parts), "</main></body></html>", ""])


def section(title: str, content: str, kind: str = "") -> str:
    """A section, or nothing where there is no content."""
    named = f' class="{kind}"' if kind else ""
    return f"<section{named}><h2>{title}</h2>{content}</section>" if content else ""


def table(heads: Iterable[str], rows: str, kind: str) -> str:
    """A table whose heads and rows are HTML already."""
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f'<table class="{kind}"><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>'


def listed(lines: Iterable[str]) -> str:
    """A list of foreign lines, or nothing where there are none."""
    rows = "".join(f"<li>{safe(line[:_LINE])}</li>" for line in lines)
    return f"<ul>{rows}</ul>" if rows else ""


def text(foreign: str) -> str:
    """Foreign text of bearable length, fit to stand in HTML."""
    return safe(shorten(foreign))


def safe(foreign: str) -> str:
    """Foreign text, fit to stand in HTML."""
    return escape(printable(valid(foreign)))


_HEAD = (
    """<!DOCTYPE html>
<html lang="en"><head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
"""
    + _CSS.replace("{", "{{").replace("}", "}}")
    + """</style>
</head><body><main>"""
)
