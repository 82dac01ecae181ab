"""Which numbers in a text may point at somebody (telephones, accounts, codes) and which are dates, years or prices."""

from __future__ import annotations

import re
import unicodedata

PHONE, NUMBER = "[phone]", "[number]"

_LEAST = 5  # digits; house numbers, hours and years have fewer
_LEAST_OF_PHONE, _MOST_OF_PHONE = 7, 15
_LEAST_SPELLED = 9  # "5-4-3-2-1" counts down, nine single digits are read out from somewhere

_RUN = re.compile(r"(?:[+＋][ ]?)?[(（]?\d+(?:[ \xa0\u2009\u202f()（）/\-\u2010-\u2015－]{1,3}\d+|[,.'’:]\d+)*")
_PLAIN = str.maketrans(
    dict.fromkeys("\xa0\u2009\u202f", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015－", "-")
    | {"（": "(", "）": ")", "＋": "+", "’": "'"}
)
_CODE = re.compile(
    r"""
      (?<![^\W_]) [A-Z]{2}\d{2} (?:[ ]?[A-Z]{4})? (?:[ ]?\d{4}){2,7} (?:[ ]?\d{1,4})? (?![^\W_])  # IBAN
    | (?<![^\W_]) (?=[a-f\-]{0,40}\d) (?=[\d\-]{0,40}[a-f]) [0-9a-f]{8}[0-9a-f\-]{8,64} (?![^\W_])  # hash, UUID
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ATOM = re.compile(
    r"""
      (?P<time>
          (?<![\d./\-]) (?:1[5-9]|2[0-2])\d\d ([\-/.]) [01]?\d \2 [0-3]?\d (?![./\-]?\d)
        | (?<![\d./\-]) [0-3]?\d ([\-/.]) [0-3]?\d \3 (?:(?:1[5-9]|2[0-2])\d\d|\d\d) (?![./\-]?\d)
        | (?<![\d:]) \d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,6})? (?![:\d])
        | (?<!\d) (?:1[5-9]|20)\d\d (?!\d)
      )
    | (?P<amount>
          (?<![\d,.]) \d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d{1,2})? (?!,?\d)
        | (?<![\d,.]) [1-9]\d?(?:\.\d{3})+(?:,\d{1,2})? (?!\.?\d)
        | (?<![\d,.]) [1-9]\d{0,2}(?:'\d{3})+(?:\.\d{1,2})? (?!'?\d)
        | (?<!\d)(?<!\d[\ .]) [1-9]\d{0,2}(?:[\ .]\d{3})*[\ .]000 (?![\ .]?\d)
        | (?<!\d)(?<!\d[\ .\-/]) [1-9]\d{0,3}000 (?![\ .\-/]?\d)
        | (?<!\d)(?<!\d[\ .\-/]) [1-9]\d?0\ ?-\ ?[1-9]\d?0 (?![\ .\-/]?\d)
        | (?<![\d,.]) (?:0|[1-9]\d{0,3})[.,]\d{1,2} (?!\d|[.,]\d)
      )
    | \d+
    """,
    re.VERBOSE,
)
_LIST = re.compile(r"\d{1,2}(?:,\d{1,2})+")
_CURRENCY_BEFORE = re.compile(r"[$€£¥₹₩₽₺][ \xa0]?$")
_CURRENCY_AFTER = re.compile(
    r"[ \xa0]?(?:[$€£¥₹₩₽₺%]|(?:k?m|c?m|g|k?g|euros?|dollars?|pounds?|eur|usd|gbp|yen|won|rupees)(?![^\W_]))",
    re.IGNORECASE,
)
_ANY_DIGIT = re.compile(r"\d")


def mask_numbers(text: str) -> str:
    """The text with ``[phone]`` and ``[number]`` for numbers of five digits and more, in the digits of any script.

    Left alone: dates, times, years and their ranges, amounts (marked thousands, round, with a currency).

    >>> mask_numbers("+49 (0)170 / 123 45 67, (020) 7946 0958, 555-0199, 13800138000, DE89 3704 0044 0532 0130 00")
    '[phone], [phone], [phone], [phone], [number]'
    >>> mask_numbers("2023-01-05 12:30, 5/6/23, 1990-1995, 2019 and 2020, 1,000,000, $20000, 1234.50, 5-4-3-2-1")
    '2023-01-05 12:30, 5/6/23, 1990-1995, 2019 and 2020, 1,000,000, $20000, 1234.50, 5-4-3-2-1'
    """
    return _RUN.sub(_mask, _CODE.sub(NUMBER, text)) if _ANY_DIGIT.search(text) else text


def _mask(match: re.Match[str]) -> str:
    found = match[0]
    kept = found[0] if found[0] in "(（" and not re.search("[)）]", found) else ""
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in found).translate(_PLAIN)
    digits = sum(map(str.isdigit, plain))
    may_be_phone = _LEAST_OF_PHONE <= digits <= _MOST_OF_PHONE
    if plain[0] == "+" and may_be_phone and "," not in plain:
        return PHONE
    if digits < _LEAST or _is_harmless(plain) or _is_price(match):
        return found
    is_phone = may_be_phone and (not plain.isdigit() or plain[0] == "0" or digits in (10, 11))
    return kept + (PHONE if is_phone else NUMBER)


def _is_harmless(plain: str) -> bool:
    """Made of dates, times, years and amounts, perhaps with a day or an hour beside them; or listed, or counted out."""
    if _LIST.fullmatch(plain):
        return True
    atoms = list(_ATOM.finditer(plain))
    rest = [atom[0] for atom in atoms if atom.lastgroup is None]
    if len(rest) <= 2 and all(len(number) <= 2 for number in rest):
        # A check digit behind a dash belongs to a number of somebody's.
        return not rest or any(atom["time"] or (atom["amount"] and "-" not in plain) for atom in atoms)
    return all(len(number) == 1 for number in rest) and len(rest) < _LEAST_SPELLED


def _is_price(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 2) : match.start()]
    return match[0].isdigit() and bool(
        _CURRENCY_BEFORE.search(before) or _CURRENCY_AFTER.match(match.string, match.end())
    )
