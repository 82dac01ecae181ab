"""The one ordered list of repairs and the one of judges, and what runs them.

A repair is ``str -> str``; they also run on what a person types in the chat, so they never raise and never dawdle. A
judge looks at a pair and says whether it must go. A new rule is one function in a file of its theme and one line here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from data_prep.records import Pair
from data_prep.rules import judges, repair_characters, repair_marks, repair_markup
from data_prep.rules.judges import Limits, is_placeholder
from data_prep.rules.screen import is_clean

__all__ = [
    "FILTERS",
    "JUDGES",
    "REASONS",
    "REPAIRS",
    "REPEATS",
    "WHITE_SPACE",
    "Judge",
    "Limits",
    "Repair",
    "is_placeholder",
    "judge",
    "repair",
    "trace",
]


@dataclass(frozen=True, slots=True)
class Repair:
    """One repair: its name as reports show it, and the function."""

    name: str
    apply: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Judge:
    """One judge: the reason for which a pair goes, as reports show it, and the test that says so."""

    reason: str
    rejects: Callable[[Pair, Limits], bool]
    each_side: bool = False
    """It looks at what one side says, wherever it stands, and not at its length: a text is asked about once."""


WHITE_SPACE = "white space"
# Order: what the text is made of, then what was written around it, then how words and marks stand together.
REPAIRS: tuple[Repair, ...] = (
    Repair("halves of characters", repair_characters.mend_surrogates),
    Repair("HTML entities", repair_markup.unescape_entities),
    Repair("broken encoding", repair_characters.mend_encoding),
    Repair("piled-up accents", repair_characters.thin_marks),
    Repair("Unicode composition", repair_characters.compose),
    Repair("control characters", repair_characters.drop_controls),
    Repair("invisible characters", repair_characters.drop_invisible),
    Repair("HTML tags", repair_markup.strip_tags),
    Repair("newlinechar", repair_markup.drop_newline_tokens),
    Repair("curly quotes", repair_marks.straighten_quotes),
    Repair(WHITE_SPACE, repair_characters.even_spaces),
    Repair("parted characters", repair_characters.join_characters),
    Repair("footnote marks", repair_markup.drop_footnotes),
    Repair("spaced apostrophes", repair_marks.join_apostrophes),
    Repair("spaces at marks", repair_marks.close_spaces),
    Repair("glued sentences", repair_marks.part_sentences),
    Repair("held letters and marks", repair_marks.squeeze_repeats),
    Repair("speaker dashes", repair_marks.drop_speaker_dash),
)

JUDGES: tuple[Judge, ...] = (
    Judge("empty side", judges.has_empty_side, each_side=True),
    Judge("placeholder", judges.is_placeholder_pair, each_side=True),
    Judge("context too long", judges.is_context_long),
    Judge("reply too long", judges.is_reply_long),
    Judge("lost characters", judges.has_lost_characters, each_side=True),
    Judge("mostly links", judges.is_mostly_links, each_side=True),
    Judge("no letters", judges.has_no_letters, each_side=True),
    Judge("mostly marks", judges.is_mostly_marks, each_side=True),
    Judge("context too short", judges.is_context_short),
    Judge("reply too short", judges.is_reply_short),
    Judge("reply far longer than its context", judges.is_reply_out_of_proportion),
    Judge("reply echoes its context", judges.is_echo),
)

FILTERS = ("banned words", "another language")
"""Reasons of the filters that the user switches on."""
REPEATS = (
    "says everything and nothing",
    "repeats an earlier pair",
    "stands in another split",
    "nearly repeats an earlier pair",
    "nearly stands in another split",
    "reply stands too often",
)
"""Reasons that only the whole corpus can tell."""
REASONS = (*(each.reason for each in JUDGES), *FILTERS, *REPEATS)
"""Why a pair may be dropped, in the order in which it is asked."""

# What people write settles in two rounds, three at most; more means that somebody nested dirt on purpose.
_ROUNDS = 6
_NOT_WORDS = re.compile(r"[\W_]+")

_Note = Callable[[str, str, str], None]


def repair(text: str) -> str:
    """Text with every repair made, over and over until none changes anything.

    Never raises; the result can be written as UTF-8. ``repair(repair(x)) == repair(x)`` for every ``x``: only what
    the repairs leave alone is ever returned. A text that does not settle in a few rounds (tags nested in tags by
    the hundred) keeps its words and loses its marks, and if even that does not settle it becomes empty.

    >>> repair("&quot;You ' re  <u>late</u> , aren ’ t you ?&quot; ...")
    '"You\\'re late, aren\\'t you?"...'
    """
    return text if is_clean(text) else _settle(text, None)


def trace(text: str) -> list[tuple[str, str, str]]:
    """(rule, before, after) for each repair that changed something, in order; ``[]`` for clean text.

    The last ``after`` is ``repair(text)``.

    >>> trace("- No  way !")
    [('white space', '- No  way !', '- No way !'), ('spaces at marks', '- No way !', '- No way!'), \
('speaker dashes', '- No way!', 'No way!')]
    """
    notes: list[tuple[str, str, str]] = []
    if not is_clean(text):
        _settle(text, lambda name, before, after: notes.append((name, before, after)))
    return notes


def judge(pair: Pair, limits: Limits) -> str | None:
    """The first reason to drop the pair, in the order of ``JUDGES``, or None where all let it pass.

    >>> judge(Pair("d1", ("Where are you?",), "At home."), Limits())
    >>> judge(Pair("d1", ("Where are you?",), "..."), Limits())
    'no letters'
    """
    for each in JUDGES:
        if each.rejects(pair, limits):
            return each.reason
    return None


def _settle(text: str, note: _Note | None) -> str:
    for step in (
        None,
        ("marks that would not settle", _words_only),
        ("text that would not settle", _nothing),
    ):
        if step is not None:
            text = _apply(step[0], step[1], text, note)
        for _ in range(_ROUNDS):
            before = text
            for each in REPAIRS:
                text = _apply(each.name, each.apply, text, note)
            if text == before or is_clean(text):
                return text
    return text


def _apply(name: str, change: Callable[[str], str], text: str, note: _Note | None) -> str:
    after = change(text)
    if note is not None and after != text:
        note(name, text, after)
    return after


def _words_only(text: str) -> str:
    return _NOT_WORDS.sub(" ", text).strip()


def _nothing(_: str) -> str:
    return ""
