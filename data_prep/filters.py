"""Filters that are off until asked for: words that the user bans, and languages other than the one wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.columns import Bools, Ints, to_bools
from data_prep.errors import PrepareError
from data_prep.rules import REASONS
from data_prep.rules.whole_columns import PASSED
from data_prep.text import fold

if TYPE_CHECKING:
    from data_prep.rules.language import LanguageFilter

_PATTERN = 50_000  # bytes of one pattern: RE2 refuses those of megabytes
_LONGEST_PHRASE = 2_000  # characters
_BANNED, _LANGUAGE = REASONS.index("banned words"), REASONS.index("another language")


@dataclass(frozen=True)
class FilterConfig:
    """What else a pair may not hold."""

    language: str | None = None
    """ISO 639-1 code of the language that is kept."""
    banned: tuple[str, ...] = ()
    """Folded words and phrases."""


class Filters:
    """The filters that were asked for."""

    def __init__(self, config: FilterConfig) -> None:
        self._banned = banned_patterns(config.banned)
        self._language = None
        if config.language is not None:
            from data_prep.rules.language import LanguageFilter

            self._language = LanguageFilter(config.language)

    def judge(
        self, verdict: Ints, texts: pa.LargeStringArray, folded: pa.LargeStringArray, last: Ints, reply: Ints
    ) -> None:
        """Enter the reason at the pairs that passed so far and pass no longer.

        Args:
            verdict: for each pair a place in ``REASONS`` or ``PASSED``; changed in place.
            texts: turns.
            folded: their folds.
            last: for each pair the place of the turn before the reply.
            reply: and of the reply.
        """
        for pattern in self._banned:
            bad = to_bools(pc.match_substring_regex(folded, pattern))
            verdict[(verdict == PASSED) & (bad[last] | bad[reply])] = _BANNED
        if self._language is not None:
            rows = np.flatnonzero(verdict == PASSED)
            verdict[rows[_foreign(self._language, texts, last[rows], reply[rows])]] = _LANGUAGE

    def explain(self, context: str, reply: str) -> str | None:
        """The reason for which one pair goes, or None."""
        if any(re.search(pattern, fold(side)) for pattern in self._banned for side in (context, reply)):
            return REASONS[_BANNED]
        if self._language is not None:
            both = pa.array([context, reply], pa.large_string())
            if _foreign(self._language, both, np.array([0]), np.array([1])).any():
                return REASONS[_LANGUAGE]
        return None


def _foreign(language: LanguageFilter, texts: pa.LargeStringArray, last: Ints, reply: Ints) -> Bools:
    """Pairs of which one side, or both together, are surely in another language; a text is asked about once."""
    asked = np.unique(np.r_[last, reply])
    said = dict(zip(asked.tolist(), texts.take(pa.array(asked)).to_pylist(), strict=True))
    alone = {row for row, text in said.items() if language.is_foreign_side(text)}
    return np.array(
        [
            a in alone or b in alone or language.speaks_other(f"{said[a]}\n{said[b]}")
            for a, b in zip(last.tolist(), reply.tolist(), strict=True)
        ],
        bool,
    )


def banned_patterns(phrases: tuple[str, ...]) -> list[str]:
    """What finds a folded phrase as whole words in a folded text; `re` and RE2 read it alike.

    RE2 takes patterns up to some size, so that a long list becomes several.

    >>> [bool(re.search(banned_patterns(("bad word",))[0], fold(text))) for text in ("A bad-WORD!", "bad words")]
    [True, False]
    """
    portions: list[list[str]] = []
    room = 0
    for phrase in map(re.escape, phrases):
        size = len(phrase.encode()) + 1
        if size > room:
            portions.append([])
            room = _PATTERN
        portions[-1].append(phrase)
        room -= size
    return [f"(?:^| )(?:{'|'.join(portion)})(?: |$)" for portion in portions]


def read_banned(path: str) -> tuple[str, ...]:
    """Folded phrases of a list.

    Raises:
        PrepareError: a phrase is endless; and see ``read_list``.
    """
    phrases = tuple(dict.fromkeys(map(fold, read_list(path, "banned words"))))
    longest = max(phrases, key=len)
    if len(longest) > _LONGEST_PHRASE:
        raise PrepareError(
            f"{path}: the line {longest[:40]!r}… has {len(longest):,} characters; "
            f"expected words and phrases of at most {_LONGEST_PHRASE:,}, one a line"
        )
    return phrases


def read_list(path: str, what: str) -> list[str]:
    """The lines of a list; empty ones and those that begin with # are passed over.

    Raises:
        PrepareError: the file cannot be read, or holds nothing.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise PrepareError(
            f"{path}: cannot be read ({error}); expected a list of {what}, one a line, in UTF-8"
        ) from error
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise PrepareError(f"{path}: the list is empty; expected {what}, one a line")
    return found
