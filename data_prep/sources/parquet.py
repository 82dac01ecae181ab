"""Parquet files: a list of messages a row, or a table as in CSV; also the ``turns.parquet`` that prepare itself writes.

Read by row groups, so that files larger than memory pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.records import Dialogue
from data_prep.sources import arrow_rows, turns_again
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import Columns, SourceConfig

_MAGIC = b"PAR1"
_BATCH = 1 << 14  # rows


def recognises(file: File) -> bool:
    """Told by its first four bytes."""
    return file.head.startswith(_MAGIC) and len(file.head) > 2 * len(_MAGIC)


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Dialogues in the order of the file.

    Raises:
        PrepareError: the file is broken, or nothing tells which of its columns are talk.
    """
    if config.columns == Columns() and is_turns(file) and _in_pieces(file):
        try:
            yield from turns_again.dialogues(file.name, _batches(file, []))
        except arrow_rows.ERRORS as error:
            raise arrow_rows.unreadable(file.path, error) from error
        return
    yield from arrow_rows.dialogues(file.name, partial(_batches, file), file.path, notes, config)


def is_turns(file: File) -> bool:
    """Whether it is a ``turns.parquet`` that ``prepare --stop-after read`` wrote."""
    try:
        with file.open() as opened:
            return recognises(file) and turns_again.is_ours(pq.read_schema(opened))
    except arrow_rows.ERRORS:
        return False  # what is wrong with it is told when it is read


def _in_pieces(file: File) -> bool:
    """Whether nobody has sorted its rows otherwise since."""
    try:
        return arrow_rows.in_pieces(partial(_batches, file), "dialogue")
    except arrow_rows.ERRORS:
        return False


def _batches(file: File, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with file.open() as opened, pq.ParquetFile(opened) as table:
        yield from table.iter_batches(_BATCH, columns=columns or None)


FORMAT = Format("parquet", recognises, read)
