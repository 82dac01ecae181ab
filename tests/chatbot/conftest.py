"""A prepared folder of a few pairs, written in a moment."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from chatbot.training.precision import lstm_takes_bf16
from data_prep import store
from data_prep.text import words
from data_prep.vocabulary import Encoder, VocabularyConfig, train

Pairs = Sequence[tuple[Sequence[str], str]]
MakePrepared = Callable[..., Path]

SUBJECTS = ("I", "you", "we", "they", "the cat", "my sister", "her friend", "our boss")
VERBS = ("like", "want", "see", "know", "hear", "miss", "need", "paint")
OBJECTS = ("tea", "the sea", "old films", "a new bike", "warm bread", "the news", "loud music", "rain")


def talk(count: int, seed: int) -> list[tuple[list[str], str]]:
    """Pairs with something to learn: each reply takes up the object of the last turn."""
    chance = random.Random(seed)
    pairs = []
    for _ in range(count):
        thing = chance.choice(OBJECTS)
        turns = [f"{chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(OBJECTS)}." for _ in range(2)]
        turns.append(f"Do {chance.choice(SUBJECTS)} {chance.choice(VERBS)} {thing}?")
        reply = f"Yes, {chance.choice(SUBJECTS)} {chance.choice(VERBS)} {thing}!"
        pairs.append((turns[-chance.randint(1, 3) :], reply))
    return pairs


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def tokenizer_model() -> bytes:
    """A SentencePiece model of the sentences above."""
    texts = [text for context, reply in talk(500, 0) for text in (*context, reply)]
    model = train(texts, VocabularyConfig(size=400))
    assert model is not None
    return model


def write_ids(path: Path, pairs: Pairs, encoder: Encoder, chunk: int) -> None:
    """An ids file of one or several record batches."""
    pieces = pa.large_list(pa.uint16())
    roles = pa.large_list(pa.uint8())
    counts = [("words", pa.int32()), ("heard", pa.int32())]
    schema = pa.schema([("context", pa.large_list(pieces)), ("roles", roles), ("reply", pieces), *counts])

    def ids(texts: Sequence[str]) -> list[list[int]]:
        encoded: list[list[int]] = encoder.encode(list(texts)).to_pylist()
        return encoded

    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for start in range(0, len(pairs), chunk):
            rows = pairs[start : start + chunk]
            columns = [
                pa.array([ids(context) for context, _ in rows], schema[0].type),
                pa.array([[(len(c) - 1 - k) % 2 for k in range(len(c))] for c, _ in rows], schema[1].type),
                pa.array(ids([reply for _, reply in rows]), schema[2].type),
                pa.array([len(words(reply)) for _, reply in rows], schema[3].type),
                pa.array([len(words(context[-1])) for context, _ in rows], schema[4].type),
            ]
            stream.write_batch(pa.record_batch(columns, schema=schema))


def write_prepared(path: Path, train: Pairs, valid: Pairs, tokenizer: bytes | None, chunk: int = 50) -> Path:
    """A whole prepared folder, as `chatbot prepare` would leave it."""
    splits = {"train": train, "valid": valid, "test": []}
    (path / "ids").mkdir(parents=True)
    for name, pairs in {**splits, "dropped": []}.items():
        (path / name).mkdir()
        table = {"dialogue": ["d"] * len(pairs), "context": [list(c) for c, _ in pairs], "reply": [r for _, r in pairs]}
        pq.write_table(pa.table(table), path / name / "part-0.parquet")
        if tokenizer is not None and name in splits:
            write_ids(path / "ids" / f"{name}.arrow", pairs, Encoder(tokenizer), chunk)
    if tokenizer is not None:
        (path / store.TOKENIZER).write_bytes(tokenizer)
    kept = len(train) + len(valid)
    report = {"format": store.FORMAT, "seen": kept, "kept": kept, "train": len(train), "valid": len(valid)}
    report |= {"test": 0, "dropped": {}, "vocabulary": {} if tokenizer is None else {"pieces": 400}}
    (path / store.REPORT).write_text(json.dumps(report), encoding="utf-8")
    (path / store.SETTINGS).write_text("inputs: [talk.txt]\n", encoding="utf-8")
    return path


@pytest.fixture
def make_prepared(tmp_path: Path) -> MakePrepared:
    """Call it for a prepared folder: ``make_prepared(train=300, valid=40, name="prepared", tokenizer=True)``."""

    def make(train: int = 300, valid: int = 40, name: str = "prepared", tokenizer: bool = True, seed: int = 1) -> Path:
        model = tokenizer_model() if tokenizer else None
        return write_prepared(tmp_path / name, talk(train, seed), talk(valid, seed + 1), model)

    return make


@pytest.fixture
def small_tokenizer() -> bytes:
    """A SentencePiece model of a few hundred pieces."""
    return tokenizer_model()


needs_bf16 = pytest.mark.skipif(not lstm_takes_bf16(), reason="torch has no LSTM in bfloat16 for this processor")
