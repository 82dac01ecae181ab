from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from chatbot.training import loss as loss_module
from chatbot.training.loss import smoothed_loss


def made(dtype: torch.dtype = torch.float64) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    torch.manual_seed(0)
    layer = tuple(torch.randn(*shape, dtype=dtype, requires_grad=True) for shape in [(7, 5), (11, 5), (11,)])
    return layer, torch.randint(11, (7,))  # type: ignore[return-value]


@pytest.mark.parametrize("scores", [1, 25, 10_000], ids=["row by row", "parts", "whole"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_is_cross_entropy_with_label_smoothing(
    smoothing: float, scores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(loss_module.SCORES, "cpu", scores)
    layer, targets = made()
    loss, nats = smoothed_loss(*layer, targets, smoothing)
    expected = F.cross_entropy(F.linear(*layer), targets, label_smoothing=smoothing)
    torch.testing.assert_close(loss / 7, expected)
    found, wanted = (torch.autograd.grad(x, layer) for x in (loss / 7, expected))
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(nats, F.cross_entropy(F.linear(*layer), targets, reduction="sum").detach())
    assert not nats.requires_grad


def test_gradients_by_finite_differences() -> None:
    layer, targets = made()
    assert torch.autograd.gradcheck(lambda *layer: smoothed_loss(*layer, targets, 0.1)[0], layer)


def test_a_tied_embedding_gathers_both_gradients() -> None:
    _, targets = made()
    weight = torch.randn(11, 5, dtype=torch.float64, requires_grad=True)
    bias, ids = torch.zeros(11, dtype=torch.float64), torch.arange(7)
    found = torch.autograd.grad(smoothed_loss(weight[ids].tanh(), weight, bias, targets, 0.1)[0], weight)
    plain = F.cross_entropy(F.linear(weight[ids].tanh(), weight, bias), targets, label_smoothing=0.1, reduction="sum")
    torch.testing.assert_close(found, torch.autograd.grad(plain, weight))


def test_half_precision_keeps_to_float32_within_its_own() -> None:
    layer, targets = made(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        loss, nats = smoothed_loss(*layer, targets, 0.1)
    precise, _ = smoothed_loss(*layer, targets, 0.1)
    assert loss.dtype == nats.dtype == torch.float32
    torch.testing.assert_close(loss, precise, rtol=0.02, atol=0)
    for found, wanted in zip(torch.autograd.grad(loss, layer), torch.autograd.grad(precise, layer), strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.05)


def test_without_gradients_none_are_made() -> None:
    layer, targets = made()
    with torch.no_grad():
        loss, _ = smoothed_loss(*layer, targets, 0.1)
    assert not loss.requires_grad
    torch.testing.assert_close(loss, smoothed_loss(*layer, targets, 0.1)[0].detach())


def test_no_tokens_cost_nothing() -> None:
    layer, targets = made()
    none = layer[0][:0], *layer[1:]
    loss, nats = smoothed_loss(*none, targets[:0], 0.1)
    assert loss == nats == 0
