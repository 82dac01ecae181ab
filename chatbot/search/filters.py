"""What may not be said: each filter forbids some next tokens, and changes nothing else.

A filter is called with the ids so far (N, t), without the begin, and the log-probabilities of the next
token (N, V); it gives them back with LOWEST at what it forbids. What is left is not renormalised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from chatbot.search.steps import DEAD, LOWEST

Filter: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def allowed(filters: Sequence[Filter], ids: Tensor, log_probs: Tensor, eos: int) -> Tensor:
    """Put log-probabilities (N, V) through all filters, in order; ids (N, t) are those so far.

    A row in which nothing is left may end: its `eos` gets its log-probability back.
    """
    if not filters:
        return log_probs
    left = log_probs
    for one in filters:
        left = one(ids, left)
    stuck = (left <= DEAD).all(dim=-1)  # (N,)
    end = torch.where(stuck, log_probs[:, eos], left[:, eos])  # (N,)
    return left.index_copy(1, torch.tensor([eos], device=left.device), end[:, None])


class MinLength:
    """No end before `length` tokens are there."""

    def __init__(self, length: int, eos: int) -> None:
        if length < 0:
            raise ValueError(f"the least length must be at least 0, got {length}")
        self.length = length
        self.eos = torch.tensor([eos])

    def __call__(self, ids: Tensor, log_probs: Tensor) -> Tensor:
        """Forbid the end while ids (N, t) are too short: (N, V) -> (N, V)."""
        if ids.shape[1] >= self.length:
            return log_probs
        return log_probs.index_fill(1, self.eos.to(log_probs.device), LOWEST)


class Forbidden:
    """These ids are never said."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = torch.tensor(sorted(set(ids)), dtype=torch.long)

    def __call__(self, ids: Tensor, log_probs: Tensor) -> Tensor:
        """Forbid them whatever has been said: (N, V) -> (N, V)."""
        return log_probs.index_fill(1, self.ids.to(log_probs.device), LOWEST)


class NoRepeatNgram:
    """No run of `n` tokens occurs twice in a hypothesis (Paulus, Xiong & Socher 2017, section 2.5)."""

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"the run that may not be repeated must be at least 1 token long, got {n}")
        self.n = n

    def __call__(self, ids: Tensor, log_probs: Tensor) -> Tensor:
        """Forbid what would complete a run that ids (N, t) hold already: (N, V) -> (N, V).

        With n = 2 and ids 5 6 7 5, the runs are 56 67 75; the last token is 5, so 6 is forbidden.
        """
        if ids.shape[1] < self.n:
            return log_probs
        runs = ids.unfold(1, self.n, 1)  # (N, t - n + 1, n)
        opening = ids[:, ids.shape[1] - self.n + 1 :]  # (N, n - 1) the last tokens: would they open a known run?
        known = (runs[..., :-1] == opening[:, None]).all(dim=-1)  # (N, t - n + 1)
        rows, places = known.nonzero(as_tuple=True)
        return log_probs.index_put((rows, runs[rows, places, -1]), log_probs.new_tensor(LOWEST))
