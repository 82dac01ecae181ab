"""Reasons to drop a pair: each judge is ``(Pair, Limits) -> bool`` and is asked after the repairs.

They look at the reply and at the last turn before it; older turns are background. Thresholds stand in ``Limits``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from data_prep.records import Pair
from data_prep.text import fold, words


@dataclass(frozen=True)
class Limits:
    """What a pair may be. ``None`` means no limit. Words are counted as ``data_prep.text.words`` counts them."""

    min_words: int = 1
    """Fewest words and marks on either side."""

    max_words: int | None = 40
    """Most words and marks of a reply."""

    max_context_words: int | None = 80
    """Most words and marks of the last turn before the reply."""

    max_chars: int | None = 320
    """Most characters of a reply, and half the most of the last turn: for scripts that put no spaces between words."""

    max_reply_ratio: float | None = 10.0
    """How many times longer than all its context, in characters, a reply may be."""

    free_reply_chars: int = 120
    """A reply of up to so many characters is never too long for its context: "Hi" may be met with two sentences."""

    max_marks: float | None = 0.5
    """Largest share of marks among letters, digits and marks; a run of one same mark counts once."""

    max_links: float | None = 0.5
    """Largest share of the characters that may belong to links."""

    def __post_init__(self) -> None:
        """Refuse limits that contradict themselves or each other, in plain words."""
        if self.min_words < 0 or self.free_reply_chars < 0:
            raise ValueError("min_words and free_reply_chars cannot be negative")
        for name in ("max_words", "max_context_words"):
            most = getattr(self, name)
            if most is not None and most < max(1, self.min_words):
                raise ValueError(
                    f"{name} is {most}, but it must be at least 1 and at least min_words ({self.min_words})"
                )
        if self.max_chars is not None and self.max_chars < 1:
            raise ValueError(f"max_chars is {self.max_chars}, but it must be at least 1, or null for no limit")
        if self.max_reply_ratio is not None and self.max_reply_ratio <= 0:
            raise ValueError(f"max_reply_ratio is {self.max_reply_ratio}, but it must be above 0, or null for no limit")
        for name in ("max_marks", "max_links"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"{name} is {share}, but a share lies between 0 and 1")


_LINK = re.compile(r"\b(?:https?://|ftp://|www\.)\w\S*", re.IGNORECASE)
LINK_SIGN = "://|ww"  # every link has one of these in it, in small letters or capitals
_LETTER = re.compile(r"[^\W\d_]")
_MARK = re.compile(r"[^\w\s]|_")
_MARK_RUN = re.compile(r"([^\w\s]|_)\1*")
FEW_MARKS = 5

# What chat programs, forums and tables leave where a message was. Each alternative is a whole message.
_PLACEHOLDER = re.compile(
    r"""
      [\[<(]\s* (?: deleted | removed | redacted | media | message\ deleted | deleted\ message ) \s*[\])>]
    | [\[<(]? (?: media | image | photo | picture | video | video\ note | audio | voice\ message | sticker | gif
        | document | file | location | contact | contact\ card | view\ once\ voice\ message )
        \ (?: omitted | attached ) [\])>]?
    | [\[<] (?: image | photo | picture | video | audio | voice | voice\ message | sticker | gif | document | file
        | media | attachment | location | contact | no\ text | empty | null | none ) [\]>]
    | < (?: attached:\ [^<>]{1,200} | medien\ ausgeschlossen | médias\ omis | multimedia\ omitido
        | media\ omessi | archivo\ omitido | arquivo\ de\ mídia\ oculto | mídia\ (?: oculta | omitida )
        | media\ weggelaten ) >
    | \S{1,200} \ \( file\ attached \)
    | (?: bild | video | audio | gif | sticker | dokument ) \ weggelassen
    | image\ absente | imagen\ omitida | imagem\ ocultada | immagine\ omessa | afbeelding\ weggelaten
    | (?: this\ message\ (?: was | has\ been ) \ deleted | you\ deleted\ this\ message )
        (?: \ by\ \w+ (?: \ \w+ )? )? \.?
    | waiting\ for\ this\ message\.? (?: \ this\ may\ take\ a\ while\.? )?
    | live\ location\ (?: shared | ended )
    | (?: missed | declined ) \ (?: voice | video | group ) \ call (?: \ at\ [\d:]+ (?: \ ?[ap]\.?m\.? )? )?
    | diese\ nachricht\ wurde\ gelöscht\.? | ce\ message\ a\ été\ supprimé\.? | se\ eliminó\ este\ mensaje\.?
    | mensagem\ apagada\.? | questo\ messaggio\ è\ stato\ eliminato\.? | dit\ bericht\ is\ verwijderd\.?
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Every placeholder has one of these in it; written so that both `re` and RE2 read it alike, for whole columns of text
# are sifted with it.
PLACEHOLDER_SIGN = (
    r"(?i)[\[<(]|omitted|attached|weggelassen|absente|omitida|ocultada|omessa|weggelaten|message|deleted|gelöscht"
    r"|eliminó|apagada|eliminato|bericht|call|live location|null|undefined|nan|n/a|\\n"
)
_PLACEHOLDER_SIGN = re.compile(PLACEHOLDER_SIGN)
# Only as a program writes them: "Null!" and "None." are answers.
_EMPTY_VALUES = frozenset(("null", "NULL", "undefined", "NaN", "<null>", "<none>", "#N/A", "N/A", "\\N", "(null)"))


def is_placeholder(text: str) -> bool:
    """Whether the whole text stands for something that is not there: ``[deleted]``, ``<Media omitted>``, ``null``.

    A sentence that mentions one is none, and neither are words that can be an answer.

    >>> is_placeholder("[deleted]"), is_placeholder("<Media omitted>"), is_placeholder("This message was deleted")
    (True, True, True)
    >>> is_placeholder("He wrote [deleted] again"), is_placeholder("None."), is_placeholder("Deleted?")
    (False, False, False)
    """
    text = text.strip()
    if len(text) > 250 or not _PLACEHOLDER_SIGN.search(text):
        return False
    return text in _EMPTY_VALUES or _PLACEHOLDER.fullmatch(text) is not None


def has_empty_side(pair: Pair, limits: Limits) -> bool:
    """Nothing was said, or nothing was left of it by the repairs.

    >>> has_empty_side(Pair("d", ("Hello?",), " "), Limits()), has_empty_side(Pair("d", ("Hello?",), "."), Limits())
    (True, False)
    """
    return any(not side.strip() for side in _sides(pair))


def is_placeholder_pair(pair: Pair, limits: Limits) -> bool:
    """One side only says that a message or a file is missing: the other answers what nobody can read.

    >>> is_placeholder_pair(Pair("d", ("image omitted",), "So pretty!"), Limits())
    True
    >>> is_placeholder_pair(Pair("d", ("What was it?",), "An image, omitted."), Limits())
    False
    """
    return any(map(is_placeholder, _sides(pair)))


def has_lost_characters(pair: Pair, limits: Limits) -> bool:
    """U+FFFD is left on one side: a wrong decoder ate what stood there, and a model would learn to write it.

    >>> has_lost_characters(Pair("d", ("Caf\\ufffd?",), "Yes."), Limits())
    True
    >>> has_lost_characters(Pair("d", ("Café?",), "Yes."), Limits())
    False
    """
    return any("\ufffd" in side for side in _sides(pair))


def is_mostly_links(pair: Pair, limits: Limits) -> bool:
    """One side is mostly addresses, which nobody says and no model can know.

    >>> is_mostly_links(Pair("d", ("Where?",), "there: https://example.org/a/long/path"), Limits())
    True
    >>> is_mostly_links(Pair("d", ("Where?",), "The whole story is told on www.example.org, I think"), Limits())
    False
    """
    most = limits.max_links
    return most is not None and any(
        sum(map(len, _LINK.findall(side))) > most * len("".join(side.split()))
        for side in _sides(pair)
        if _may_link(side)
    )


def has_no_letters(pair: Pair, limits: Limits) -> bool:
    """One side has no letter of any script: only marks, digits or pictures.

    >>> has_no_letters(Pair("d", ("Ready?",), "...!"), Limits()), has_no_letters(Pair("d", ("好吗",), "好"), Limits())
    (True, False)
    """
    return any(not _LETTER.search(side) for side in _sides(pair))


def is_mostly_marks(pair: Pair, limits: Limits) -> bool:
    """One side is mostly marks: drawings, code, cursing in symbols. Up to five are never too many.

    >>> is_mostly_marks(Pair("d", ("Well?",), "a @#$ %&* b"), Limits())
    True
    >>> is_mostly_marks(Pair("d", ("Well?",), "No...!!!"), Limits())
    False
    """
    most = limits.max_marks
    return most is not None and any(_has_many_marks(side, most) for side in _sides(pair))


def is_context_short(pair: Pair, limits: Limits) -> bool:
    """The last turn has fewer words than asked for.

    >>> is_context_short(Pair("d", ("So",), "Yes?"), Limits(min_words=2))
    True
    >>> is_context_short(Pair("d", ("So?",), "Yes?"), Limits(min_words=2))
    False
    """
    return limits.min_words > 1 and _has_fewer_words(_last(pair), limits.min_words)


def is_context_long(pair: Pair, limits: Limits) -> bool:
    """The last turn is a speech: more words, or twice more characters, than allowed.

    >>> is_context_long(Pair("d", ("word " * 81,), "I see."), Limits())
    True
    >>> is_context_long(Pair("d", ("word " * 80,), "I see."), Limits())
    False
    """
    most = None if limits.max_chars is None else 2 * limits.max_chars
    return _is_long(_last(pair), limits.max_context_words, most)


def is_reply_short(pair: Pair, limits: Limits) -> bool:
    """The reply has fewer words than asked for.

    >>> is_reply_short(Pair("d", ("So?",), "Yes"), Limits(min_words=2))
    True
    >>> is_reply_short(Pair("d", ("So?",), "Yes."), Limits(min_words=2))
    False
    """
    return limits.min_words > 1 and _has_fewer_words(pair.reply, limits.min_words)


def is_reply_long(pair: Pair, limits: Limits) -> bool:
    """The reply has more words or characters than allowed.

    >>> long, unspaced = Pair("d", ("So?",), "word " * 41), Pair("d", ("嗯",), "好" * 321)
    >>> is_reply_long(long, Limits()), is_reply_long(unspaced, Limits())
    (True, True)
    >>> is_reply_long(Pair("d", ("So?",), "word " * 40), Limits())
    False
    """
    return _is_long(pair.reply, limits.max_words, limits.max_chars)


def is_reply_out_of_proportion(pair: Pair, limits: Limits) -> bool:
    """The reply is so much longer than all that went before that it can hardly be an answer to it.

    Characters are compared, which is fair to every script; a reply of a sentence or two is always allowed.

    >>> is_reply_out_of_proportion(Pair("d", ("Hi",), "and then " * 20), Limits())
    True
    >>> is_reply_out_of_proportion(Pair("d", ("Hi",), "Hi! How are you, and how is your mother these days?"), Limits())
    False
    """
    if limits.max_reply_ratio is None:
        return False
    context = sum(map(len, pair.context))
    return len(pair.reply) > max(limits.free_reply_chars, limits.max_reply_ratio * context)


def is_echo(pair: Pair, limits: Limits) -> bool:
    """The reply only says the last turn again, case and marks aside: a model learns to parrot from it.

    >>> is_echo(Pair("d", ("You're late.",), "you're LATE?!"), Limits())
    True
    >>> is_echo(Pair("d", ("You're late.",), "I'm late."), Limits())
    False
    """
    last, reply = _last(pair), pair.reply
    if last.isascii() and reply.isascii() and last[:1].isalnum() and reply[:1].isalnum():
        # Folding is dear; ASCII texts that begin with different letters cannot fold alike.
        return last[0].lower() == reply[0].lower() and fold(last) == fold(reply)
    return fold(last) == fold(reply)


def _last(pair: Pair) -> str:
    return pair.context[-1] if pair.context else ""


def _sides(pair: Pair) -> tuple[str, str]:
    return _last(pair), pair.reply


def _may_link(side: str) -> bool:
    return "://" in side or "ww" in side.lower()


def _has_many_marks(side: str, most: float) -> bool:
    signs = _MARK.findall(side)
    if len(signs) <= FEW_MARKS:
        return False
    runs = sum(1 for run in _MARK_RUN.finditer(side) if unicodedata.category(run[0][0])[0] != "M")
    others = len(side) - len(signs) - side.count(" ")  # letters and digits
    return runs > FEW_MARKS and runs > most * (runs + others)


def _has_fewer_words(text: str, least: int) -> bool:
    return len(words(text)) < least


def _is_long(text: str, most_words: int | None, most_chars: int | None) -> bool:
    if most_chars is not None and len(text) > most_chars:
        return True
    # A word takes a character at least: short texts need no counting.
    return most_words is not None and len(text) > most_words and len(words(text)) > most_words
