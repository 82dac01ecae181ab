"""The card of a bot: a page of Markdown that says what it is, where it comes from and what not to expect."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from data_prep.text import printable

MAX_CURVE = 40
"""Rows of the learning curve on the card; a longer one is thinned, the whole stands in training.json."""

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")

_HEAD = """\
# A chatbot

A recurrent network (encoder and decoder) that answers the last lines of a conversation.
It was trained from nothing on the conversations described below, and knows nothing else.

    chatbot chat BOT                     talk to it in a terminal
    chatbot reply BOT < questions.txt    a JSON object for each line

where BOT is this folder. From Python:

    from chatbot import load

    bot = load("BOT")
    print(bot.reply(["How are you?"]).text)

Loading runs no code from this folder, and refuses it when a byte of it was changed.
"""

_LIMITS = """\
## Limits

- It says what was often said after lines like yours. It does not know what is true, and remembers only the
  last {turns} of a conversation.
- It speaks in the manner of its training data, whatever that is, and in no other language.
- Names, numbers and private remarks of the training data can come out again. Share this folder only
  with people who might read that data.
"""


def card(
    *,
    parameters: int,
    config: Mapping[str, Any],
    prepare: Mapping[str, Any],
    training: Mapping[str, Any],
    samples: Sequence[tuple[str, str]],
    pictures: Sequence[str] = (),
    figures: Mapping[str, Any] | None = None,
) -> str:
    """The whole card.

    ``samples`` are questions with the bot's answers, ``pictures`` files beside it, ``figures`` what an evaluation
    found: texts and tables, by title (a table is a list of rows, its heads first).
    """
    turns = config.get("context_turns", 1)
    parts = [
        _HEAD,
        f"## Size\n\n{_facts({'parameters': parameters, **_scalars(config), **_group(config, 'network')})}",
        f"## Data\n\n{_facts({**_scalars(prepare), **_group(prepare, 'dropped')})}",
        f"## Training\n\n{_facts(_trained(training))}\n{''.join(f'![{p}]({p})' for p in pictures)}\n",
        _curve(training.get("curve")),
        _evaluation(figures or {}),
        _samples(samples),
        _LIMITS.format(turns="turn" if turns == 1 else f"{turns} turns"),
    ]
    return "\n".join(part for part in parts if part)


def plain(text: str) -> str:
    r"""Text that neither a terminal nor a Markdown reader takes for more than text.

    >>> plain("<b>*hi*</b>")
    '\\<b\\>\\*hi\\*\\</b\\>'
    """
    return _MARKUP.sub(r"\\\1", printable(text))


def _facts(facts: Mapping[str, Any]) -> str:
    """A bulleted list of figures."""
    lines = [f"- {_name(name)}: {_value(value)}\n" for name, value in facts.items()]
    return "".join(lines) or "Nothing was noted.\n"


def _name(name: str) -> str:
    """A key as people read it: ``nats_per_word`` is nats per word."""
    return plain(str(name).replace("_", " "))


def _value(value: object) -> str:
    """A single figure or word as the card shows it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return plain(str(value))


def _scalars(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What of a mapping is a single figure or word; the version of a file format interests nobody here."""
    kinds = (str, int, float, bool)
    return {name: value for name, value in facts.items() if isinstance(value, kinds) and name != "format"}


def _trained(training: Mapping[str, Any]) -> dict[str, Any]:
    """How the training went; what it notes as the best step is that of the weights (see checkpoint.keep: last)."""
    names = {"best_step": "step of the weights"}
    return {names.get(name, name): fact for name, fact in _scalars(training).items()}


def _group(facts: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The single figures of a mapping within a mapping, each named after both."""
    group = facts.get(name)
    return {f"{name}: {k}": v for k, v in _scalars(group).items()} if isinstance(group, Mapping) else {}


def _curve(curve: object) -> str:
    """The learning curve as a table, its columns those of its first row; nothing where there is none."""
    if not (isinstance(curve, Sequence) and curve and all(isinstance(row, Mapping) for row in curve)):
        return ""
    stride = -(-len(curve) // MAX_CURVE)
    rows = [row for number, row in enumerate(curve) if number % stride == 0 or number == len(curve) - 1]
    names = list(_scalars(curve[0]))
    lines = [[_name(name) for name in names], ["---:"] * len(names)]
    lines += [[_value(row.get(name)) for name in names] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _evaluation(figures: Mapping[str, Any]) -> str:
    """What an evaluation found."""
    parts = []
    for title, content in figures.items():
        if isinstance(content, str):
            parts.append(f"{plain(content)}\n")
            continue
        heads, *rows = [[plain(str(cell)) for cell in row] for row in content]
        lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
        parts.append(f"{plain(title)}:\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    return "## Figures\n\n" + "\n".join(parts) if parts else ""


def _samples(samples: Sequence[tuple[str, str]]) -> str:
    """Questions and answers as a table."""
    if not samples:
        return ""
    rows = "".join(f"| {plain(said)} | {plain(reply)} |\n" for said, reply in samples)
    return f"## Samples\n\n| said to it | its reply |\n|---|---|\n{rows}"
