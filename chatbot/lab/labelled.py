"""A table of texts and labels: which column is which, and which label is for."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chatbot.errors import ChatbotError
from chatbot.training.console import say
from data_prep.rules import repair

_WANTED = "expected a head, a column of texts, and one of two labels such as pos and neg, or 1 and 0"
_FOR = {"pos", "positive", "true", "yes", "for", "good"}
_AGAINST = {"neg", "negative", "false", "no", "against", "bad"}
_HEADS = {"label", "labels", "sentiment", "class", "polarity", "target", "rating", "stars", "score", "y"}
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)(?:\s*stars?)?\s*", re.IGNORECASE)
_MOST = 500  # characters of a field's name in a message


def read_table(path: Path) -> tuple[list[str], list[int]]:
    """The texts, and whether each is for (1) or against (0); how it was understood is said.

    Raises:
        ChatbotError: it is no such table.
    """
    head, rows = _rows(path)
    label, good, bad = _labels(path, head, rows)
    text = max(
        (column for column in range(len(head)) if column != label), key=lambda column: sum(len(r[column]) for r in rows)
    )
    kept = [row for row in rows if row[label].strip().lower() in (good, bad)]
    left = f"; {len(rows) - len(kept):,} rows with another label left out" if len(kept) < len(rows) else ""
    say(f"{path}: texts are in {head[text]!r}, labels in {head[label]!r}: {good} is for, {bad} against{left}")
    return [repair(row[text]) for row in kept], [int(row[label].strip().lower() == good) for row in kept]


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """The head and the rows that have as many fields; the mark between fields is the one that makes most of them."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}); {_WANTED}") from error
    except UnicodeDecodeError as error:
        raise ChatbotError(f"{path}: is not UTF-8 (byte {error.start:,}); save it as UTF-8") from error
    first = text.partition("\n")[0]
    mark = max("\t,;|", key=first.count)
    lines = text.splitlines(keepends=True)
    bare = mark == "\t" and '"' not in first  # tables with tabs seldom quote, and a mark in a text would open a quote
    try:
        reader = (
            csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE) if bare else csv.reader(lines, delimiter=mark)
        )
        found = [row for row in reader if row]
    except csv.Error as error:
        raise ChatbotError(f"{path}: cannot be read as a table ({error}); {_WANTED}") from error
    if len(found) < 2 or len(found[0]) < 2:
        raise ChatbotError(f"{path}: is no table of several columns; {_WANTED}")
    head, *rows = found
    whole = [row for row in rows if len(row) == len(head)]
    if len(whole) < len(rows):
        say(f"{path}: {len(rows) - len(whole):,} of {len(rows):,} rows have another number of fields and are left out")
    return [name[:_MOST] for name in head], whole


def _labels(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[int, str, str]:
    """The column of labels, and which of them is for and which against."""
    sides = {column: _sides([row[column] for row in rows]) for column in range(len(head))}
    found = {column: two for column, two in sides.items() if two is not None}
    named = {column: two for column, two in found.items() if head[column].strip().lower() in _HEADS}
    chosen = named or found
    if len(chosen) == 1:
        ((column, two),) = chosen.items()
        if head[column].strip().lower() in two:
            raise ChatbotError(
                f"{path}: its first row, with {head[column]!r} for a label, is a text like others; {_WANTED}"
            )
        return column, *two
    names = ", ".join(repr(head[column]) for column in chosen)
    what = (
        f"{names} could all be the labels; leave one" if chosen else f"none of {', '.join(map(repr, head))} has labels"
    )
    raise ChatbotError(f"{path}: {what}; {_WANTED}")


def _sides(values: Sequence[str]) -> tuple[str, str] | None:
    """Which of a column's values is for and which against, where two of them say so.

    Of two numbers the larger is for, whatever they are; of more than two, as of stars, the outer ones.
    """
    counts = Counter(value.strip().lower() for value in values)
    counts.pop("", None)
    good, bad = counts.keys() & _FOR, counts.keys() & _AGAINST
    if len(good) == len(bad) == 1:
        return good.pop(), bad.pop()
    numbers = {value: float(found[1]) for value in counts if (found := _NUMBER.fullmatch(value))}
    if len(numbers) < len(counts) or not 2 <= len(numbers) <= 5:
        return None
    return max(numbers, key=lambda value: numbers[value]), min(numbers, key=lambda value: numbers[value])
