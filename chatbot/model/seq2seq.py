"""Encoder and decoder behind one embedding, which is the output layer too."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.model.attention import position_mask
from chatbot.model.decoder import Decoder, DecoderState, Memory
from chatbot.model.encoder import Encoder


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of the network. The defaults are `small`."""

    embedding: int = 256
    """Width of a piece's vector; the output layer shares it."""
    encoder_size: int = 256
    """Hidden units of an encoder layer, for each of its two directions."""
    encoder_layers: int = 2
    """Bidirectional layers that read the source."""
    decoder_size: int = 512
    """Hidden units of a decoder layer."""
    decoder_layers: int = 2
    """Layers that write the reply; the first of them looks at the source."""
    dropout: float = 0.2
    """Share of the values dropped between layers while training, from 0 up to but not 1."""

    def __post_init__(self) -> None:
        for name in ("embedding", "encoder_size", "encoder_layers", "decoder_size", "decoder_layers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if isinstance(self.dropout, bool) or not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be a number from 0 up to but not 1, got {self.dropout!r}")


class Seq2Seq(nn.Module):
    """The network: source ids in, a distribution over the next piece of the reply out.

    Embedding and output layer share their weights (Press & Wolf 2017): the decoder's output is projected to
    width E and compared with every piece's vector. Vectors start small enough for the output and
    are scaled by sqrt(E) as inputs (Vaswani et al. 2017, section 3.4).
    """

    def __init__(self, vocab_size: int, config: NetworkConfig) -> None:
        super().__init__()
        if vocab_size < 1:
            raise ValueError(f"vocab_size must be at least 1, got {vocab_size}")
        self.vocab_size = vocab_size
        self.config = config
        self.embedding = nn.Embedding(vocab_size, config.embedding)
        self.encoder = Encoder(config.embedding, config.encoder_size, config.encoder_layers, config.dropout)
        self.decoder = Decoder(
            config.embedding, config.decoder_size, config.decoder_layers, self.encoder.width, config.dropout
        )
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        nn.init.normal_(self.embedding.weight, std=config.embedding**-0.5)

    def embed(self, ids: Tensor) -> Tensor:
        """Ids (...) -> vectors (..., E)."""
        vectors: Tensor = self.embedding(ids)
        return vectors * float(self.config.embedding**0.5)

    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        """Read source (N, S) of `lengths` (N,), which lie on the CPU whatever the device of the source.

        Raises ValueError where a length is below 1 or above S, or the lengths lie elsewhere.
        """
        encoded = self.encoder(self.embed(source), lengths)
        return self.decoder.remember(encoded, position_mask(lengths, source.device))

    def forward(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
        """Teacher forcing: source (N, S), lengths (N,) on the CPU, inputs (N, T) -> (N, T, E).

        What comes back is what `logits` wants; take the real positions first, as the output layer is the
        dearest part: `model.logits(hidden[mask])`.
        """
        hidden: Tensor = self.decoder(self.embed(inputs), self.encode(source, lengths))
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """The tied output layer: (..., E) -> (..., V), float32 at least, under autocast too."""
        logits = F.linear(hidden, self.embedding.weight, self.bias)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def start(self, memory: Memory) -> DecoderState:
        """The state before the first token, one row an input."""
        return self.decoder.start(memory)

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """One token for every row: tokens (N,) -> log-probabilities of the next (N, V), and the state.

        Log-probabilities are float32, or float64 where the weights are; the same that `forward` leads to.
        """
        hidden, state = self.decoder.step(self.embed(tokens), state)  # (N, E)
        return self.logits(hidden).log_softmax(dim=-1), state
