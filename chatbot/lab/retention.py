"""Why memory matters: what a net still knows of the beginning when it comes to the end.

In "The young woman, having found a free ticket on the ground, went …" what the verb must agree with stands first, and
words that have nothing to do with it stand between. Here a noun, one of eight in the singular or the plural, is
followed by a gap of other words, some of them nouns as well, and at its end the net is asked which noun it was and of
what number. For each gap and each memory a net is taught anew, so that no short gap helps with a long one. In the full
table a net is given up early, across a hundred words and more, where hardly any of the gradient reaches the noun before
it is taught: all of these end at chance, and would take most of the time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from chatbot.lab.drawing import lines, sheet
from chatbot.lab.jobs import each
from chatbot.lab.lesson import Lesson, StopWhen, teach
from chatbot.lab.result import Result
from chatbot.lab.stack import Reader
from chatbot.model.cell import Recurrence

NAME = "retention"
NOUNS, OTHERS = 8, 40
WORDS = 1 + 2 * NOUNS + OTHERS  # 0 is the place of the verb; noun k is 1 + 2 k, in the plural 2 + 2 k
_NOUNS_BETWEEN = 0.15  # share of the words in the gap that are nouns too
_HIDDEN, _EMBEDDING, _BATCH = 48, 16, 64
_RATE, _PLAIN_RATE = 1e-2, 5e-3  # of learning; the plain net is thrown off its way by steps as long as the others'
_FAR = 100  # the gap that is spoken of
_LOOK, _ENOUGH = 50, 0.995  # steps between two tests; a net that does so well is done
_LOST, _IN_VAIN = 1e-8, 20_000  # share of the gradient that single precision cannot tell from nothing; steps x gap then
_STEPS, _LONG, _LONG_STEPS = 700, 400, 200  # at most; across so long a gap none learns it in twice as many either


@dataclass(frozen=True)
class Memory:
    """A kind of memory and how its gates begin."""

    cell: str
    begins: str = ""
    """``forget bias 0``, ``forget bias 1`` or ``chrono``."""

    def recurrence(self, gap: int) -> Recurrence:
        """For a gap of so many words."""
        if self.begins == "chrono":
            return Recurrence(self.cell, chrono=max(3, gap + 10))
        return Recurrence(self.cell, forget_bias=float(self.begins[-1]) if self.begins else None)

    def __str__(self) -> str:
        return f"{self.cell}, {self.begins}" if self.begins else self.cell


BEGINNINGS = ("forget bias 0", "forget bias 1", "chrono")
QUICK = (Memory("rnn"), Memory("lstm", "forget bias 1"), Memory("lstm", "chrono"))
FULL = (Memory("rnn"), *(Memory(cell, begins) for cell in ("gru", "lstm", "peephole") for begins in BEGINNINGS))


@dataclass(frozen=True)
class Job:
    """One training."""

    memory: Memory
    gap: int
    seed: int
    steps: int
    in_vain: int
    """Steps after which it is given up where no gradient reaches the noun."""


@dataclass(frozen=True)
class Learned:
    """What came of it."""

    number: float
    """Share of right numbers, singular or plural; chance: a half."""
    noun: float
    """Share of right nouns, number included; chance: one in sixteen."""
    steps: int


def sentences(count: int, gap: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Words (N, 1 + gap + 1) and what is asked of each sentence (N,): 2 noun + number."""
    asked = torch.randint(2 * NOUNS, (count,), generator=generator)
    between = torch.randint(1 + 2 * NOUNS, WORDS, (count, gap), generator=generator)
    nouns = torch.randint(1, 1 + 2 * NOUNS, (count, gap), generator=generator)
    between = torch.where(torch.rand(count, gap, generator=generator) < _NOUNS_BETWEEN, nouns, between)
    return torch.cat([1 + asked[:, None], between, torch.zeros(count, 1, dtype=torch.long)], dim=1), asked


def net(job: Job) -> Reader:
    """The net of a job, before it is taught."""
    torch.manual_seed(job.seed)
    return Reader(WORDS, _EMBEDDING, 2 * NOUNS, job.memory.recurrence(job.gap), _HIDDEN)


def learn(job: Job) -> Learned:
    """Teach a net and ask it about sentences drawn anew."""
    reader, generator = net(job), torch.Generator().manual_seed(1000 + job.seed)
    rate = _PLAIN_RATE if job.memory.cell == "rnn" else _RATE
    lesson = Lesson(
        reader, lambda batch: F.cross_entropy(reader(batch[0]), batch[1]), lambda w: torch.optim.Adam(w, lr=rate)
    )
    hopeless = job.in_vain < job.steps and reaching(gradients(job.memory, job.gap, job.seed)) < _LOST
    steps = job.in_vain if hopeless else job.steps
    batches = (sentences(_BATCH, job.gap, generator) for _ in range(steps))
    looked, asked = (sentences(1000, job.gap, torch.Generator().manual_seed(n + job.seed)) for n in (2000, 3000))
    teach(
        lesson,
        batches,
        steps=steps,
        clip=1.0,
        callbacks=[StopWhen(lambda: right(reader, looked)[1] > _ENOUGH, _LOOK)],
    )
    number, noun = right(reader, asked)
    return Learned(number, noun, len(lesson.losses))


@torch.no_grad()
def right(reader: Reader, tests: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """Shares of right numbers and of right nouns."""
    said = reader(tests[0]).argmax(dim=1)  # (N,)
    return float((said % 2 == tests[1] % 2).float().mean()), float((said == tests[1]).float().mean())


def gradients(memory: Memory, gap: int, seed: int) -> list[float]:
    """How much the loss would change with each word: the norm of its gradient by the vector of each word, a mean over
    sentences, by distance from the end (0: the verb's place). Of a net that was not taught yet."""
    reader = net(Job(memory, gap, seed, 0, 0)).double()  # single precision ends at 1e-38
    words, asked = sentences(64, gap, torch.Generator().manual_seed(seed))
    vectors = reader.embed(words).detach().requires_grad_()  # (N, T, E)
    F.cross_entropy(reader.of_vectors(vectors), asked, reduction="sum").backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    return list(reversed(vectors.grad.norm(dim=2).mean(dim=0).tolist()))


def reaching(slopes: Sequence[float]) -> float:
    """The share of the gradient at the end that reaches the subject, which stands first."""
    return slopes[-1] / slopes[0]


@dataclass(frozen=True)
class Known:
    """What one kind of memory knows by gap, a mean over the seeds."""

    number: list[float]
    noun: list[float]
    steps: list[list[int]]
    """Of each run, by gap."""

    @classmethod
    def of(cls, by_gap: Sequence[Sequence[Learned]]) -> Known:
        """From its runs at each gap."""
        number = [mean(got.number for got in runs) for runs in by_gap]
        noun = [mean(got.noun for got in runs) for runs in by_gap]
        return cls(number, noun, [[got.steps for got in runs] for runs in by_gap])


def run(full: bool, seed: int) -> Result:
    """Teach all, and draw what they know by gap."""
    began = time.monotonic()
    memories, gaps = (FULL, (1, 3, 10, 30, 100, 200, 400)) if full else (QUICK, (1, 10, 30, 100))
    seeds = range(seed, seed + (5 if full else 1))
    steps = {gap: _STEPS if gap < _LONG else _LONG_STEPS for gap in gaps}
    in_vain = {gap: _IN_VAIN // gap if full and gap >= _FAR else steps[gap] for gap in gaps}
    jobs = [Job(memory, gap, one, steps[gap], in_vain[gap]) for gap in gaps for memory in memories for one in seeds]
    done = each(
        learn, jobs, lambda job, got: f"{job.memory}, gap {job.gap}: {100 * got.number:.0f} % after {got.steps} steps"
    )
    found = dict(zip(jobs, done, strict=True))
    known = {
        str(memory): Known.of(
            [[got for job, got in found.items() if (job.memory, job.gap) == (memory, gap)] for gap in gaps]
        )
        for memory in memories
    }
    slopes = {str(memory): gradients(memory, _FAR, seed) for memory in memories}
    rows = [["right numbers, %", *(f"gap {gap}" for gap in gaps)]]
    rows += [[name, *(f"{100 * value:.0f}" for value in one.number)] for name, one in known.items()]
    settings = {"full": full, "seed": seed}
    memory = {name: asdict(one) for name, one in known.items()}
    figures = {"gaps": gaps, "seeds": len(seeds), "known": memory, "gradients": slopes}
    tells = _tells(known, gaps.index(_FAR), slopes)
    return Result(NAME, settings, figures, rows, tells, _drawn(known, gaps, slopes), time.monotonic() - began)


def _drawn(known: dict[str, Known], gaps: Sequence[int], slopes: dict[str, list[float]]) -> Figure:
    figure, (first, second, third) = sheet(3)
    number, noun = {name: one.number for name, one in known.items()}, {name: one.noun for name, one in known.items()}
    for axes, what, values, chance in ((first, "number", number, 0.5), (second, "noun", noun, 1 / (2 * NOUNS))):
        percent = {name: (gaps, [100 * value for value in row]) for name, row in values.items()}
        lines(axes, percent, title=f"Which {what} was it?", across="words between", up="right, %", log_x=True)
        axes.axhline(100 * chance, color="grey", linestyle=":", linewidth=1)
    curves = {name: (range(len(row)), row) for name, row in slopes.items()}
    title, up = "Before learning: what reaches a word of the loss", "norm of its gradient"
    lines(third, curves, title=title, across="words back", up=up, log_y=True)
    return figure


def _tells(known: dict[str, Known], place: int, slopes: dict[str, list[float]]) -> str:
    plain, best = known["rnn"].number[place], max(known, key=lambda name: known[name].number[place])
    back = {name: reaching(row) for name, row in slopes.items()}
    gates = ["an LSTM's forget gate with bias 1 keeps 73 % of what is remembered with every word"]
    gates += ["one with bias 0 half"] if any("bias 0" in name for name in known) else []
    usual = known["lstm, forget bias 1"].number[place]
    return (
        f"After {_FAR} words the plain net knows the number in {100 * plain:.0f} % (chance: 50), an LSTM with forget "
        f"bias 1 in {100 * usual:.0f} %; {best}: {100 * known[best].number[place]:.0f} %. Before anything is learnt, "
        f"{back['rnn']:.0e} of the gradient at the end reaches the first word in the plain net, {back[best]:.0e} in "
        f"{best}: where nothing arrives, nothing can be learnt. Before learning, {', '.join(gates)}; chrono begins "
        "with biases that let some units keep nearly all for as long as the gap is. A gate alone does not hold: it "
        "must begin open."
    )
