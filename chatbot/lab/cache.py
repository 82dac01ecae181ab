"""A memory beside a net: what came next wherever the net was in a state like this one. No weight of it is learned.

Source: Grave, Joulin & Usunier 2017, "Improving neural language models with a continuous cache", section 3; the
likeness of two states is the cosine here, so that it does not depend on how large a net's states are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

SHARPNESS = (30.0, 60.0, 120.0, 240.0, 480.0)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_ROWS = 128  # states that are compared with all before them at once


@dataclass(frozen=True)
class Read:
    """What a net made of a text, letter by letter."""

    states: Tensor
    """(T, H), after which each letter came."""
    letters: Tensor
    """(T,), the letters that came."""
    log_probs: Tensor
    """(T,), what the net gave them."""

    @property
    def nats(self) -> float:
        """A letter, by the net alone."""
        return -float(self.log_probs.double().mean())


@dataclass(frozen=True)
class Cache:
    """How a cache is listened to."""

    sharpness: float
    """θ: how much more a state counts the more it is like this one."""
    share: float
    """λ: of what is guessed, which the cache says; the rest is the net's."""

    def nats(self, text: Read) -> float:
        """Nats a letter of a text, each guessed from those before it."""
        return _mixed(text, recalled(text, [self.sharpness])[0], self.share)


def chosen(text: Read) -> Cache:
    """Of the caches tried, the one that knows a text best."""
    found = zip(SHARPNESS, recalled(text, SHARPNESS), strict=True)
    tried = [(_mixed(text, own, share), Cache(sharpness, share)) for (sharpness, own), share in product(found, SHARES)]
    return min(tried, key=lambda one: one[0])[1]


def _mixed(text: Read, own: Tensor, share: float) -> float:
    """Nats a letter where the cache has `share` of what is guessed; before the first letter it holds nothing."""
    shares = torch.full_like(own, share)
    shares[:1] = 0
    return float(-((1 - shares) * text.log_probs.double().exp() + shares * own).log().mean())


@torch.no_grad()
def recalled(text: Read, sharpness: Sequence[float]) -> list[Tensor]:
    """What a cache alone gives each letter that came, (T,) for each sharpness: the weight of the places before that led
    to the same letter, as a share of all before. 0 for the first letter."""
    states = F.normalize(text.states, dim=1)
    found: list[list[Tensor]] = [[] for _ in sharpness]
    for start in range(0, len(states), _ROWS):
        rows = states[start : start + _ROWS]
        until = start + len(rows)
        likeness = rows @ states[:until].T  # (R, until)
        likeness[:, start:].masked_fill_(torch.ones(len(rows), len(rows)).triu_().bool(), float("-inf"))  # not yet read
        same = text.letters[start:until, None] == text.letters[:until]
        for theta, own in zip(sharpness, found, strict=True):
            own.append((likeness * theta).softmax(dim=1).mul_(same).sum(dim=1))
    for own in found:
        own[0][0] = 0
    return [torch.cat(own) for own in found]
