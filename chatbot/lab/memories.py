"""Other kinds of memory, and going deeper: each cell, one layer to three, of as many weights, on one text."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import torch
from matplotlib.figure import Figure

from chatbot.errors import ChatbotError
from chatbot.lab.drawing import sheet
from chatbot.lab.jobs import each
from chatbot.lab.lesson import Lesson, teach
from chatbot.lab.letters import Speaker, bits, read, streams
from chatbot.lab.result import Result
from chatbot.lab.stack import parameters
from chatbot.model.cell import Recurrence

NAME = "memories"
CELLS = ("rnn", "gru", "lstm", "peephole")
DEPTHS = (1, 2, 3)
_WIDTHS = range(8, 640)
_OFF = 0.05  # share by which the weights of a net may miss what is wanted
_PIECE = 64  # letters until the gradient is cut


@dataclass(frozen=True)
class Job:
    """One training."""

    cell: str
    layers: int
    seed: int
    weights: int
    steps: int
    rows: int
    """Of letters that are read side by side."""
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

    def missed(width: int) -> int:
        return parameters(made(width)) - job.weights

    with torch.device("meta"):
        above = bisect_left(_WIDTHS, 0, key=missed)
        width = min(_WIDTHS[max(0, above - 1) : above + 1], key=lambda width: abs(missed(width)))
        off = missed(width) / job.weights
    if abs(off) > _OFF:
        raise ChatbotError(
            f"{letters:,} different letters need more than the {job.weights:,} weights of each net; expected a text of "
            "an alphabet"
        )
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
    teach(lesson, streams(corpus.train, job.rows, _PIECE, job.steps), steps=job.steps, clip=1.0)
    pace = len(lesson.losses) * job.rows * _PIECE / (time.perf_counter() - began)
    return Learned(speaker.nats(corpus.valid), pace, speaker.scores.in_features)


@dataclass(frozen=True)
class Kind:
    """A cell and how many layers of it, over the seeds."""

    width: int
    nats: float
    letters_a_second: float
    each: list[float]
    """Nats a letter of each run."""

    @classmethod
    def of(cls, runs: Sequence[Learned]) -> Kind:
        """The mean of some runs."""
        pace = mean(got.letters_a_second for got in runs)
        return cls(runs[0].width, mean(got.nats for got in runs), pace, [got.nats for got in runs])


def _drawn(kinds: dict[tuple[str, int], Kind], weights: int) -> Figure:
    figure, (axes,) = sheet(1, width=6)
    for layers, colour in zip(DEPTHS, ("#93c5fd", "#3b82f6", "#1e3a8a"), strict=True):
        places = [place + 0.27 * (layers - 2) for place in range(len(CELLS))]
        values = [kinds[cell, layers].nats for cell in CELLS]
        axes.bar(places, values, width=0.25, color=colour, label=f"{layers} layer{'s' if layers > 1 else ''}")
    nats = [kind.nats for kind in kinds.values()]
    axes.set_ylim(min(nats) - 0.05, max(nats) + 0.05)
    axes.set_xticks(range(len(CELLS)), CELLS)
    axes.set_ylabel("nats a letter, held out")
    axes.set_title(f"{weights:,} weights each", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _tells(kinds: dict[tuple[str, int], Kind]) -> str:
    (cell, layers), best = min(kinds.items(), key=lambda item: item[1].nats)
    deeper = {
        name: kinds[name, 1].nats - min(kinds[name, depth].nats for depth in DEPTHS if depth > 1) for name in CELLS
    }
    slower = kinds["lstm", 1].letters_a_second / kinds["peephole", 1].letters_a_second
    return (
        f"With the same number of weights, {cell} of {layers} layer{'s' if layers > 1 else ''} knows the text best, at "
        f"{best.nats:.3f} nats a letter. The best depth beyond one gains "
        f"{', '.join(f'{gain:+.3f} for {name}' for name, gain in deeper.items())} (below zero it loses): deeper means "
        f"narrower here, as the weights are shared out. Peepholes have no fused kernel: {slower:.1f} times slower than "
        "the LSTM."
    )


def run(full: bool, seed: int, text: Path | None = None) -> Result:
    """Teach all, and one table."""
    began = time.monotonic()
    weights, steps, rows, seeds = (400_000, 3_000, 32, 3) if full else (60_000, 300, 16, 1)
    asked = [(cell, layers) for cell in CELLS for layers in DEPTHS]
    jobs = [Job(*one, seed + more, weights, steps, rows, text) for one in asked for more in range(seeds)]
    done = each(learn, jobs, lambda job, got: f"{job.cell}, {job.layers} deep: {got.nats:.3f} nats a letter")
    kinds = {
        one: Kind.of([got for job, got in zip(jobs, done, strict=True) if (job.cell, job.layers) == one])
        for one in asked
    }
    table = [["cell", "layers", "units a layer", "nats a letter", "bits a letter", "letters/s"]]
    for (cell, layers), kind in kinds.items():
        shown = f"{kind.width}", f"{kind.nats:.3f}", f"{bits(kind.nats):.3f}", f"{kind.letters_a_second:,.0f}"
        table.append([cell, f"{layers}", *shown])
    settings = {"full": full, "seed": seed, "text": None if text is None else str(text)}
    figures = {f"{cell} {layers}": asdict(kind) for (cell, layers), kind in kinds.items()}
    return Result(NAME, settings, figures, table, _tells(kinds), _drawn(kinds, weights), time.monotonic() - began)
