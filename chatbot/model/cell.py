"""The memories, written to be read from their equations; torch's fused kernels are held against them.

Weights are named and stacked as in PyTorch, which has no peepholes and no cell of 1997. In all equations ``x`` is what
the input contributes, W_i x + b_i, stacked for all gates: it does not depend on time, so a whole sequence of it is
reckoned at once. `*` is the elementwise product.

A state is a tuple of tensors, rows first: (h,) what the layer shows, or (h, c) with c what it remembers besides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = tuple[Tensor, ...]


class Weights(NamedTuple):
    """The weights of one direction of a layer with G gates."""

    weight_ih: Tensor  # (G H, E)
    weight_hh: Tensor  # (G H, H)
    bias_ih: Tensor  # (G H,)
    bias_hh: Tensor | None = None  # (G H,); None where one bias does for both
    peephole: Tensor | None = None  # (3, H): from c to i, f and o

    def recur(self, h: Tensor) -> Tensor:
        """What the last h contributes to all gates, W_h h + b_h: (N, H) -> (N, G H)."""
        return F.linear(h, self.weight_hh, self.bias_hh)


class Recurs(Protocol):
    """As much of the weights as a step needs."""

    @property
    def peephole(self) -> Tensor | None:
        """(3, H), or None."""

    def recur(self, h: Tensor) -> Tensor:
        """(N, H) -> (N, G H)."""


def lstm_cell(x: Tensor, state: State, weights: Recurs) -> State:
    """Advance an LSTM by one token: x (N, 4H), state (h, c) of (N, H) each -> the state after it.

        i = sigmoid(x_i + W_hi h + b_hi)     how much of the candidate comes in
        f = sigmoid(x_f + W_hf h + b_hf)     how much of the past stays
        g = tanh(x_g + W_hg h + b_hg)        the candidate
        o = sigmoid(x_o + W_ho h + b_ho)     how much is shown
        c' = f * c + i * g
        h' = o * tanh(c')

    Sources: Hochreiter & Schmidhuber 1997, "Long short-term memory" (c, i, g and o);
    Gers, Schmidhuber & Cummins 2000, "Learning to forget" (f).
    """
    h, c = state  # (N, H) each
    i, f, g, o = (x + weights.recur(h)).chunk(4, dim=-1)  # (N, H) each
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()  # keep some, add some
    h = o.sigmoid() * c.tanh()
    return h, c


def peephole_cell(x: Tensor, state: State, weights: Recurs) -> State:
    """As `lstm_cell`, with gates that look at the memory itself: x (N, 4H), state (h, c) -> the state after it.

        i = sigmoid(x_i + W_hi h + b_hi + p_i * c)
        f = sigmoid(x_f + W_hf h + b_hf + p_f * c)
        c' = f * c + i * tanh(x_g + W_hg h + b_hg)
        o = sigmoid(x_o + W_ho h + b_ho + p_o * c')
        h' = o * tanh(c')

    Source: Gers & Schmidhuber 2000, "Recurrent nets that time and count", equations 5 to 8.
    """
    assert weights.peephole is not None
    p_i, p_f, p_o = weights.peephole
    h, c = state  # (N, H) each
    i, f, g, o = (x + weights.recur(h)).chunk(4, dim=-1)  # (N, H) each
    c_new = (f + p_f * c).sigmoid() * c + (i + p_i * c).sigmoid() * g.tanh()
    h = (o + p_o * c_new).sigmoid() * c_new.tanh()
    return h, c_new


def lstm1997_cell(x: Tensor, state: State, weights: Recurs) -> State:
    """The cell of 1997, which cannot forget: x (N, 3H) of gates i, g, o, state (h, c) -> the state after it.

        c' = c + i * g,   h' = o * tanh(c')

    Nothing is ever taken from c, so an error flows back through it unchanged: the constant error carousel. The paper
    squashes g to (-2, 2) and h to (-1, 1); with tanh for both, weights absorb the difference.
    Source: Hochreiter & Schmidhuber 1997, section 4.
    """
    h, c = state  # (N, H) each
    i, g, o = (x + weights.recur(h)).chunk(3, dim=-1)  # (N, H) each
    c = c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return h, c


def gru_cell(x: Tensor, state: State, weights: Recurs) -> State:
    """Advance a gated recurrent unit by one token: x (N, 3H) of gates r, z, n, state (h,) of (N, H) -> the state after.

        r = sigmoid(x_r + W_hr h + b_hr)         how much of the past the candidate sees
        z = sigmoid(x_z + W_hz h + b_hz)         how much of the past stays
        n = tanh(x_n + r * (W_hn h + b_hn))      the candidate
        h' = (1 - z) * n + z * h

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", with r after the matrix
    product, as cuDNN and torch have it.
    """
    (h,) = state  # (N, H)
    x_r, x_z, x_n = x.chunk(3, dim=-1)  # (N, H) each
    h_r, h_z, h_n = weights.recur(h).chunk(3, dim=-1)  # (N, H) each
    n = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    z = (x_z + h_z).sigmoid()
    return ((1 - z) * n + z * h,)


def rnn_cell(x: Tensor, state: State, weights: Recurs) -> State:
    """Advance a plain recurrent layer by one token: h' = tanh(x + W_h h + b_h); x (N, H), state (h,) of (N, H).

    Source: Elman 1990, "Finding structure in time".
    """
    (h,) = state  # (N, H)
    return ((x + weights.recur(h)).tanh(),)


CellName = Literal["lstm", "gru", "rnn", "peephole", "lstm1997"]


@dataclass(frozen=True)
class Kind:
    """What tells one memory from another."""

    step: Callable[[Tensor, State, Recurs], State]
    gates: int
    """Rows of H that its matrices are stacked of."""
    carries: int
    """Tensors of a state: 1 for (h,), 2 for (h, c)."""
    keeps: int | None = None
    """The gate that keeps the past where it is open."""
    lets_in: int | None = None
    """The gate that lets the candidate in, where it is another than the one that keeps."""
    bias: float = 0.0
    """Where the bias of the gate that keeps starts, unless told otherwise."""
    peepholes: bool = False


KINDS: dict[str, Kind] = {
    "lstm": Kind(lstm_cell, gates=4, carries=2, keeps=1, lets_in=0, bias=1.0),
    "peephole": Kind(peephole_cell, gates=4, carries=2, keeps=1, lets_in=0, bias=1.0, peepholes=True),
    "lstm1997": Kind(lstm1997_cell, gates=3, carries=2, lets_in=0),
    "gru": Kind(gru_cell, gates=3, carries=1, keeps=1),
    "rnn": Kind(rnn_cell, gates=1, carries=1),
}


@dataclass(frozen=True)
class Recurrence:
    """How a layer remembers: the kind of its cells, and how open their gates are before anything is learnt."""

    cell: str = "lstm"
    forget_bias: float | None = None
    """Bias of the gate that keeps the past; None: 1 for `lstm` and `peephole`, 0 for `gru`, whose update gate keeps."""
    chrono: int | None = None
    """The longest dependency expected, in tokens: biases as if memories lasted from 1 to so many."""

    def __post_init__(self) -> None:
        if self.cell not in KINDS:
            raise ValueError(f"cell must be one of {', '.join(KINDS)}, got {self.cell!r}")
        for name in ("forget_bias", "chrono"):
            if getattr(self, name) is not None and self.kind.keeps is None:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, but a cell {self.cell} has no gate that keeps the past: leave "
                    f"{name} out (null), or take another cell"
                )
        if self.chrono is not None and self.chrono < 3:
            raise ValueError(f"chrono must be at least 3, got {self.chrono}")
        if self.chrono is not None and self.forget_bias is not None:
            raise ValueError(
                f"forget_bias is {self.forget_bias} and chrono {self.chrono}, which both say how the gates begin: give "
                "one of them"
            )

    @property
    def kind(self) -> Kind:
        """The entry of `KINDS`."""
        return KINDS[self.cell]

    @torch.no_grad()
    def set_biases(self, bias_ih: Tensor, bias_hh: Tensor | None) -> None:
        """Set the biases (G H,) of a layer, in place: 0, but for the gate that keeps the past.

        Where there are two biases they are added, so only one of them carries it. A gate that starts open lets
        gradients through from the first step (Gers et al. 2000; Jozefowicz, Zaremba & Sutskever 2015, section 3.2).
        With chrono T, b_f = log(u), u uniform in 1..T-1, and b_i = -b_f (Tallec & Ollivier 2018, equation 16).
        """
        kind = self.kind
        bias_ih.zero_()
        if bias_hh is not None:
            bias_hh.zero_()
        if kind.keeps is None:
            return
        gates = bias_ih.view(kind.gates, -1)
        if self.chrono is None:
            gates[kind.keeps] = kind.bias if self.forget_bias is None else self.forget_bias
            return
        gates[kind.keeps].uniform_(1, self.chrono - 1).log_()
        if kind.lets_in is not None:
            gates[kind.lets_in] = -gates[kind.keeps]


class Cell(nn.Module):
    """One readable layer with its own weights; parameters by name, shape and order as in `nn.LSTMCell` and its kin.

    Weights start uniform in +-1/sqrt(H) as in torch, peepholes at 0, biases as `Recurrence.set_biases` says.

    Args:
        recurrence: kind of the cell and its first biases.
        input_size: E.
        hidden_size: H.
        biases: torch and cuDNN have two, whose sum counts (but for the candidate of a gru, where the reset gate lies
            between them); one makes the layer of the textbooks.
    """

    def __init__(self, recurrence: Recurrence, input_size: int, hidden_size: int, biases: Literal[1, 2] = 2) -> None:
        super().__init__()
        self.recurrence = recurrence
        self.hidden_size = hidden_size
        bound, rows = hidden_size**-0.5, recurrence.kind.gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows)) if biases == 2 else None
        self.peephole = nn.Parameter(torch.zeros(3, hidden_size)) if recurrence.kind.peepholes else None
        recurrence.set_biases(self.bias_ih, self.bias_hh)

    @property
    def weights(self) -> Weights:
        """All of them, for the equations."""
        return Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, self.peephole)

    def start(self, rows: int) -> State:
        """The state before the first token: zeros (rows, H)."""
        return (self.weight_hh.new_zeros(rows, self.hidden_size),) * self.recurrence.kind.carries

    def forward(self, x: Tensor, state: State) -> State:
        """Advance by one token: x (N, E), state (N, H) each -> state (N, H) each."""
        return self.recurrence.kind.step(F.linear(x, self.weight_ih, self.bias_ih), state, self.weights)

    def run(
        self, x: Tensor, state: State | None = None, real: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, State]:
        """Read a whole sequence: x (N, T, E) -> outputs (N, T, H) and the last state (N, H) each."""
        return run(
            self.recurrence.kind, self.weights, x, self.start(x.shape[0]) if state is None else state, real, reverse
        )


def run(
    kind: Kind, weights: Weights, x: Tensor, state: State, real: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, State]:
    """Unroll a cell over x (N, T, E) -> outputs (N, T, H), 0 at pads, and the last state (N, H) each.

    ``real`` (N, T) is True at text, or None for text everywhere: a pad changes no state. ``reverse`` reads from the
    last position to the first; each output still stands at the position that it was read at.
    """
    # The one part that needs no loop. Cut in one go: each slice by itself has a gradient as long as the whole.
    projected = F.linear(x, weights.weight_ih, weights.bias_ih).unbind(1)  # T of (N, G H)
    outputs: list[Tensor] = []
    for t in range(x.shape[1] - 1, -1, -1) if reverse else range(x.shape[1]):
        after = kind.step(projected[t], state, weights)
        if real is None:
            state = after
            outputs.append(after[0])
            continue
        here = real[:, t, None]  # (N, 1)
        state = tuple(torch.where(here, new, old) for new, old in zip(after, state, strict=True))
        outputs.append(torch.where(here, after[0], 0.0))
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1), state
