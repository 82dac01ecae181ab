from __future__ import annotations

import pytest
import torch

from chatbot.search.steps import LOWEST
from chatbot.search.top import top


@pytest.mark.parametrize(
    ("rows", "size"), [(1, 1), (1, 5), (1, 63), (3, 64), (1, 8000), (5, 8000), (5, 8001), (5, 8063)]
)
@pytest.mark.parametrize("k", [1, 2, 10])
@pytest.mark.parametrize("kinds", [3, 1_000_000])
def test_it_finds_what_sorting_finds(rows: int, size: int, k: int, kinds: int) -> None:
    generator = torch.Generator().manual_seed(size + k)
    scores = torch.randint(kinds, (4, rows, size), generator=generator).float()  # of few kinds: many equals
    scores[1] = -1e9
    scores[2, :, size // 2 :] = float("-inf")
    scores[3, 0, 1:] = float("-inf")
    before = torch.randint(kinds, (4, rows), generator=generator).float()
    values, places = top(scores, k, before)
    whole = (scores.clamp(min=LOWEST) + before[:, :, None]).flatten(1)
    expected = whole.topk(min(k, rows * size), dim=1).values
    assert torch.equal(values, expected)
    assert torch.equal(whole.gather(1, places), expected)
    assert all(len(set(row)) == len(row) for row in places.tolist())


def test_a_number_that_is_none_comes_first() -> None:
    scores = torch.zeros(1, 4, 10_000)
    scores[0, 3, 1_234] = float("nan")
    assert top(scores, 2, torch.zeros(1, 4))[1][0, 0] == 31_234


def test_a_pool_comes_out_the_same_in_any_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    scores, before = torch.randint(50, (8, 5, 8_000), generator=generator).float(), torch.zeros(8, 5)
    together = top(scores, 10, before)[1].tolist()
    assert together == [top(scores[one : one + 1], 10, before[:1])[1][0].tolist() for one in range(8)]
