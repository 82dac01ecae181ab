from __future__ import annotations

import pytest
import torch
from torch import nn

from chatbot.model.cell import CellState, LSTMCell, RowDropout, layer_step, lstm_cell, lstm_layer

N, T, E, H = 3, 5, 4, 6


def random_state() -> CellState:
    return CellState(torch.randn(N, H, dtype=torch.float64), torch.randn(N, H, dtype=torch.float64))


@pytest.fixture
def cell() -> LSTMCell:
    torch.manual_seed(0)
    return LSTMCell(E, H).double()


def test_equals_the_cell_of_torch_in_outputs_and_gradients(cell: LSTMCell) -> None:
    reference = nn.LSTMCell(E, H).double()
    reference.load_state_dict(cell.state_dict())  # so the parameters agree by name and shape
    x, state = torch.randn(N, E, dtype=torch.float64), random_state()
    results = []
    for one in (cell, reference):
        h, c = one(x, state)
        (h.sum() + (c * c).sum()).backward()
        results.append((h, c, *(parameter.grad for parameter in one.parameters())))
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)


def test_unrolled_it_equals_the_layer_of_torch_in_outputs_and_gradients(cell: LSTMCell) -> None:
    layer = nn.LSTM(E, H, batch_first=True).double()
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    x, start = torch.randn(N, T, E, dtype=torch.float64), random_state()
    outputs, (h, c) = layer(x, (start.h[None], start.c[None]))
    (outputs.pow(2).sum() + c.sum()).backward()

    state, shown = start, []
    for t in range(T):
        state = cell(x[:, t], state)
        shown.append(state.h)
    (torch.stack(shown, dim=1).pow(2).sum() + state.c.sum()).backward()

    torch.testing.assert_close(torch.stack(shown, dim=1), outputs, rtol=0, atol=1e-12)
    torch.testing.assert_close(tuple(state), (h[0], c[0]), rtol=0, atol=1e-12)
    for ours, theirs in zip(cell.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-11)


def test_layer_step_uses_the_parameters_of_the_layer_itself() -> None:
    torch.manual_seed(0)
    layer = lstm_layer(E, H).double()
    x, start = torch.randn(N, T, E, dtype=torch.float64), random_state()
    outputs, _ = layer(x, (start.h[None], start.c[None]))
    state = start
    for t in range(T):
        state = layer_step(layer, x[:, t], state)
        torch.testing.assert_close(state.h, outputs[:, t], rtol=0, atol=1e-12)
    state.h.sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


def test_gradients_are_those_of_finite_differences(cell: LSTMCell) -> None:
    inputs = (
        torch.randn(N, E, dtype=torch.float64),
        *random_state(),
        *(p.detach() for p in cell.parameters()),
    )
    inputs = tuple(tensor.clone().requires_grad_() for tensor in inputs)

    def run(x: torch.Tensor, h: torch.Tensor, c: torch.Tensor, *weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(lstm_cell(x, CellState(h, c), *weights))

    assert torch.autograd.gradcheck(run, inputs)


def test_forget_gate_at_1_and_input_gate_at_0_keep_what_is_remembered(cell: LSTMCell) -> None:
    with torch.no_grad():
        cell.bias_ih[:H] = -1e4  # i: shut
        cell.bias_ih[H : 2 * H] = 1e4  # f: open
    start = state = random_state()
    for _ in range(50):
        state = cell(torch.randn(N, E, dtype=torch.float64), state)
    assert torch.equal(state.c, start.c)


def test_the_forget_gate_starts_open_and_every_other_bias_at_0(cell: LSTMCell) -> None:
    layer = lstm_layer(E, H, bidirectional=True)
    for _, _, bias_ih, bias_hh in [*layer.all_weights, (None, None, cell.bias_ih, cell.bias_hh)]:
        i, f, g, o = (bias_ih + bias_hh).chunk(4)
        assert torch.equal(f, torch.ones_like(f))
        assert not any(gate.any() for gate in (i, g, o))


def test_row_dropout_drops_the_same_everywhere_in_a_row_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropout = RowDropout(0.25)
    dropped = dropout(torch.ones(200, 4, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 4 / 3])
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)
    assert not torch.equal(dropped[0], dropped[1])


def test_row_dropout_is_off_in_eval_and_at_share_0() -> None:
    x = torch.randn(2, 3, 4)
    assert RowDropout(0.5).eval()(x) is x
    assert RowDropout(0.0)(x) is x
