"""Recurrent layers on light weights: one that takes the steps of search, and those that read what is answered."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from chatbot.model.cell import State
from chatbot.model.layer import FusedLayer, Layer, Reading, by_length
from chatbot.model.light_linear import Form, has_bf16, light_linear

Takes = Literal["input", "shown", "gates"]


class LightLayer:
    """One step of a recurrent layer, on lighter weights.

    Args:
        layer: whose weights are made lighter.
        form: what they become.
        takes: what ``step`` is given: an ``input``; one that is ``shown`` by layers below and about as large as what
            this one shows, so that one scale does for both; or what an input contributes to the ``gates``.
    """

    def __init__(self, layer: Layer, form: Form, takes: Takes) -> None:
        weights = layer.weights()
        self._lstm, self._step = layer.recurrence.cell == "lstm", layer.recurrence.kind.step
        self.peephole = weights.peephole
        """As `chatbot.model.cell.Recurs`."""
        self._both = self._input = self._recur = None
        if self._lstm and takes == "shown":  # one product for both takes less time than two
            assert weights.bias_hh is not None
            matrix = torch.cat([weights.weight_ih, weights.weight_hh], dim=1)
            self._both = light_linear(matrix, weights.bias_ih + weights.bias_hh, form)
            return
        if takes != "gates":
            self._input = light_linear(weights.weight_ih, weights.bias_ih, form)
        self._recur = light_linear(weights.weight_hh, weights.bias_hh, form, bounded=True)

    def recur(self, h: Tensor) -> Tensor:
        """As `chatbot.model.cell.Weights.recur`."""
        assert self._recur is not None
        recurred: Tensor = self._recur.forward(h)
        return recurred

    def step(self, parts: Sequence[Tensor], state: State) -> State:
        """As `Layer.step`, of parts (N, ...) that stand side by side in what it takes."""
        if self._both is not None:
            return lstm_in_place(self._both.forward(torch.cat([*parts, state[0]], dim=-1)), state[1])
        x = parts[0] if len(parts) == 1 else torch.cat(list(parts), dim=-1)
        x = x if self._input is None else self._input.forward(x)
        return lstm_in_place(self.recur(state[0]).add_(x), state[1]) if self._lstm else self._step(x, state, self)


def lstm_in_place(gates: Tensor, c: Tensor) -> State:
    """`lstm_cell` where all that leads to the gates (N, 4H) is summed up; they are used up. c (N, H) stays as it is."""
    i, f, g, o = gates.chunk(4, dim=-1)  # (N, H) each
    c = torch.addcmul(i.sigmoid_().mul_(g.tanh_()), f.sigmoid_(), c)
    return c.tanh().mul_(o.sigmoid_()), c


class LightReader(Layer):
    """A fused layer that reads sequences of one length at a time, in bfloat16 where the processor reckons in it.

    Of the kernels in bfloat16 oneDNN has only that of the LSTM. Bytes win nothing here: each position waits for the one
    before, and a kernel for the whole text is as quick in float32 as three calls a position are in bytes.
    """

    def __init__(self, layer: FusedLayer) -> None:
        super().__init__(layer.recurrence, layer.core.input_size, layer.hidden_size, layer.bidirectional)
        half = layer.recurrence.cell == "lstm" and has_bf16()
        self.dtype = torch.bfloat16 if half else layer.core.weight_hh_l0.dtype
        inner = copy.deepcopy(layer).to(self.dtype)
        self.inner: Layer | PackedLSTM = PackedLSTM(inner) if PackedLSTM.takes(inner, self.dtype) else inner

    def _build(self, input_size: int) -> None:
        """Nothing: the weights come from another layer."""

    def forward(self, x: Tensor, reading: Reading, state: State | None = None) -> tuple[Tensor, State]:
        """As `Layer.forward`."""
        assert state is None

        def read(x: Tensor) -> tuple[Tensor, State]:
            outputs, final = self.inner(x.to(self.dtype), Reading(None, x.shape[1], x.device))
            return outputs.to(x.dtype), tuple(part.to(x.dtype) for part in final)

        return read(x) if reading.lengths is None else by_length(read, x, reading)


class PackedLSTM(nn.Module):
    """oneDNN's LSTM on weights that were put in its order once: torch's own call does so each time it reads.

    For a short text that takes longer than the reading itself. The numbers are the same, bit by bit. With AVX2
    oneDNN wants another order for one row than for several, and would put weights in it each time, so both are kept.
    """

    def __init__(self, layer: FusedLayer) -> None:
        super().__init__()
        self._hidden_size = layer.hidden_size
        self._alone, self._several = _in_order(layer, 1), _in_order(layer, 2)

    def __deepcopy__(self, memo: dict[int, object]) -> PackedLSTM:
        return self  # nothing of it ever changes, and torch cannot copy weights in this order

    @staticmethod
    def takes(layer: FusedLayer, dtype: torch.dtype) -> bool:
        """Whether torch has a kernel for that here, and the means to put weights in order (it tells nobody of it)."""
        used = torch._C._has_mkldnn and torch._C._get_mkldnn_enabled()
        there = used and hasattr(torch.ops.mkldnn, "_reorder_mkldnn_rnn_layer_weight")
        kinds = (torch.float32, torch.bfloat16) if has_bf16() else (torch.float32,)
        return there and layer.recurrence.cell == "lstm" and dtype in kinds

    def forward(self, x: Tensor, reading: Reading) -> tuple[Tensor, State]:
        """As `Layer.forward`, of rows of one length."""
        assert reading.lengths is None
        steps = x.transpose(0, 1).contiguous()  # (T, N, E); it reads memory as if it were so
        zeros = x.new_zeros(1, len(x), self._hidden_size)
        sizes: list[int] = []  # of packed rows, of which there are none
        shape = sizes, 2, self._hidden_size, 1, True, False, False, False  # an LSTM, one layer, biases; not trained
        read = [
            torch.ops.aten.mkldnn_rnn_layer(steps, *weights, zeros, zeros, reverse, *shape)
            for *weights, reverse in (self._alone if len(x) == 1 else self._several)
        ]
        outputs, *final = (torch.cat(parts, dim=-1) for parts in list(zip(*read, strict=True))[:3])
        return outputs.transpose(0, 1), tuple(part.view(len(x), -1) for part in final)


def _in_order(layer: FusedLayer, rows: int) -> list[tuple[Any, ...]]:
    """Of each direction the weights in oneDNN's order for batches of so many rows, its biases, and if it reads back."""
    directions = []
    for place, (*weights, bias_ih, bias_hh) in enumerate(layer.core.all_weights):
        given = *(weight.detach() for weight in weights), layer.hidden_size, place == 1, True, False
        size = [1, rows, layer.core.input_size]  # the order does not depend on how long they are
        packed = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(*given, size)
        directions.append((*packed, bias_ih.detach(), bias_hh.detach(), place == 1))
    return directions
