"""Parquet files: a list of messages a row, or a table as in CSV; also the ``turns.parquet`` that prepare itself writes.

Read by row groups, so that files larger than memory pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.records import Dialogue
from data_prep.sources import arrow_rows
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

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
    return arrow_rows.dialogues(file.name, partial(_batches, file), file.path, notes, config)


def _batches(file: File, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with file.open() as opened, pq.ParquetFile(opened) as table:
        yield from table.iter_batches(_BATCH, columns=columns or None)


FORMAT = Format("parquet", recognises, read)
