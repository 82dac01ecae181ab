"""Training text to pieces, and the splits to token ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep import store
from data_prep.columns import Keys, count, hash_column, large
from data_prep.grouping import earliest
from data_prep.personas import ROLES
from data_prep.place import Place
from data_prep.progress import Stages
from data_prep.report import Report
from data_prep.runner import Runner
from data_prep.split import TRAIN
from data_prep.stages import last_places
from data_prep.vocabulary import Encoder, VocabularyConfig, given, train

_ROWS = 1 << 16  # pairs that are encoded at a time


def train_vocabulary(
    folder: Place,
    config: VocabularyConfig,
    report: Report,
    runner: Runner,
    progress: Stages,
    given_away: Callable[[], None],
) -> bytes | None:
    """Train the pieces on the training split alone, and write them; None, with a warning, where it is too small.

    Where a model is given, its pieces are taken instead.

    Args:
        given_away: called once the texts are with SentencePiece, which then needs no Python for seconds: other work
            beside it costs little, where it would hold up the giving.
    """
    if config.model is not None:
        return _write(folder, given(config.model), {"kind": "given", "asked": None}, report)
    pairs = report.splits[store.SPLITS[TRAIN]]
    with progress.doing("training the vocabulary"):
        share = min(1.0, config.sample / max(1, pairs))
        texts = chain(_distinct_texts(folder, share, runner), _then(given_away))
        model = train(texts, config) if pairs > 1 else None
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


def _distinct_texts(folder: Place, share: float, runner: Runner) -> Iterator[str]:
    """Each training text once (a turn is a reply here and a context there), or a share of them chosen by hash."""
    met: set[int] = set()
    train = store.SPLITS[TRAIN]
    for keys, texts in runner.map(read_texts, [TextTask(folder, train, file, share) for file in folder.names(train)]):
        new = [place for place, key in enumerate(keys.tolist()) if key not in met]
        met.update(keys[new].tolist())
        yield from texts.take(pa.array(new, pa.int64())).to_pylist()


@dataclass(frozen=True)
class TextTask:
    """A file of pairs whose texts are wanted."""

    folder: Place
    split: str
    file: str
    share: float


def read_texts(task: TextTask) -> tuple[Keys, pa.LargeStringArray]:
    """The texts of a file of pairs, each once, and the hash of each; those of a share by their hashes."""
    with task.folder.reading(f"{task.split}/{task.file}") as opened:
        pairs = pq.read_table(opened, columns=["context", "reply"]).combine_chunks()
    context, reply = (pairs[name].combine_chunks() for name in ("context", "reply"))
    both = np.empty(2 * len(pairs), np.int64)  # a turn, its reply, the next turn: the order of the talk
    both[0::2], both[1::2] = np.arange(len(pairs)), len(pairs) + np.arange(len(pairs))
    texts = large(pa.concat_arrays([last_places(context), reply]).take(pa.array(both)))
    keys = hash_column(texts)
    most = np.uint64(min(2**64 - 1, int(task.share * 2**64)))
    first = np.flatnonzero((earliest(keys) == np.arange(len(keys))) & (keys <= most))
    return keys[first], texts.take(pa.array(first))


def _then(call: Callable[[], None]) -> Iterator[str]:
    """Nothing, but what is asked at the end of a chain."""
    call()
    yield from ()


@dataclass(frozen=True)
class EncodeTask:
    """A file of pairs to encode."""

    folder: Place
    split: str
    file: str
    model: bytes = field(repr=False)


def encode_splits(folder: Place, model: bytes, runner: Runner, progress: Stages) -> None:
    """Write ids/train.arrow and so on: Arrow streams of context (turns of pieces), roles of its turns, reply, words of
    the reply, and words of what it answers."""
    schema = _schema(model)
    tasks = [EncodeTask(folder, split, file, model) for split in store.SPLITS for file in folder.names(split)]
    done = zip(tasks, runner.map(encode, tasks), strict=True)
    for name in store.SPLITS:
        with (
            folder.writing(f"ids/{name}.arrow") as sink,
            pa.ipc.new_stream(sink, schema) as writer,
            progress.rows(f"encoding {name}") as advance,
        ):
            for _ in folder.names(name):
                for batch in next(done)[1]:
                    writer.write_batch(batch)
                    advance(len(batch))


def encode(task: EncodeTask) -> list[pa.RecordBatch]:
    """The pairs of a file as token ids."""
    encoder, schema = _encoder(task.model), _schema(task.model)
    with task.folder.reading(f"{task.split}/{task.file}") as opened:
        pairs = pq.ParquetFile(opened).iter_batches(batch_size=_ROWS, columns=["context", "roles", "reply"])
        return [pa.record_batch(_encoded(batch, encoder), schema=schema) for batch in pairs]


@lru_cache(maxsize=1)
def _encoder(model: bytes) -> Encoder:
    return Encoder(model)


def _schema(model: bytes) -> pa.Schema:
    ids = pa.large_list(pa.from_numpy_dtype(_encoder(model).dtype))
    roles = pa.large_list(pa.uint8())
    counts = [("words", pa.int32()), ("heard", pa.int32())]
    return pa.schema([("context", pa.large_list(ids)), ("roles", roles), ("reply", ids), *counts])


def _encoded(batch: pa.RecordBatch, encoder: Encoder) -> list[pa.Array]:
    """The columns of a batch; a text that stands several times in it is encoded once."""
    turns = batch["context"].flatten()
    texts = pa.concat_arrays([turns, batch["reply"]]).dictionary_encode()
    pieces = encoder.encode(texts.dictionary.to_pylist(), threads=1)  # the runner has a task for each core
    context = pieces.take(texts.indices[: len(turns)])
    reply = pieces.take(texts.indices[len(turns) :])
    said = (batch["reply"], last_places(batch["context"]))
    counts = [pa.array(count(large(texts)).words.astype(np.int32)) for texts in said]
    starts = batch["context"].offsets
    starts = pc.subtract(starts, starts[0]) if len(starts) else starts
    roles = pc.index_in(batch["roles"].flatten(), pa.array(ROLES, pa.large_string())).cast(pa.uint8())
    lists = [pa.LargeListArray.from_arrays(starts, column) for column in (context, roles)]
    return [*lists, reply, *counts]
