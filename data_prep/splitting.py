"""The last stage over parts: pairs go to the folders of their splits, or to those dropped, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.columns import Ints, count, fold_column, large
from data_prep.personas import ROLES
from data_prep.place import Place
from data_prep.rules import REASONS, REPEATS
from data_prep.rules.whole_columns import PASSED
from data_prep.shape import Shape
from data_prep.store import SPLITS
from data_prep.tally import EXAMPLES, Tally


@dataclass(frozen=True)
class WriteTask:
    """A part whose pairs go to their splits."""

    work: Place
    output: Place
    part: str
    number: int
    given: bool
    homes: tuple[int, int, int]
    """The split that the pairs of each go to: a small corpus leaves too few for some."""
    verdict: Any = field(repr=False)
    """For each pair of the part a place in ``REASONS``, or ``PASSED``."""
    top: tuple[int, ...] = ()
    """Keys of the most frequent replies, to be counted before and after."""


def write(task: WriteTask) -> dict[str, Any]:
    """Write the pairs of a part to the folders of their splits.

    Returns:
        ``rows`` (folder → pairs), ``dropped`` (reason → pairs), ``tally`` of what only the whole corpus could tell,
        ``shape``.
    """
    texts = large(task.work.read_table(f"clean/{task.part}.texts.parquet")["text"])
    pairs = task.work.read_table(f"clean/{task.part}.pairs.parquet")
    verdict = np.asarray(task.verdict, np.int64)
    split = np.array(task.homes)[pairs["split"].to_numpy()]
    kept = verdict == PASSED
    rows: Counter[str] = Counter()
    for place, name in enumerate(SPLITS):
        inside = kept & (split == place)
        table = _materialised(texts, pairs, np.flatnonzero(inside))
        if task.given:
            flags = pairs["verdict"].to_numpy()[inside]
            table = table.append_column("flag", _names(flags))
        rows[name] = len(table)
        if len(table):
            task.output.write_table(f"{name}/{task.part}.parquet", table, "zstd", dictionary=True)
    gone = np.flatnonzero(~kept)
    table = _materialised(texts, pairs, gone).append_column("reason", _names(verdict[gone]))
    if len(table):
        task.output.write_table(f"dropped/{task.part}.parquet", table, "zstd", dictionary=True)
    found, uses = np.unique(verdict[gone], return_counts=True)
    return {
        "rows": dict(rows),
        "dropped": {REASONS[place]: int(number) for place, number in zip(found.tolist(), uses.tolist(), strict=True)},
        "tally": _repeats(texts, pairs, verdict, task.number).to_json(),
        "shape": _shape(texts, pairs, kept, split, task).to_json(),
    }


def write_empty(output: Place, rows: Mapping[str, int], dropped: Mapping[str, int]) -> None:
    """A file without rows in the folders that no part wrote to, so that each can be read."""
    pair = [
        ("dialogue", pa.large_string()),
        ("context", pa.large_list(pa.large_string())),
        ("roles", pa.large_list(pa.large_string())),
        ("reply", pa.large_string()),
    ]
    for name in SPLITS:
        if not rows[name]:
            output.write_table(f"{name}/empty.parquet", pa.schema(pair).empty_table())
    if not sum(dropped.values()):
        schema = pa.schema([*pair, ("reason", pa.large_string())])
        output.write_table("dropped/empty.parquet", schema.empty_table())


def _names(verdict: Any) -> pa.Array:
    places = np.asarray(verdict, np.int64)
    return pa.array(REASONS, pa.large_string()).take(pa.array(places, mask=places == PASSED))


def _materialised(texts: pa.LargeStringArray, pairs: pa.Table, rows: Ints) -> pa.Table:
    chosen = pairs.select(["dialogue", "context", "roles", "reply"]).take(pa.array(rows)).combine_chunks()
    context = chosen["context"].chunk(0) if chosen["context"].num_chunks else pa.array([], pa.large_list(pa.int32()))
    roles = chosen["roles"].combine_chunks().flatten() if len(chosen) else pa.array([], pa.int8())
    lengths = pc.list_value_length(context).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.r_[0, np.cumsum(lengths)].astype(np.int64))
    return pa.table(
        {
            "dialogue": chosen["dialogue"],
            "context": pa.LargeListArray.from_arrays(offsets, texts.take(context.flatten())),
            "roles": pa.LargeListArray.from_arrays(offsets, pa.array(ROLES, pa.large_string()).take(roles)),
            "reply": texts.take(chosen["reply"].combine_chunks()),
        }
    )


def _repeats(texts: pa.LargeStringArray, pairs: pa.Table, verdict: Ints, number: int) -> Tally:
    """The books of what was dropped for a reason that only the whole corpus could tell."""
    tally = Tally()
    for reason in REPEATS:
        rows = np.flatnonzero(verdict == REASONS.index(reason))
        entry = tally[reason]
        entry.acted = len(rows)
        for row in rows[:EXAMPLES].tolist():
            context = pairs["context"][row].as_py()
            example = texts[context[-1]].as_py(), texts[pairs["reply"][row].as_py()].as_py()
            entry.example((number << 32) + row, *example)
    return tally


def _shape(texts: pa.LargeStringArray, pairs: pa.Table, kept: Any, split: Any, task: WriteTask) -> Shape:
    words = count(texts).words
    reply = pairs["reply"].to_numpy()
    shape = Shape()
    if len(reply):
        context = pairs["context"].combine_chunks()
        ends = np.cumsum(pc.list_value_length(context).to_numpy(zero_copy_only=False))
        running = np.r_[0, np.cumsum(words[context.flatten().to_numpy()])]
        whole = np.diff(running[np.r_[0, ends]])
        shape.reply_words.update(words[reply[kept]].tolist())
        shape.context_words.update(whole[kept].tolist())
    keys = pairs["reply_key"].to_numpy()
    frequent = np.isin(keys, np.array(task.top, np.uint64))
    trained = kept & (split == 0)
    for rows, counter in ((frequent, shape.replies_seen), (frequent & trained, shape.replies_kept)):
        counter.update(fold_column(texts.take(pa.array(reply[rows]))).to_pylist())
    return shape
