"""Which memory solves which task with a long lag, and in how many sequences: the experiments of 1997, on our cells."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from chatbot.lab.drawing import lines, sheet
from chatbot.lab.jobs import each
from chatbot.lab.lesson import Lesson, StopWhen, teach
from chatbot.lab.result import Result
from chatbot.lab.stack import Stack
from chatbot.lab.tasks import TASKS, Made, Task
from chatbot.model.cell import Recurrence

NAME = "long-lag"
_HIDDEN, _BATCH, _RATE = 64, 50, 2e-3
_LOOK = 100  # steps between two tests
CELLS = ("rnn", "lstm1997", "lstm", "lstm chrono", "gru", "gru chrono", "peephole chrono")
_QUICK = (("temporal order", 50, 2_000), ("adding", 50, 2_500))
_FULL = (
    ("embedded Reber", 30, 1_500),
    ("noisy lag", 100, 1_000),
    ("noisy lag", 1000, 500),
    ("adding", 100, 2_000),
    ("adding", 400, 2_000),
    ("multiplication", 100, 2_000),
    ("temporal order", 100, 1_500),
    ("copying", 50, 2_000),
)
_LONG = 400  # a lag from which a step takes so long that one seed must do


@dataclass(frozen=True)
class Job:
    """One training."""

    task: str
    lag: int
    cell: str
    seed: int
    steps: int


@dataclass(frozen=True)
class Learned:
    """What came of it."""

    score: float
    solved: bool
    sequences: int
    curve: tuple[tuple[int, float], ...]


class Net(nn.Module):
    """A stack of one layer and what is read off its outputs."""

    def __init__(self, task: Task, recurrence: Recurrence) -> None:
        super().__init__()
        self.stack = Stack(recurrence, task.inputs, _HIDDEN)
        self.answer = nn.Linear(_HIDDEN, task.outputs)
        self._last = task.last

    def forward(self, x: Tensor) -> Tensor:
        """x (N, T, E) -> (N, A), or (N, T, A) where all steps are asked."""
        outputs, _ = self.stack(x)
        answers: Tensor = self.answer(outputs[:, -1] if self._last else outputs)
        return answers


def recurrence_of(cell: str, lag: int) -> Recurrence:
    """``lstm chrono`` is an `lstm` whose gates begin open for the lag."""
    name, _, chrono = cell.partition(" ")
    return Recurrence(name, chrono=max(3, lag) if chrono else None)


def learn(job: Job) -> Learned:
    """Teach until it is solved, or the steps are done."""
    task = TASKS[job.task]
    torch.manual_seed(job.seed)
    net = Net(task, recurrence_of(job.cell, job.lag))
    generator = torch.Generator().manual_seed(1000 + job.seed)
    looked, asked = (task.make(500, job.lag, torch.Generator().manual_seed(n + job.seed)) for n in (2000, 3000))
    curve: list[tuple[int, float]] = []

    def score(tests: Made) -> float:
        with torch.no_grad():
            return task.score(net(tests[0]), tests[1])

    lesson = Lesson(net, lambda made: task.loss(net(made[0]), made[1]), lambda w: torch.optim.Adam(w, lr=_RATE))

    def enough() -> bool:
        curve.append((_BATCH * len(lesson.losses), score(looked)))
        return task.solved(curve[-1][1])

    batches = (task.make(_BATCH, job.lag, generator) for _ in range(job.steps))
    teach(lesson, batches, steps=job.steps, clip=1.0, callbacks=[StopWhen(enough, _LOOK)])
    reached = score(asked)  # other sequences than those that said when to stop
    return Learned(reached, task.solved(reached), _BATCH * len(lesson.losses), tuple(curve))


def run(full: bool, seed: int) -> Result:
    """Teach all, and one table."""
    began = time.monotonic()
    cells = CELLS if full else ("rnn", "lstm1997", "lstm chrono")
    wanted = _FULL if full else _QUICK
    jobs = [
        Job(task, lag, cell, one, steps)
        for task, lag, steps in wanted
        for cell in cells
        for one in range(seed, seed + (2 if full and lag < _LONG else 1))
    ]
    done = each(learn, jobs, lambda job, got: f"{job.task}, lag {job.lag}, {job.cell}: {_shown(job.task, [got])}")
    rows, figures = [["task", "lag", "knowing nothing", *cells]], dict[str, dict[str, dict[str, list[Any]]]]()
    for task, lag, _ in wanted:
        cellwise = {
            cell: [
                got for job, got in zip(jobs, done, strict=True) if (job.task, job.lag, job.cell) == (task, lag, cell)
            ]
            for cell in cells
        }
        rows.append(
            [task, f"{lag}", _score(task, TASKS[task].chance), *(_shown(task, runs) for runs in cellwise.values())]
        )
        figures[f"{task}, lag {lag}"] = {
            cell: {
                "scores": [got.score for got in runs],
                "solved": [got.solved for got in runs],
                "sequences": [got.sequences for got in runs],
            }
            for cell, runs in cellwise.items()
        }
    picture = _drawn(wanted, dict(zip(jobs, done, strict=True)))
    return Result(NAME, {"full": full, "seed": seed}, figures, rows, _tells(figures), picture, time.monotonic() - began)


def _drawn(wanted: Sequence[tuple[str, int, int]], found: dict[Job, Learned]) -> Figure:
    """How the first seed of each cell got on with each task."""
    figure, places = sheet(min(3, len(wanted)), -(-len(wanted) // 3))
    for axes, (task, lag, _) in zip(places, wanted, strict=False):
        curves: dict[str, tuple[list[float], list[float]]] = {}
        for job, got in found.items():
            if (job.task, job.lag) == (task, lag):
                curves.setdefault(job.cell, ([x for x, _ in got.curve], [y for _, y in got.curve]))
        error = TASKS[task].less_is_better
        up = "error" if error else "share right"
        lines(axes, curves, title=f"{task}, lag {lag}", across="sequences", up=up, log_y=error)
    for axes in places[len(wanted) :]:
        axes.remove()
    return figure


def _score(task: str, score: float) -> str:
    return f"{score:.4f}" if TASKS[task].less_is_better else f"{100 * score:.0f} %"


def _shown(task: str, runs: list[Learned]) -> str:
    won = [got.sequences for got in runs if got.solved]
    many = f" {len(won)} of {len(runs)}" if len(runs) > 1 else ""
    middle = _score(task, median(got.score for got in runs))
    return f"{middle}{many}, {median(won) / 1000:.0f} k" if won else f"{middle}{many}"


def _tells(figures: dict[str, dict[str, dict[str, list[Any]]]]) -> str:
    """What the table says, cell by cell."""
    cells = next(iter(figures.values()))
    solved = {cell: [task for task, found in figures.items() if all(found[cell]["solved"])] for cell in cells}
    told = [
        f"{cell} {'all' if len(own) == len(figures) else ', '.join(own) if own else 'none of them'}"
        for cell, own in solved.items()
    ]
    return (
        "A cell is followed by its score (share right, or the mean squared error) and, where it solved the task, by "
        f"thousands of sequences until then. Solved in every run: {'; '.join(told)}. `lstm1997` has no gate to forget "
        "with; `chrono` cells are told the lag, and begin with gates that are open for as long."
    )
