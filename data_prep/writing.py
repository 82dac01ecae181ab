"""Judged pairs to Parquet splits, training text to pieces, splits to token ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep import dedupe, store
from data_prep.progress import Stages
from data_prep.report import Report, reasons_in_order
from data_prep.rules import JUDGES
from data_prep.split import TRAIN, SplitConfig, hash64
from data_prep.tally import EXAMPLES
from data_prep.text import words
from data_prep.vocabulary import Encoder, VocabularyConfig, train

_PAIR = [
    ("dialogue", pa.large_string()),
    ("context", pa.large_list(pa.large_string())),
    ("reply", pa.large_string()),
]
_SCHEMAS = {
    **{name: pa.schema(_PAIR) for name in store.SPLITS},
    "dropped": pa.schema([*_PAIR, ("reason", pa.large_string())]),
}
_FILE = "part-0.parquet"
_ROWS = 1 << 16  # pairs that are encoded at a time


def pair_tables(cleaned: Path) -> Iterator[pa.Table]:
    """The cleaned dialogues as rows of pairs: dialogue, context, reply, reason, number, split; in order."""
    for batch in pq.ParquetFile(cleaned).iter_batches():
        owner = pc.list_parent_indices(batch["replies"])
        yield pa.table(
            {
                "dialogue": batch["dialogue"].take(owner),
                "context": _list(batch, "contexts"),
                "reply": _list(batch, "replies"),
                "reason": _list(batch, "reasons"),
                "number": _list(batch, "numbers"),
                "split": batch["split"].take(owner),
            }
        )


def _list(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch[name].flatten()


def write_splits(
    cleaned: Path,
    folder: Path,
    repeats: dedupe.Repeats,
    config: SplitConfig,
    report: Report,
    progress: Stages,
) -> None:
    """Write train/, valid/, test/ and dropped/, and enter what was dropped, and why, into the books.

    Args:
        cleaned: Parquet of cleaned dialogues.
        folder: where the four folders are made.
        repeats: pairs that the de-duplication drops.
        config: shares of the splits; a corpus whose few dialogues all fall outside training trains whole.
        report: its counts are filled.
        progress: told of each table.
    """
    writers = {}
    for name, schema in _SCHEMAS.items():
        (folder / name).mkdir()
        writers[name] = pq.ParquetWriter(folder / name / _FILE, schema, compression="zstd")
    sizes: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    undivided = not repeats.kept_in_train
    if undivided and (config.valid or config.test):
        report.warnings.append("too few dialogues to hold some out: all pairs are for training")
    try:
        for pairs in progress.track(pair_tables(cleaned), "writing pairs"):
            table = _with_repeats(pairs, repeats, report)
            kept = pc.is_null(table["reason"])
            for index, name in enumerate(store.SPLITS):
                inside = pa.scalar(index == TRAIN) if undivided else pc.equal(table["split"], index)
                rows = table.filter(pc.and_(kept, inside))
                sizes[name] += len(rows)
                writers[name].write_table(rows.select(_SCHEMAS[name].names).cast(_SCHEMAS[name]))
            gone = table.filter(pc.invert(kept))
            dropped.update(gone["reason"].to_pylist())
            writers["dropped"].write_table(gone.select(_SCHEMAS["dropped"].names).cast(_SCHEMAS["dropped"]))
    finally:
        for writer in writers.values():
            writer.close()
    report.splits = {name: sizes[name] for name in store.SPLITS}
    report.dropped = reasons_in_order(dropped)
    report.seen = report.tally[JUDGES[0].reason].seen  # counted where the pairs were cut: `check` compares


def _with_repeats(table: pa.Table, repeats: dedupe.Repeats, report: Report) -> pa.Table:
    """Fill in the reason of pairs that repeat, and count them as a rule of their own."""
    number = table["number"].to_numpy()
    judged = pc.is_null(table["reason"]).to_numpy()
    found = np.searchsorted(repeats.numbers, number)
    found[found == len(repeats.numbers)] = 0
    again = judged & (repeats.numbers[found] == number) if len(repeats.numbers) else np.zeros(len(number), bool)
    reasons = np.where(again, repeats.reasons[found] if len(repeats.numbers) else 0, -1)
    for index, name in enumerate(dedupe.REASONS):
        count = report.tally[name]
        count.seen += int(judged.sum())
        rows = np.flatnonzero(reasons == index)
        judged &= reasons != index
        count.acted += len(rows)
        for row in rows[:EXAMPLES].tolist():
            count.example(int(number[row]), table["context"][row].as_py()[-1], table["reply"][row].as_py())
    names = pa.array(dedupe.REASONS, pa.large_string()).take(pa.array(reasons, mask=reasons < 0))
    return table.set_column(table.schema.get_field_index("reason"), "reason", pc.coalesce(table["reason"], names))


def train_vocabulary(folder: Path, config: VocabularyConfig, report: Report, progress: Stages) -> bytes | None:
    """Train the pieces on the training split alone, and write them; None, with a warning, where it is too small."""
    pairs = report.splits[store.SPLITS[TRAIN]]
    with progress.doing("training the vocabulary"):
        model = train(_distinct_texts(folder, min(1.0, config.sample / max(1, pairs))), config) if pairs > 1 else None
    if model is None:
        report.warnings.append(
            f"{pairs} training pairs are too few to train a vocabulary on: the pairs are written, "
            "but `chatbot fit` needs more talk"
        )
        return None
    (folder / store.TOKENIZER).write_bytes(model)
    size = Encoder(model).size
    report.vocabulary = {"kind": config.kind, "size": size, "asked": config.size}
    if config.kind == "unigram" and size < config.size:
        report.warnings.append(
            f"vocabulary lowered from {config.size:,} to {size:,} pieces: the corpus supports no more"
        )
    return model


def _distinct_texts(folder: Path, share: float) -> Iterator[str]:
    """Each training text once (a turn is a reply here and a context there), or a share of them chosen by hash."""
    met: set[int] = set()
    for batch in pq.ParquetFile(folder / store.SPLITS[TRAIN] / _FILE).iter_batches(columns=["context", "reply"]):
        for context, reply in zip(batch["context"].to_pylist(), batch["reply"].to_pylist(), strict=True):
            for text in (context[-1], reply):
                key = hash64(text)
                if key not in met and key < share * 2**64:
                    met.add(key)
                    yield text


def encode_splits(folder: Path, model: bytes, progress: Stages) -> None:
    """Write ids/train.arrow and so on: Arrow streams of context (turns of pieces), reply and words."""
    encoder = Encoder(model)
    (folder / "ids").mkdir()
    ids = pa.large_list(pa.from_numpy_dtype(encoder.dtype))
    schema = pa.schema([("context", pa.large_list(ids)), ("reply", ids), ("words", pa.int32())])
    for name in store.SPLITS:
        source = pq.ParquetFile(folder / name / _FILE)
        with (
            pa.OSFile(str(folder / "ids" / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_stream(sink, schema) as writer,
        ):
            for batch in progress.track(source.iter_batches(batch_size=_ROWS), f"encoding {name}"):
                writer.write_batch(pa.record_batch(_encoded(batch, encoder), schema=schema))


def _encoded(batch: pa.RecordBatch, encoder: Encoder) -> list[pa.Array]:
    """Context, reply and words of a batch; a text that stands several times in it is encoded once."""
    turns = batch["context"].flatten()
    texts = pa.concat_arrays([turns, batch["reply"]]).dictionary_encode()
    pieces = encoder.encode(texts.dictionary.to_pylist())
    context = pieces.take(texts.indices[: len(turns)])
    reply = pieces.take(texts.indices[len(turns) :])
    counts = pa.array([len(words(text)) for text in batch["reply"].to_pylist()], pa.int32())
    starts = batch["context"].offsets
    starts = pc.subtract(starts, starts[0]) if len(starts) else starts
    return [pa.LargeListArray.from_arrays(starts, context), reply, counts]
