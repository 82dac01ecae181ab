"""Lines of IRC logs as the usual clients write them: what each line is, and when it was written.

Known are the logs of irssi, WeeChat, XChat and HexChat, mIRC, ZNC, energymech, eggdrop and the public logs of Ubuntu's
channels. They differ in the stamp of time and in the marks before what is not said; ``<nick> text`` is common to all
but WeeChat, which parts time, nick and text by tabs.
"""

from __future__ import annotations

import re
from calendar import timegm
from typing import Literal, NamedTuple

Kind = Literal["says", "acts", "perhaps", "renamed", "notice", "system", "date", "other"]


class Line(NamedTuple):
    """One line of a log. ``perhaps`` is a person's action only if that person is known: ``=== ann waves``."""

    kind: Kind
    nick: str = ""
    text: str = ""
    """What is said or done; the new nick where the kind is ``renamed``."""
    stamp: re.Match[str] | None = None
    """Match of ``STAMP``, for ``Clock``."""


STAMP = re.compile(
    r"""[\[(]?
    (?: (?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)[ T]
      | (?P<name>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ]{1,2}(?P<mday>\d{1,2})[ ] )?
    (?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d))?
    (?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[\])]?(?=[\s<*=-]|$)""",
    re.VERBOSE,
)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_MODES = "@+%~&!"
_SAYS = re.compile(r"<[ @+%~&!]{0,3}([^\s<>]{1,64})>(?:[ \t](.*))?")
_SAYS_SPACED = re.compile(r"<[ @+%~&!]{0,3}([^\t<>]{1,64})>(?:[ \t](.*))?")  # only behind a time: it could be HTML
_SPLIT = re.compile(r"\] (?=\S|$)")  # one logger writes [ab] c for the nick [ab]c
_ACTS = re.compile(r"\*[ \t]+(\S{1,64})(?:[ \t]+(.*))?")
_NOTICE = re.compile(r"-[^\s-]\S{0,80}-(?:[ \t].*)?")
_RENAMED = re.compile(r"(\S{1,64}) (?:is|are) now known as (\S{1,64})")
_CHANGED = re.compile(r"Nick change: (\S{1,64}) -> (\S{1,64})")  # eggdrop
_DATE_LINE = re.compile(
    r"--- (?:Log (?:opened|closed)|Day changed|[A-Z][a-z]{2} )|\*{4} (?:BEGIN|END(?:ING)?) LOGGING"
    r"|Session (?:Start|Close|Time|Ident|End)\b"
)
_LONG_DATE = re.compile(r"\b([A-Z][a-z]{2}) {1,2}(\d{1,2})(?: \d\d:\d\d(?::\d\d)?)? ((?:19|20)\d\d)\b")
_DAY = re.compile(r"---? ?(?:Day changed|[A-Z][a-z]{2} )")
# What a client tells about a person, behind the nick. An action may also begin with "left" or "has joined".
_HAPPENS = re.compile(
    r"""(?: [(\[][^\s@!]{0,64}[@!]\S{0,128}[)\]]\s+ (?:has\s+)? (?:joined|left|quit|parted|got\ )\b
      | (?:has\s+)?(?:joined|left|quit|parted)(?:\ IRC)?\s*(?:[\#&(\[]|$)
      | sets?\ mode | gives\ (?:channel|voice) | removes\ (?:channel|voice) | changes\ topic
      | has\ (?:changed|set|cleared)\ (?:the\ )?topic | (?:was|has\ been)\ kicked | has\ kicked | is\ now\ known\ as
      | sets\ (?:ban|the\ topic) )""",
    re.VERBOSE,
)
_COMES = re.compile(r"[\[(][^\s@\[(]{0,64}@\S{1,128}\s+has (?:joined|left|quit)\b")
# The same where no nick leads: "* Joins: ann", "* Now talking in #tea".
_TOLD = re.compile(
    r"(?:Joins|Parts|Quits|Disconnected|Rejoined)\b|Now talking |Topic |Set by |Retrieving "
    r"|You(?:'re| are| have| were) |Users |Attempting |Connect|Closing |Mode |mode[/ ]|Irssi: |Netsplit |ServerMode/"
    r"|[#&]\S"
)
_MARK = re.compile(r"(?:===|-!-|\*{3,4}|--|---|-->\|?|\|?<--|[→←⇐⇒↔])[ \t]+")
_WEECHAT = re.compile(r"([^\t]{0,66})\t(.*)")
_NICK = re.compile(r"[^\W\d]\S*|[\[\]\\`^{|}]\S*")


def parse(line: str) -> Line:
    r"""What a line of a log is.

    >>> parse("[09:14] <@ann> tea, anyone?")[:3]
    ('says', 'ann', 'tea, anyone?')
    >>> parse("2020-01-01 12:00:00\t *\tann waves")[:3]
    ('acts', 'ann', 'waves')
    >>> parse("12:34 -!- ann is now known as ann_away")[:3]
    ('renamed', 'ann', 'ann_away')
    """
    stamp = STAMP.match(line)
    rest = line[stamp.end() :] if stamp else line
    if stamp and stamp["year"] and rest[:1] == "\t":
        return _of_weechat(rest[1:], stamp)
    rest = rest.strip(" \t")
    if said := (_SAYS_SPACED if stamp else _SAYS).fullmatch(rest):
        return Line("says", _SPLIT.sub("]", said[1]).strip(), said[2] or "", stamp)
    if rest[:2] in ("* ", "*\t") and (acts := _ACTS.fullmatch(rest)):
        return _of_star(acts[1], acts[2] or "", rest[1:].strip(), stamp)
    if not stamp and _DATE_LINE.match(rest):
        return Line("date", text=rest)
    if mark := _MARK.match(rest):
        return _told(rest[mark.end() :], stamp, perhaps=rest[0] == "=")
    return _bare(rest, stamp)


def _of_weechat(rest: str, stamp: re.Match[str]) -> Line:
    fields = _WEECHAT.fullmatch(rest)
    if fields is None:
        return Line("other", stamp=stamp)
    mark, text = fields[1].strip(), fields[2]
    if mark == "*":
        nick, _, done = text.partition(" ")
        return Line("acts", nick, done, stamp)
    if mark in ("-->", "<--", "--", "=!=", ""):
        return _told(text, stamp)
    nick = mark.lstrip(_MODES)
    return Line("says", nick, text, stamp) if _NICK.fullmatch(nick) else Line("other", stamp=stamp)


def _of_star(nick: str, text: str, whole: str, stamp: re.Match[str] | None) -> Line:
    if renamed := _RENAMED.match(whole):
        return Line("renamed", renamed[1], renamed[2].rstrip("."), stamp)
    if nick.endswith(":") or _is_told(whole, text):
        return Line("system", nick, stamp=stamp)
    return Line("acts", nick.lstrip(_MODES), text, stamp)


def _told(text: str, stamp: re.Match[str] | None, *, perhaps: bool = False) -> Line:
    if renamed := _RENAMED.match(text):
        return Line("renamed", renamed[1], renamed[2].rstrip("."), stamp)
    nick, _, rest = text.partition(" ")
    rest = rest.strip()
    if perhaps and rest and _NICK.fullmatch(nick) and not _is_told(text, rest):
        return Line("perhaps", nick, rest, stamp)
    return Line("system", nick, stamp=stamp)


def _is_told(text: str, rest: str) -> bool:
    return bool(_TOLD.match(text) or _HAPPENS.match(rest) or _COMES.search(text))


def _bare(rest: str, stamp: re.Match[str] | None) -> Line:
    """Lines that only a stamp of time or a notice's dashes mark."""
    if _NOTICE.fullmatch(rest):
        return Line("notice", stamp=stamp)
    if stamp is None:
        return Line("other")
    if changed := _CHANGED.fullmatch(rest):
        return Line("renamed", changed[1], changed[2].rstrip("."), stamp)
    if rest.startswith("Action: "):
        nick, _, done = rest[8:].partition(" ")
        return Line("acts", nick, done, stamp)
    nick, _, text = rest.partition(" ")
    return Line("system" if _HAPPENS.match(text) or _TOLD.match(rest) else "other", nick, stamp=stamp)


_HOUR = 3600
_BACK = 2 * _HOUR  # a clock that goes back by more than this has passed midnight; by less, it was set


class Clock:
    """Seconds since 1970 of each line; where the log gives no date, since the midnight before its first line.

    A clock that goes back has passed midnight. Some logs write 12 hours without am and pm: until an hour shows that
    there are 24 (13 to 23, or both 00 and 12), one that goes back has passed noon or midnight.
    """

    def __init__(self) -> None:
        """No date is known yet."""
        self.last: float | None = None
        self._day = 0.0
        self._dated = False
        self._round = 12 * _HOUR
        self._met: set[int] = set()
        self._year, self._month = 1970, 0

    def day(self, text: str) -> None:
        """A line with a date, such as ``--- Day changed Tue Jan 02 2020``."""
        date = _LONG_DATE.search(text)
        if date and date[1] in _MONTHS:
            self._year, self._month = int(date[3]), _month(date[1])
            self._day = _midnight(self._year, self._month, int(date[2]))
            self._dated, self.last = True, None
        elif _DAY.match(text):  # in words of another language
            self._day += 24 * _HOUR
            self.last = None

    def at(self, stamp: re.Match[str] | None) -> float | None:
        """When a line was written; without a stamp, the time of the line before."""
        if stamp is None:
            return self.last
        hour = int(stamp["hour"])
        seconds = float(hour * _HOUR + int(stamp["minute"]) * 60 + int(stamp["second"] or 0))
        if stamp["year"]:
            self.last = _midnight(int(stamp["year"]), int(stamp["month"]), int(stamp["day"])) + seconds
        elif stamp["name"]:
            self.last = self._of_month(_month(stamp["name"]), int(stamp["mday"])) + seconds
        else:
            self.last = self._rolled(hour, seconds)
        return self.last

    def _of_month(self, month: int, day: int) -> float:
        if self._month - month > 6:  # the log does not say that a year began
            self._year += 1
        self._month = month
        return _midnight(self._year, month, day)

    def _rolled(self, hour: int, seconds: float) -> float:
        self._met.add(hour)
        if hour > 12 or {0, 12} <= self._met or self._dated:
            self._round = 24 * _HOUR
        time = self._day + seconds
        while self.last is not None and time < self.last - _BACK:
            self._day += self._round
            time += self._round
        return time


def _month(name: str) -> int:
    return _MONTHS.index(name) // 3 + 1


def _midnight(year: int, month: int, day: int) -> float:
    return float(timegm((year, min(12, max(1, month)), min(31, day), 0, 0, 0)))
