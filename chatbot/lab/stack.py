"""Layers of memory one above the other, and what is read off them: the nets of the experiments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from chatbot.model.cell import Recurrence, State
from chatbot.model.dropout import Dropout
from chatbot.model.layer import Layer, Reading, recurrent_layer


class Stack(nn.Module):
    """Recurrent layers, the first over the input, each other one over the outputs of that below.

    Args:
        recurrence: kind of the cells.
        input_size: E.
        hidden_size: H, of each layer.
        layers: how many.
        dropout: between the layers, the same places at all times (variational).
        recurrent_dropout: of the recurrent weights.
    """

    def __init__(
        self,
        recurrence: Recurrence,
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(
            recurrent_layer(recurrence, size, hidden_size, recurrent_dropout=recurrent_dropout) for size in sizes
        )
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Tensor, states: Sequence[State] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, list[State]]:
        """x (N, T, E) of `lengths` (N,), on the CPU, or None for T each -> outputs (N, T, H), 0 at pads, and the last
        state of each layer, (N, H) each. ``states`` is where they begin; None: zeros."""
        reading = Reading(lengths, x.shape[1], x.device)
        after = []
        for place, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            x = x if not place else self.dropout(x)
            x, state = layer(x, reading, None if states is None else states[place])
            after.append(state)
        return x, after


class Reader(nn.Module):
    """Words -> a stack -> what is read off its last output: which of several answers.

    Args:
        words: how many there are; 0: the input is numbers already, E of them at each time.
        embedding: E.
        answers: how many there are.
        recurrence, hidden_size, layers: of the `Stack`.
    """

    def __init__(
        self, words: int, embedding: int, answers: int, recurrence: Recurrence, hidden_size: int, layers: int = 1
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding) if words else None
        self.stack = Stack(recurrence, embedding, hidden_size, layers)
        self.answer = nn.Linear(hidden_size, answers)

    def embed(self, x: Tensor) -> Tensor:
        """Words (N, T) -> vectors (N, T, E); numbers stay as they are."""
        vectors: Tensor = x if self.embedding is None else self.embedding(x)
        return vectors

    def forward(self, x: Tensor) -> Tensor:
        """(N, T) or (N, T, E) -> scores of the answers (N, A)."""
        return self.of_vectors(self.embed(x))

    def of_vectors(self, vectors: Tensor) -> Tensor:
        """The same of vectors (N, T, E)."""
        outputs, _ = self.stack(vectors)
        scores: Tensor = self.answer(outputs[:, -1])
        return scores


def parameters(module: nn.Module) -> int:
    """Weights that are learnt.

    >>> parameters(nn.Linear(2, 3))
    9
    """
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


def detached(states: Sequence[State]) -> list[State]:
    """The same states, through which no gradient flows back: where backpropagation through time is cut."""
    return [tuple(part.detach() for part in state) for state in states]


def zeros_like(states: Sequence[State]) -> list[State]:
    """States before the first token, of the same sizes."""
    return [tuple(torch.zeros_like(part) for part in state) for state in states]
