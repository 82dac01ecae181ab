"""What may not be said, and what is said less gladly: each filter lowers some next tokens and nothing else.

A filter is called with the ids so far (N, t), without the begin, the log-probabilities of the next token (N, V), which
it changes in place, and the input that each row answers (N,). What is left is not renormalised. One that does more than
to set LOWEST is a `Reweighing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from chatbot.search.steps import DEAD, LOWEST

FEW = 64
"""Up to so many tokens are looked through in Python, which is sooner done than five operations on a tensor."""

Filter: TypeAlias = Callable[[Tensor, Tensor, Tensor], None]


class Reweighing:
    """A filter that changes what may still be said, so that the model's own log-probability must be kept beside it."""


def allowed(filters: Sequence[Filter], ids: Tensor, log_probs: Tensor, inputs: Tensor, eos: int) -> Tensor:
    """Put log-probabilities (N, V) through all filters, as `filtered` does.

    A row in which nothing is left may end: its `eos` gets its log-probability back.
    """
    end = log_probs[:, eos : eos + 1].clone()  # (N, 1)
    left = filtered(filters, ids, log_probs, inputs)
    best = left.amax(dim=-1)  # (N,)
    if min(best.tolist(), default=0.0) <= DEAD:
        stuck = best <= DEAD
        left[stuck, eos] = end[stuck, 0].clamp(min=LOWEST)
    return left


def filtered(filters: Sequence[Filter], ids: Tensor, log_probs: Tensor, inputs: Tensor) -> Tensor:
    """Put log-probabilities (N, V) through all filters, in order; ids (N, t), inputs (N,).

    What comes back is `log_probs` itself unless there is a `Reweighing`: to copy the scores of all tokens takes longer
    than to filter them, and what may still be said has its own log-probability there.
    """
    left = log_probs.clone() if any(isinstance(one, Reweighing) for one in filters) else log_probs
    for one in filters:
        one(ids, left, inputs)
    return left


class MinLength:
    """No end before `length` tokens are there."""

    def __init__(self, length: int, eos: int) -> None:
        if length < 0:
            raise ValueError(f"the least length must be at least 0, got {length}")
        self.length = length
        self.eos = eos

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid the end while ids (N, t) are too short."""
        if ids.shape[1] < self.length:
            left[:, self.eos] = LOWEST


class Forbidden:
    """These ids are never said."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = torch.tensor(sorted(set(ids)), dtype=torch.long)

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid them whatever has been said."""
        self.ids = self.ids.to(left.device)
        left.index_fill_(1, self.ids, LOWEST)


class Forced(Reweighing):
    """Each hypothesis begins with these ids; as the last filter it overrules the others.

    Args:
        ids: the beginning.
        not_then: what may not come right after it, as it would make its last word another.
    """

    def __init__(self, ids: Sequence[int], not_then: Sequence[int] = ()) -> None:
        self.ids = list(ids)
        self.not_then = torch.tensor(list(not_then), dtype=torch.long)

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid all but the next of them, while there is one."""
        place = ids.shape[1]
        if place < len(self.ids):
            only = left[:, self.ids[place]].clone()  # (N,)
            left.fill_(LOWEST)
            left[:, self.ids[place]] = torch.where(only > DEAD, only, 0.0)
        elif place == len(self.ids):
            left.index_fill_(1, self.not_then.to(left.device), LOWEST)


class NoRepeatNgram:
    """No run of `n` tokens occurs twice in a hypothesis (Paulus, Xiong & Socher 2017, section 2.5)."""

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"the run that may not be repeated must be at least 1 token long, got {n}")
        self.n = n

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid what would complete a run that ids (N, t) hold already.

        With n = 2 and ids 5 6 7 5, the runs are 56 67 75; the last token is 5, so 6 is forbidden.
        """
        if ids.shape[1] < self.n:
            return
        if ids.device.type == "cpu" and ids.numel() <= FEW:
            for row, said in enumerate(ids.tolist()):
                if ends := self._ends(said):
                    left[row, ends] = LOWEST
            return
        _complete(ids.unfold(1, self.n, 1), ids, left)

    def _ends(self, said: list[int]) -> list[int]:
        """What has followed in `said` on the n - 1 tokens that it ends with."""
        before = self.n - 1
        opening = said[len(said) - before :]
        return [said[place + before] for place in range(len(said) - before) if said[place : place + before] == opening]


class NoContextNgram:
    """No run of `n` tokens of what is answered is said again (Roller et al. 2021, section 4.1, on context blocking).

    Args:
        n: tokens of a run.
        contexts: the ids that each input has heard.
    """

    def __init__(self, n: int, contexts: Sequence[Sequence[int]]) -> None:
        if n < 1:
            raise ValueError(f"the run that may not be taken over must be at least 1 token long, got {n}")
        self.n = n
        most = max((len(context) - n + 1 for context in contexts), default=0)
        self.runs = torch.full((len(contexts), max(0, most), n), -1)  # (B, R, n), -1 is no token
        for row, context in zip(self.runs, contexts, strict=True):
            if len(context) >= n:
                found = torch.tensor(context).unfold(0, n, 1)
                row[: len(found)] = found

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid what would complete a run that the input holds."""
        if ids.shape[1] >= self.n - 1 and self.runs.shape[1]:
            self.runs = self.runs.to(left.device)
            _complete(self.runs[inputs], ids, left)


def _complete(runs: Tensor, ids: Tensor, left: Tensor) -> None:
    """Forbid each row's tokens that end a run (N, R, n) whose beginning its ids (N, t) end with; -1 is no token."""
    n = runs.shape[-1]
    opening = ids[:, ids.shape[1] - n + 1 :]  # (N, n - 1)
    known = (runs[..., :-1] == opening[:, None]).all(dim=-1)  # (N, R)
    if known.any():  # seldom
        rows, places = (known & (runs[..., -1] >= 0)).nonzero(as_tuple=True)
        left[rows, runs[rows, places, -1]] = LOWEST


class RepetitionPenalty(Reweighing):
    """Tokens that the hypothesis has already count as if their log-probability were `penalty` times as low.

    Source: Keskar et al. 2019, "CTRL", section 4.1, which divides scores before the softmax by it.
    """

    def __init__(self, penalty: float) -> None:
        if penalty < 1:
            raise ValueError(f"the repetition penalty must be at least 1, got {penalty}")
        self.penalty = penalty

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Lower what ids (N, t) hold."""
        if ids.shape[1]:
            left.scatter_(1, ids, (left.gather(1, ids) * self.penalty).clamp(min=LOWEST))
