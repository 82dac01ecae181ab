"""The rows of a CSV or TSV file, as its dialect has them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes

TOO_WIDE = "rows with more cells than columns, left out"
_LONGEST_ROW = 200  # lines
_LONGEST_CELL = 1 << 24  # characters: a book has a million
csv.field_size_limit(_LONGEST_CELL)  # 131,072 by itself, which a whole dialogue in one cell may pass


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    delimiter: str
    quoted: bool = True
    escaped: bool = False
    """Quotes inside quotes are written ``\\"``, not ``""``."""
    spaced: bool = False
    """A space follows each delimiter."""
    skipped: int = 0
    """Lines before the table."""

    def reader(self, lines: Iterable[str]) -> Any:
        """A reader of the csv module; lines must keep their ends."""
        return csv.reader(
            islice(lines, self.skipped, None),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            escapechar="\\" if self.escaped else None,
            doublequote=not self.escaped,
            skipinitialspace=self.spaced,
        )


def fitted(row: list[str], width: int, delimiter: str) -> list[str]:
    """A row of so many cells: what is too much belongs to the last one, where a text has the delimiter in it."""
    if len(row) == width:
        return row
    if len(row) < width:
        return [*row, *[""] * (width - len(row))]
    return [*row[: width - 1], delimiter.join(row[width - 1 :])]


def not_wider(rows_: Iterator[list[str]], width: int, notes: Notes) -> Iterator[list[str]]:
    """The rows without those of more cells than columns: nothing tells which of their delimiters are part of a text."""
    for row in rows_:
        if any(row[width:]):
            notes.counts[TOO_WIDE] += 1
        else:
            yield row[:width]


def read_rows(file: File, dialect: Dialect, notes: Notes) -> Iterator[list[str]]:
    """The rows that are not empty.

    Raises:
        PrepareError: a quote has no end, or a cell hardly any; it names the line where the row begins.
    """
    last = ""

    def lines() -> Iterator[str]:
        nonlocal last
        for _, last in file.lines():
            yield last + "\n"

    reader = dialect.reader(lines())
    begins = ends = dialect.skipped
    try:
        for row in reader:
            begins, ends = ends + 1, dialect.skipped + reader.line_num
            if ends - begins > _LONGEST_ROW:
                where = f"{file.path}, line {begins}"
                notes.warnings.append(f"{where}: this row goes on to line {ends}; its quote may have no end")
            if row and row[-1].endswith("\n") and not last.rstrip().endswith('"'):
                raise csv.Error("the file ends inside it")
            if any(row):
                yield row
    except csv.Error as error:
        line = begins if "inside" in str(error) else ends + 1
        if "field limit" in str(error):
            raise PrepareError(
                f"{file.path}, line {line}: a cell of the row that begins here has more than {_LONGEST_CELL:,} "
                "characters; expected what people say; shorten it, or mend a quote that has no end, and run again"
            ) from error
        raise PrepareError(
            f"{file.path}, line {line}: a quote in the row that begins here has no end ({error}); mend it and run again"
        ) from error
