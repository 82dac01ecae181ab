"""How open the gates of a layer are as it goes from one state to the next: what it let in, kept and showed.

The equations are those of `chatbot.model.cell`; here only their sigmoids are taken, for a look inside. ``x`` is what
the input contributes, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from chatbot.model.cell import Recurs, State


class Opened(NamedTuple):
    """The gates of a kind of cell."""

    names: tuple[str, ...]
    of: Callable[[Tensor, State, State, Recurs], Tensor]
    """(x, state before, state after, weights) -> how open each is in each unit, (N, gates, H), in 0..1."""


def lstm(x: Tensor, before: State, after: State, weights: Recurs) -> Tensor:
    """i, f and o of `lstm_cell`."""
    i, f, _, o = (x + weights.recur(before[0])).chunk(4, dim=-1)
    return torch.stack([i, f, o], dim=1).sigmoid()


def peephole(x: Tensor, before: State, after: State, weights: Recurs) -> Tensor:
    """i, f and o of `peephole_cell`; the last looks at what is remembered by then."""
    assert weights.peephole is not None
    p_i, p_f, p_o = weights.peephole
    i, f, _, o = (x + weights.recur(before[0])).chunk(4, dim=-1)
    return torch.stack([i + p_i * before[1], f + p_f * before[1], o + p_o * after[1]], dim=1).sigmoid()


def lstm1997(x: Tensor, before: State, after: State, weights: Recurs) -> Tensor:
    """i and o of `lstm1997_cell`."""
    i, _, o = (x + weights.recur(before[0])).chunk(3, dim=-1)
    return torch.stack([i, o], dim=1).sigmoid()


def gru(x: Tensor, before: State, after: State, weights: Recurs) -> Tensor:
    """r and z of `gru_cell`."""
    r, z, _ = x.chunk(3, dim=-1)
    h_r, h_z, _ = weights.recur(before[0]).chunk(3, dim=-1)
    return torch.stack([r + h_r, z + h_z], dim=1).sigmoid()


def none(x: Tensor, before: State, after: State, weights: Recurs) -> Tensor:
    """Of a layer without gates: (N, 0, H)."""
    return before[0][:, None][:, :0]


OPENED: dict[str, Opened] = {
    "lstm": Opened(("input", "forget", "output"), lstm),
    "peephole": Opened(("input", "forget", "output"), peephole),
    "lstm1997": Opened(("input", "output"), lstm1997),
    "gru": Opened(("reset", "update"), gru),
    "rnn": Opened((), none),
}
