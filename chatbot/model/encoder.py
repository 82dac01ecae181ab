"""The encoder: reads the source in both directions, and never a pad."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from chatbot.model.cell import CellState, RowDropout, lstm_layer


class Encoded(NamedTuple):
    """What the encoder made of a batch of sources."""

    outputs: Tensor  # (N, S, M) zero at pads
    final: CellState  # (N, M) each: where the two directions of the top layer ended


def check_lengths(lengths: Tensor, source: Tensor) -> None:
    """Raise ValueError unless `lengths` (N,) lie on the CPU and fit `source` (N, S, ...)."""
    rows, positions = source.shape[:2]
    if lengths.device.type != "cpu":
        raise ValueError(f"source lengths must stay on the CPU, got {lengths.device}: reading them there is free")
    if lengths.shape != (rows,) or rows == 0:
        raise ValueError(f"expected one source length for each of {rows} rows (1 or more), got {tuple(lengths.shape)}")
    least, most = int(lengths.min()), int(lengths.max())
    if least < 1 or most > positions:
        raise ValueError(f"source lengths must lie in 1..{positions}, got {least}..{most}")


class Encoder(nn.Module):
    """Stacked bidirectional LSTM, residual from the second layer on, `RowDropout` before each layer.

    A batch of one exact length runs dense, which is what the fused kernels like best; any other is packed.
    Either way the states are those of each row alone. Sources: Schuster & Paliwal 1997 (bidirectional);
    Wu et al. 2016, section 3.1 (residual stacks).
    """

    def __init__(self, input_size: int, hidden_size: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.width = 2 * hidden_size
        """M, the width of what `forward` returns."""
        sizes = [input_size] + [self.width] * (layers - 1)
        self.layers = nn.ModuleList(lstm_layer(size, hidden_size, bidirectional=True) for size in sizes)
        self.dropout = RowDropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Encoded:
        """Read x (N, S, E) of `lengths` (N,), which lie on the CPU; ValueError where they do not fit.

        Positions past the longest length are cut off, so S of the result is the longest length.
        """
        check_lengths(lengths, x)
        longest = int(lengths.max())
        if int(lengths.min()) == longest:
            return self._dense(x[:, :longest])
        return self._packed(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))

    def _dense(self, x: Tensor) -> Encoded:
        for index, layer in enumerate(self.layers):
            below, (x, (h, c)) = x, layer(self.dropout(x))  # x (N, S, M), h and c (2, N, H)
            x = x + below if index else x
        return Encoded(x, _join(h, c))

    def _packed(self, packed: PackedSequence) -> Encoded:
        sizes = packed.batch_sizes.tolist()  # [3, 2] when three rows are 2, 2 and 1 long
        rows = torch.cat([torch.arange(size) for size in sizes]).to(packed.data.device)  # [0, 1, 2, 0, 1]
        for index, layer in enumerate(self.layers):
            below = packed.data  # (all real positions, E or M): pads are not even there
            mask = self.dropout.mask(below, sizes[0])
            packed, (h, c) = layer(packed._replace(data=below if mask is None else below * mask[rows]))
            packed = packed._replace(data=packed.data + below) if index else packed
        outputs, _ = pad_packed_sequence(packed, batch_first=True)  # (N, S, M)
        return Encoded(outputs, _join(h, c))


def _join(h: Tensor, c: Tensor) -> CellState:
    """Both directions side by side: (2, N, H) each -> (N, M) each."""
    return CellState(torch.cat([h[0], h[1]], dim=-1), torch.cat([c[0], c[1]], dim=-1))
