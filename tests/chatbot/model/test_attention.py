from __future__ import annotations

import pytest
import torch

from chatbot.model.attention import Attention

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
    mask = torch.tensor([[True, True, False, False], [True, True, True, True]])
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


def test_additive_attention_is_the_formula_of_the_paper() -> None:
    torch.manual_seed(0)
    attention = Attention(H, M, "additive").double()
    query, values = torch.randn(N, T, H, dtype=torch.float64), torch.randn(N, S, M, dtype=torch.float64)
    context, weights = attention(query, attention.keys(values), values, None)
    for n in range(N):
        for t in range(T):
            scores = [
                attention.energy @ torch.tanh(attention.query(query[n, t]) + attention.key.weight @ values[n, s])  # type: ignore[misc, operator]
                for s in range(S)
            ]
            expected = torch.stack(scores).softmax(0)
            torch.testing.assert_close(weights[n, t], expected)
            torch.testing.assert_close(context[n, t], expected @ values[n])


@pytest.mark.parametrize("kind", ["multiplicative", "additive"])
def test_two_heads_are_two_attentions_side_by_side(kind: str) -> None:
    """Each with its half of queries, keys and values; multiplicative scores over the root of a head's width."""
    torch.manual_seed(0)
    width, memory = 6, 8
    attention = Attention(width, memory, kind, heads=2).double()
    query, values = torch.randn(N, T, width, dtype=torch.float64), torch.randn(N, S, memory, dtype=torch.float64)
    mask = torch.tensor([[True, True, False, False], [True, True, True, True]])
    keys = attention.keys(values)
    context, weights = attention(query, keys, values, mask)
    parts = []
    for head in range(2):
        own = slice(3 * head, 3 * head + 3)
        if kind == "multiplicative":
            scores = torch.einsum("nth,nsh->nts", query[..., own], keys[..., own]) / 3**0.5
        else:
            both = attention.query(query)[:, :, None, own] + keys[:, None, :, own]  # type: ignore[misc]
            scores = both.tanh() @ attention.energy[own]  # type: ignore[index]
        parts.append(scores.masked_fill(~mask[:, None], -1e30).softmax(-1))
        torch.testing.assert_close(
            context[..., 4 * head : 4 * head + 4], parts[-1] @ values[..., 4 * head : 4 * head + 4]
        )
    torch.testing.assert_close(weights, (parts[0] + parts[1]) / 2)
