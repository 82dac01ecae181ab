"""The stages of preparation that work on one part at a time, and can so be spread over processes and machines.

Each takes a task that can be pickled, leaves files in the work folder, last its books, and returns these. A task whose
books are there already was done before the run was killed: it is not done again.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep import sources
from data_prep.clean import DIALOGUES, CleanConfig, clean_part
from data_prep.columns import Ints, fold_column, joined, large
from data_prep.near import Shingles, Side, shingle_sets
from data_prep.place import Place
from data_prep.records import Dialogue
from data_prep.sources.files import Notes, valid
from data_prep.split import hash64

TURNS_A_PART = 1 << 15
_BATCH = 1 << 10  # dialogues that are turned into columns at a time
SPEAKERS = 1_000_000  # names that are remembered; a corpus with more is no chat of people one knows


@dataclass(frozen=True)
class ReadTask:
    """Readings to store as parts of `TURNS_A_PART` turns or some more."""

    work: Place
    name: str
    readings: tuple[sources.Reading, ...]
    notes: Notes
    """The one that the readings write to."""

    @property
    def books(self) -> str:
        """The file that says it is done."""
        return f"turns/{self.name}.json"


def read(task: ReadTask) -> dict[str, Any]:
    """Read dialogues, and write them down as parts.

    Returns:
        ``parts`` (name, dialogues, turns of each), and what was met: ``passed_over``, ``left_out``, ``warnings``,
        ``names`` (further ones of speakers), ``speakers`` (name → turns), ``groups`` (their hashes), ``formats``.
    """
    if task.work.exists(task.books):
        return dict(task.work.read_json(task.books))
    speakers: Counter[str] = Counter()
    groups: set[int] = set()
    parts = []
    with task.notes.apart() as notes, _nothing_to_collect():
        dialogues = chain.from_iterable(map(sources.grouped, task.readings))
        for number, table in enumerate(_parts(dialogues, speakers, groups)):
            name = f"{task.name}-{number:05d}"
            task.work.write_table(f"turns/{name}.parquet", table)
            turns = pc.sum(pc.list_value_length(table["texts"])).as_py() or 0
            parts.append({"name": name, "dialogues": len(table), "turns": turns})
        met = {
            "passed_over": notes.passed_over,
            "left_out": dict(notes.counts),
            "warnings": notes.warnings,
            "names": sorted(map(valid, notes.names)),
        }
    books = {
        "parts": parts,
        **met,
        "speakers": {valid(name): turns for name, turns in speakers.items()},
        "groups": sorted(groups),
        "formats": dict(Counter(reading.format for reading in task.readings)),
    }
    task.work.write_json(task.books, books)
    return books


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Without looking for cycles of objects: dialogues are tuples of strings, and there are millions of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parts(dialogues: Iterable[Dialogue], speakers: Counter[str], groups: set[int]) -> Iterator[pa.Table]:
    batches: list[pa.Table] = []
    turns = 0
    source = iter(dialogues)
    while taken := list(islice(source, _BATCH)):
        rows = [row for row in taken if row.turns]
        if not rows:
            continue
        batches.append(to_table(rows))
        turns += sum(len(row.turns) for row in rows)
        groups.update(hash64(group) for group in {row.group for row in rows})
        if len(speakers) < SPEAKERS:
            speakers.update(turn[0] for row in rows for turn in row.turns)
        if turns >= TURNS_A_PART:
            yield pa.concat_tables(batches)
            batches, turns = [], 0
    if batches:
        yield pa.concat_tables(batches)


def to_table(rows: list[Dialogue]) -> pa.Table:
    """Dialogues as rows of ``DIALOGUES``."""
    offsets = pa.array(np.r_[0, np.cumsum([len(row.turns) for row in rows])].astype(np.int64))
    said = list(chain.from_iterable(row.turns for row in rows))
    columns = [
        _strings([row.id for row in rows]),
        _strings([row.group for row in rows]),
        pa.LargeListArray.from_arrays(offsets, _strings([turn[0] for turn in said])),
        pa.LargeListArray.from_arrays(offsets, _strings([turn[1] for turn in said])),
        pa.LargeListArray.from_arrays(offsets, pa.array([turn[2] for turn in said], pa.float64())),
        pa.LargeListArray.from_arrays(offsets, pa.array([turn[3] for turn in said], pa.int32())),
        *_personas(rows),
    ]
    return pa.table(columns, schema=DIALOGUES)


def _personas(rows: list[Dialogue]) -> list[pa.LargeListArray]:
    offsets = pa.array(np.r_[0, np.cumsum([len(row.personas) for row in rows])].astype(np.int64))
    told = list(chain.from_iterable(row.personas for row in rows))
    return [pa.LargeListArray.from_arrays(offsets, _strings([entry[place] for entry in told])) for place in (0, 1)]


def _strings(texts: list[str]) -> pa.LargeStringArray:
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([valid(text) for text in texts], pa.large_string())


@dataclass(frozen=True)
class CleanTask:
    """A part of turns to clean."""

    work: Place
    part: str
    number: int
    config: CleanConfig
    given: int | None = None
    """The split that it is, where that was given."""


def clean(task: CleanTask) -> dict[str, Any]:
    """Clean a part: writes its texts, pairs, bands.

    Returns:
        ``tally`` (JSON), ``pairs``, ``turns``, ``left_out`` and ``lengths`` (turns a dialogue → dialogues).
    """
    books_file = f"clean/{task.part}.json"
    if task.work.exists(books_file):
        return dict(task.work.read_json(books_file))
    part = task.work.read_table(f"turns/{task.part}.parquet")
    cleaned = clean_part(part, task.config, task.number, given=task.given is not None)
    pairs = cleaned.pairs
    if task.given is not None:
        split = pa.array(np.full(len(pairs), task.given, np.int8))
        pairs = pairs.set_column(pairs.schema.get_field_index("split"), "split", split)
    task.work.write_table(f"clean/{task.part}.texts.parquet", pa.table({"text": cleaned.texts}))
    task.work.write_table(f"clean/{task.part}.pairs.parquet", pairs)
    if cleaned.bands is not None:
        task.work.write_table(f"clean/{task.part}.bands.parquet", cleaned.bands, "none")  # as good as random
    if cleaned.raw is not None:
        task.work.write_table(f"clean/{task.part}.raw.parquet", pa.table({"key": cleaned.raw.pairs}))
        task.work.write_table(f"clean/{task.part}.whole.parquet", pa.table({"key": cleaned.raw.dialogues}))
    lengths = pc.value_counts(pc.list_value_length(part["texts"]))
    books = {
        "tally": cleaned.tally.to_json(),
        "pairs": len(pairs),
        "turns": cleaned.turns,
        "left_out": cleaned.left_out,
        "lengths": {str(row["values"].as_py()): row["counts"].as_py() for row in lengths},
    }
    task.work.write_json(books_file, books)
    return books


@dataclass(frozen=True)
class ShingleTask:
    """Pairs of a part whose words are wanted."""

    work: Place
    part: str
    side: Side
    rows: Ints = field(repr=False)


def shingle(task: ShingleTask) -> Shingles:
    """Shingle sets of some pairs of a part, or of one of their sides."""
    texts = large(task.work.read_table(f"clean/{task.part}.texts.parquet")["text"])
    pairs = task.work.read_table(f"clean/{task.part}.pairs.parquet", ["context", "reply"]).take(pa.array(task.rows))
    places = {"context": last_places(pairs["context"].combine_chunks()), "reply": pairs["reply"].combine_chunks()}
    wanted = places if task.side == "both" else {task.side: places[task.side]}
    return shingle_sets(joined(*(fold_column(texts.take(rows)) for rows in wanted.values())))


def last_places(context: pa.LargeListArray) -> pa.Array:
    """The last place of each context."""
    values, ends = context.flatten(), np.cumsum(pc.list_value_length(context).to_numpy(zero_copy_only=False))
    return values.take(pa.array(ends - 1))
