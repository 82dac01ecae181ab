"""The decoder: a whole target at once for training, one token at a time for search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.model.attention import Attention
from chatbot.model.cell import State
from chatbot.model.config import NetworkConfig
from chatbot.model.dropout import Dropout
from chatbot.model.encoder import Encoded
from chatbot.model.gates import OPENED
from chatbot.model.layer import Layer, Reading, recurrent_layer


class Memory(NamedTuple):
    """What the decoder knows of B sources; read by every step and changed by none."""

    keys: Tensor  # (B, S, H) projected once; of width 0 in a decoder that does not look back
    values: Tensor  # (B, S, M)
    mask: Tensor | None  # (B, S) True at text; None where everything is text
    initial: tuple[State, ...]  # one a layer, (B, H) each: where a reply begins

    def keep(self, inputs: Tensor) -> Memory:
        """Only these inputs, given by index (B',)."""
        return Memory(
            self.keys[inputs],
            self.values[inputs],
            None if self.mask is None else self.mask[inputs],
            tuple(tuple(part[inputs] for part in state) for state in self.initial),
        )


@dataclass(frozen=True, slots=True)
class DecoderState:
    """Where N = B * K replies stand. Row b * K + k is hypothesis k of input b.

    The K rows of an input share its memory, which is never copied for them.
    """

    recurrent: tuple[State, ...]
    """One a layer, (N, H) each."""
    memory: Memory

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
        recurrent = tuple(tuple(map(change, state)) for state in self.recurrent)
        return DecoderState(recurrent, self.memory)


class Decoder(nn.Module):
    """Recurrent layers with attention from the first, whose context feeds all layers above and the output.

    The first layer does not read the context, so it can run over a known target in one fused call,
    then look at the memory from all positions at once; so can each layer above (Wu et al. 2016,
    section 3). Layers above the first are residual. The output is projected to the embedding's width.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        hidden, memory = config.decoder_size, config.memory_size
        context = memory if config.attend else 0
        sizes = [config.embedding] + [hidden + context] * (config.decoder_layers - 1)
        self.layers = nn.ModuleList(
            recurrent_layer(config.recurrence, size, hidden, recurrent_dropout=config.recurrent_dropout)
            for size in sizes
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) if config.layer_norm else nn.Identity() for _ in sizes)
        self.attention = Attention(hidden, memory, config.attention, config.heads) if config.attend else None
        parts = config.recurrence.kind.carries
        self.bridges = nn.ModuleList(nn.Linear(memory, config.decoder_layers * hidden) for _ in range(parts))
        self.output = nn.Linear(hidden + context, config.embedding)
        self.dropout = Dropout(config.dropout, config.variational)

    def remember(self, encoded: Encoded) -> Memory:
        """Make the memory of N sources: keys projected, the first state bridged from the encoder's last.

        The bridge is learnt: h is squashed as a cell's own h would be, c is left free, as a cell's is.
        """
        outputs, final, mask = encoded
        bridged = [bridge(part) for bridge, part in zip(self.bridges, final, strict=True)]  # (N, layers * H) each
        bridged[0] = bridged[0].tanh()
        initial = tuple(zip(*(part.chunk(len(self.layers), dim=-1) for part in bridged), strict=True))
        keys = outputs[..., :0] if self.attention is None else self.attention.keys(outputs)
        return Memory(keys, outputs, mask, initial)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """All steps of known targets at once: x (N, T, E) -> (N, T, E), each layer one fused call."""
        return self._at_once(x, memory)[0]

    def looks(self, x: Tensor, memory: Memory) -> Tensor:
        """Where each step of known targets looks, a mean over the heads: x (N, T, E) -> (N, T, S)."""
        return self._at_once(x, memory)[1]

    def _at_once(self, x: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        reading = Reading(None, x.shape[1], x.device)  # pads come last, where nothing real is after them

        def whole(index: int, x: Tensor) -> Tensor:
            outputs: Tensor = self._layer(index)(x, reading, memory.initial[index])[0]
            return outputs

        return self._through(x, memory, whole)

    def start(self, memory: Memory) -> DecoderState:
        """One row an input, before its first token."""
        return DecoderState(memory.initial, memory)

    def step(self, x: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """One token for every row: x (N, E) -> (N, E) and the state after it."""
        after: list[State] = []

        def single(index: int, x: Tensor) -> Tensor:
            cell = self._layer(index).step(x.flatten(0, 1), state.recurrent[index])
            after.append(cell)
            return cell[0].view(*x.shape[:2], -1)

        beams = x.view(state.memory.values.shape[0], -1, x.shape[-1])  # (B, K, E): K takes the place of T
        outputs, _ = self._through(beams, state.memory, single)
        return outputs.flatten(0, 1), DecoderState(tuple(after), state.memory)

    def gates(self, x: Tensor, memory: Memory) -> list[Tensor]:
        """How open the gates of each layer are at each step of known targets: x (N, T, E) -> (N, T, gates, H) each."""
        state, steps = memory.initial, []
        for one in x.unbind(1):
            state, found = self._watched(one, memory, state)
            steps.append(found)
        return [torch.stack(layer, dim=1) for layer in zip(*steps, strict=True)]

    def _watched(self, x: Tensor, memory: Memory, state: tuple[State, ...]) -> tuple[tuple[State, ...], list[Tensor]]:
        """One step x (N, E) from a state a layer: the states after it, and how open the gates were, (N, gates, H)."""
        after: list[State] = []
        found: list[Tensor] = []

        def single(index: int, x: Tensor) -> Tensor:
            layer = self._layer(index)
            weights, kind = layer.weights(), layer.recurrence.kind
            given = F.linear(x[:, 0], weights.weight_ih, weights.bias_ih)
            after.append(kind.step(given, state[index], weights))
            found.append(OPENED[layer.recurrence.cell].of(given, state[index], after[index], weights))
            return after[index][0][:, None]

        self._through(x[:, None], memory, single)
        return tuple(after), found

    def _layer(self, index: int) -> Layer:
        layer = self.layers[index]
        assert isinstance(layer, Layer)
        return layer

    def _through(self, x: Tensor, memory: Memory, run: Callable[[int, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """The way up, the same for both: `run(index, x)` advances a layer over x (N, T, ...)."""
        x = self.norms[0](run(0, self.dropout(x)))  # (N, T, H)
        context, weights = self._look(x, memory)
        for index in range(1, len(self.layers)):
            x = self.norms[index](x + run(index, self.dropout(torch.cat([x, context], dim=-1))))  # (N, T, H)
        return self.output(self.dropout(torch.cat([x, context], dim=-1))), weights  # (N, T, E)

    def _look(self, x: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """The context (N, T, M) and where it is from (N, T, S); both empty of meaning in a decoder that cannot look."""
        if self.attention is None:
            positions = memory.values.shape[1]
            return x[..., :0], x.new_zeros(*x.shape[:2], positions)
        context, weights = self.attention(x, memory.keys, memory.values, memory.mask)
        return context, weights
