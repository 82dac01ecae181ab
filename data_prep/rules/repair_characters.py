"""Repairs of single characters: broken encodings, composition, and what the eye cannot see.

Each repair is ``str -> str``, needs no other to have run before it, and takes time in proportion to the text.
"""

from __future__ import annotations

import re
import unicodedata

from ftfy import TextFixerConfig, fix_encoding
from ftfy.badness import is_bad

_SURROGATE = re.compile(
    "[\ud800-\udbff][\udc00-\udfff]|[\udc80-\udcff]+|[\ud800-\udbff]+(?![\udc00-\udfff])|[\udc00-\udfff]"
)
_C1 = re.compile("[\x80-\x9f]")
_CP1252 = {byte: bytes([byte]).decode("cp1252", "ignore") or None for byte in range(0x80, 0xA0)}
# Mojibake shows at least one of these; a text without them is spared the long look (French é or Japanese alone).
_MOJIBAKE_SIGN = re.compile("[\x80-\xdd\u0100-\u02ff\u0370-\u045f\u0490\u0491\u2000-\u25ff\uf8ff\ufb00-\ufb06\ufffd]")
_CAUTIOUS = TextFixerConfig(unescape_html=False, explain=False)
_LOST_APOSTROPHE = re.compile("(?<=[A-Za-z])\ufffd(?=(?:s|t|re|ll|ve|d|m)(?![A-Za-z]))", re.IGNORECASE)

_MARKS_MOST = 4
_DOUBLE_MARKS = "\u0f73\u0f75\u0f81"  # not in the classes of marks that sort, but their two halves are
_STACKED = re.compile(rf"[^\w\s\x00-\x7f]{{{_MARKS_MOST + 1},}}")

_CONTROL = re.compile(
    "\x1b\\[[0-9;?]{0,32}[A-Za-z]"  # terminal colours and cursor moves
    "|\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"  # mIRC colours
    "|[\x00-\x08\x0e-\x1b\x1d\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]"
)

# Scripts whose letters change shape at a joiner: Arabic to Indic, Tibetan, Burmese, Khmer, Mongolian and others.
_JOINED = (
    "\u0600-\u0dff\u0f00-\u109f\u1780-\u18af\u1a00-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001e900-\U0001e95f"
)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ebef"
_TOGETHER = re.compile(f"[{_HAN}]{{2}}")
_HAN_MARK = "\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f"
_PARTED = re.compile(f" (?<=[{_HAN}{_HAN_MARK}] )(?=[{_HAN}{_HAN_MARK}])")
_PICTURE = "\u2190-\u2bff\U0001f000-\U0001faff"
_PICTURE_END = _PICTURE + "\xa9\xae\u20e3\ufe0f\U000e007f"
_NEVER = "\xad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0001"
_TAGS = "\U000e0020-\U000e007f"
_INVISIBLE = re.compile(
    f"[{_NEVER}\u180e\u200c\u200d{_TAGS}](?:"
    f"(?<=[{_NEVER}])"
    "|(?<=\u180e)(?<![\u1800-\u18af].)"
    f"|(?<=\u200c)(?:(?<![{_JOINED}].)|(?![{_JOINED}]))"
    f"|(?<=\u200d)(?:(?<![{_JOINED}{_PICTURE_END}].)|(?<=[{_PICTURE_END}].)(?![{_PICTURE}]))"
    f"|(?<=[{_TAGS}])(?<![\U0001f3f4{_TAGS}].)[{_TAGS}]*)"
)


def mend_surrogates(text: str) -> str:
    r"""Make every text one that UTF-8 can write: half characters are paired, read as CP1252, or marked as lost.

    Python lets halves of UTF-16 characters and ``surrogateescape`` bytes live in a ``str``; files and
    tokenisers do not. Bytes that were carried along are taken for UTF-8 if they are, else for CP1252.

    >>> mend_surrogates("\ud83d\ude00 it\udc92s")
    '😀 it’s'
    >>> mend_surrogates("half \ud83d") == "half \ufffd"
    True
    >>> mend_surrogates("😀 stays")
    '😀 stays'
    """
    return text if text.isascii() else _SURROGATE.sub(_whole, text)


def mend_encoding(text: str) -> str:
    r"""Undo UTF-8 that was read as something else, and CP1252 punctuation left as C1 controls.

    ftfy judges and decodes; it leaves accents that make sense alone, and so does this. An apostrophe that a
    wrong decoder turned into U+FFFD is put back where only an apostrophe can stand.

    >>> mend_encoding("cafÃ© â€œchezâ€\x9d moi")
    'café “chez” moi'
    >>> mend_encoding("it\x92s late\x85")
    'it’s late…'
    >>> mend_encoding("don\ufffdt")
    "don't"
    >>> mend_encoding("Où êtes-vous, señor Ångström? 10 °C, ½ £")
    'Où êtes-vous, señor Ångström? 10 °C, ½ £'
    """
    if text.isascii() or not _MOJIBAKE_SIGN.search(text):
        return text
    if is_bad(text):
        text = fix_encoding(text, _CAUTIOUS)
        if _C1.search(text):
            text = text.translate(_CP1252)
    return _LOST_APOSTROPHE.sub("'", text) if "\ufffd" in text else text


def thin_marks(text: str) -> str:
    r"""Keep four accents at most on one letter: towers of them are a prank, and sorting them takes for ever.

    No script piles up more than four in a row. Marks that take part in no reordering (Tibetan stacks, vowel signs
    that follow their letter) are not counted.

    >>> thin_marks("h" + "\u0301\u0316" * 50 + "i") == "h" + "\u0301\u0316" * 2 + "i"
    True
    >>> thin_marks("❤️❤️❤️ → ❤️")
    '❤️❤️❤️ → ❤️'
    """
    return text if text.isascii() else _STACKED.sub(_thin, text)


def compose(text: str) -> str:
    r"""Write each letter one way: Unicode NFC, so that é is é, however it was typed.

    Compatibility forms stay (full-width letters, ligatures, ², ™): folding them would change what is read.

    >>> compose("cafe\u0301") == "caf\u00e9"
    True
    >>> compose("ﬁne Ｈｉ x²")
    'ﬁne Ｈｉ x²'
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def drop_controls(text: str) -> str:
    r"""Drop terminal escapes, IRC colours and control characters: nobody said them, and a terminal obeys them.

    Tabs, line breaks and the separators that Unicode counts as white space are left to ``even_spaces``.

    >>> drop_controls("\x1b[31mred\x1b[0m, \x0304,12blue\x03 and \x02bold\x0f")
    'red, blue and bold'
    >>> drop_controls("tab\tstays here")
    'tab\tstays here'
    """
    return text if text.isprintable() else _CONTROL.sub("", text)


def drop_invisible(text: str) -> str:
    r"""Drop zero-width spaces, byte order marks, soft hyphens, direction marks and invisible fillers.

    Left alone: the non-joiner and joiner (U+200C, U+200D) where the script needs them, as in Persian and the
    Indic scripts; the joiner and tags inside emoji; variation selectors; the Mongolian vowel separator.

    >>> drop_invisible("\ufeffco\xadop\u200b \u202ework\u202c")
    'coop work'
    >>> drop_invisible("می\u200cخواهم") == "می\u200cخواهم"
    True
    >>> drop_invisible("👩\u200d💻 a\u200db") == "👩\u200d💻 ab"
    True
    """
    return text if text.isascii() else _INVISIBLE.sub("", text)


def join_characters(text: str) -> str:
    """Close Chinese text of which a tokeniser parted every character; where two stand together, nobody did.

    >>> join_characters("你 好 ， 在 哪 里 ？ ok 吗"), join_characters("你好 朋友")
    ('你好，在哪里？ ok 吗', '你好 朋友')
    """
    if text.isascii() or not _PARTED.search(text) or _TOGETHER.search(text):
        return text
    return _PARTED.sub("", text)


def even_spaces(text: str) -> str:
    r"""One plain space between words and none around: line breaks, tabs, no-break and ideographic spaces alike.

    >>> even_spaces("  two\u3000 \xa0words \n")
    'two words'
    >>> even_spaces("one space")
    'one space'
    """
    if text.isprintable() and "  " not in text and not text.startswith(" ") and not text.endswith(" "):
        return text  # every white space but the plain one counts as "not printable"
    return " ".join(text.split())


def may_be_mojibake(text: str) -> bool:
    """Whether ``mend_encoding`` might change ``text``: ftfy's own judgement, behind a cheaper look."""
    return bool(_MOJIBAKE_SIGN.search(text)) and ("\ufffd" in text or is_bad(text))


def may_be_parted(text: str) -> bool:
    """Whether ``join_characters`` might change ``text``."""
    return bool(_PARTED.search(text))


def _whole(match: re.Match[str]) -> str:
    found = match[0]
    if found[0] < "\udc00" <= found[-1]:
        return chr(0x10000 + ((ord(found[0]) - 0xD800) << 10) + (ord(found[1]) - 0xDC00))
    if not "\udc80" <= found[0] <= "\udcff":
        return "\ufffd" * len(found)
    raw = found.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _thin(match: re.Match[str]) -> str:
    kept, run = [], 0
    for character in match[0]:
        run = run + 1 if unicodedata.combining(character) or character in _DOUBLE_MARKS else 0
        if run <= _MARKS_MOST:
            kept.append(character)
    return "".join(kept)
