from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from chatbot.data.batches import collate
from chatbot.likelihood import Likelihood, measure, perplexity
from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.tokenizer import BOS, EOS

SIZES = NetworkConfig(embedding=8, encoder_size=6, encoder_layers=1, decoder_size=8, decoder_layers=2, dropout=0.5)


@pytest.fixture
def model() -> Seq2Seq:
    torch.manual_seed(0)
    return Seq2Seq(20, SIZES).double()


def rows(count: int) -> tuple[list[np.ndarray], list[np.ndarray], list[int]]:
    chance = np.random.default_rng(0)
    sources = [np.r_[chance.integers(5, 20, chance.integers(1, 6)), EOS] for _ in range(count)]
    targets = [chance.integers(5, 20, chance.integers(0, 6)) for _ in range(count)]
    return sources, targets, [len(target) for target in targets]


@torch.no_grad()
def test_it_is_what_search_would_pay_token_by_token(model: Seq2Seq) -> None:
    sources, targets, words = rows(5)
    model.eval()
    paid = 0.0
    for source, target in zip(sources, targets, strict=True):
        state = model.start(model.encode(torch.from_numpy(source)[None], torch.tensor([len(source)])))
        last = BOS
        for token in [*target.tolist(), EOS]:
            log_probs, state = model.step(torch.tensor([last]), state)
            paid -= float(log_probs[0, token])
            last = token
    found = measure(model, [collate(sources, targets, words)])
    assert found.nats == pytest.approx(paid)
    assert found.words == sum(words) + 5, "one more for each end"
    assert found.tokens == sum(len(target) + 1 for target in targets)


def test_batching_changes_nothing_and_dropout_is_off(model: Seq2Seq) -> None:
    sources, targets, words = rows(7)
    model.train()
    whole = measure(model, [collate(sources, targets, words)])
    parts = measure(model, [collate([s], [t], [w]) for s, t, w in zip(sources, targets, words, strict=True)])
    assert whole.nats == pytest.approx(parts.nats)
    assert (whole.words, whole.tokens) == (parts.words, parts.tokens)
    assert model.training, "the mode is put back"


def test_a_model_that_knows_nothing_pays_the_same_for_every_piece(model: Seq2Seq) -> None:
    with torch.no_grad():
        model.embedding.weight.zero_()
        model.bias.zero_()
    sources, targets, words = rows(4)
    found = measure(model, [collate(sources, targets, words)])
    assert found.nats == pytest.approx(found.tokens * math.log(20))
    assert found.nats_per_word == pytest.approx(found.tokens * math.log(20) / (sum(words) + 4))


def test_nothing_measured_is_no_number() -> None:
    assert math.isnan(Likelihood().nats_per_word)
    assert Likelihood(2.0, 1, 1) + Likelihood(4.0, 2, 3) == Likelihood(6.0, 3, 4)
    assert perplexity(1e9) == math.inf
    assert Likelihood(2 * math.log(7), 2, 2).perplexity_per_word == pytest.approx(7)
