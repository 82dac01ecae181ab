"""Truncated backpropagation through time: what is lost where the way back is cut, and what is saved.

A sequence is read in pieces of k words. The state is carried over from piece to piece, the gradient is not, so that a
word is never told of what it did further than k words on (Williams & Peng 1990; section 9.1.1 of the chapter).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from statistics import median

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from chatbot.lab.drawing import lines, sheet
from chatbot.lab.lesson import Lesson, teach
from chatbot.lab.letters import Corpus, Speaker, bundled, streams
from chatbot.lab.result import Result
from chatbot.lab.stack import detached
from chatbot.model.cell import Recurrence

NAME = "bptt"
_LENGTH, _ROWS = 256, 16
_CUTS = (1, 2, 4, 8, 16, 32, 64, 128, _LENGTH)


class Kept:
    """What is kept for the way back: tensors, or the parts of them that are looked at."""

    def __init__(self, apart: Iterable[Tensor]) -> None:
        self._apart = {tensor.untyped_storage().data_ptr() for tensor in apart}  # weights are there anyway
        self._whole: dict[int, int] = {}
        self._parts: dict[int, dict[tuple[int, int], int]] = {}

    def pack(self, tensor: Tensor) -> Tensor:
        """Note a tensor, as a hook of autograd."""
        storage = tensor.untyped_storage()
        self._whole[storage.data_ptr()] = storage.nbytes()
        parts = self._parts.setdefault(storage.data_ptr(), {})
        parts[tensor.data_ptr(), tensor.numel()] = tensor.numel() * tensor.element_size()
        return tensor

    @property
    def bytes(self) -> int:
        """All of it; parts that overlap count no more than what they are parts of."""
        sums = {place: min(self._whole[place], sum(parts.values())) for place, parts in self._parts.items()}
        return sum(size for place, size in sums.items() if place not in self._apart)


def gradient(speaker: Speaker, letters: Tensor, k: int) -> tuple[Tensor, int]:
    """The gradient of the loss on letters (N, T + 1), cut every k of them, as one vector; and bytes that the way back
    needs at once: the most that any piece keeps."""
    speaker.zero_grad()
    states, most = None, 0
    for start in range(0, letters.shape[1] - 1, k):
        piece, kept = letters[:, start : start + k + 1], Kept(speaker.parameters())
        with saved_tensors_hooks(kept.pack, lambda tensor: tensor):
            scores, after = speaker(piece[:, :-1], states)
            loss = F.cross_entropy(scores.flatten(0, 1), piece[:, 1:].flatten(), reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]
        most = max(most, kept.bytes)
        states = detached(after)
    return torch.cat([p.grad.flatten() for p in speaker.parameters() if p.grad is not None]), most


@dataclass(frozen=True)
class Cut:
    """What comes of cutting after so many letters."""

    cosine: float
    """Between its gradient and the whole one."""
    error: float
    """Norm of the difference, over that of the whole."""
    seconds: float
    bytes: int
    """That the way back needs at once."""


def taught(full: bool, seed: int, corpus: Corpus) -> Speaker:
    """A net that has read a little."""
    torch.manual_seed(seed)
    speaker = Speaker(len(corpus.alphabet), 128 if full else 64, Recurrence("lstm"))
    steps = 1500 if full else 200
    lesson = Lesson(speaker, speaker.loss, lambda w: torch.optim.Adam(w, lr=4e-3))
    teach(lesson, streams(corpus.train, 32, 64, steps), steps=steps, clip=1.0)
    return speaker


def compared(speaker: Speaker, letters: Tensor) -> dict[int, Cut]:
    """Each length against the whole, on letters (N, T + 1)."""
    whole, _ = gradient(speaker, letters, _LENGTH)
    found = {}
    for k in _CUTS:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            cut, kept = gradient(speaker, letters, k)
            times.append(time.perf_counter() - start)
        angle, error = F.cosine_similarity(cut, whole, dim=0), (cut - whole).norm() / whole.norm()
        found[k] = Cut(float(angle), float(error), median(times), kept)
    return found


def _drawn(found: dict[int, Cut]) -> Figure:
    def curve(of: Callable[[Cut], float]) -> tuple[list[int], list[float]]:
        return list(found), [of(cut) for cut in found.values()]

    figure, (first, second, third) = sheet(3)
    right = {"cosine with the whole gradient": curve(lambda cut: cut.cosine)}
    right["relative error"] = curve(lambda cut: cut.error)
    across = "letters until the cut"
    lines(first, right, title="How right the gradient is", across=across, up="", log_x=True)
    kept = {"": curve(lambda cut: cut.bytes / 1e6)}
    lines(second, kept, title="What the way back must keep", across=across, up="MB", log_x=True, log_y=True)
    spent = {"": curve(lambda cut: 1000 * cut.seconds)}
    title = f"Time for {_ROWS} × {_LENGTH} letters"
    lines(third, spent, title=title, across=across, up="ms", log_x=True, log_y=True)
    return figure


def _tells(found: dict[int, Cut]) -> str:
    near = next(k for k, cut in found.items() if cut.cosine > 0.99)
    less = found[_LENGTH].bytes / max(1, found[near].bytes)
    slower = found[1].seconds / found[_LENGTH].seconds
    return (
        f"Cut after {near} letters the gradient points where the whole one does (cosine above 0.99) and the way back "
        f"keeps {less:.0f} times less. What is lost is what takes longer than the piece to matter: of that "
        "nothing is ever learnt. Short pieces cost time instead, as each is a call of its own: cut after every letter, "
        f"{slower:.1f} times as much."
    )


def run(full: bool, seed: int) -> Result:
    """Teach a little, then compare gradients."""
    began = time.monotonic()
    corpus = bundled()
    speaker = taught(full, seed, corpus)
    letters = corpus.valid[: _ROWS * (_LENGTH + 1)].view(_ROWS, _LENGTH + 1)
    found = compared(speaker, letters)
    rows = [["cut after", "cosine", "relative error", "MB kept", "ms"]]
    for k, cut in found.items():
        cells = f"{cut.cosine:.4f}", f"{cut.error:.4f}", f"{cut.bytes / 1e6:.2f}", f"{1000 * cut.seconds:.0f}"
        rows.append([f"{k}", *cells])
    settings = {"full": full, "seed": seed}
    figures = {str(k): asdict(cut) for k, cut in found.items()}
    return Result(NAME, settings, figures, rows, _tells(found), _drawn(found), time.monotonic() - began)
