"""Layers on light weights do what those they were made of do."""

from __future__ import annotations

import copy

import pytest
import torch

from chatbot.model.cell import Recurrence, lstm_cell
from chatbot.model.layer import FusedLayer, Reading
from chatbot.model.light_layer import LightLayer, PackedLSTM, lstm_in_place
from chatbot.model.light_linear import engine

needs_int8 = pytest.mark.skipif(engine() is None, reason="torch has no int8 kernels here")
LIGHT = [pytest.param("int8", marks=needs_int8), "bfloat16"]


def test_a_cell_in_place_is_the_readable_cell() -> None:
    torch.manual_seed(0)
    layer = FusedLayer(Recurrence("lstm"), 8, 6).double()
    x, h, c = torch.randn(3, 24).double(), torch.randn(3, 6).double(), torch.randn(3, 6).double()
    weights, before = layer.weights(), c.clone()
    with torch.inference_mode():
        expected = lstm_cell(x, (h, c), weights)
        found = lstm_in_place(x + weights.recur(h), c)
    torch.testing.assert_close(found, expected)
    assert torch.equal(c, before)


@pytest.mark.parametrize("takes", ["input", "shown", "gates"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("form", LIGHT)
def test_a_light_step_is_nearly_the_step(form: str, cell: str, takes: str) -> None:
    torch.manual_seed(1)
    layer = FusedLayer(Recurrence(cell), 20, 16)
    weights = layer.weights()
    assert weights.bias_hh is not None
    for bias in (weights.bias_ih, weights.bias_hh):
        bias.data.add_(torch.randn(bias.shape))
    x, state = 2 * torch.randn(5, 20), tuple(torch.rand(5, 16) * 2 - 1 for _ in range(layer.recurrence.kind.carries))
    with torch.inference_mode():
        gates = torch.nn.functional.linear(x, weights.weight_ih, weights.bias_ih)
        parts = [gates] if takes == "gates" else [x[:, :7], x[:, 7:]]
        kept = [part.clone() for part in state]
        found = LightLayer(layer, form, takes).step(parts, state)  # type: ignore[arg-type]
        expected = layer.step(x, state)
    assert max(float((one - other).abs().max()) for one, other in zip(found, expected, strict=True)) < 0.06
    assert all(torch.equal(*both) for both in zip(state, kept, strict=True)), "other hypotheses go on from there"


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_in_order_give_the_same_numbers(dtype: torch.dtype, bidirectional: bool) -> None:
    torch.manual_seed(0)
    layer = FusedLayer(Recurrence("lstm"), 24, 16, bidirectional).to(dtype)
    if not PackedLSTM.takes(layer, dtype):
        assert dtype == torch.bfloat16 or not torch._C._has_mkldnn
        pytest.skip("torch has no kernel for that here")
    packed = copy.deepcopy(PackedLSTM(layer))
    for rows in (1, 3, 40):
        x = torch.randn(rows, 7, 24).to(dtype)
        with torch.inference_mode():
            (outputs, ends), (same, same_ends) = (one(x, Reading(None, 7, x.device)) for one in (layer, packed))
        assert torch.equal(outputs, same)
        assert len(ends) == len(same_ends) == 2
        assert all(torch.equal(*both) for both in zip(ends, same_ends, strict=True))
    assert not PackedLSTM.takes(layer, torch.float64)
    torch._C._set_mkldnn_enabled(False)
    try:
        assert not PackedLSTM.takes(layer, dtype)
    finally:
        torch._C._set_mkldnn_enabled(True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 2, 3, 40])
def test_weights_are_not_put_in_order_anew_for_a_text(
    capfd: pytest.CaptureFixture[str], dtype: torch.dtype, rows: int
) -> None:
    layer = FusedLayer(Recurrence("lstm"), 48, 32, bidirectional=True).to(dtype)
    if not PackedLSTM.takes(layer, dtype):
        pytest.skip("torch has no kernel for that here")
    packed = PackedLSTM(layer)
    x = torch.randn(rows, 5, 48).to(dtype)
    capfd.readouterr()
    with torch.inference_mode(), torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        packed(x, Reading(None, 5, x.device))
    done = [line.split(",") for line in capfd.readouterr().out.splitlines() if ",exec," in line]
    assert [fields[5] for fields in done] == ["rnn", "rnn"], "one product a direction, and nothing else"
