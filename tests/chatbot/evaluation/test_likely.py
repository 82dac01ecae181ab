"""Nats a word do not depend on how text is cut."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import Tensor

from chatbot.evaluation.likely import Likely, by_part
from chatbot.likelihood import of_replies
from chatbot.model.decoder import Memory
from chatbot.tokenizer import EOS, Tokenizer
from data_prep.text import words
from data_prep.vocabulary import VocabularyConfig, train

SYLLABLES = ("ka", "lo", "mi", "ter", "un", "vor", "sa", "pel")
WORDS = ["".join(parts) for parts in product(SYLLABLES, SYLLABLES[:4], SYLLABLES[4:])]
TEXTS = [f"{one} {other}, {WORDS[-place]}!" for place, (one, other) in enumerate(pairwise(WORDS), 1)]
BASE = 1024  # a byte is one of so many, all alike


class Uniform:
    """A model to which each byte is one of 1024: a piece costs as much as its bytes do."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.bias = torch.zeros(tokenizer.vocab_size, dtype=torch.float64)
        shares = torch.zeros(tokenizer.vocab_size, dtype=torch.float64)
        for index in range(tokenizer.vocab_size):
            surface = tokenizer.surface(index)
            if surface:
                shares[index] = float(BASE) ** -len(surface)
        shares[EOS] = 1 / BASE
        assert shares.sum() < 1
        shares[0] = 1 - shares.sum()  # what is never said has the rest
        self._scores = shares.clamp(min=1e-300).log()

    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        return Memory(source, source, None, ())

    def decode(self, inputs: Tensor, memory: Memory) -> Tensor:
        return torch.zeros(*inputs.shape, 1, dtype=torch.float64)

    def logits(self, hidden: Tensor) -> Tensor:
        return self._scores.expand(len(hidden), -1)


def test_uniform_bytes_cost_the_same_through_two_vocabularies() -> None:
    found = []
    for size in (300, 400):
        model = train(TEXTS, VocabularyConfig(size=size))
        assert model is not None
        tokenizer = Tokenizer(model)
        replies = [tokenizer.encode(text) for text in TEXTS]
        nats = -np.array(of_replies(Uniform(tokenizer), [[5, 3]] * len(TEXTS), replies))  # type: ignore[arg-type]
        pieces = np.array([len(ids) + 1 for ids in replies], dtype=np.float64)
        likely = Likely.of(TEXTS, nats, pieces, seed=0)
        assert likely is not None
        found.append((likely, pieces.sum()))
    (one, few), (other, many) = found
    assert few != many, "or both cut alike"
    assert one.nats_per_word.value == pytest.approx(other.nats_per_word.value, abs=1e-6)
    assert one.bits_per_character == pytest.approx(other.bits_per_character, abs=1e-6)
    count = sum(len(words(text)) + 1 for text in TEXTS)
    letters = sum(len(text.encode()) + 2 for text in TEXTS)  # the space before the first word, and the end
    assert one.nats_per_word.value == pytest.approx(letters * math.log(BASE) / count, abs=1e-6)


def test_by_hand() -> None:
    likely = Likely.of(["Yes.", "I do"], np.array([3.0, 5.0]), np.array([3.0, 2.0]), seed=0)
    assert likely is not None
    assert likely.nats_per_word.value == 8 / (3 + 3)
    assert likely.perplexity_per_word == pytest.approx(math.exp(8 / 6))
    assert likely.bits_per_character == pytest.approx(8 / math.log(2) / 10)
    assert likely.perplexity_per_piece == pytest.approx(math.exp(8 / 5))


def test_parts_leave_out_what_stands_in_training() -> None:
    same, near = np.array([True, False, False]), np.array([True, True, False])
    parts = by_part(["a", "b", "c"], np.array([1.0, 2.0, 4.0]), np.ones(3), (same, near), seed=0)
    assert [None if part is None else (part.pairs, part.nats_per_word.value) for part in parts.values()] == [
        (3, 7 / 6),
        (2, 6 / 4),
        (1, 4 / 2),
    ]
    assert by_part(["a"], np.ones(1), np.ones(1), (np.array([True]),) * 2, 0)["not in training"] is None
