"""What stands in the columns of a table, and in the fields of messages: texts, names, lists of messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

# A space between words, or two letters of a script that writes none.
_PHRASE = re.compile(
    r"[^\W\d_]\S*\s+\S|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]{2}"
)
_LETTER = re.compile(r"[^\W\d_]")
_LOOKED_AT = 300  # characters of a value
_LONGEST_NAME = 60  # characters of a speaker's name
_NAMED_BY = ("display_name", "name", "username", "user_name", "login", "nickname", "role", "id")


def wordy(values: Sequence[Any], share: float) -> bool:
    """Whether the values are texts: strings with letters, of which so many hold more than a word."""
    known = [value for value in values if value is not None and value != ""]
    texts = [value[:_LOOKED_AT] for value in known if isinstance(value, str)]
    if not texts or len(texts) < 0.8 * len(known):
        return False
    lettered = sum(1 for text in texts if _LETTER.search(text))
    phrases = sum(1 for text in texts if _PHRASE.search(text))
    return lettered >= 0.6 * len(texts) and phrases >= share * len(texts)


def name_of(value: Any) -> str:
    """The name of a speaker; of one who is an object, what that one is called by."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return next((str(value[key]) for key in _NAMED_BY if isinstance(value.get(key), (str, int))), "")
    return "" if value is None else str(value)


def transposed(rows: Sequence[Any], columns: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Rows that are objects as columns; what an object lacks, and what is no object, is None."""
    if columns is None:
        columns = list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
    return {key: [row.get(key) if isinstance(row, dict) else None for row in rows] for key in columns}


def scalars(values: Sequence[Any]) -> bool:
    """Whether all values are strings and numbers, and there are some."""
    return any(v is not None for v in values) and all(v is None or isinstance(v, (str, int, float)) for v in values)


def people(values: Sequence[Any], many: bool) -> bool:
    """Whether these may be names of speakers: short, and they come back; ``many`` people may speak where it is so."""
    known = [name_of(value) for value in values if value is not None and not isinstance(value, (list, bool))]
    if not known or len(known) < 0.5 * len(values) or max(map(len, known)) > _LONGEST_NAME:
        return False
    return len(known) < 6 or len(set(known)) <= (0.9 if many else 0.5) * len(known)


def take_turns(values: Sequence[Any]) -> bool:
    """Whether these may be speakers by how they come: few, each back again, and hardly one twice in a row."""
    known = [value for value in values if isinstance(value, (str, int)) and not isinstance(value, bool)]
    if len(known) < max(2, 0.9 * len(values)) or not people(known, many=False):
        return False
    changes = sum(a != b for a, b in pairwise(known))
    return len(set(known)) >= 2 and changes >= 0.4 * (len(known) - 1)


def rows_of(value: dict[str, Any]) -> Any:
    """A struct of lists of one length (as the hub keeps a list of structs) as a list of structs."""
    lists = {key: column for key, column in value.items() if isinstance(column, list)}
    sizes = {len(column) for column in lists.values()}
    if len(lists) < len(value) or len(sizes) != 1:
        return None
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
