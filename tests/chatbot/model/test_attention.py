from __future__ import annotations

import torch

from chatbot.model.attention import Attention, position_mask

N, T, S, H, M = 2, 3, 4, 5, 6


def looked(dtype: torch.dtype = torch.float64, scale: float = 1.0) -> tuple[Attention, list[torch.Tensor]]:
    torch.manual_seed(0)
    attention = Attention(H, M).to(dtype)
    values = torch.randn(N, S, M, dtype=dtype)
    return attention, [scale * torch.randn(N, T, H, dtype=dtype), attention.keys(values), values]


def test_it_is_the_formula_of_the_paper() -> None:
    attention, (query, keys, values) = looked()
    context, weights = attention(query, keys, values, None)
    scores = torch.einsum("nth,hm,nsm->nts", query, attention.key.weight, values)  # h W s, equation 8
    torch.testing.assert_close(weights, scores.exp() / scores.exp().sum(-1, keepdim=True))
    torch.testing.assert_close(context, torch.einsum("nts,nsm->ntm", weights, values))


def test_masked_positions_get_exactly_nothing_and_the_rest_is_as_if_they_were_not_there() -> None:
    attention, (query, keys, values) = looked()
    mask = position_mask(torch.tensor([2, 4]), torch.device("cpu"))
    context, weights = attention(query, keys, values, mask)
    assert not weights[0, :, 2:].any()
    alone, _ = attention(query[:1], keys[:1, :2], values[:1, :2], None)
    torch.testing.assert_close(context[:1], alone)


def test_no_number_is_lost_with_huge_scores_in_half_precision_and_a_mask() -> None:
    attention, (query, keys, values) = looked(torch.bfloat16, scale=1e4)
    mask = torch.tensor([[True, False, False, False], [True, True, True, True]])
    context, weights = attention(query, keys, values, mask)
    assert weights.dtype == torch.float32
    assert context.dtype == torch.bfloat16
    assert context.isfinite().all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(N, T))


def test_no_mask_where_all_lengths_agree() -> None:
    assert position_mask(torch.tensor([3, 3]), torch.device("cpu")) is None
    mask = position_mask(torch.tensor([2, 3]), torch.device("cpu"))
    assert mask is not None
    assert mask.tolist() == [[True, True, False], [True, True, True]]
