"""The sizes and kinds of the network, and which of them contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chatbot.model.cell import CellName, Recurrence

_SIZES = ("embedding", "encoder_size", "encoder_layers", "decoder_size", "decoder_layers", "heads")
_SHARES = ("dropout", "recurrent_dropout", "word_dropout")
_SWITCHES = ("bidirectional", "layer_norm", "attend", "tie", "variational")
_ATTENTIONS = ("multiplicative", "additive")


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes and kinds of the network. The defaults are `small`."""

    embedding: int = 256
    """Width of a piece's vector."""
    encoder_size: int = 256
    """Hidden units of an encoder layer, for each of its directions."""
    encoder_layers: int = 2
    """Layers that read the source."""
    decoder_size: int = 512
    """Hidden units of a decoder layer."""
    decoder_layers: int = 2
    """Layers that write the reply; the first of them looks at the source."""
    cell: CellName = "lstm"
    """The memory of all layers: lstm, gru, rnn (plain), peephole (an LSTM whose gates see what it remembers), or
    lstm1997 (the first LSTM, which cannot forget). The last two have no fused kernel and train slower."""
    bidirectional: bool = True
    """Whether the encoder reads from the end too. A decoder cannot: it writes what comes next."""
    forget_bias: float | None = None
    """Where the bias of the gate that keeps the past starts; null: 1, or 0 for gru. More remembers longer at first."""
    chrono: int | None = None
    """Start gate biases as if memories lasted from 1 to so many tokens (Tallec & Ollivier 2018); null: all alike."""
    layer_norm: bool = False
    """Normalise what each layer puts out (Ba et al. 2016): steadier deep stacks, somewhat slower."""
    attend: bool = True
    """Whether the decoder looks back at the source; without, it has the encoder's last state alone."""
    attention: Literal["multiplicative", "additive"] = "multiplicative"
    """How a place of the source is scored: multiplicative (Luong et al. 2015) or additive (Bahdanau et al. 2015), which
    takes more memory and time."""
    heads: int = 1
    """How many places are looked at at once, each by its part of the decoder's width."""
    tie: bool = True
    """Whether the output layer is the embedding (Press & Wolf 2017), which spares a matrix of the vocabulary's size."""
    dropout: float = 0.2
    """Share of the values dropped between layers while training, from 0 up to but not 1."""
    variational: bool = True
    """Drop the same values at all positions of a row (Gal & Ghahramani 2016) rather than others at each."""
    recurrent_dropout: float = 0.0
    """Share of the recurrent weights dropped for a batch while training (Merity et al. 2018)."""
    word_dropout: float = 0.0
    """Share of the vocabulary dropped from the input of a batch while training (Gal & Ghahramani 2016)."""

    def __post_init__(self) -> None:
        for name in _SIZES:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        for name in _SHARES:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                raise ValueError(f"{name} must be a number from 0 up to but not 1, got {value!r}")
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false, got {getattr(self, name)!r}")
        if self.attention not in _ATTENTIONS:
            raise ValueError(f"attention must be one of {', '.join(_ATTENTIONS)}, got {self.attention!r}")
        for name, usual in (("heads", 1), ("attention", "multiplicative")):
            if not self.attend and getattr(self, name) != usual:
                raise ValueError(f"{name} is {getattr(self, name)}, but attend is false: leave {name} out, or attend")
        for name, width in (("decoder_size", self.decoder_size), ("the encoder's width", self.memory_size)):
            if width % self.heads:
                raise ValueError(f"heads must divide {name}, got {self.heads} heads and {width}")
        self.recurrence  # noqa: B018 (it checks the cell)

    @property
    def memory_size(self) -> int:
        """M, the width of what the encoder puts out."""
        return self.encoder_size * (2 if self.bidirectional else 1)

    @property
    def recurrence(self) -> Recurrence:
        """How all layers remember."""
        return Recurrence(self.cell, self.forget_bias, self.chrono)
