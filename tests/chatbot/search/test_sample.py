from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from chatbot.search.filters import Forbidden
from chatbot.search.sample import Sampler
from chatbot.search.steps import LOWEST, Hypothesis
from chatbot.search.walk import walk

BOS, EOS = 0, 1
Start = Callable[[torch.Tensor], Any]
SHARES = torch.tensor([[0.4, 0.1, 0.3, 0.15, 0.05]])


def kept(**options: Any) -> list[int]:
    """The tokens that may be drawn."""
    shares, tokens = Sampler([0], 1, **options).distribution(SHARES.log())
    return sorted(tokens[shares > 0].tolist())


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"top_k": 2}, [0, 2]),
        ({"top_k": 99}, [0, 1, 2, 3, 4]),
        ({"top_p": 0.01}, [0]),
        ({"top_p": 0.69}, [0, 2]),
        ({"top_p": 0.71}, [0, 2, 3]),
        ({"top_p": 1.0}, [0, 1, 2, 3, 4]),
        ({"min_p": 0.3}, [0, 2, 3]),
        ({"min_p": 1.0}, [0]),
        ({"top_k": 4, "top_p": 0.71, "min_p": 0.5}, [0, 2]),
        ({"min_p": 0.3, "temperature": 0.1}, [0]),
    ],
)
def test_what_is_cut(options: dict[str, Any], tokens: list[int]) -> None:
    assert kept(**options) == tokens


@pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"top_p": 0.8}, {"temperature": 0.5}, {"temperature": 3.0}])
def test_tokens_come_as_often_as_they_should(options: dict[str, Any]) -> None:
    count = 4000
    sampler = Sampler(range(count), 1, **options)
    drawn = sampler(SHARES.log().expand(count, -1), 0, torch.arange(count))
    shares, tokens = sampler.distribution(SHARES.log())
    expected = torch.zeros(5, dtype=torch.float64).scatter_(0, tokens[0], shares[0] / shares.sum())
    found = torch.bincount(drawn, minlength=5) / count
    assert (found - expected).abs().max() < 4 * 0.5 / count**0.5  # four standard deviations at most
    assert not found[expected == 0].any()


def test_what_is_forbidden_is_never_drawn() -> None:
    left = SHARES.log().expand(500, -1).clone()
    left[:, 0] = left[:, 4] = LOWEST
    drawn = Sampler(range(500), 1, temperature=100.0)(left, 0, torch.arange(500))
    assert set(drawn.tolist()) == {1, 2, 3}


def search(state: Any, rows: int, seeds: list[int], **options: Any) -> list[list[Hypothesis]]:
    return walk(state.step, state, rows, bos=BOS, eos=EOS, max_length=12, choice=Sampler(seeds, 12), **options)


def test_a_seed_says_the_same_alone_and_in_any_batch(start: Start) -> None:
    tables = torch.rand(9, 6, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)
    seeds = list(range(9))
    together = search(start(tables), 9, seeds)
    assert together == [search(start(tables[i : i + 1]), 1, [i])[0] for i in seeds]
    assert together == search(start(tables), 9, seeds)
    assert together != search(start(tables), 9, [seed + 100 for seed in seeds])
    assert len({len(best.ids) for [best] in together}) > 1


def test_a_low_temperature_is_greedy(start: Start) -> None:
    tables = (3 * torch.randn(9, 6, 6, 6, generator=torch.Generator().manual_seed(2))).softmax(dim=-1)
    choice = Sampler(range(9), 12, temperature=0.001)
    options: dict[str, Any] = {"bos": BOS, "eos": EOS, "max_length": 12, "filters": [Forbidden([BOS])]}
    state = start(tables)
    assert walk(state.step, state, 9, choice=choice, **options) == walk(state.step, state, 9, **options)
