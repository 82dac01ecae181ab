"""What each validation found: the learning curve."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MARKS = 400
"""Marks of a curve at most."""


@dataclass(frozen=True)
class Point:
    """One validation."""

    step: int
    """Updates of the weights so far."""
    epoch: float
    """Passes over the training pairs so far, with the part of the present one."""
    seconds: float
    """Time spent on training so far, validations and resumed runs aside."""
    nats_per_word: float
    """Of the validation split: `chatbot.likelihood`."""
    perplexity_per_word: float
    """exp of it."""
    train_nats_per_word: float | None
    """Of the training pairs seen since the last validation, under dropout; None where there were none."""
    tokens_per_second: float
    """Target pieces a second since the last validation."""


@dataclass(frozen=True)
class Mark:
    """Where training stood at a moment: sums since it began, so that any two marks tell of the stretch between."""

    step: int
    rate: float
    """The rate of learning of that step."""
    seconds: float
    nats: float
    loss: float
    words: int
    tokens: int

    def since(self, earlier: Mark) -> dict[str, float]:
        """What happened between two marks, by name: means of loss and nats, and the speed."""
        words, tokens = max(1, self.words - earlier.words), max(1, self.tokens - earlier.tokens)
        seconds = max(1e-9, self.seconds - earlier.seconds)
        return {
            "train_loss": (self.loss - earlier.loss) / tokens,
            "train_nats": (self.nats - earlier.nats) / words,
            "lr": self.rate,
            "tokens_per_second": (self.tokens - earlier.tokens) / seconds,
        }


@dataclass
class Curve:
    """All validations of a training, resumed runs included, marks between them, and what the best model said."""

    points: list[Point] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    """At most `MARKS`, evenly spread: whenever there are too many, every other one goes."""
    apart: int = 1
    """Steps between two marks at least."""
    samples: list[tuple[str, str]] = field(default_factory=list)
    """Prompts and replies of the model that is kept."""
    keep: Literal["best", "last"] = "best"
    """Which validation's weights become the bot."""

    @property
    def best(self) -> Point | None:
        """The validation with the fewest nats per word; the earliest of equals."""
        return min(self.points, key=lambda point: point.nats_per_word, default=None)

    @property
    def improved(self) -> bool:
        """Whether the latest validation is the best."""
        return bool(self.points) and self.best is self.points[-1]

    @property
    def keeps_latest(self) -> bool:
        """Whether the weights of the latest validation are to be kept, as things stand."""
        return self.keep == "last" or self.improved

    @property
    def kept(self) -> Point | None:
        """The validation whose weights become the bot."""
        return self.best if self.keep == "best" else self.points[-1] if self.points else None

    def mark(self, mark: Mark) -> None:
        """Take a mark, unless the last one is near."""
        if self.marks and mark.step < self.marks[-1].step + self.apart:
            return
        self.marks.append(mark)
        if len(self.marks) > MARKS:
            del self.marks[1::2]
            self.apart *= 2

    def state(self) -> dict[str, Any]:
        """Plain lists and numbers, for a checkpoint."""
        return {
            "points": [asdict(p) for p in self.points],
            "marks": [asdict(mark) for mark in self.marks],
            "apart": self.apart,
            "samples": [list(pair) for pair in self.samples],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.points = [Point(**point) for point in state["points"]]
        self.marks = [Mark(**mark) for mark in state["marks"]]
        self.apart = state["apart"]
        self.samples = [(prompt, reply) for prompt, reply in state["samples"]]
