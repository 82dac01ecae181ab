"""A recurrent layer over a whole sequence: torch's fused kernel where there is one, else the readable cell.

Both have one face: `forward` reads sequences, `step` advances by one token with the very same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from chatbot.model.cell import Cell, Recurrence, State, Weights, run

FUSED = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Reading:
    """What a batch of sequences looks like, worked out once for all layers that read it.

    Args:
        lengths: (N,) on the CPU, at least 1 each; None: all rows are as long as the tensor.
        positions: T, not below the longest length.
        device: where the tensors lie.
    """

    def __init__(self, lengths: Tensor | None, positions: int, device: torch.device) -> None:
        padded = lengths is not None and int(lengths.min()) < positions
        self.lengths = lengths if padded else None
        """None where there is no padding."""
        self.real: Tensor | None = None
        """(N, T) True at text; None where all is. The CPU knows whether it is needed, so a GPU is not waited for."""
        if padded:
            assert lengths is not None
            self.real = (torch.arange(positions) < lengths[:, None]).to(device, non_blocking=True)
        self.alike = padded and lengths is not None and 4 * len(set(lengths.tolist())) <= len(lengths)
        """Whether there are several lengths, but four rows of each on average."""


class Layer(nn.Module):
    """One recurrent layer, batch first, in one direction or both.

    Args:
        recurrence: kind of the cells and their first biases.
        input_size: E.
        hidden_size: H, of each direction.
        bidirectional: whether a second set of cells reads from the end.
        recurrent_dropout: share of the recurrent weights dropped for a whole batch while training (DropConnect on W_hh,
            Merity, Keskar & Socher 2018, section 3): what the memory loses, it loses at every step alike.
    """

    def __init__(
        self,
        recurrence: Recurrence,
        input_size: int,
        hidden_size: int,
        bidirectional: bool = False,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.recurrence = recurrence
        self.hidden_size = hidden_size
        self.bidirectional = bidirectional
        self.recurrent_dropout = recurrent_dropout
        self._build(input_size)

    def _build(self, input_size: int) -> None:
        """Make the weights."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Of what it puts out: H, or 2 H with both directions."""
        return self.hidden_size * (2 if self.bidirectional else 1)

    def forward(self, x: Tensor, reading: Reading, state: State | None = None) -> tuple[Tensor, State]:
        """Read x (N, T, E) -> outputs (N, T, width), 0 at pads, and how each direction ended, (N, width) each.

        ``state`` is where the only direction begins, (N, H) each; None: zeros.
        """
        raise NotImplementedError

    def step(self, x: Tensor, state: State) -> State:
        """Advance the only direction by one token: x (N, E), state (N, H) each -> state (N, H) each."""
        weights = self.weights()
        return self.recurrence.kind.step(F.linear(x, weights.weight_ih, weights.bias_ih), state, weights)

    def weights(self) -> Weights:
        """Those of the direction that reads forward."""
        raise NotImplementedError

    def dropped(self, weight: Tensor) -> Tensor:
        """A recurrent matrix with the share of its entries dropped, while training."""
        return F.dropout(weight, self.recurrent_dropout, self.training)


class FusedLayer(Layer):
    """One call of oneDNN or cuDNN for the whole sequence, or one for each length where that is sooner done."""

    def _build(self, input_size: int) -> None:
        kernel = FUSED[self.recurrence.cell]
        self.core = kernel(input_size, self.hidden_size, batch_first=True, bidirectional=self.bidirectional)
        for _, _, bias_ih, bias_hh in self.core.all_weights:  # one entry a direction
            self.recurrence.set_biases(bias_ih, bias_hh)

    def forward(self, x: Tensor, reading: Reading, state: State | None = None) -> tuple[Tensor, State]:
        """As `Layer.forward`. Pads are not even there: rows of unlike length are packed, or read length by length."""
        plain = not torch.is_grad_enabled() and not (self.training and self.recurrent_dropout)
        if reading.alike and plain and state is None and x.device.type == "cpu":
            return by_length(lambda rows: self._read(rows, Reading(None, rows.shape[1], x.device)), x, reading)
        return self._read(x, reading, state)

    def _read(self, x: Tensor, reading: Reading, state: State | None = None) -> tuple[Tensor, State]:
        begin = () if state is None else tuple(part[None].contiguous() for part in state)
        start = begin if len(begin) > 1 else begin[0] if begin else None  # a GRU takes no tuple
        if reading.lengths is None:
            outputs, final = self._call(x, start)
        else:
            packed = pack_padded_sequence(x, reading.lengths, batch_first=True, enforce_sorted=False)
            read, final = self._call(packed, start)
            outputs, _ = pad_packed_sequence(read, batch_first=True)
        parts = final if isinstance(final, tuple) else (final,)  # (directions, N, H) each
        return outputs, tuple(part.transpose(0, 1).flatten(1) for part in parts)

    def _call(self, x: object, start: object) -> tuple[Any, Tensor | State]:
        if not (self.training and self.recurrent_dropout):
            return self.core(x, start)  # type: ignore[no-any-return]
        named = self.core.named_parameters()
        dropped = {name: self.dropped(weight) for name, weight in named if name.startswith("weight_hh")}
        return functional_call(self.core, dropped, (x, start))  # type: ignore[no-any-return]

    def weights(self) -> Weights:
        """Those of the direction that reads forward."""
        return Weights(*self.core.all_weights[0])


def by_length(read: Callable[[Tensor], tuple[Tensor, State]], x: Tensor, reading: Reading) -> tuple[Tensor, State]:
    """Read x (N, T, E) as `Layer.forward` does, the rows of one length at a time.

    They need no packing, which keeps the fused kernels of a CPU from their work: they are read sooner for it, and come
    out as if each were read alone, but for rounding.
    """
    assert reading.lengths is not None
    parts = []
    for length in sorted(set(reading.lengths.tolist())):
        rows = (reading.lengths == length).nonzero()[:, 0]
        parts.append((rows, length, *read(x[rows, :length])))
    _, _, outputs, final = parts[0]
    whole = outputs.new_zeros(*x.shape[:2], outputs.shape[-1])
    ends = tuple(part.new_empty(len(x), part.shape[-1]) for part in final)
    for rows, length, outputs, final in parts:
        whole[rows, :length] = outputs
        for end, part in zip(ends, final, strict=True):
            end[rows] = part
    return whole, ends


class ReadableLayer(Layer):
    """The cell of `chatbot.model.cell`, unrolled: for memories that no kernel has."""

    def _build(self, input_size: int) -> None:
        directions = 2 if self.bidirectional else 1
        self.cells = nn.ModuleList(Cell(self.recurrence, input_size, self.hidden_size) for _ in range(directions))

    def forward(self, x: Tensor, reading: Reading, state: State | None = None) -> tuple[Tensor, State]:
        """As `Layer.forward`."""
        read = []
        for place, cell in enumerate(self.cells):
            assert isinstance(cell, Cell)
            weights = cell.weights._replace(weight_hh=self.dropped(cell.weight_hh))
            start = cell.start(x.shape[0]) if state is None else state
            read.append(run(self.recurrence.kind, weights, x, start, reading.real, reverse=place == 1))
        outputs, finals = zip(*read, strict=True)
        return torch.cat(outputs, dim=-1), tuple(torch.cat(part, dim=-1) for part in zip(*finals, strict=True))

    def weights(self) -> Weights:
        """Those of the direction that reads forward."""
        cell = self.cells[0]
        assert isinstance(cell, Cell)
        return cell.weights


def recurrent_layer(
    recurrence: Recurrence,
    input_size: int,
    hidden_size: int,
    *,
    bidirectional: bool = False,
    recurrent_dropout: float = 0.0,
) -> Layer:
    """The layer that trains fastest for this kind of cell."""
    kind = FusedLayer if recurrence.cell in FUSED else ReadableLayer
    return kind(recurrence, input_size, hidden_size, bidirectional, recurrent_dropout)
