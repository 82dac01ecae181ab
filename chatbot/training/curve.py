"""What each validation found: the learning curve."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


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


@dataclass
class Curve:
    """All validations of a training, resumed runs included, and what the best model said."""

    points: list[Point] = field(default_factory=list)
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

    def state(self) -> dict[str, Any]:
        """Plain lists and numbers, for a checkpoint."""
        return {"points": [asdict(p) for p in self.points], "samples": [list(pair) for pair in self.samples]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.points = [Point(**point) for point in state["points"]]
        self.samples = [(prompt, reply) for prompt, reply in state["samples"]]
