"""The decoder: a whole target at once for training, one token at a time for search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from chatbot.model.attention import Attention
from chatbot.model.cell import CellState, RowDropout, layer_step, lstm_layer
from chatbot.model.encoder import Encoded


class Memory(NamedTuple):
    """What the decoder knows of B sources; read by every step and changed by none."""

    keys: Tensor  # (B, S, H) projected once
    values: Tensor  # (B, S, M)
    mask: Tensor | None  # (B, S) True at text; None where everything is text
    initial: tuple[CellState, ...]  # one a layer, (B, H) each: where a reply begins

    def keep(self, inputs: Tensor) -> Memory:
        """Only these inputs, given by index (B',)."""
        return Memory(
            self.keys[inputs],
            self.values[inputs],
            None if self.mask is None else self.mask[inputs],
            tuple(CellState(h[inputs], c[inputs]) for h, c in self.initial),
        )


@dataclass(frozen=True, slots=True)
class DecoderState:
    """Where N = B * K replies stand. Row b * K + k is hypothesis k of input b.

    The K rows of an input share its memory, which is never copied for them.
    """

    recurrent: tuple[CellState, ...]
    """One a layer, (N, H) each."""
    memory: Memory
    attention: Tensor
    """(N, S): where the last token looked; zeros before the first."""

    def repeat(self, k: int) -> DecoderState:
        """Each row `k` times, side by side: [a, b] with k = 2 gives [a, a, b, b]."""
        return self._with_rows(lambda tensor: tensor.repeat_interleave(k, dim=0))

    def reorder(self, rows: Tensor) -> DecoderState:
        """The rows at these indices (N,). Each must come from the same input as the row that it replaces."""
        return self._with_rows(lambda tensor: tensor.index_select(0, rows))

    def keep(self, inputs: Tensor) -> DecoderState:
        """Only these inputs, given by index (B',), each with all its K rows and its memory."""
        count = self.memory.keys.shape[0]

        def chosen(tensor: Tensor) -> Tensor:
            return tensor.view(count, -1, tensor.shape[-1])[inputs].flatten(0, 1)

        return replace(self._with_rows(chosen), memory=self.memory.keep(inputs))

    def _with_rows(self, change: Callable[[Tensor], Tensor]) -> DecoderState:
        recurrent = tuple(CellState(change(h), change(c)) for h, c in self.recurrent)
        return DecoderState(recurrent, self.memory, change(self.attention))


class Decoder(nn.Module):
    """LSTM layers with attention from the first, whose context feeds all layers above and the output.

    The first layer does not read the context, so it can run over a known target in one fused call,
    then look at the memory from all positions at once; so can each layer above (Wu et al. 2016,
    section 3). Layers above the first are residual. The output is projected to the embedding's width.
    """

    def __init__(self, input_size: int, hidden_size: int, layers: int, memory_size: int, dropout: float) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size + memory_size] * (layers - 1)
        self.layers = nn.ModuleList(lstm_layer(size, hidden_size) for size in sizes)
        self.attention = Attention(hidden_size, memory_size)
        self.bridge_h = nn.Linear(memory_size, layers * hidden_size)
        self.bridge_c = nn.Linear(memory_size, layers * hidden_size)
        self.output = nn.Linear(hidden_size + memory_size, input_size)
        self.dropout = RowDropout(dropout)

    def remember(self, encoded: Encoded, mask: Tensor | None) -> Memory:
        """Make the memory of N sources: keys projected, the first state bridged from the encoder's last.

        The bridge is learnt: h is squashed as a cell's own h would be, c is left free, as a cell's is.
        """
        outputs, final = encoded
        count = len(self.layers)
        h = self.bridge_h(final.h).tanh().chunk(count, dim=-1)  # (N, H) each
        c = self.bridge_c(final.c).chunk(count, dim=-1)  # (N, H) each
        return Memory(self.attention.keys(outputs), outputs, mask, tuple(map(CellState, h, c)))

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """All steps of known targets at once: x (N, T, E) -> (N, T, E), each layer one fused call."""

        def whole(index: int, x: Tensor) -> Tensor:
            start = memory.initial[index]
            outputs: Tensor = self.layers[index](x, (start.h[None].contiguous(), start.c[None].contiguous()))[0]
            return outputs

        return self._through(x, memory, whole)[0]

    def start(self, memory: Memory) -> DecoderState:
        """One row an input, before its first token."""
        inputs, positions, _ = memory.keys.shape
        return DecoderState(memory.initial, memory, memory.keys.new_zeros(inputs, positions))

    def step(self, x: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """One token for every row: x (N, E) -> (N, E) and the state after it."""
        after: list[CellState] = []

        def single(index: int, x: Tensor) -> Tensor:
            cell = layer_step(self._layer(index), x.flatten(0, 1), state.recurrent[index])
            after.append(cell)
            return cell.h.view(*x.shape[:2], -1)

        beams = x.view(state.memory.keys.shape[0], -1, x.shape[-1])  # (B, K, E): K takes the place of T
        outputs, weights = self._through(beams, state.memory, single)
        return outputs.flatten(0, 1), DecoderState(tuple(after), state.memory, weights.flatten(0, 1))

    def _layer(self, index: int) -> nn.LSTM:
        layer = self.layers[index]
        assert isinstance(layer, nn.LSTM)
        return layer

    def _through(self, x: Tensor, memory: Memory, run: Callable[[int, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """The way up, the same for both: `run(index, x)` advances a layer over x (N, T, ...)."""
        x = run(0, self.dropout(x))  # (N, T, H)
        context, weights = self.attention(x, memory.keys, memory.values, memory.mask)  # (N, T, M), (N, T, S)
        for index in range(1, len(self.layers)):
            x = x + run(index, self.dropout(torch.cat([x, context], dim=-1)))  # (N, T, H)
        return self.output(self.dropout(torch.cat([x, context], dim=-1))), weights  # (N, T, E)
