"""Tables: CSV and TSV, a message a row or a question with its reply, with a header or two columns of texts without one.

Separators, quotes and the header are found out; columns are told by their names in several languages, or by the user.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from data_prep.errors import PrepareError
from data_prep.records import Dialogue
from data_prep.sources import rows
from data_prep.sources.columns import Picked, guess, not_told, two_texts
from data_prep.sources.csv_rows import Dialect, fitted, not_wider, read_rows
from data_prep.sources.files import HEAD, File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.names import is_known
from data_prep.sources.options import Columns, SourceConfig

_DELIMITERS = "\t,;|"
_LOOKED_AT = 200  # rows that tell what a table is
_BATCH = 5_000  # rows that are turned into columns together
_ALIKE = 0.9  # of the rows that must be as wide as the first
_ALIKE_NAMED = 0.7  # where the first has names that are known
_LONGEST_HEADER = 40  # characters of a column's name
_NUMBERED = re.compile(r"\d+ \S")  # lines of ParlAI begin so
_KEYED = re.compile(r"(?:text|labels|id|episode_done):")


@dataclass(frozen=True)
class Table:
    """What was found out about a table."""

    dialect: Dialect
    columns: tuple[str, ...]
    header: bool
    """The first row has the names."""
    picked: Picked | None


def recognises_csv(file: File) -> bool:
    """Rows of one width with a comma, semicolon or bar between the cells, whose columns look like talk."""
    return _recognises(file, ",;|")


def recognises_tsv(file: File) -> bool:
    """Rows of one width with tabs between the cells, whose columns look like talk."""
    return _recognises(file, "\t")


def has_columns(file: File, asked: Columns) -> bool:
    """Whether a file is a table with all the columns that the user names, whatever they are called."""
    if asked == Columns() or not file.looks_like_text:
        return False
    wanted = {column for column in vars(asked).values() if column is not None}
    return any(wanted.issubset(table.columns) for table in _tables(file, _DELIMITERS, Columns()))


def columns_of(file: File) -> tuple[str, ...] | None:
    """The columns of what is evidently a table, with a header; None for any other file."""
    tables = [table for table in _tables(file, _DELIMITERS, Columns()) if table.header]
    return max((table.columns for table in tables), key=len, default=None)


def _recognises(file: File, delimiters: str) -> bool:
    return file.looks_like_text and any(table.picked for table in _tables(file, delimiters, Columns()))


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Dialogues of a table: grouped by their column, or one chat that silence cuts, or one a row.

    Raises:
        PrepareError: a column that the user names is absent, nothing tells which columns are talk, or a quote has no
            end.
    """
    table = _chosen(file, config.columns)
    assert table.picked is not None  # or _chosen would have raised
    yield from rows.dialogues(file.name, _batches(file, table, notes), table.picked, notes, config)


def _chosen(file: File, asked: Columns) -> Table:
    """The likeliest reading of a table.

    Raises:
        PrepareError: there is none.
    """
    tables = list(_tables(file, _DELIMITERS, asked))
    for table in tables:
        if table.picked:
            return table
    if not tables:
        raise PrepareError(
            f"{file.path}: no table with two columns or more; expected CSV or TSV; give another --format"
        )
    widest = max(tables, key=lambda table: len(table.columns))
    if asked != Columns():
        guess(dict.fromkeys(widest.columns, ()), asked, file.path)  # names the column that is not there
    raise not_told(widest.columns, file.path)


def _tables(file: File, delimiters: str, asked: Columns) -> Iterator[Table]:
    """Readings of the first rows, one a delimiter that gives rows of one width."""
    lines = [line + "\n" for line in file.first_lines[: 5 * _LOOKED_AT]]
    skipped = 0
    if lines and (stated := re.fullmatch(r"sep=(.)\n", lines[0])):  # Excel says so
        delimiters, skipped = stated[1], 1
    for delimiter in delimiters:
        try:
            dialect = replace(_dialect(delimiter, lines[skipped:]), skipped=skipped)
            found = list(islice(filter(any, dialect.reader(lines)), _LOOKED_AT))
        except csv.Error:
            continue
        if len(file.head) == HEAD and len(found) > 2 and len(found) < _LOOKED_AT:
            found.pop()  # its last cell may be cut
        table = _table(dialect, found, asked, file.path) if len(found) > 1 and len(found[0]) > 1 else None
        if table:
            yield table


def _dialect(delimiter: str, lines: list[str]) -> Dialect:
    if delimiter == "\t":
        return Dialect(delimiter, quoted=_is_quoted(lines))
    first = lines[0] if lines else ""
    spaced = delimiter in ",;" and first.count(delimiter + " ") == first.count(delimiter) > 0
    plain, escaped = Dialect(delimiter, spaced=spaced), Dialect(delimiter, escaped=True, spaced=spaced)
    if any('\\"' in line for line in lines) and _odd_rows(escaped, lines) < _odd_rows(plain, lines):
        return escaped
    return plain


def _odd_rows(dialect: Dialect, lines: list[str]) -> int:
    """Rows that are not as wide as the first."""
    widths = [len(row) for row in islice(filter(any, dialect.reader(lines)), _LOOKED_AT)]
    return len(widths) - widths.count(widths[0]) if widths else 0


def _is_quoted(lines: list[str]) -> bool:
    """Whether quotes around the cells of a TSV belong to the table, not to what is said."""
    bare = [line.rstrip("\n").split("\t") for line in lines[:_LOOKED_AT]]
    opened = [cell for row in bare for cell in row if cell.startswith('"')]
    if all(len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "") for cell in opened):
        return bool(opened)
    return _odd_rows(Dialect("\t"), lines) == 0 < _odd_rows(Dialect("\t", quoted=False), lines)


def _table(dialect: Dialect, found: list[list[str]], asked: Columns, where: str) -> Table | None:
    width = len(found[0])
    alike = sum(len(row) == width for row in found)
    longer = sum(len(row) > width for row in found)
    columns = _named(found[0])
    fitting = [row for row in found[1:] if len(row) <= width]
    body = [fitted(row, width, dialect.delimiter) for row in fitting or found[1:]]
    samples = {column: [row[place] for row in body] for place, column in enumerate(columns)}
    if asked != Columns() and all(getattr(asked, role) in (None, *columns) for role in vars(asked)):
        return Table(dialect, columns, True, guess(samples, asked, where))
    picked = guess(samples) if all(len(cell) <= _LONGEST_HEADER for cell in found[0]) else None
    last = picked is not None and _ends_in_text(columns, picked)
    if picked and (alike >= _ALIKE_NAMED * len(found) or (last and alike + longer >= _ALIKE * len(found))):
        return Table(dialect, columns, True, picked)
    ragged = dialect.delimiter == "\t" and min(map(len, found)) > 1
    if alike < _ALIKE * len(found) and not ragged:
        return None
    return _without_names(dialect, found, columns, asked, where)


def _ends_in_text(columns: tuple[str, ...], picked: Picked) -> bool:
    """Whether what stands after the last delimiter of a row may go on with the text before it."""
    return columns[-1] in (picked.text, picked.context, picked.reply, *picked.across)


def _without_names(
    dialect: Dialect, found: list[list[str]], columns: tuple[str, ...], asked: Columns, where: str
) -> Table | None:
    """A table whose first row has no known names: a header still, or the first row of texts."""
    header = _is_header(found)
    body = found[1:] if header else found
    width = len(found[0]) if header else max(map(len, found))
    columns = columns if header else tuple(f"column {place}" for place in range(1, width + 1))
    filled = [fitted(row, width, dialect.delimiter) for row in body]
    samples = {column: [row[place] for row in filled] for place, column in enumerate(columns)}
    if asked != Columns() and all(getattr(asked, role) in (None, *columns) for role in vars(asked)):
        return Table(dialect, columns, header, guess(samples, asked, where))
    picked = None if _is_other(found) or any(is_known(cell) for cell in found[0]) else two_texts(samples)
    if picked and dialect.delimiter != "\t" and (picked.kind == "across" or not _is_strict(dialect, found)):
        picked = None
    return Table(dialect, columns, header, picked)


def _is_header(found: list[list[str]]) -> bool:
    """Whether the first row reads like names: short, all different, none of them a number or a sentence."""
    first = [cell.strip() for cell in found[0]]
    if len(set(first)) < len(first) or any(len(c) > _LONGEST_HEADER or re.search(r"[.?!…。？！]", c) for c in first):
        return False
    if not all(re.search(r"[^\W\d]", cell) or not cell for cell in first):
        return False
    below = [row for row in found[1:] if len(row) == len(first)]
    numbers = any(all(re.fullmatch(r"-?[\d.,:]+", row[place]) for row in below) for place in range(len(first)) if below)
    names = all(re.fullmatch(r"[A-Za-z]\w*(?: \w+){0,2}", cell) for cell in first)
    longer = 2 * sum(map(len, first)) * len(below) < sum(len(cell) for row in below for cell in row)
    return numbers or (names and longer)


def _is_other(found: Sequence[Sequence[str]]) -> bool:
    """Lines of ParlAI, which has tabs too: numbered, or with a key before each cell."""
    numbered = sum(bool(_NUMBERED.match(row[0])) for row in found)
    keyed = sum(bool(_KEYED.match(row[0])) for row in found)
    return max(numbered, keyed) >= 0.8 * len(found)


def _is_strict(dialect: Dialect, found: list[list[str]]) -> bool:
    """Without names, commas make a table where no prose or code would put them so."""
    alike = len(found) > 2 and all(len(row) == len(found[0]) and row[-1] for row in found)
    return alike and not dialect.spaced and not any(cell[:1].isspace() for row in found for cell in row)


def _named(cells: list[str]) -> tuple[str, ...]:
    """Names of columns: those without one are numbered, and of two alike the second."""
    named: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = cell.strip() or f"column {place}"
        named.append(name if name not in named else f"{name}~{place}")
    return tuple(named)


def _batches(file: File, table: Table, notes: Notes) -> Iterator[dict[str, list[Any]]]:
    width = len(table.columns)
    wanted = table.picked.needed if table.picked else table.columns
    needed = [(place, column) for place, column in enumerate(table.columns) if column in wanted]
    body: Iterator[list[str]] = islice(read_rows(file, table.dialect, notes), int(table.header), None)
    if table.picked and not _ends_in_text(table.columns, table.picked):
        body = not_wider(body, width, notes)
    while batch := [fitted(row, width, table.dialect.delimiter) for row in islice(body, _BATCH)]:
        yield {column: [row[place] for row in batch] for place, column in needed}


FORMAT = Format("csv", recognises_csv, read)
TSV = Format("tsv", recognises_tsv, read)
