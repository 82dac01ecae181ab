from __future__ import annotations

import pytest
import torch

from chatbot.model.cell import KINDS, Recurrence
from chatbot.model.layer import FUSED, FusedLayer, Layer, ReadableLayer, Reading, recurrent_layer

N, T, E, H = 4, 6, 5, 3
LENGTHS = torch.tensor([2, 6, 1, 4])
CPU = torch.device("cpu")


def both(kind: str, bidirectional: bool) -> tuple[Layer, Layer]:
    """The fused and the readable layer with the same weights."""
    torch.manual_seed(0)
    fused = FusedLayer(Recurrence(kind), E, H, bidirectional).double()
    readable = ReadableLayer(Recurrence(kind), E, H, bidirectional).double()
    for direction, cell in enumerate(readable.cells):
        suffix = "_l0_reverse" if direction else "_l0"
        cell.load_state_dict({name: getattr(fused.core, name + suffix) for name in cell.state_dict()})
    return fused, readable


@pytest.mark.parametrize("kind", sorted(FUSED))
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_the_fused_kernel_equals_the_readable_cell_in_outputs_and_gradients(
    kind: str, bidirectional: bool, lengths: torch.Tensor | None
) -> None:
    reading = Reading(lengths, T, CPU)
    results = []
    x = torch.randn(N, T, E, dtype=torch.float64)
    for layer in both(kind, bidirectional):
        given = x.clone().requires_grad_()
        outputs, final = layer(given, reading)
        (outputs.pow(2).sum() + sum(part.sum() for part in final)).backward()
        results.append((outputs, *final, given.grad, *(parameter.grad for parameter in layer.parameters())))
    torch.testing.assert_close(*results, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_step_uses_the_weights_of_the_layer_itself(kind: str) -> None:
    torch.manual_seed(0)
    layer = recurrent_layer(Recurrence(kind), E, H).double()
    x = torch.randn(N, T, E, dtype=torch.float64)
    state = tuple(torch.randn(N, H, dtype=torch.float64) for _ in range(KINDS[kind].carries))
    outputs, final = layer(x, Reading(None, T, CPU), state)
    for t in range(T):
        state = layer.step(x[:, t], state)
        torch.testing.assert_close(state[0], outputs[:, t], rtol=0, atol=1e-12)
    torch.testing.assert_close(state, final, rtol=0, atol=1e-12)
    state[0].sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_dropped_recurrent_weights_are_those_of_a_layer_without_them(kind: str) -> None:
    """The same entries for all rows and steps, none in eval, and the gradient of a dropped one is 0."""
    torch.manual_seed(0)
    layer = recurrent_layer(Recurrence(kind), E, H, bidirectional=True, recurrent_dropout=0.5).double()
    named = [(name, weight) for name, weight in layer.named_parameters() if "weight_hh" in name]
    whole = [weight.detach().clone() for _, weight in named]
    x, reading = torch.randn(N, T, E, dtype=torch.float64), Reading(LENGTHS, T, CPU)
    torch.manual_seed(1)
    dropped, _ = layer(x, reading)
    dropped.sum().backward()
    assert all(torch.equal(weight, before) for (_, weight), before in zip(named, whole, strict=True))
    with torch.no_grad():
        for _, weight in named:
            assert weight.grad is not None
            gone = weight.grad == 0
            assert gone.any()
            assert not gone.all()
            weight.copy_(torch.where(gone, 0.0, weight * 2))
        torch.testing.assert_close(layer.eval()(x, reading)[0], dropped, rtol=0, atol=1e-12)


def test_no_mask_where_all_lengths_agree() -> None:
    assert Reading(torch.tensor([3, 3]), 3, CPU).real is None
    assert Reading(None, 3, CPU).real is None
    real = Reading(torch.tensor([2, 3]), 3, CPU).real
    assert real is not None
    assert real.tolist() == [[True, True, False], [True, True, True]]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_long_sequence_is_read_in_parts_and_the_way_back_ends_where_the_state_is_cut_off(kind: str) -> None:
    """Truncated backpropagation through time: same outputs, and gradients as if the state before had been given."""
    torch.manual_seed(0)
    layer = recurrent_layer(Recurrence(kind), E, H).double()
    x = torch.randn(N, T, E, dtype=torch.float64, requires_grad=True)
    whole, final = layer(x, Reading(None, T, CPU))
    half = Reading(None, T // 2, CPU)
    first, between = layer(x[:, : T // 2], half)
    carried = tuple(part.detach() for part in between)
    second, after = layer(x[:, T // 2 :], half, carried)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(after, final, rtol=0, atol=1e-12)
    (cut_off,) = torch.autograd.grad(second.sum(), x, retain_graph=True)
    assert not cut_off[:, : T // 2].any(), "nothing flows back through a state that was cut off"
    given = x[:, T // 2 :].detach().requires_grad_()
    torch.testing.assert_close(
        cut_off[:, T // 2 :], torch.autograd.grad(layer(given, half, carried)[0].sum(), given)[0], rtol=0, atol=1e-12
    )
    (through,) = torch.autograd.grad(whole[:, T // 2 :].sum(), x)
    assert through[:, : T // 2].any()
