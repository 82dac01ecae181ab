"""The judges on whole columns of pairs; what each says of a pair is what its scalar twin in ``JUDGES`` says.

Judges of a single text are asked once a text, and most texts need no asking at all. Judges of lengths and of both
sides are arithmetic on columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.columns import Bools, Counts, Ints, Keys, to_bools
from data_prep.records import Pair
from data_prep.rules import JUDGES, Limits, is_placeholder
from data_prep.rules.judges import FEW_MARKS, LINK_SIGN, PLACEHOLDER_SIGN

PASSED = -1


@dataclass(frozen=True)
class Texts:
    """Distinct or repeated texts, and all that the judges ask about them."""

    texts: pa.LargeStringArray
    counts: Counts
    folded: Keys
    """A key of each folded text: equal where the folds are."""


@dataclass(frozen=True)
class Pairs:
    """Pairs as places in a column of texts."""

    last: Ints
    """The turn before the reply."""
    reply: Ints
    context_characters: Ints
    """Of all turns of the context together."""


def hollow(texts: Texts) -> Bools:
    """Texts that say nothing: empty, or a placeholder."""
    result: Bools = texts.counts.characters == 0
    for row in np.flatnonzero(_signs(texts, PLACEHOLDER_SIGN) & (texts.counts.characters <= 250)).tolist():
        result[row] = is_placeholder(texts.texts[row].as_py())
    return result


def judge_all(texts: Texts, pairs: Pairs, limits: Limits) -> Ints:
    """For each pair the place in ``JUDGES`` of the first judge that rejects it, or ``PASSED``."""
    of_side = _side_verdicts(texts, limits)
    verdict = np.full(len(pairs.reply), PASSED, np.int64)
    for place in reversed(range(len(JUDGES))):
        reason = JUDGES[place].reason
        if reason in of_side:
            bad = of_side[reason]
            rejected = bad[pairs.last] | bad[pairs.reply]
        else:
            rejected = _TWINS[reason](texts, pairs, limits)
        verdict[rejected] = place
    return verdict


def _doubtful(texts: Texts, limits: Limits) -> Ints:
    """Rows on which a judge of one side may have something to say; the others are ASCII, with a letter, few marks, and
    no sign of a placeholder or a link."""
    counts = texts.counts
    few = counts.marks <= FEW_MARKS
    if limits.max_marks is not None:
        few |= counts.marks <= limits.max_marks * (counts.marks + counts.letters)
    sound = counts.ascii & (counts.letters > 0) & few & ~_signs(texts, f"{PLACEHOLDER_SIGN}|{LINK_SIGN}")
    return np.flatnonzero(~sound)


def _signs(texts: Texts, pattern: str) -> Bools:
    return to_bools(pc.match_substring_regex(texts.texts, pattern))


def _side_verdicts(texts: Texts, limits: Limits) -> dict[str, Bools]:
    asked = [judge for judge in JUDGES if judge.each_side]
    verdicts = {judge.reason: np.zeros(len(texts.texts), bool) for judge in asked}
    rows = _doubtful(texts, limits)
    for row, text in zip(rows.tolist(), texts.texts.take(pa.array(rows)).to_pylist(), strict=True):
        alone = Pair("", (text,), text)
        for judge in asked:
            if judge.rejects(alone, limits):
                verdicts[judge.reason][row] = True
    return verdicts


def _context_long(texts: Texts, pairs: Pairs, limits: Limits) -> Bools:
    most = None if limits.max_chars is None else 2 * limits.max_chars
    return _long(texts, limits.max_context_words, most)[pairs.last]


def _reply_long(texts: Texts, pairs: Pairs, limits: Limits) -> Bools:
    return _long(texts, limits.max_words, limits.max_chars)[pairs.reply]


def _context_short(texts: Texts, pairs: Pairs, limits: Limits) -> Bools:
    return _short(texts, limits)[pairs.last]


def _reply_short(texts: Texts, pairs: Pairs, limits: Limits) -> Bools:
    return _short(texts, limits)[pairs.reply]


def _out_of_proportion(texts: Texts, pairs: Pairs, limits: Limits) -> Bools:
    if limits.max_reply_ratio is None:
        return np.zeros(len(pairs.reply), bool)
    most = np.maximum(limits.free_reply_chars, limits.max_reply_ratio * pairs.context_characters)
    long: Bools = texts.counts.characters[pairs.reply] > most
    return long


def _echo(texts: Texts, pairs: Pairs, limits: Limits) -> Bools:
    same: Bools = texts.folded[pairs.last] == texts.folded[pairs.reply]
    return same


def _long(texts: Texts, most_words: int | None, most_chars: int | None) -> Bools:
    long = np.zeros(len(texts.texts), bool)
    if most_chars is not None:
        long |= texts.counts.characters > most_chars
    if most_words is not None:
        long |= texts.counts.words > most_words
    return long


def _short(texts: Texts, limits: Limits) -> Bools:
    if limits.min_words <= 1:
        return np.zeros(len(texts.texts), bool)
    short: Bools = texts.counts.words < limits.min_words
    return short


_TWINS: dict[str, Callable[[Texts, Pairs, Limits], Bools]] = {
    "context too long": _context_long,
    "reply too long": _reply_long,
    "context too short": _context_short,
    "reply too short": _reply_short,
    "reply far longer than its context": _out_of_proportion,
    "reply echoes its context": _echo,
}
