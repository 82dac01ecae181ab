"""Takes out of texts what says who people are: names, telephone numbers, addresses, links, long numbers.

For people who train on their own chats. A pattern cannot know what a sentence gives away ("my mother, the mayor"),
nor names that it was not told: this makes a model that blurts out less, not a text that may be published.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache, partial

from data_prep import anonymise_names
from data_prep.anonymise_names import Names
from data_prep.anonymise_numbers import NUMBER, PHONE, mask_numbers
from data_prep.rules.repair_characters import mend_surrogates

NAME, EMAIL, LINK = anonymise_names.PLACEHOLDER, "[email]", "[link]"
HIDDEN = {
    NAME: "names hidden",
    PHONE: "telephone numbers hidden",
    EMAIL: "addresses hidden",
    LINK: "links hidden",
    NUMBER: "long numbers hidden",
}
"""What the books call it where something became one of these."""
_PLACEHOLDER = re.compile(r"(\[(?:name|phone|email|link|number)\])")
_NAMES_IN_A_ROW = re.compile(r"\[name\](?:[ \-]?\[name\])+")

_LOCAL = r"[A-Za-z0-9\u00c0-\u024f._%+\-]"
_DOMAIN = r"[\w\-]+(?:\.[\w\-]+)+"
_EMAIL = re.compile(
    rf"""
      (?:\bmailto:)? (?<!{_LOCAL}) {_LOCAL}+ @ {_DOMAIN}
    | (?<!{_LOCAL}) {_LOCAL}+ \ ? [(\[{{<] \ ? at \ ? [)\]}}>] \ ?
      [\w\-]+ (?: (?: \. | \ ? [(\[{{<] \ ? dot \ ? [)\]}}>] \ ? ) [\w\-]+ )+
    """,
    re.VERBOSE | re.IGNORECASE,
)

# Endings that are seldom a word behind a full stop without its space, as "it", "me", "no", "is", "to" often are.
_ENDINGS = (
    r"(?:com?|org|net|ac|gov|edu)\.[a-z]{2}|com|net|org|edu|gov|mil|info|biz|io|app|dev|xyz|gg|tv|uk|de|fr|nl|ru|ua|pl"
    "|jp|cn|kr|tw|hk|br|ch|cz|dk|gr|ir|nz|vn|za"
)
_IN_LINK = '[^\\s<>"`\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]'
_REST = rf"(?:{_IN_LINK}*[^\s<>\"`\u3000-\u9fff\uac00-\ud7af\uff00-\uffef.,;:!?'()\[\]{{}}*…])?"
_HOST = r"(?<![\w.\-])(?:[a-z0-9\u00c0-\u024f\-]{1,63}\.){1,8}"
_LINK = rf"""
      (?<![a-z0-9]) [a-z][a-z0-9+.\-]{{1,15}}:// [\w\[~/.] {_REST}
    | (?<!\w) www\d?\. \w {_REST}
    | {_HOST} (?: [a-z]{{2,24}} (?: :\d{{2,5}} )? / {_REST} | (?:{_ENDINGS}) (?![\w\-]|\.\w) (?: [:?\#]\w {_REST} )? )
    | (?<!\w) [a-z]:[\\/] (?: [^\\/:*?"<>|\r\n]{{1,60}} [\\/]+ )* {_REST}
    | \\\\ \w {_REST}
    | (?<![\w/]) ~? / (?:home|users|root|mnt|media|documents\ and\ settings) / {_REST}
    """
_MENTION = re.compile(
    r"<@[!&]?\w[\w.|\-]*>|(?<![\w.])@[\u2066-\u2069~]*(?:\d{5,}|(?!\d)\w(?:[\w.\-]*\w)?)[\u2066-\u2069]*"
)
_MAY_ADDRESS = re.compile(r"[@/\\]|\.\w|\bat\b", re.IGNORECASE)


class Anonymiser:
    """Puts ``[name]``, ``[phone]``, ``[email]``, ``[link]`` and ``[number]`` for what says who people are.

    Can be pickled: it travels to worker processes.

    >>> chat = Anonymiser(["Anna-Maria Berg", "+49 170 1234567"], further=["Zoë"])
    >>> chat.text("Hi anna, Zoe's number is 0171 / 765 43 21, or zoe@example.com, see https://example.com/zoe.")
    "Hi [name], [name]'s number is [phone], or [email], see [link]."
    >>> chat.text("On 2023-01-05 at 12:30 it cost 1,000,000.")
    'On 2023-01-05 at 12:30 it cost 1,000,000.'
    >>> chat.speaker("+49 170 1234567"), chat.speaker("somebody")
    ('speaker 2', 'speaker')
    """

    def __init__(self, speakers: Iterable[str], further: Iterable[str] = ()) -> None:
        known = list(dict.fromkeys(speakers))
        self._aliases = {name: f"speaker {i}" for i, name in enumerate((n for n in known if n), start=1)}
        self._names = Names([*known, *further])
        self._numbers = [name for name in [*known, *further] if mask_numbers(name) in (PHONE, NUMBER)]

    def text(self, text: str) -> str:
        """The text with placeholders; ``text(text(x)) == text(x)`` for every ``x``, and UTF-8 can write it."""
        return self.hide(text)[0]

    def hide(self, text: str) -> tuple[str, set[str]]:
        """The text with placeholders, and which of them came in.

        >>> text, found = Anonymiser(["Ann"]).hide("Hi [name] Ann, call 0171 / 765 43 21")
        >>> text, sorted(found)
        ('Hi [name], call [phone]', ['[name]', '[phone]'])
        """
        found: set[str] = set()
        if not text.isascii():
            text = unicodedata.normalize("NFC", mend_surrogates(text))
        while (after := self._pass(text, found)) != text:  # each pass leaves fewer characters outside placeholders
            text = after
        return text, found

    def texts(self, column: list[str]) -> list[str]:
        """``text`` of each."""
        return [self.text(each) for each in column]

    def speaker(self, name: str) -> str:
        """``speaker 1`` for the first of the speakers, and so on; ``speaker`` for others, and nothing for nobody.

        >>> [Anonymiser(["Bo", "Al"]).speaker(name) for name in ("Al", "Bo", "Cy", "")]
        ['speaker 2', 'speaker 1', 'speaker', '']
        """
        return self._aliases.get(name, "speaker" if name else "")

    def strings_to_hide(self) -> list[str]:
        """What a search for whole words, in any case, must not find afterwards.

        Writings that go only with their capitals (Will, Jo) are not among them.

        >>> Anonymiser(["Ann Lee-Jones (Annie)", "May", "User 1", "+49 170 1234567"]).strings_to_hide()
        ['+49 170 1234567', 'Ann', 'Ann Lee-Jones', 'Annie', 'Jones', 'Lee', 'Lee-Jones', 'User 1']
        """
        return sorted({*self._names.surely, *self._numbers})

    def _pass(self, text: str, found: set[str]) -> str:
        if _MAY_ADDRESS.search(text):
            text = _outside(text, partial(_mask_addresses, found=found))
        before, text = text, _outside(text, self._names.replace)
        found.update({NAME} if text != before else ())
        before, text = text, _outside(text, mask_numbers)
        found.update(mark for mark in (PHONE, NUMBER) if text.count(mark) > before.count(mark))
        return _NAMES_IN_A_ROW.sub(NAME, text) if "[name]" in text else text


def _outside(text: str, change: Callable[[str], str]) -> str:
    """The text with what lies between placeholders changed: no pattern may reach into or across one."""
    if "[" not in text:
        return change(text)
    return "".join(part if i % 2 else change(part) for i, part in enumerate(_PLACEHOLDER.split(text)))


@cache
def _link() -> re.Pattern[str]:
    """Made when it is wanted: it takes as long as a library to load, and most runs hide nothing."""
    return re.compile(_LINK, re.VERBOSE | re.IGNORECASE)


def _mask_addresses(text: str, found: set[str]) -> str:
    for pattern, placeholder in ((_EMAIL, EMAIL), (_link(), LINK), (_MENTION, NAME)):
        before, text = text, _outside(text, partial(pattern.sub, placeholder))
        found.update({placeholder} if text != before else ())
    return text
