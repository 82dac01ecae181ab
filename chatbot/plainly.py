"""What a parser has to say of a wrong value, in words that need no Python to be understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

_KEY = re.compile(r'Parser key "(?P<key>[^"]+)": (?P<rest>.*)')
_GIVEN = re.compile(r"(?:Given value|Got value): (?P<value>.*?)(?:;|$)")
_LITERAL = re.compile(r"typing\.Literal\[([^\]]*)\]")
_WORDS = (
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("NoneType", "null"),
    ("str", "text"),
    ("Path", "a path"),
    ("list", "a list, as in '[one, two]'"),
    ("tuple", "a list, as in '[one, two]'"),
    ("dict", "a mapping"),
)
_LONGEST = 60  # characters of a value that is told


def plainly(message: str) -> str:
    """A message of the parser as: which setting, what was given, what was expected.

    >>> plainly('Parser key "trainer.max_epochs": Does not validate against any of the Union subtypes Subtypes: '
    ...         "[<class 'int'>, <class 'NoneType'>] Errors: - Expected a <class 'int'> Given value: many")
    'trainer.max_epochs: many given; expected a whole number or null'
    >>> plainly("no such recipe")
    'no such recipe'
    """
    found = _KEY.search(message)
    if found is None:
        return message
    key, rest = found["key"], found["rest"]
    given, expected = _GIVEN.search(rest), _expected(rest.partition("Given value")[0].partition("Got value")[0])
    if rest.startswith("Not of type Path") and "NoneType" in rest:
        return f"{key}: nothing given; expected a path"
    if given is None or not expected:
        return f"{key}: {rest}"
    value = given["value"].strip()
    value = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    return f"{key}: {value} given; expected {_either(expected)}"


def unknown_flags(message: str) -> list[str]:
    """The flags that a parser says it does not know, without dashes and values.

    >>> unknown_flags("Unrecognized arguments: --temprature 1 --quikc=true")
    ['temprature', 'quikc']
    """
    words = message.split() if "nrecognized" in message else []
    return [word.split("=")[0].removeprefix("--") for word in words if word.startswith("--")]


def nearest(wrong: str, options: Sequence[str]) -> str | None:
    """The option most like a wrong name: as a whole, or by its last part; None where none is.

    >>> nearest("temprature", ["temperature", "search.top_k"]), nearest("top-k", ["temperature", "search.top_k"])
    ('temperature', 'search.top_k')
    """
    last = wrong.rpartition(".")[2].replace("-", "_")
    by_last = {option.rpartition(".")[2].replace("-", "_"): option for option in reversed(options)}
    if last in by_last:
        return by_last[last]
    whole = get_close_matches(wrong, options, n=1, cutoff=0.7)
    ends = get_close_matches(last, list(by_last), n=1, cutoff=0.75)
    return by_last[ends[0]] if ends else whole[0] if whole else None


def _expected(told: str) -> list[str]:
    """What would have been right, in the order in which it stands there."""
    told = told.partition("Errors:")[0]
    literals = [word.strip().strip("'\"") for group in _LITERAL.findall(told) for word in group.split(",")]
    kinds = _LITERAL.sub("", told)
    words = [plain for kind, plain in _WORDS if re.search(rf"(?<![\w.]){kind}(?!\w)", kinds)]
    return list(dict.fromkeys([*literals, *words]))


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
