"""Tasks whose answer hangs on something long ago, after Hochreiter & Schmidhuber 1997, section 5 (copying: Arjovsky,
Shah & Bengio 2016). Each makes sequences without end, of a length that is called the lag: what matters stands in the
first half, most of it in the first fifth, and the answer is asked at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

Made = tuple[Tensor, Tensor]
"""Inputs (N, T, E) and targets."""


@dataclass(frozen=True)
class Task:
    """One of them."""

    name: str
    inputs: int
    """E."""
    outputs: int
    make: Callable[[int, int, torch.Generator], Made]
    """make(count, lag, generator)."""
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[Tensor, Tensor], float]
    enough: float
    """The score from which it is solved."""
    chance: float
    """The score of one who remembers nothing: lots, or always the mean."""
    less_is_better: bool = False
    last: bool = True
    """Whether the answer is read off the last step alone: outputs (N, A); else off all, (N, T, A)."""

    def solved(self, score: float) -> bool:
        """Whether a score is good enough."""
        return score < self.enough if self.less_is_better else score >= self.enough


def _one_hot(symbols: Tensor, kinds: int) -> Tensor:
    return F.one_hot(symbols, kinds).float()


def _marked(count: int, lag: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers in 0..1 with a mark on one of the first tenth and on one of the first half, and the two marked ones."""
    values = torch.rand(count, lag, generator=generator)
    first = torch.randint(0, max(1, lag // 10), (count,), generator=generator)
    second = torch.randint(max(1, lag // 10), max(2, lag // 2), (count,), generator=generator)
    rows = torch.arange(count)
    marks = torch.zeros(count, lag)
    marks[rows, first] = marks[rows, second] = 1.0
    return torch.stack([values, marks], dim=2), values[rows, first], values[rows, second]


def adding(count: int, lag: int, generator: torch.Generator) -> Made:
    """The sum of the two marked numbers; from 0 to 1 and not scaled, as later papers have it."""
    x, one, other = _marked(count, lag, generator)
    return x, one + other


def multiplication(count: int, lag: int, generator: torch.Generator) -> Made:
    """Their product."""
    x, one, other = _marked(count, lag, generator)
    return x, one * other


def temporal_order(count: int, lag: int, generator: torch.Generator) -> Made:
    """Which of X and Y stood first and which second, among four other symbols; E begins, B ends (Task 6a)."""
    symbols = torch.randint(0, 4, (count, lag), generator=generator)
    both = torch.randint(0, 2, (count, 2), generator=generator)
    first = torch.randint(max(1, lag // 10), max(2, lag // 5), (count,), generator=generator)
    second = torch.randint(lag // 2, max(lag // 2 + 1, 6 * lag // 10), (count,), generator=generator)
    rows = torch.arange(count)
    symbols[rows, first], symbols[rows, second] = 4 + both[:, 0], 4 + both[:, 1]
    symbols[:, 0], symbols[:, -1] = 6, 7
    return _one_hot(symbols, 8), 2 * both[:, 0] + both[:, 1]


def noisy_lag(count: int, lag: int, generator: torch.Generator) -> Made:
    """Which of two: the first three numbers are all 1 or all -1, and all others noise of variance 0.2 (Task 3a)."""
    which = torch.randint(0, 2, (count,), generator=generator)
    x = 0.2**0.5 * torch.randn(count, lag, 1, generator=generator)
    x[:, :3, 0] = (2 * which - 1).float()[:, None]
    return x, which


COPIED, KINDS = 10, 8


def copying(count: int, lag: int, generator: torch.Generator) -> Made:
    """Ten symbols, a lag of blanks, a mark, and the ten again: targets (N, T), -100 where nothing is asked."""
    symbols = torch.randint(0, KINDS, (count, COPIED), generator=generator)
    blank = torch.full((count, lag), KINDS)
    mark = torch.full((count, 1), KINDS + 1)
    after = torch.full((count, COPIED), KINDS)
    x = _one_hot(torch.cat([symbols, blank, mark, after], dim=1), KINDS + 2)
    nothing = torch.full((count, COPIED + lag + 1), -100)
    return x, torch.cat([nothing, symbols], dim=1)


_WAYS: dict[int, tuple[tuple[str, int], ...]] = {
    0: (("B", 1),),
    1: (("T", 2), ("P", 3)),
    2: (("S", 2), ("X", 4)),
    3: (("T", 3), ("V", 5)),
    4: (("X", 3), ("S", 6)),
    5: (("P", 4), ("V", 6)),
    6: (("E", 7),),
}
LETTERS = "BTPSXVE"


def reber_word(generator: torch.Generator, lag: int) -> tuple[str, list[str]]:
    """A word of the embedded grammar, and what may follow each of its letters.

    ``B``, then ``T`` or ``P``, then words of Reber's grammar until they have `lag` letters, then the same ``T`` or
    ``P``, and ``E``: the last but one must be remembered across all of them. After each inner word another or the last
    but one may follow, so that nobody has to count.
    """
    outer = "TP"[int(torch.randint(0, 2, (1,), generator=generator))]
    said, may = ["B", outer], ["TP", "B"]
    inner = 0
    while inner < lag or not inner:
        state = 0
        while state != 7:
            ways = _WAYS[state]
            letter, state = ways[int(torch.randint(0, len(ways), (1,), generator=generator))]
            said.append(letter)
            inner += 1
            may.append("".join(way for way, _ in _WAYS[state]) if state != 7 else "")
        may[-1] = f"B{outer}"
    return "".join([*said, outer, "E"]), [*may, "E", ""]


def reber(count: int, lag: int, generator: torch.Generator) -> Made:
    """Words of the embedded Reber grammar; targets (N, T, 7): which letters may follow, none at pads."""
    made = [reber_word(generator, lag) for _ in range(count)]
    longest = max(len(word) for word, _ in made)
    x, may = torch.zeros(count, longest, 7), torch.zeros(count, longest, 7)
    for row, (word, following) in enumerate(made):
        for place, (letter, after) in enumerate(zip(word, following, strict=True)):
            x[row, place, LETTERS.index(letter)] = 1.0
            for one in after:
                may[row, place, LETTERS.index(one)] = 1.0
    return x, may


def _reber_loss(scores: Tensor, may: Tensor) -> Tensor:
    """Cross-entropy to all letters that may follow, alike."""
    real = may.sum(dim=-1) > 0
    shares = may[real] / may[real].sum(dim=-1, keepdim=True)
    return -(shares * scores[real].log_softmax(dim=-1)).sum(dim=-1).mean()


def _reber_score(scores: Tensor, may: Tensor) -> float:
    """Share of words at each of whose letters all that may follow is likelier than all that may not."""
    least = scores.masked_fill(may == 0, float("inf")).amin(dim=-1)
    most = scores.masked_fill(may > 0, float("-inf")).amax(dim=-1)
    fine = (least > most) | (may.sum(dim=-1) == 0)
    return float(fine.all(dim=1).float().mean())


def _square(scores: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(scores[:, 0], target)


def _share_right(scores: Tensor, target: Tensor) -> float:
    asked = target != -100
    return float((scores.argmax(dim=-1)[asked] == target[asked]).float().mean())


def _entropy(scores: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), target.reshape(-1))


def _number(scores: Tensor, target: Tensor) -> float:
    return float(_square(scores, target))


TASKS = {
    task.name: task
    for task in (
        Task("embedded Reber", 7, 7, reber, _reber_loss, _reber_score, 0.99, 0.5, last=False),
        Task("noisy lag", 1, 2, noisy_lag, _entropy, _share_right, 0.99, 0.5),
        Task("adding", 2, 1, adding, _square, _number, 0.01, 1 / 6, less_is_better=True),
        Task("multiplication", 2, 1, multiplication, _square, _number, 0.005, 7 / 144, less_is_better=True),
        Task("temporal order", 8, 4, temporal_order, _entropy, _share_right, 0.99, 0.25),
        Task("copying", KINDS + 2, KINDS, copying, _entropy, _share_right, 0.99, 1 / KINDS, last=False),
    )
}
