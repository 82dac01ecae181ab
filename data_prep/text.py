"""The two readings of a text that every count and comparison uses."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"\w+|[^\w\s]")
# What `\w` of `re` takes is letters, digits and the underscore; marks (category M) it leaves out. So runs of
# characters outside L, M and N are found by category, and plain ASCII text by a table, which is far faster.
_ASCII_FOLD = str.maketrans({chr(c): " " for c in range(128) if not chr(c).isalnum()})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def words(text: str) -> list[str]:
    r"""Words and marks, as counted everywhere: ``re.findall(r"\w+|[^\w\s]", text)``.

    >>> words("You're late, Sam!")
    ['You', "'", 're', 'late', ',', 'Sam', '!']
    """
    return _WORD.findall(text)


@lru_cache(maxsize=4096)  # a turn is folded as a reply, as a context, and by a judge, all within its dialogue
def fold(text: str) -> str:
    """What makes two texts "the same": case, marks and spacing aside, letters and digits equal.

    NFKC, casefold, each run of characters that are not letters, marks or digits (Unicode L, M, N) becomes one
    space, stripped. A text that folds to nothing keeps its NFKC casefold, so that "?!" differs from "...".

    >>> fold("  It's ﬁne -- really!! ")
    'it s fine really'
    >>> fold("?!")
    '?!'
    """
    if text.isascii():
        lowered = text.lower()
        return " ".join(lowered.translate(_ASCII_FOLD).split()) or lowered
    lowered = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in lowered)
    return " ".join(kept.split()) or lowered


def printable(text: str) -> str:
    r"""Text that may be shown in a terminal: controls, line breaks and direction overrides become ``·``.

    >>> printable("red \x1b[31m alert")
    'red ·[31m alert'
    """
    return _CONTROL.sub("·", text)
