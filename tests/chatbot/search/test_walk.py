from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from chatbot.search.filters import Forbidden, MinLength, RepetitionPenalty
from chatbot.search.sample import Sampler
from chatbot.search.steps import LOWEST, Hypothesis
from chatbot.search.walk import likeliest, walk

BOS, EOS, A, B = 0, 1, 2, 3
Start = Callable[[torch.Tensor], Any]

#                        BOS  EOS  A    B
TABLE = torch.tensor(
    [
        [0.0, 0.1, 0.7, 0.2],  # after BOS: A
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.3, 0.2, 0.5],  # after A: B
        [0.0, 0.6, 0.3, 0.1],
    ]
)  # after B: the end


def search(state: Any, rows: int = 1, max_length: int = 9, **options: Any) -> list[list[Hypothesis]]:
    return walk(state.step, state, rows, bos=BOS, eos=EOS, max_length=max_length, **options)


def test_it_follows_the_likeliest(start: Start) -> None:
    [[best]] = search(start(TABLE), length_penalty=1.0)
    assert best.ids == (A, B)
    expected = torch.tensor([0.7, 0.5, 0.6]).log().sum().item()
    assert best.log_prob == pytest.approx(expected)
    assert best.score == pytest.approx(expected / (8 / 6))  # three tokens, the end among them


def test_a_filter_forbids_and_does_not_renormalise(start: Start) -> None:
    [[best]] = search(start(TABLE), filters=[Forbidden([A])])
    assert best.ids == (B,)
    assert best.log_prob == pytest.approx(torch.tensor([0.2, 0.6]).log().sum().item())


@pytest.mark.parametrize("penalty", [1.0, 1.5])
@pytest.mark.parametrize("drawn", [False, True])
def test_where_nothing_is_left_the_reply_ends_at_the_price_of_its_end(
    start: Start, drawn: bool, penalty: float
) -> None:
    tables = TABLE.repeat(2, 4, 1, 1)
    tables[1, :, A] = torch.tensor([0.0, 1.0, 0.0, 0.0])  # the second ends after A by itself
    choice = Sampler([5, 6], 9) if drawn else likeliest
    filters = [Forbidden([BOS, B]), RepetitionPenalty(penalty), _OnlyOnce(A), MinLength(2, EOS)]
    stuck, other = (one for (one,) in search(start(tables), rows=2, choice=choice, filters=filters))
    assert stuck.ids == other.ids == (A,)
    assert stuck.ended
    assert other.ended
    assert stuck.log_prob == pytest.approx(torch.tensor([0.7, 0.3]).log().sum().item())
    assert other.log_prob == pytest.approx(torch.tensor([0.7, 1.0]).log().sum().item())


class _OnlyOnce:
    """Forbids a token that is there already."""

    def __init__(self, token: int) -> None:
        self.token = token

    def __call__(self, ids: torch.Tensor, left: torch.Tensor, inputs: torch.Tensor) -> None:
        left[(ids == self.token).any(dim=1), self.token] = LOWEST


def test_a_least_length_is_kept(start: Start) -> None:
    [[best]] = search(start(TABLE), filters=[MinLength(3, EOS)])
    assert best.ids == (A, B, A, B)


def test_what_never_ends_is_cut_at_the_hard_limit(start: Start) -> None:
    endless = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    [[best]] = search(start(endless), max_length=5)
    assert best == Hypothesis((2, 2, 2, 2, 2), 0.0, 0.0, ended=False)


def test_a_batch_equals_each_input_alone(start: Start) -> None:
    tables = torch.rand(7, 5, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    tables = tables.softmax(dim=-1)
    together = search(start(tables), rows=7)
    assert together == [search(start(table[None]))[0] for table in tables]
    assert len({len(best.ids) for [best] in together}) > 1  # or leaving the batch was not put to the test


def test_it_is_the_argmax_at_every_step(start: Start) -> None:
    tables = torch.rand(20, 6, 6, 6, generator=torch.Generator().manual_seed(1)).softmax(dim=-1)
    for table, [best] in zip(tables, search(start(tables), rows=20, max_length=12), strict=True):
        before, last = 0, BOS
        for token in (*best.ids, EOS)[:12]:
            assert int(table[before, last].argmax()) == token
            before, last = last, token


def test_nobody_asks_nobody_answers(start: Start) -> None:
    assert search(start(torch.ones(0, 4, 4, 4)), rows=0) == []


def test_numbers_that_are_none_are_refused(start: Start) -> None:
    with pytest.raises(ValueError, match="not numbers"):
        search(start(torch.full((4, 4), float("nan"))))


def test_a_length_of_nothing_is_refused(start: Start) -> None:
    with pytest.raises(ValueError, match="max_length at least 1"):
        search(start(TABLE), max_length=0)
