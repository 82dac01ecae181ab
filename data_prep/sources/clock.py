"""Times of messages: what chat programs write before a message, ISO 8601, and seconds or milliseconds since 1970.

Chat programs write the date as the phone is set: ``1/23/23``, ``23.01.23``, ``2023-01-23``, with or without AM and
PM, in the digits and words of the language. Which of two numbers is the day is told by the other dates of the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

MARKS = "\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
"""Characters without width that chat programs write around names and dates."""
HOURS_TWO = 7200.0
"""By so much a clock without zone may go back in a file that is in order: summer time ends, or the phone travels."""

_SPACE = rf"[\s_{MARKS}]"
_DATE = rf"""
    (?P<a>\d{{1,4}}) {_SPACE}{{0,2}} (?P<mark>[./\-年]) {_SPACE}{{0,2}} (?P<b>\d{{1,2}})
    {_SPACE}{{0,2}} (?:(?P=mark)|月) {_SPACE}{{0,2}} (?P<c>\d{{1,4}})
"""
_TIME = r"""
    (?P<hour>\d{1,2}) \s?[:.h]\s? (?P<minute>\d{2}) (?: \s?(?:[:.]|min)\s? (?P<second>\d{2}) (?:\s?s\b)? )?
"""
_BEGIN = rf"{_SPACE}{{0,8}} (?P<bracket>\[)? {_SPACE}{{0,4}}"
_END = r"(?(bracket) \]\s? | (?: \s[-–]\s | :\s ) )"
_HEADER = re.compile(
    rf"{_BEGIN} {_DATE} (?P<before>[^\d\[\]]{{1,24}}) {_TIME} (?P<after>[^\d\[\]:\-–]{{0,24}}?) {_END}", re.VERBOSE
)
_HEADER_TIME_FIRST = re.compile(  # as in Vietnam
    rf"{_BEGIN} {_TIME} (?P<before>[,\s]) (?P<after>[^\d\[\]:\-–]{{0,24}}?) {_DATE} {_END}", re.VERBOSE
)
_LONGEST_WORD = 14  # letters between date and time, or after the time: "a las", "Uhr", "г."
_NO_LETTER = re.compile(r"[\W_]+")


@lru_cache(maxsize=1 << 10)
def _word(text: str) -> str:
    return _NO_LETTER.sub("", text).casefold()


_FORENOON = frozenset(
    map(
        _word,
        (
            *("a.m.", "a", "上午", "凌晨", "清晨", "早上", "午前", "오전", "ص", "صباحا", "ق.ظ.", "قبل‌ازظهر", "π.μ."),
            *("öö", "SA", "PG", "da manhã", "de la mañana", "matin", "vorm.", "f.m.", "ap.", "de.", "dop.", "дп"),
            *("prijepodne", "пре подне", "пр.об.", "претпл.", "e paradites", "p.d.", "priešpiet", "pr. p.", "f.h."),
            *("priekšp.", "priekšpusdienā", "yb", "पूर्वाह्न", "म.पू.", "ਪੂ.ਦੁ.", "පෙ.ව.", "ก่อนเที่ยง", "ກ່ອນທ່ຽງ"),
            *("နံနက်", "ጥዋት", "לפנה״צ", "r.n.", "vm.", "GH", "غ.م."),
        ),
    )
)
_AFTERNOON = frozenset(
    map(
        _word,
        (
            *("p.m.", "p", "下午", "晚上", "傍晚", "中午", "午後", "오후", "م", "مساء", "ب.ظ.", "بعدازظهر", "μ.μ."),
            *("ös", "CH", "PTG", "da tarde", "da noite", "de la tarde", "de la noche", "soir", "nachm.", "e.m.", "ip."),
            *("du.", "odp.", "popodne", "поподне", "пп", "сл.об.", "попл.", "e pasdites", "m.d.", "popiet", "pop."),
            *("e.h.", "pēcp.", "pēcpusdienā", "yh", "अपराह्न", "म.उ.", "ਬਾ.ਦੁ.", "ප.ව.", "หลังเที่ยง", "ຫຼັງທ່ຽງ"),
            *("ညနေ", "ከሰዓት", "אחה״צ", "i.n.", "nm.", "GD", "غ.و."),
        ),
    )
)

Order = Literal["day", "month", "year"]
"""What stands first in a date that does not begin with a year of four digits."""


class Stamp(NamedTuple):
    """A date of three numbers, not yet read, and a time of day."""

    style: tuple[bool, str, bool, bool]
    """In brackets, mark between the numbers, twelve hours, year first: files may mix styles, each with its order."""
    numbers: tuple[int, int, int]
    seconds: int
    """Since midnight."""


def header(line: str) -> tuple[Stamp, str] | None:
    """Date and time at the beginning of a line, and what follows; None where there are none.

    >>> header("[23.01.23, 15:48:11] Ann: Hi")
    (Stamp(style=(True, '.', False, False), numbers=(23, 1, 23), seconds=56891), 'Ann: Hi')
    >>> header("1/23/23, 3:19\u202fPM - Ann: Hi")
    (Stamp(style=(False, '/', True, False), numbers=(1, 23, 23), seconds=55140), 'Ann: Hi')
    >>> header("at 3:19 - Ann: Hi") is None
    True
    """
    match = _HEADER.match(line) or _HEADER_TIME_FIRST.match(line)
    if match is None:
        return None
    before, after = _word(match["before"]), _word(match["after"])
    # Before the time, words of the Latin script are prepositions ("de", "em", "am"), but for capitals.
    leads = not before.isascii() or match["before"].strip(" ,.") in ("AM", "PM")
    half = _half(after) or (_half(before) if leads else None)
    hour, minute, second = int(match["hour"]) % 24, int(match["minute"]), int(match["second"] or 0)
    if int(match["hour"]) > 24 or minute > 59 or second > 60 or max(len(before), len(after)) > _LONGEST_WORD:
        return None
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    style = (bool(match["bracket"]), match["mark"], half is not None, len(match["a"]) > 2)
    numbers = (int(match["a"]), int(match["b"]), int(match["c"]))
    return Stamp(style, numbers, 3600 * hour + 60 * minute + second), line[match.end() :]


def layout(line: str) -> tuple[object, ...]:
    """How the date and time at the beginning of a line are written, whatever they are: one program writes one layout.

    Words count only as there or not, since they change with the hour (``a la 1:00``, ``a las 2:00``).

    >>> layout("1/23/23, 3:19 PM - Ann: Hi") == layout("11/2/23, 12:19 AM - Bo: Hello")
    True
    >>> layout("1/23/23, 3:19 PM - Ann: Hi") == layout("[1/23/23, 3:19 PM] Ann: Hi")
    False
    """
    first = _HEADER.match(line)
    match = first or _HEADER_TIME_FIRST.match(line)
    if match is None:
        return ()
    before, words = match["before"], bool(_word(match["before"]) or _word(match["after"]))
    end = match[0].rstrip()[-1:]
    return (first is None, match["mark"], len(match["a"]) > 2, "," in before, words, match["second"] is None, end)


def _half(word: str) -> Literal["am", "pm"] | None:
    if word in _AFTERNOON:
        return "pm"
    return "am" if word in _FORENOON else None


class Dates:
    """The dates of one file, each style of them read in the order that fits all of its dates.

    A number above 12 is no month; else the order under which time goes forward; else what the user says; else it is
    in doubt, and read as where people write it so: month first with AM and PM, day first without. What the user says
    yields to a date that can be read in one way only.

    >>> dates = Dates([Stamp((False, "/", False, False), (day, 1, 23), 0) for day in (5, 13)])
    >>> dates.orders, dates.doubtful
    ({(False, '/', False, False): 'day'}, [])
    """

    def __init__(self, stamps: Iterable[Stamp], wanted: Literal["auto", "day-first", "month-first"] = "auto") -> None:
        """Look at all stamps of a file, in its order."""
        found: dict[tuple[bool, str, bool, bool], list[tuple[int, int, int]]] = {}
        for stamp in stamps:
            days = found.setdefault(stamp.style, [])
            if not days or days[-1] != stamp.numbers:
                days.append(stamp.numbers)
        self.orders: dict[tuple[bool, str, bool, bool], Order] = {}
        self.doubtful: list[tuple[str, Order]] = []
        """A date of each style whose order nothing told, and how it is read."""
        for style, days in found.items():
            self.orders[style] = self._order(style, days, wanted)

    def time(self, stamp: Stamp) -> float | None:
        """Seconds since 1970, the clock taken for UTC; None for a date that is in no calendar."""
        order = self.orders.get(stamp.style, "day")
        day = _day(stamp.numbers, order)
        if day is None:
            day = _day(stamp.numbers, "month" if order == "day" else "day")
        return None if day is None else 86400.0 * (day - _EPOCH) + stamp.seconds

    def _order(self, style: tuple[bool, str, bool, bool], days: list[tuple[int, int, int]], wanted: str) -> Order:
        usual: Order = "month" if style[2] and style[1] != "." else "day"
        if wanted != "auto":
            usual = "day" if wanted == "day-first" else "month"
        other: Order = "month" if usual == "day" else "day"
        scores = {order: _score(days, order) for order in (usual, other, "year")}
        if wanted != "auto":
            return usual if scores[usual][0] <= scores[other][0] else other
        if scores["year"] < min(scores[usual], scores[other]):
            return "year"
        if scores[usual] == scores[other] and not style[3]:
            told = [style[1].join(map(str, day)) for day in days if _day(day, usual) != _day(day, other)]
            self.doubtful += [(day, usual) for day in told[:1]]
        return usual if scores[usual] <= scores[other] else other


def _score(days: list[tuple[int, int, int]], order: Order) -> tuple[int, int]:
    """(Dates that do not exist, steps back in time), so read."""
    read = [_day(numbers, order) for numbers in days]
    known = [day for day in read if day is not None]
    return len(read) - len(known), sum(b < a for a, b in pairwise(known))


@lru_cache(maxsize=1 << 16)
def _day(numbers: tuple[int, int, int], order: Order) -> int | None:
    first, second, third = numbers
    if first > 99:
        # Four digits are a year; a month follows in every language, unless the number says otherwise.
        year, month, day = (first, second, third) if second <= 12 else (first, third, second)
    elif order == "year":
        year, month, day = first, second, third
    else:
        day, month, year = (first, second, third) if order == "day" else (second, first, third)
    year += 2000 if year < 100 else 0
    year -= 543 if 2480 < year < 2650 else 0  # the Thai calendar
    try:
        return date(year, month, day).toordinal()
    except ValueError:
        return None


_EPOCH = date(1970, 1, 1).toordinal()


def iso_time(text: Any) -> float | None:
    """Seconds since 1970 of ISO 8601; without a zone the clock is taken for UTC.

    >>> iso_time("2018-12-05T10:39:10"), iso_time("2018-12-05T12:39:10.5+02:00"), iso_time("soon")
    (1544006350.0, 1544006350.5, None)
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def unix_time(value: Any, unit: float = 1.0) -> float | None:
    """Seconds since 1970 of a number, or of a string that spells one, in ``unit`` of a second.

    >>> unix_time("1544006350"), unix_time(1544006350500, 1e-3), unix_time(True), unix_time("inf")
    (1544006350.0, 1544006350.5, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value) * unit if unit >= 1 else float(value) / round(1 / unit)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and abs(seconds) < 1e12 else None
