"""The encoder: reads the source, in both directions unless told otherwise, and never a pad."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from chatbot.model.cell import State
from chatbot.model.config import NetworkConfig
from chatbot.model.dropout import Dropout
from chatbot.model.layer import Reading, recurrent_layer


class Encoded(NamedTuple):
    """What the encoder made of a batch of sources."""

    outputs: Tensor  # (N, S, M) zero at pads, or whatever a norm makes of zero
    final: State  # (N, M) each: where the directions of the top layer ended
    mask: Tensor | None  # (N, S) True at text; None where everything is text


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
    """Stacked recurrent layers, residual from the second on, dropout before each.

    A batch of one exact length runs dense, which is what the fused kernels like best; any other is packed, or parted by
    length (`chatbot.model.layer.FusedLayer`). Either way the states are those of each row alone. Sources: Schuster &
    Paliwal 1997 (bidirectional); Wu et al. 2016, section 3.1 (residual stacks); Ba, Kiros & Hinton 2016 (the norm, of
    each layer's sum).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.width = config.memory_size
        """M, the width of what `forward` returns."""
        sizes = [config.embedding] + [self.width] * (config.encoder_layers - 1)
        self.layers = nn.ModuleList(
            recurrent_layer(
                config.recurrence,
                size,
                config.encoder_size,
                bidirectional=config.bidirectional,
                recurrent_dropout=config.recurrent_dropout,
            )
            for size in sizes
        )
        read = (
            len(sizes) if config.attend else len(sizes) - 1
        )  # of the top layer only the last state is, without attention
        self.norms = nn.ModuleList(
            nn.LayerNorm(self.width) if config.layer_norm and index < read else nn.Identity()
            for index in range(len(sizes))
        )
        self.dropout = Dropout(config.dropout, config.variational)

    def forward(self, x: Tensor, lengths: Tensor) -> Encoded:
        """Read x (N, S, E) of `lengths` (N,), which lie on the CPU; ValueError where they do not fit.

        Positions past the longest length are cut off, so S of the result is the longest length.
        """
        check_lengths(lengths, x)
        x = x[:, : int(lengths.max())]
        reading = Reading(lengths, x.shape[1], x.device)
        final: State = ()
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            outputs, final = layer(self.dropout(x), reading)  # (N, S, M)
            x = norm(outputs + x if index else outputs)
        return Encoded(x, final, reading.real)
