"""Encoder and decoder behind one embedding, which is the output layer too unless told otherwise."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.model.config import NetworkConfig
from chatbot.model.decoder import Decoder, DecoderState, Memory
from chatbot.model.dropout import WordDropout
from chatbot.model.encoder import Encoder


class Seq2Seq(nn.Module):
    """The network: source ids in, a distribution over the next piece of the reply out.

    Embedding and output layer share their weights (Press & Wolf 2017): the decoder's output is projected to
    width E and compared with every piece's vector. Vectors start small enough for the output and
    are scaled by sqrt(E) as inputs (Vaswani et al. 2017, section 3.4). With ``tie`` false it has weights of its own.
    """

    def __init__(self, vocab_size: int, config: NetworkConfig) -> None:
        super().__init__()
        if vocab_size < 1:
            raise ValueError(f"vocab_size must be at least 1, got {vocab_size}")
        self.vocab_size = vocab_size
        self.config = config
        self.embedding = _embedding(vocab_size, config.embedding)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.word_dropout = WordDropout(config.word_dropout, vocab_size)
        self.untied = None if config.tie else nn.Parameter(torch.empty(vocab_size, config.embedding))
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        for weight in (self.embedding.weight, self.untied):
            if weight is not None and not weight.is_meta:
                nn.init.normal_(weight, std=config.embedding**-0.5)

    def embed(self, ids: Tensor) -> Tensor:
        """Ids (...) -> vectors (..., E)."""
        vectors: Tensor = self.word_dropout(self.embedding(ids), ids)
        return vectors * float(self.config.embedding**0.5)

    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        """Read source (N, S) of `lengths` (N,), which lie on the CPU whatever the device of the source.

        Raises ValueError where a length is below 1 or above S, or the lengths lie elsewhere.
        """
        return self.decoder.remember(self.encoder(self.embed(source), lengths))

    def forward(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
        """Teacher forcing: source (N, S), lengths (N,) on the CPU, inputs (N, T) -> (N, T, E).

        What comes back is what the output layer wants; take the real positions first, as it is the dearest part:
        `model.logits(hidden[mask])`.
        """
        return self.decode(inputs, self.encode(source, lengths))

    def decode(self, inputs: Tensor, memory: Memory) -> Tensor:
        """The same where the sources have been read: inputs (N, T), one row an input of the memory -> (N, T, E)."""
        hidden: Tensor = self.decoder(self.embed(inputs), memory)
        return hidden

    def looks(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
        """Where each of the inputs (N, T) looked, as in `forward`: (N, T, S), zeros without attention."""
        return self.decoder.looks(self.embed(inputs), self.encode(source, lengths))

    def gates(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> list[Tensor]:
        """How open the gates of each layer of the decoder are at each of the inputs (N, T): (N, T, gates, H) each."""
        return self.decoder.gates(self.embed(inputs), self.encode(source, lengths))

    @property
    def output_weight(self) -> Tensor:
        """Of the output layer, (V, E)."""
        return self.embedding.weight if self.untied is None else self.untied

    def logits(self, hidden: Tensor) -> Tensor:
        """The output layer: (..., E) -> (..., V), float32 at least, under autocast too."""
        logits: Tensor = F.linear(hidden, self.output_weight, self.bias)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def start(self, memory: Memory) -> DecoderState:
        """The state before the first token, one row an input."""
        return self.decoder.start(memory)

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """One token for every row: tokens (N,) -> log-probabilities of the next (N, V), and the state.

        Log-probabilities are float32, or float64 where the weights are; the same that `forward` leads to.
        """
        hidden, state = self.decoder.step(self.embed(tokens), state)  # (N, E)
        return log_softmax(self.logits(hidden)), state


def log_softmax(logits: Tensor) -> Tensor:
    """Over the last dimension, in the place of the logits where search alone wants them.

    With some hundred rows a tensor of scores has megabytes, and fresh memory takes as long as reckoning what goes in.
    """
    if logits.requires_grad or logits.device.type != "cpu":
        return logits.log_softmax(dim=-1)
    return torch.log_softmax(logits, dim=-1, out=logits)


def _embedding(rows: int, width: int) -> nn.Embedding:
    """Vectors for a vocabulary.

    On the meta device, where a model waits for its weights, none are drawn: torch would load its compiler to draw them,
    which takes as long as loading torch.
    """
    weight = torch.empty(rows, width)
    if not weight.is_meta:
        return nn.Embedding(rows, width)
    waiting: nn.Embedding = nn.Embedding.from_pretrained(weight, freeze=False)  # type: ignore[no-untyped-call]
    return waiting
