"""The names of people: which writings of them are to go from a text, and how they are found.

They are looked up word by word: a pattern of some thousand names takes a minute to compile, in each process.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

PLACEHOLDER = "[name]"

# Parts that say nothing about anybody by themselves.
_PARTICLES = (
    "abd abdel abu af al ap auf av bin bint da das de degli dei del della den der des di dos du el en et ibn la las"
    " le les lo los och of of't ou san st ten ter the und van vande vander vom von yr zu zum zur and from"
    " الله بن ابن ابو عبد ال بنت"
)
_TITLES = (
    "dr mr mrs ms miss mx prof professor sir lady lord dame rev fr sr sra srta jr sen capt col lt sgt herr frau mme"
    " mlle dona ing mag ii iii iv phd md esq ltd inc llc gmbh"
)
_KIN = (
    "aunt auntie bro brother dad daddy father gran grandad grandma grandpa granny husband ma mam mama mamma maman mom"
    " mommy mother mum mummy mutter nan nana oma opa papa pa sis sister uncle vater wife"
)
_NOTES = (
    "boss boyfriend business cell chat colleague company dentist ex facebook friend girlfriend group gym home insta"
    " instagram iphone job landlord mobile neighbor neighbour new office old own plumber private school team telegram"
    " tinder uni university whatsapp work"
)
_ROLES = (
    "admin agent ai anonymous assistant bot caller chatbot child client customer doctor employee expert gpt guest host"
    " human interviewee interviewer machine me model moderator myself narrator operator participant patient person"
    " player seller buyer server speaker staff student support system teacher therapist tool unknown user visitor"
    " wizard you ich du moi name phone email link number"
)
_PARTICLE_SET = frozenset(_PARTICLES.split())
_NO_NAMES = frozenset(" ".join([_TITLES, _KIN, _NOTES, _ROLES]).split())
# Names that are everyday words as well: in lower case they are far more often the word.
_EVERYDAY = (
    "all amber angel any april archer art ash august autumn bank banks bar barker basil bat bay bean bear bell berry"
    " best bill birch bird bishop black blaze blue bond bow brand bridge brook brooks brown buck bud bull burns bush"
    " butler can candy carol carpenter case cash chance chase cherry christian chuck clay cliff clover cole coral"
    " cook cool colt cross crystal daisy dash dawn day dean dick did don dot dove drake drew duke dude earl east echo"
    " eden eve faith field fields fish flint forest fox frank free french gale game gene ginger glory gold golden good"
    " grace grant gray green grey guy hall hand happy hardy harmony hart has haven hazel head heath heaven her high"
    " hill his holly honey honor hope house how hunt hunter iris iron ivy jack jade jay jean jewel joy judge june just"
    " justice key kid king kit knight lamb land lane lark lavender law leaf let lily lime little long lot love lucky"
    " mac mace major man mark mars marsh mason maverick max may mercy merry miles mills mint misty moon moss night"
    " noble norm north not nova now oak ocean olive our out pale pansy park parker pat patience peace pearl peg penny"
    " pepper phoenix pierce poet pool poppy pope porter power price prince pure queen rain randy ray red reed rich"
    " rice river rivers rob robin rock rocky rod roman rose rosemary royal ruby rush rusty sage sandy say see shade"
    " sharp short silver sin skip sky small smart snow sol son song spring star stern stone storm strong sue summer"
    " sun sunny sunshine swan sweet swift tan the thorn tiger till time trip troy true van violet wade walker wall war"
    " ward warden was waters way weaver weeks west white who why wild will win winter wise wolf won wood woods yes"
    " young"
)
_WORDS = frozenset(_EVERYDAY.split())
_SURNAMES = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾肖田董潘袁蔡"
    "蒋蔣余杜叶葉程魏苏蘇吕呂丁沈任姚卢盧傅钟鍾姜崔谭譚廖范汪陆陸金戴贾賈韦夏邱方侯邹熊孟秦白江薛尹段雷黎史陶贺顾毛"
    "김이박최정강조윤장임한오서신권황안송류전홍유고문양손배백허남심노하곽성차주우구민진"
)

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
_GENITIVE_LEAST = 4  # letters: "Annas" is of Anna, but "This" is not of Thi

_Atoms = tuple[str, ...]
_Capitals = tuple[bool, ...]


class Names:
    """The names of some people, whole and in parts, and what finds them in a text.

    A part that is an everyday word (Will, May) counts only with a capital or behind a greeting, one of two letters
    only with the capitals that the name has; particles, titles and single letters alone do not count.

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
        if found[-1] == "s" and len(found) > _GENITIVE_LEAST and (found[:-1],) in self._by_start.get(found[:-1], ()):
            yield (found[:-1],), start, word.end() - 1

    def _reaching(self, begin: str, folded: str, at: int) -> Iterator[tuple[_Atoms, int, int]]:
        for atoms in self._by_start.get(begin, ()):
            end = _reach(folded, at, atoms)
            if end is not None:
                yield atoms, at, end

    def _is_meant(self, atoms: _Atoms, original: str, folded: str, start: int, end: int) -> bool:
        capitals = self._careful.get(atoms)
        if _does_word_go_on(folded, end):  # with the "s" of the genitive
            return capitals is None and original[0].isupper()
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
                if len(part) == 3 and part[0] in _SURNAMES:
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
    if not any(map(str.isalpha, folded)) or folded in _NO_NAMES or (folded in _PARTICLE_SET and not only):
        return False
    return len(folded) > 2 or (len(folded) == 2 and folded.isalpha())


def _capitals_asked(form: str) -> frozenset[_Capitals] | None:
    """The capitals with which a form counts; empty: any, if it begins with one or is greeted; None: even none."""
    folded = " ".join(_atoms(form))
    if folded in _WORDS or (folded in _PARTICLE_SET and len(folded) > 2):
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
