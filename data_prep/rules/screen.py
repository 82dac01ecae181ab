"""The cheap test that lets clean lines pass: most lines need no repair, and learning that is most of the work."""

from __future__ import annotations

import re
import unicodedata

from data_prep.rules.repair_characters import may_be_mojibake, may_be_parted

# Each pattern begins with a set of characters and looks back from there: the regex engine then skips all else.
_BAD_STOP = re.compile(r"[.?!,;:](?:(?<= [,;:?!])|(?<= \.)(?!\w)|(?<=\w\w[.?!])[^\W\d_])").search
_BAD_MARK = re.compile(
    "[&<`'($£€¥\\[\"%)´′‘’‚‛“”„‟\u034f\u3164\uffa0。、，！？；：؟،؛।॥]"
    r"""(?:
      (?<=['($£€¥"])[ ]
    | (?<=[ ][%)。、，！？；：؟،؛।॥])
    | (?<=[ ]')[strlvdmSTRLVDM]
    | (?<=[nN ]')(?: (?<=[ ]n') | (?<=[ ]N') | (?<=\b\w[ ]') | (?<=(?:qu|QU|Qu|ma|Ma|MA)[ ]') )
    | (?<='')
    | (?<=&)[#A-Za-z]
    | (?<=<)[/A-Za-z]
    | (?<=[.?!,;:"')…]\[)\d
    | (?<=[`´′‘’‚‛“”„‟\u034f\u3164\uffa0])
    )""",
    re.VERBOSE,
).search
_HELD = re.compile(r"(.)\1\1\1").search
_HELD_PICTURE = re.compile("(.\ufe0f)\\1{3}").search
_STACKED = re.compile(r"[^\w\s\x00-\x7f]{5}").search
_EDGES = (" ", "-", "–", "—", "―")


def is_clean(text: str) -> bool:
    """Whether no repair would change ``text``; a "no" may be wrong (the repairs will see), a "yes" is not.

    A clean line of 60 characters costs about two microseconds.

    >>> is_clean("Well... that's what he said, isn't it?"), is_clean("où est la gare?"), is_clean("お元気ですか。")
    (True, True, True)
    >>> is_clean("two  spaces"), is_clean("you ' re"), is_clean("cafÃ©")
    (False, False, False)
    """
    # Tabs, controls, odd spaces, zero-width and direction characters and surrogates are all "not printable".
    if not text.isprintable() or "  " in text or text.startswith(_EDGES) or text.endswith(" "):
        return False
    if _BAD_STOP(text) or _HELD(text) or _BAD_MARK(text) or "newlinechar" in text:
        return False
    return text.isascii() or not (
        not unicodedata.is_normalized("NFC", text)
        or may_be_mojibake(text)
        or _STACKED(text)
        or _HELD_PICTURE(text)
        or may_be_parted(text)
    )
