"""If this breaks, everything is broken; if it works, most things do."""

from __future__ import annotations

import random

import pytest
import torch
from torch.nn import functional as F

from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.search.walk import walk

BOS, EOS, FIRST_DIGIT = 2, 3, 5
LONGEST = 8


def digit_strings(count: int, rng: random.Random) -> list[tuple[int, ...]]:
    return [
        tuple(rng.randrange(FIRST_DIGIT, FIRST_DIGIT + 10) for _ in range(rng.randint(2, LONGEST)))
        for _ in range(count)
    ]


def padded(rows: list[tuple[int, ...]]) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + (0,) * (width - len(row)) for row in rows])


def encoded(rows: list[tuple[int, ...]]) -> tuple[torch.Tensor, torch.Tensor]:
    return padded([(*row, EOS) for row in rows]), torch.tensor([len(row) + 1 for row in rows])


def train(model: Seq2Seq, strings: list[tuple[int, ...]], steps: int, rng: random.Random) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    model.train()
    for _ in range(steps):
        rows = rng.sample(strings, 64)
        replies = [row[::-1] for row in rows]
        targets = padded([(*reply, EOS) for reply in replies])
        hidden = model(*encoded(rows), padded([(BOS, *reply) for reply in replies]))
        real = targets != 0
        loss = F.cross_entropy(model.logits(hidden[real]), targets[real])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


@pytest.mark.slow
def test_a_small_copy_learns_to_reverse_digits_that_it_has_not_seen() -> None:
    torch.manual_seed(0)
    rng = random.Random(0)
    strings = digit_strings(6000, rng)
    seen = set(strings)
    unseen = [row for row in digit_strings(1000, rng) if len(row) > 3 and row not in seen][:400]
    model = Seq2Seq(
        FIRST_DIGIT + 10,
        NetworkConfig(embedding=32, encoder_size=48, encoder_layers=2, decoder_size=64, decoder_layers=2, dropout=0.1),
    )
    train(model, strings, 220, rng)

    with torch.no_grad():
        state = model.start(model.encode(*encoded(unseen)))
    found = walk(model.step, state, len(unseen), bos=BOS, eos=EOS, max_length=LONGEST + 4)

    exact = sum(best.ids == row[::-1] for [best], row in zip(found, unseen, strict=True))
    assert exact / len(unseen) >= 0.95
