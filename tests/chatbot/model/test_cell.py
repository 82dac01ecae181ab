from __future__ import annotations

import pytest
import torch
from torch import nn

from chatbot.model.cell import KINDS, Cell, Recurrence, State, Weights

N, T, E, H = 3, 5, 4, 6
TORCH = {"lstm": (nn.LSTMCell, nn.LSTM), "gru": (nn.GRUCell, nn.GRU), "rnn": (nn.RNNCell, nn.RNN)}
ALL = sorted(KINDS)


def random_state(kind: str) -> State:
    return tuple(torch.randn(N, H, dtype=torch.float64) for _ in range(KINDS[kind].carries))


def made(kind: str, **options: object) -> Cell:
    torch.manual_seed(0)
    cell = Cell(Recurrence(kind, **options), E, H).double()  # type: ignore[arg-type]
    if cell.peephole is not None:
        nn.init.normal_(cell.peephole)
    return cell


def packed(state: State | torch.Tensor) -> State:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("kind", sorted(TORCH))
def test_equals_the_cell_of_torch_in_outputs_and_gradients(kind: str) -> None:
    cell, reference = made(kind), TORCH[kind][0](E, H).double()
    reference.load_state_dict(cell.state_dict())  # so the parameters agree by name and shape
    x, state = torch.randn(N, E, dtype=torch.float64), random_state(kind)
    results = []
    for one, start in ((cell, state), (reference, state if len(state) == 2 else state[0])):
        after = packed(one(x, start))
        sum((part * part).sum() for part in after).backward()  # type: ignore[union-attr]
        results.append((*after, *(parameter.grad for parameter in one.parameters())))
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", sorted(TORCH))
def test_unrolled_it_equals_the_layer_of_torch_in_outputs_and_gradients(kind: str) -> None:
    cell = made(kind)
    layer = TORCH[kind][1](E, H, batch_first=True).double()
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    x, start = torch.randn(N, T, E, dtype=torch.float64), random_state(kind)
    whole = tuple(part[None] for part in start)
    outputs, final = layer(x, whole if len(whole) == 2 else whole[0])
    (outputs.pow(2).sum() + packed(final)[-1].sum()).backward()
    shown, state = cell.run(x, start)
    (shown.pow(2).sum() + state[-1].sum()).backward()
    torch.testing.assert_close(shown, outputs, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, tuple(part[0] for part in packed(final)), rtol=0, atol=1e-12)
    for ours, theirs in zip(cell.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", ALL)
def test_a_run_is_one_step_after_another(kind: str) -> None:
    cell = made(kind)
    x, state = torch.randn(N, T, E, dtype=torch.float64), random_state(kind)
    shown, final = cell.run(x, state)
    for t in range(T):
        state = cell(x[:, t], state)
        torch.testing.assert_close(shown[:, t], state[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(final, state, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_changes_nothing(kind: str, reverse: bool) -> None:
    cell = made(kind)
    lengths = torch.tensor([2, 5, 1])
    x, start = torch.randn(N, T, E, dtype=torch.float64), random_state(kind)
    real = torch.arange(T) < lengths[:, None]
    spoilt = x.masked_fill(~real[..., None], float("nan"))
    shown, final = cell.run(spoilt, start, real, reverse)
    for row, length in enumerate(lengths.tolist()):
        own = tuple(part[row : row + 1] for part in start)
        alone, end = cell.run(x[row : row + 1, :length], own, reverse=reverse)
        torch.testing.assert_close(shown[row, :length], alone[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(tuple(part[row : row + 1] for part in final), end, rtol=0, atol=1e-12)
        assert not shown[row, length:].any()


def test_reading_in_reverse_is_reading_what_was_turned_around() -> None:
    cell, x = made("lstm"), torch.randn(N, T, E, dtype=torch.float64)
    backward, _ = cell.run(x, reverse=True)
    forward, _ = cell.run(x.flip(1))
    torch.testing.assert_close(backward.flip(1), forward, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    cell = made(kind)
    names = [name for name, value in cell.weights._asdict().items() if value is not None]
    inputs = (torch.randn(N, 2, E, dtype=torch.float64), *random_state(kind), *(p.detach() for p in cell.parameters()))
    inputs = tuple(tensor.clone().requires_grad_() for tensor in inputs)
    carries = KINDS[kind].carries

    def two_steps(x: torch.Tensor, *rest: torch.Tensor) -> State:
        state, weights = rest[:carries], Weights(**dict(zip(names, rest[carries:], strict=True)))
        for t in range(2):
            projected = nn.functional.linear(x[:, t], weights.weight_ih, weights.bias_ih)
            state = KINDS[kind].step(projected, state, weights)
        return state

    assert torch.autograd.gradcheck(two_steps, inputs)


@pytest.mark.parametrize("kind", ["lstm", "peephole"])
def test_forget_gate_at_1_and_input_gate_at_0_keep_what_is_remembered(kind: str) -> None:
    cell = made(kind)
    with torch.no_grad():
        cell.bias_ih[:H] = -1e4  # i: shut
        cell.bias_ih[H : 2 * H] = 1e4  # f: open
    start = state = random_state(kind)
    for _ in range(50):
        state = cell(torch.randn(N, E, dtype=torch.float64), state)
    assert torch.equal(state[1], start[1])


def test_peepholes_at_0_are_no_peepholes() -> None:
    cell, plain = Cell(Recurrence("peephole"), E, H).double(), made("lstm")
    cell.load_state_dict(plain.state_dict(), strict=False)
    x, state = torch.randn(N, E, dtype=torch.float64), random_state("lstm")
    torch.testing.assert_close(cell(x, state), plain(x, state), rtol=0, atol=1e-15)


def test_each_peephole_opens_its_gate_by_what_is_remembered() -> None:
    """With all else at 0: i and f look at the old c, o at the new one."""
    cell = Cell(Recurrence("peephole", forget_bias=0.0), E, 1).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.bias_ih[2] = 0.5  # g
        cell.peephole.copy_(torch.tensor([[0.3], [-0.7], [1.1]]))  # type: ignore[union-attr]
    before = torch.tensor([[2.0]], dtype=torch.float64)
    h, c = cell(torch.zeros(1, E, dtype=torch.float64), (before, before))
    i, f = (torch.sigmoid(weight * before) for weight in (0.3, -0.7))
    expected = f * before + i * torch.tanh(torch.tensor(0.5, dtype=torch.float64))
    torch.testing.assert_close(c, expected)
    torch.testing.assert_close(h, torch.sigmoid(1.1 * expected) * expected.tanh())


def test_the_cell_of_1997_only_ever_adds() -> None:
    """What it remembers flows on unchanged, and so does its gradient: the constant error carousel."""
    cell = made("lstm1997")
    x = torch.randn(N, 200, E, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_hh.zero_()
    start = tuple(part.requires_grad_() for part in random_state("lstm1997"))
    _, (_, c) = cell.run(x, start)
    c.sum().backward()
    assert torch.equal(start[1].grad, torch.ones_like(start[1]))  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "gate", "bias"), [("lstm", 1, 1.0), ("peephole", 1, 1.0), ("gru", 1, 0.0)])
def test_the_gate_that_keeps_starts_where_it_should_and_every_other_bias_at_0(
    kind: str, gate: int, bias: float
) -> None:
    for options, expected in (({}, bias), ({"forget_bias": 3.5}, 3.5)):
        cell = made(kind, **options)
        assert cell.bias_hh is not None
        gates = (cell.bias_ih + cell.bias_hh).view(KINDS[kind].gates, H)
        assert torch.equal(gates[gate], torch.full_like(gates[gate], expected))
        gates = gates.clone()
        gates[gate] = 0
        assert not gates.any()


def test_chrono_biases_are_memories_of_1_to_so_many_steps() -> None:
    torch.manual_seed(0)
    recurrence = Recurrence("lstm", chrono=100)
    bias = torch.full((4 * 2000,), 7.0)
    recurrence.set_biases(bias, None)
    i, f, g, o = bias.chunk(4)
    assert torch.equal(i, -f)
    assert not g.any()
    assert not o.any()
    lasting = f.exp()  # 1 / (1 - sigmoid(f)) - 1 steps
    assert lasting.min() >= 1
    assert lasting.max() <= 99
    assert lasting.mean() == pytest.approx(50, abs=2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cell": "ltsm"}, "cell must be one of lstm, peephole, lstm1997, gru, rnn, got 'ltsm'"),
        ({"cell": "rnn", "forget_bias": 1.0}, "forget_bias is 1.0, but a cell rnn has no gate"),
        ({"cell": "lstm1997", "chrono": 50}, "chrono is 50, but a cell lstm1997 has no gate"),
        ({"chrono": 2}, "chrono must be at least 3"),
        ({"chrono": 50, "forget_bias": 1.0}, "forget_bias is 1.0 and chrono 50"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(options: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Recurrence(**options)  # type: ignore[arg-type]


def test_the_chapter_counts_its_weights_with_one_bias() -> None:
    """300 inputs and 50 units: (300 + 50 + 1) x 50 for the plain layer, four times that for the LSTM."""

    def count(kind: str) -> int:
        return sum(parameter.numel() for parameter in Cell(Recurrence(kind), 300, 50, biases=1).parameters())

    assert count("rnn") == 17_550
    assert count("lstm") == 70_200
