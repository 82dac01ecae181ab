from __future__ import annotations

import pytest
import torch

from chatbot.search.top import top


@pytest.mark.parametrize("size", [1, 5, 63, 64, 8000, 40_000, 40_001, 40_063])
@pytest.mark.parametrize("k", [1, 2, 10])
@pytest.mark.parametrize("kinds", [3, 1_000_000])
def test_it_finds_what_sorting_finds(size: int, k: int, kinds: int) -> None:
    generator = torch.Generator().manual_seed(size + k)
    scores = torch.randint(kinds, (4, size), generator=generator).float()  # of few kinds: many equals
    scores[1] = -1e9
    scores[2, size // 2 :] = float("-inf")
    values, places = top(scores, k)
    expected = scores.topk(min(k, size), dim=1).values
    assert torch.equal(values, expected)
    assert torch.equal(scores.gather(1, places), expected)
    assert all(len(set(row)) == len(row) for row in places.tolist())


def test_a_number_that_is_none_comes_first() -> None:
    scores = torch.zeros(1, 40_000)
    scores[0, 31_234] = float("nan")
    assert top(scores, 2)[1][0, 0] == 31_234


def test_a_row_comes_out_the_same_in_any_batch() -> None:
    scores = torch.randint(50, (8, 40_000), generator=torch.Generator().manual_seed(0)).float()
    together = top(scores, 10)[1]
    assert [row.tolist() for row in together] == [top(scores[row : row + 1], 10)[1][0].tolist() for row in range(8)]
