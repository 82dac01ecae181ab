"""Times in columns: ISO 8601, seconds to nanoseconds since 1970, mail dates, and dates as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Literal

from data_prep.sources.clock import Dates, Stamp, header, iso_time, unix_time

_HALF = re.compile(r"\b([AP])\.?M\b\.?", re.IGNORECASE)
_MONTH = re.compile(r"(?<![A-Za-z])(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)", re.IGNORECASE)
_UNITS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6))  # below so many they are seconds, thousandths, millionths


class Moments:
    """Reads the times of one column; a date such as 5/6/24 as the other dates of the sample say."""

    def __init__(self, sample: Sequence[Any], dates: Literal["auto", "day-first", "month-first"] = "auto") -> None:
        """Look at some values of the column."""
        stamps = [stamp for value in sample if isinstance(value, str) and (stamp := _stamp(value))]
        self._dates = Dates(stamps, dates)
        self.doubtful = bool(self._dates.doubtful)
        """Nothing tells which number of a date is the day."""

    def seconds(self, value: Any) -> float | None:
        """Seconds since 1970; None where it is no time.

        >>> moments = Moments(["25/12/2023 18:30"])
        >>> [moments.seconds(v) for v in ("25/12/2023 18:30", "2023-12-25T18:30Z", 1703529000000, "1703529000", "soon")]
        [1703529000.0, 1703529000.0, 1703529000.0, 1703529000.0, None]
        """
        if value is None or value == "":
            return None
        if type(value) is float and abs(value) < _UNITS[0][0]:
            return value
        if type(value) is str and value[4:5] == "-":  # most likely, and quicker than to try the others first
            found = iso_time(value)
            if found is not None:
                return found
        if isinstance(value, date):
            return _of_date(value)
        number = unix_time(value, 1e-9)
        if number is not None:
            size = abs(number) * 1e9
            return unix_time(value, next((unit for limit, unit in _UNITS if size < limit), 1e-9))
        if not isinstance(value, str):
            return None
        found = iso_time(value)
        if found is None and (stamp := _stamp(value)):
            found = self._dates.time(stamp)
        return _mail_time(value) if found is None else found


def _of_date(value: date) -> float | None:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _stamp(value: str) -> Stamp | None:
    found = header(f"{value.strip()[:60]} - ") or header(f"{value.strip()[:60]} 00:00 - ")
    return found[0] if found and not found[1] else None


def _mail_time(value: str) -> float | None:
    """``Tue, 31 Oct 2017 22:10:47 +0000``, the same in the order of Unix, and ``31-Oct-17 10:10 PM``."""
    half = _HALF.search(value)
    try:
        parts = parsedate_tz(_HALF.sub("GMT", value[:60])) if _MONTH.search(value) else None
        if parts is None:
            return None
        hour = parts[3] % 12 + 12 * (half[1] in "pP") if half else parts[3]
        return float(mktime_tz((*parts[:3], hour, *parts[4:9], parts[9] or 0)))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
