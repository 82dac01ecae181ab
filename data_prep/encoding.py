"""Training text to pieces, and the splits to token ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep import store
from data_prep.columns import count, hash_column, large
from data_prep.grouping import earliest
from data_prep.personas import ROLES
from data_prep.place import Place
from data_prep.progress import Stages
from data_prep.report import Report
from data_prep.split import TRAIN
from data_prep.vocabulary import Encoder, VocabularyConfig, given, train

_ROWS = 1 << 16  # pairs that are encoded at a time


def train_vocabulary(folder: Place, config: VocabularyConfig, report: Report, progress: Stages) -> bytes | None:
    """Train the pieces on the training split alone, and write them; None, with a warning, where it is too small.

    Where a model is given, its pieces are taken instead.
    """
    if config.model is not None:
        return _write(folder, given(config.model), {"kind": "given", "asked": None}, report)
    pairs = report.splits[store.SPLITS[TRAIN]]
    with progress.doing("training the vocabulary"):
        model = train(_distinct_texts(folder, min(1.0, config.sample / max(1, pairs))), config) if pairs > 1 else None
    if model is None:
        report.warnings.append(
            f"{pairs} training pairs are too few to train a vocabulary on: the pairs are written, "
            "but `chatbot fit` needs more talk"
        )
        return None
    _write(folder, model, {"kind": config.kind, "asked": config.size}, report)
    size = Encoder(model).size
    if config.kind == "unigram" and size < config.size:
        report.warnings.append(
            f"vocabulary lowered from {config.size:,} to {size:,} pieces: the corpus supports no more"
        )
    return model


def _write(folder: Place, model: bytes, facts: dict[str, Any], report: Report) -> bytes:
    with folder.writing(store.TOKENIZER) as opened:
        opened.write(model)
    report.vocabulary = {**facts, "size": Encoder(model).size}
    return model


def batches(folder: Place, split: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The pairs of a split in order, some columns of them."""
    for name in folder.names(split):
        with folder.reading(f"{split}/{name}") as opened:
            yield from pq.ParquetFile(opened).iter_batches(batch_size=_ROWS, columns=columns)


def _distinct_texts(folder: Place, share: float) -> Iterator[str]:
    """Each training text once (a turn is a reply here and a context there), or a share of them chosen by hash."""
    met: set[int] = set()
    most = np.uint64(min(2**64 - 1, int(share * 2**64)))
    for batch in batches(folder, store.SPLITS[TRAIN], ["context", "reply"]):
        context = batch["context"]
        ends = np.cumsum(pc.list_value_length(context).to_numpy(zero_copy_only=False))
        last = context.flatten().take(pa.array(ends - 1))
        both = np.empty(2 * len(batch), np.int64)  # a turn, its reply, the next turn: the order of the talk
        both[0::2], both[1::2] = np.arange(len(batch)), len(batch) + np.arange(len(batch))
        texts = large(pa.concat_arrays([last, batch["reply"]]).take(pa.array(both)))
        keys = hash_column(texts)
        first = (earliest(keys) == np.arange(len(keys))) & (keys <= most)
        new = [
            place
            for place, key in zip(np.flatnonzero(first).tolist(), keys[first].tolist(), strict=True)
            if key not in met
        ]
        met.update(keys[new].tolist())
        yield from texts.take(pa.array(new, pa.int64())).to_pylist()


def encode_splits(folder: Place, model: bytes, progress: Stages) -> None:
    """Write ids/train.arrow and so on: Arrow streams of context (turns of pieces), roles of its turns, reply, words."""
    encoder = Encoder(model)
    ids = pa.large_list(pa.from_numpy_dtype(encoder.dtype))
    roles = pa.large_list(pa.uint8())
    schema = pa.schema([("context", pa.large_list(ids)), ("roles", roles), ("reply", ids), ("words", pa.int32())])
    for name in store.SPLITS:
        with (
            folder.writing(f"ids/{name}.arrow") as sink,
            pa.ipc.new_stream(sink, schema) as writer,
            progress.rows(f"encoding {name}") as advance,
        ):
            for batch in batches(folder, name, ["context", "roles", "reply"]):
                writer.write_batch(pa.record_batch(_encoded(batch, encoder), schema=schema))
                advance(len(batch))


def _encoded(batch: pa.RecordBatch, encoder: Encoder) -> list[pa.Array]:
    """Context, roles, reply and words of a batch; a text that stands several times in it is encoded once."""
    turns = batch["context"].flatten()
    texts = pa.concat_arrays([turns, batch["reply"]]).dictionary_encode()
    pieces = encoder.encode(texts.dictionary.to_pylist())
    context = pieces.take(texts.indices[: len(turns)])
    reply = pieces.take(texts.indices[len(turns) :])
    counts = pa.array(count(large(batch["reply"])).words.astype(np.int32))
    starts = batch["context"].offsets
    starts = pc.subtract(starts, starts[0]) if len(starts) else starts
    roles = pc.index_in(batch["roles"].flatten(), pa.array(ROLES, pa.large_string())).cast(pa.uint8())
    lists = [pa.LargeListArray.from_arrays(starts, column) for column in (context, roles)]
    return [*lists, reply, counts]
