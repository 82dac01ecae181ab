"""Other kinds of memory, and going deeper: each cell, one layer to three, of as many weights, on one text."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from chatbot.lab.drawing import sheet
from chatbot.lab.jobs import each
from chatbot.lab.lesson import Lesson, teach
from chatbot.lab.letters import Speaker, bits, read, streams
from chatbot.lab.result import Result
from chatbot.lab.stack import parameters
from chatbot.model.cell import Recurrence

NAME = "memories"
CELLS = ("rnn", "gru", "lstm", "peephole")


@dataclass(frozen=True)
class Job:
    """One training."""

    cell: str
    layers: int
    seed: int
    weights: int
    steps: int
    text: Path | None


@dataclass(frozen=True)
class Learned:
    """What came of it."""

    nats: float
    letters_a_second: float
    width: int


def speaker_of(job: Job, letters: int) -> Speaker:
    """The net whose number of weights is nearest to what is wanted."""

    def made(width: int) -> Speaker:
        return Speaker(letters, width, Recurrence(job.cell), job.layers)

    with torch.device("meta"):
        width = min(range(8, 640), key=lambda width: abs(parameters(made(width)) - job.weights))
    torch.manual_seed(job.seed)
    return made(width)


def learn(job: Job) -> Learned:
    """Teach a net and read the held-out text with it."""
    corpus = read(job.text)
    speaker = speaker_of(job, len(corpus.alphabet))
    rate = 2e-3 if job.cell == "rnn" else 4e-3
    lesson = Lesson(
        speaker,
        speaker.loss,
        lambda w: torch.optim.Adam(w, lr=rate),
        lambda step: max(0.02, 1 - step / job.steps) * min(1.0, (step + 1) / 50),
    )
    began = time.perf_counter()
    teach(lesson, streams(corpus.train, 32, 64, job.steps), steps=job.steps, clip=1.0)
    pace = len(lesson.losses) * 32 * 64 / (time.perf_counter() - began)
    return Learned(speaker.nats(corpus.valid), pace, speaker.scores.in_features)


def run(full: bool, seed: int, text: Path | None = None) -> Result:
    """Teach all, and one table."""
    began = time.monotonic()
    weights, steps, seeds = (400_000, 3_000, 3) if full else (60_000, 150, 1)
    jobs = [
        Job(cell, layers, seed + more, weights, steps, text)
        for cell in CELLS
        for layers in (1, 2, 3)
        for more in range(seeds)
    ]
    done = each(learn, jobs, lambda job, got: f"{job.cell}, {job.layers} deep: {got.nats:.3f} nats a letter")
    rows = [["cell", "layers", "units a layer", "nats a letter", "bits a letter", "letters/s"]]
    figures: dict[str, dict[str, Any]] = {}
    for cell in CELLS:
        for layers in (1, 2, 3):
            runs = [got for job, got in zip(jobs, done, strict=True) if (job.cell, job.layers) == (cell, layers)]
            nats, pace = mean(got.nats for got in runs), mean(got.letters_a_second for got in runs)
            figures[f"{cell} {layers}"] = {
                "nats": nats,
                "units": runs[0].width,
                "letters_a_second": pace,
                "each": [got.nats for got in runs],
            }
            rows.append([cell, f"{layers}", f"{runs[0].width}", f"{nats:.3f}", f"{bits(nats):.3f}", f"{pace:,.0f}"])
    figure, (axes,) = sheet(1, width=6)
    for place, cell in enumerate(CELLS):
        values = [figures[f"{cell} {layers}"]["nats"] for layers in (1, 2, 3)]
        axes.bar(
            [place + 0.27 * (depth - 1) for depth in range(3)],
            values,
            width=0.25,
            color=["#93c5fd", "#3b82f6", "#1e3a8a"],
        )
    values = [one["nats"] for one in figures.values()]
    axes.set_ylim(min(values) - 0.05, max(values) + 0.05)
    axes.set_xticks(range(len(CELLS)), CELLS)
    axes.set_ylabel("nats a letter, held out")
    axes.set_title(f"{weights:,} weights each; one, two and three layers", fontsize=10)
    best = min(figures, key=lambda name: figures[name]["nats"])
    deeper = {
        cell: figures[f"{cell} 1"]["nats"] - min(figures[f"{cell} {d}"]["nats"] for d in (2, 3)) for cell in CELLS
    }
    tells = (
        f"Of the same number of weights, {best} layers deep knows the text best. Going deeper gains "
        f"{', '.join(f'{gain:+.3f} for {cell}' for cell, gain in deeper.items())} nats a letter at best: the weights "
        "are spread over more layers, so each is narrower. Peepholes have no fused kernel, which is why they are "
        "slow here, and differ little from the LSTM: what they see of the memory, its outputs mostly tell."
    )
    return Result(
        NAME,
        {"full": full, "seed": seed, "text": None if text is None else str(text)},
        figures,
        rows,
        tells,
        figure,
        time.monotonic() - began,
    )
