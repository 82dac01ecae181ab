"""The names of people: which writings of them are to go from a text, and how they are found.

They are looked up word by word: a pattern of some thousand names takes a minute to compile, in each process.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from data_prep.anonymise_words import EVERYDAY, LIKE_NAMES, NO_NAMES, PARTICLES_ALONE, SURNAMES

PLACEHOLDER = "[name]"

# Scripts without spaces between words (and Korean, where endings are glued on): names stand anywhere in them.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_is_unspaced = re.compile(f"[{_UNSPACED}]").match
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_VOWEL_SIGN = "[\u0900-\u0963\u0970-\u0dff]"  # of the Indic scripts; `\w` leaves them out
_WORD = rf"{_LETTER}+(?:{_VOWEL_SIGN}+{_LETTER}*)*"
_GOES_ON = re.compile(f"{_LETTER}|{_VOWEL_SIGN}")
_ATOM = re.compile(rf"{_WORD}|\d+|[{_UNSPACED}]+")
_START = re.compile(rf"{_WORD}|\d+|[{_UNSPACED}]")
_GAP = re.compile(r"[\s._\-'・·]{0,3}")
_AND_OR_TO = frozenset("وفبلكהולבמשכ")  # Arabic and Hebrew write these together with the name behind them
_CLIPPED = re.compile(rf"'(?:t|am|all)(?!{_LETTER})")  # "Can't" holds no Can, "Ma'am" no Ma

_DROPPED = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe00-\ufe0f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_ALIKE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe"}
    | dict.fromkeys("‘’ʼ´", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_NICKNAME = re.compile(
    r"""\(([^()]*)\)|\[([^\[\]]*)\]|"([^"]*)"|“([^“”]*)”|«([^«»]*)»|「([^「」]*)」|(?<!\w)['‘]([^'‘’]+)['’](?!\w)"""
)
_GREETED = re.compile(r"(?<![^\W_])(?:hi|hey|hello|dear|thanks|thx|bye)[,!]{0,3}\s{1,3}$")
_GREETING_REACH = 16
_LEAST_LENGTHENED = 3  # letters of a name that may be drawn out, or stand with the "s" of the genitive
_MOST_DOUBLED = 4  # times that the last letter of a name stands there by itself
_SURELY_ONE = 5  # letters of a name: with one more at its end it is no other word
_SELDOM_DOUBLED = frozenset("aiuy")  # letters that hardly a word of Europe ends in twice

_Atoms = tuple[str, ...]
_Capitals = tuple[bool, ...]


class Names:
    """The names of some people, whole and in parts, and what finds them in a text.

    A part that is an everyday word (Will, May) counts only with a capital or behind a greeting, one of two letters
    only with the capitals that the name has; particles, titles and single letters alone do not count. The last letter
    of a name of three and more may be drawn out (``Annaaa``), and an "s" may follow it.

    >>> names = Names(["José van der Berg", "Will", "Jo"])
    >>> names.replace("Hi will, Jose and mr BERG's boy will come with Jo in the van.")
    "Hi [name], [name] and mr [name]'s boy will come with [name] in the van."
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._careful: dict[_Atoms, frozenset[_Capitals]] = {}
        self._by_start: dict[str, list[_Atoms]] = {}
        self._longer: set[str] = set()
        self.surely: list[str] = []
        """The writings that go wherever they are whole words, in any case."""
        for form in dict.fromkeys(form for name in names for form in _forms(name)):
            atoms, capitals = _atoms(form), _capitals_asked(form)
            self._add(atoms)
            if capitals is None:
                self.surely.append(form)
                self._add(_atoms(form.casefold().translate(_UMLAUTS)))
            else:
                self._careful[atoms] = self._careful.get(atoms, frozenset()) | capitals
        for same in self._by_start.values():
            same.sort(key=lambda atoms: -sum(map(len, atoms)))

    def replace(self, text: str) -> str:
        """The text with ``[name]`` for each name."""
        if not self._by_start:
            return text
        folded, places = _fold_with_places(text)
        kept, done, reached = [], 0, 0
        for word in _START.finditer(folded):
            if word.start() < reached:
                continue
            for atoms, start, end in self._beginning_at(word):
                first, last = start, end
                if places is not None:  # a character may fold to several, or to none
                    first, last = places[start], max(places[end], places[end - 1] + 1)
                if first >= done and self._is_meant(atoms, text[first:last], folded, start, end):
                    kept += [text[done:first], PLACEHOLDER]
                    done, reached = last, end
                    break
        return "".join([*kept, text[done:]]) if kept else text

    def _add(self, atoms: _Atoms) -> None:
        same = self._by_start.setdefault(_start_of(atoms), [])
        if atoms not in same:
            same.append(atoms)
        if len(atoms) > 1:
            self._longer.add(atoms[0])

    def _beginning_at(self, word: re.Match[str]) -> Iterator[tuple[_Atoms, int, int]]:
        """What names may begin with a word or character, longest first, and where they begin and end."""
        folded, start, found = word.string, word.start(), word[0]
        if _is_unspaced(found):
            begins = [(folded[start : start + 2], start), (found, start)]
        else:
            begins = [(found, start), (found[1:], start + 1)] if found[0] in _AND_OR_TO else [(found, start)]
        for begin, at in begins:
            if begin in self._longer and (gap := _GAP.match(folded, word.end())):
                following = _START.match(folded, gap.end())
                yield from self._reaching(f"{begin} {following[0]}" if following else "", folded, at)
            yield from self._reaching(begin, folded, at)
        if (found[-1] == "s" or found[-1] == found[-2:-1]) and found not in LIKE_NAMES:
            yield from self._lengthened(found, start)

    def _lengthened(self, found: str, start: int) -> Iterator[tuple[_Atoms, int, int]]:
        """Names of one word of which this is another writing: drawn out (``Annaaa``), of somebody (``Annas``)."""
        for word in (found, found[:-1] if found[-1] == "s" else ""):
            bare = word.rstrip(word[-1:])
            most = min(len(word) - len(bare), _MOST_DOUBLED)
            for times in range(most, 0, -1):
                name = bare + word[-1] * times
                if len(name) >= _LEAST_LENGTHENED and (name,) in self._by_start.get(name, ()):
                    yield (name,), start, start + len(word)

    def _reaching(self, begin: str, folded: str, at: int) -> Iterator[tuple[_Atoms, int, int]]:
        for atoms in self._by_start.get(begin, ()):
            end = _reach(folded, at, atoms)
            if end is not None:
                yield atoms, at, end

    def _is_meant(self, atoms: _Atoms, original: str, folded: str, start: int, end: int) -> bool:
        capitals = self._careful.get(atoms)
        if _does_word_go_on(folded, end):  # with the "s" of the genitive
            return capitals is None and (original[0].isupper() or _is_drawn_out(folded[start:end]))
        if len(atoms) == 1 and end - start > len(atoms[0]):
            surely = len(atoms[0]) >= _SURELY_ONE or folded[end - 1] in _SELDOM_DOUBLED
            return original[0].isupper() or (capitals is None and (surely or _is_drawn_out(folded[start:end])))
        if capitals is None or capitals:
            return capitals is None or _capitals(original) in capitals
        if original[0].isupper():
            return not _CLIPPED.match(folded, end)
        return _GREETED.search(folded[max(0, start - _GREETING_REACH) : start]) is not None


def _start_of(atoms: _Atoms) -> str:
    """By what names are looked up: two characters where words have no spaces, else two words."""
    if _is_unspaced(atoms[0]):
        return atoms[0][:2]
    return " ".join(atoms[:2]) if len(atoms) > 1 and not _is_unspaced(atoms[1]) else atoms[0]


def _reach(folded: str, at: int, atoms: _Atoms) -> int | None:
    """Where a name ends whose first atom stands at a place, or None where the others do not follow."""
    for i, atom in enumerate(atoms):
        if i and (gap := _GAP.match(folded, at)):
            at = gap.end()
        if not folded.startswith(atom, at):
            return None
        at += len(atom)
        if _does_word_go_on(folded, at):
            return None
    return at


def _is_drawn_out(word: str) -> bool:
    """A letter three times: no language writes so."""
    return len(word) > 2 and word[-1] == word[-2] == word[-3]


def _does_word_go_on(folded: str, at: int) -> bool:
    last, following = folded[at - 1], folded[at : at + 1]
    if last.isdecimal() or _is_unspaced(last):
        return last.isdecimal() and following.isdecimal()
    return _GOES_ON.match(following) is not None


def _forms(name: str) -> Iterator[str]:
    """The whole name, its nicknames, and each of their parts that can stand for the person."""
    name = unicodedata.normalize("NFKC", name)
    nicknames = [next(filter(None, groups), "") for groups in _NICKNAME.findall(name)]
    for each in (_NICKNAME.sub(" ", name), *nicknames):
        words = _words(each)
        parts = [part for word in words for part in _parts(word)]
        if len(parts) > 1 and _is_telling(parts):
            yield " ".join(words)
        for part in dict.fromkeys([*words, *parts]):
            if _stands_alone(part, only=len(words) == 1) or (part == "Al" and part == words[0]):
                yield part
                if len(part) == 3 and part[0] in SURNAMES:
                    yield part[1:]


def _words(name: str) -> list[str]:
    """Words of letters, marks and digits, with the hyphens and apostrophes inside them; pictures are none."""
    seen = _DROPPED.sub("", name)
    kept = "".join(c if c in "'’-_" or unicodedata.category(c)[0] in "LMN" else " " for c in seen)
    stripped = (re.sub("['’][sS]$", "", each.strip("'’-_")) for each in kept.split())
    return [word for word in stripped if word]


def _parts(word: str) -> list[str]:
    """``Anna-Maria`` has two; what holds a digit (``user_42``) is a nickname and stays whole."""
    return [word] if any(map(str.isdigit, word)) else [part for part in re.split("[-_]", word) if part]


def _is_telling(parts: list[str]) -> bool:
    letters = sum(c.isalpha() for part in parts for c in part)
    return letters > 0 and (bool(_is_unspaced("".join(parts))) or (letters > 2 and max(map(len, parts)) > 1))


def _stands_alone(part: str, *, only: bool) -> bool:
    """Whether one part of a name is replaced without the others; ``only``: it is all of the name."""
    folded = "".join(_atoms(part))
    if not any(map(str.isalpha, folded)) or folded in NO_NAMES or (folded in PARTICLES_ALONE and not only):
        return False
    return len(folded) > 2 or (len(folded) == 2 and folded.isalpha())


def _capitals_asked(form: str) -> frozenset[_Capitals] | None:
    """The capitals with which a form counts; empty: any, if it begins with one or is greeted; None: even none."""
    folded = " ".join(_atoms(form))
    if folded in EVERYDAY or (folded in PARTICLES_ALONE and len(folded) > 2):
        return frozenset()
    if len(folded) > 2 or form.lower() == form.upper():
        return None
    return frozenset({_capitals(form), _capitals(form.capitalize() if form.islower() else form)})


def _capitals(text: str) -> _Capitals:
    return tuple(c.isupper() for c in text if c.isalpha())


def _atoms(form: str) -> _Atoms:
    return tuple(_ATOM.findall("".join(map(_fold_character, form))))


def _fold_with_places(text: str) -> tuple[str, list[int] | None]:
    """Text without case and accents, and the place in ``text`` of each of its characters (None: the same)."""
    if text.isascii():
        return text.lower(), None
    pieces = [_fold_character(character) for character in text]
    return "".join(pieces), [i for i, piece in enumerate(pieces) for _ in piece] + [len(text)]


@lru_cache(maxsize=1 << 16)
def _fold_character(character: str) -> str:
    bare = _DROPPED.sub("", unicodedata.normalize("NFKD", character.casefold()))
    return unicodedata.normalize("NFC", bare.casefold().translate(_ALIKE))
