"""The LSTM cell, written to be read; torch's fused kernels are held against it.

Weights are named and stacked as in PyTorch: input gate i, forget gate f, candidate g, output gate o.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CellState(NamedTuple):
    """What an LSTM layer carries from one token to the next, rows first."""

    h: Tensor  # (N, H) what the layer shows
    c: Tensor  # (N, H) what it remembers


def lstm_cell(
    x: Tensor,
    state: CellState,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
) -> CellState:
    """Advance an LSTM by one token: x (N, E), state (N, H) each -> state (N, H) each.

    The equations, with * for the elementwise product:

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)      how much of the candidate comes in
        f = sigmoid(W_if x + b_if + W_hf h + b_hf)      how much of the past stays
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)         the candidate
        o = sigmoid(W_io x + b_io + W_ho h + b_ho)      how much is shown
        c' = f * c + i * g
        h' = o * tanh(c')

    weight_ih is (4H, E), weight_hh (4H, H), the biases (4H,), each stacked in the order i, f, g, o.

    Sources: Hochreiter & Schmidhuber 1997, "Long short-term memory" (c, i, g and o);
    Gers, Schmidhuber & Cummins 2000, "Learning to forget" (f).
    """
    h, c = state  # (N, H) each
    gates = F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh)  # (N, 4H)
    i, f, g, o = gates.chunk(4, dim=-1)  # (N, H) each
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()  # keep some, add some
    h = o.sigmoid() * c.tanh()
    return CellState(h, c)


@torch.no_grad()
def open_forget_gate(bias_ih: Tensor, bias_hh: Tensor) -> None:
    """Set the biases of a layer to 0 and that of the forget gate to 1, in place; both are (4H,).

    The two biases are added, so only one of them carries the 1. A gate that starts open lets gradients
    through from the first step (Gers et al. 2000; Jozefowicz, Zaremba & Sutskever 2015, section 3.2).
    """
    size = bias_ih.shape[0] // 4
    bias_ih.zero_()
    bias_hh.zero_()
    bias_ih[size : 2 * size] = 1.0


class LSTMCell(nn.Module):
    """`lstm_cell` with its own weights; the parameters of `nn.LSTMCell` by name, shape and order.

    Forget bias starts at 1, the other biases at 0, the weights uniform in +-1/sqrt(H) as in torch.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        bound = hidden_size**-0.5
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(4 * hidden_size))
        self.bias_hh = nn.Parameter(torch.empty(4 * hidden_size))
        open_forget_gate(self.bias_ih, self.bias_hh)

    def forward(self, x: Tensor, state: CellState) -> CellState:
        """Advance by one token: x (N, E), state (N, H) each -> state (N, H) each."""
        return lstm_cell(x, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


def lstm_layer(input_size: int, hidden_size: int, *, bidirectional: bool = False) -> nn.LSTM:
    """One fused layer, batch first, with the forget gate open at the start; the cell of the whole network."""
    layer = nn.LSTM(input_size, hidden_size, batch_first=True, bidirectional=bidirectional)
    for _, _, bias_ih, bias_hh in layer.all_weights:  # one entry a direction
        open_forget_gate(bias_ih, bias_hh)
    return layer


def layer_step(layer: nn.LSTM, x: Tensor, state: CellState) -> CellState:
    """Advance a one-directional `lstm_layer` by one token with its very own parameters.

    x (N, E), state (N, H) each -> state (N, H) each. Calling the layer itself for a single step
    costs about ten times as much: the fused kernel is made for whole sequences.
    """
    weight_ih, weight_hh, bias_ih, bias_hh = layer.all_weights[0]
    return lstm_cell(x, state, weight_ih, weight_hh, bias_ih, bias_hh)


class RowDropout(nn.Module):
    """Dropout with one mask for all positions of a row, scaled so that the mean stays; off in `eval`.

    What a layer cannot see at one position it cannot see at the next, so its memory does not help it out
    (Gal & Ghahramani 2016, "variational" dropout). Drawing a mask for each position is dear besides.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Drop from x (N, T, W) -> (N, T, W)."""
        mask = self.mask(x, x.shape[0])
        return x if mask is None else x * mask[:, None]

    def mask(self, x: Tensor, rows: int) -> Tensor | None:
        """Draw factors (rows, W) for x (..., W): 0, or 1 / (1 - share); None where nothing is dropped."""
        if not self.training or self.share == 0:
            return None
        stay = 1 - self.share
        return x.new_empty(rows, x.shape[-1]).bernoulli_(stay).div_(stay)
