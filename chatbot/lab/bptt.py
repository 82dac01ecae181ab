"""Truncated backpropagation through time: what is lost where the way back is cut, and what is saved.

A sequence is read in pieces of k words. The state is carried over from piece to piece, the gradient is not, so that a
word is never told of what it did further than k words on (Williams & Peng 1990; section 9.1.1 of the chapter).
"""

from __future__ import annotations

import time
from statistics import median

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from chatbot.lab.drawing import lines, sheet
from chatbot.lab.lesson import Lesson, teach
from chatbot.lab.letters import Speaker, bundled, streams
from chatbot.lab.result import Result
from chatbot.lab.stack import detached
from chatbot.model.cell import Recurrence

NAME = "bptt"
_LENGTH, _ROWS = 256, 16


def gradient(speaker: Speaker, letters: Tensor, k: int) -> tuple[Tensor, int]:
    """The gradient of the loss on letters (N, T + 1), cut every k of them, as one vector; and bytes that the way back
    needs at once: the most that any piece keeps."""
    speaker.zero_grad()
    states, most = None, 0
    for start in range(0, letters.shape[1] - 1, k):
        piece = letters[:, start : start + k + 1]
        kept: dict[int, int] = {}

        def pack(tensor: Tensor, kept: dict[int, int] = kept) -> Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with saved_tensors_hooks(pack, lambda tensor: tensor):
            scores, after = speaker(piece[:, :-1], states)
            loss = F.cross_entropy(scores.flatten(0, 1), piece[:, 1:].flatten(), reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]
        weights = {p.untyped_storage().data_ptr() for p in speaker.parameters()}
        most = max(most, sum(size for place, size in kept.items() if place not in weights))
        states = detached(after)
    return torch.cat([p.grad.flatten() for p in speaker.parameters() if p.grad is not None]), most


def run(full: bool, seed: int) -> Result:
    """Teach a little, then compare gradients."""
    began = time.monotonic()
    torch.manual_seed(seed)
    corpus = bundled()
    speaker = Speaker(len(corpus.alphabet), 128 if full else 64, Recurrence("lstm"))
    steps = 1500 if full else 200
    lesson = Lesson(speaker, speaker.loss, lambda w: torch.optim.Adam(w, lr=4e-3))
    teach(lesson, streams(corpus.train, 32, 64, steps), steps=steps, clip=1.0)
    speaker.carried = None
    letters = corpus.valid[: _ROWS * (_LENGTH + 1)].view(_ROWS, _LENGTH + 1)
    whole, _ = gradient(speaker, letters, _LENGTH)
    found = {}
    for k in (1, 2, 4, 8, 16, 32, 64, 128, _LENGTH):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            cut, kept = gradient(speaker, letters, k)
            times.append(time.perf_counter() - start)
        angle = float(F.cosine_similarity(cut, whole, dim=0))
        error = float((cut - whole).norm() / whole.norm())
        found[k] = {"cosine": angle, "error": error, "seconds": median(times), "bytes": kept}
    ks = list(found)
    figure, places = sheet(3)
    lines(
        places[0],
        {
            "cosine with the whole gradient": (ks, [one["cosine"] for one in found.values()]),
            "relative error": (ks, [one["error"] for one in found.values()]),
        },
        title="How right the gradient is",
        across="letters until the cut",
        up="",
        log_x=True,
    )
    lines(
        places[1],
        {"bytes": (ks, [one["bytes"] / 1e6 for one in found.values()])},
        title="What the way back must keep",
        across="letters until the cut",
        up="MB",
        log_x=True,
        log_y=True,
    )
    lines(
        places[2],
        {"seconds": (ks, [1000 * one["seconds"] for one in found.values()])},
        title=f"Time for {_ROWS} × {_LENGTH} letters",
        across="letters until the cut",
        up="ms",
        log_x=True,
        log_y=True,
    )
    rows = [["cut after", "cosine", "relative error", "MB kept", "ms"]]
    rows += [
        [
            f"{k}",
            f"{one['cosine']:.4f}",
            f"{one['error']:.4f}",
            f"{one['bytes'] / 1e6:.2f}",
            f"{1000 * one['seconds']:.0f}",
        ]
        for k, one in found.items()
    ]
    near = next(k for k in ks if found[k]["cosine"] > 0.99)
    tells = (
        f"Cut after {near} letters the gradient points where the whole one does (cosine above 0.99) and the way back "
        f"keeps {found[_LENGTH]['bytes'] / max(1, found[near]['bytes']):.0f} times less. What is lost is what takes "
        "longer than the piece to matter: on text of everyday talk that is little; on the tasks of `lab long-lag` "
        "it is all. Short pieces cost time instead, as each is a call of its own."
    )
    return Result(
        NAME,
        {"full": full, "seed": seed},
        {str(k): one for k, one in found.items()},
        rows,
        tells,
        figure,
        time.monotonic() - began,
    )
