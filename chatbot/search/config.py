"""How replies are looked for: every setting, what it may be, and the presets. Imports nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

_WHOLE = {
    "beam": (1, 1000),
    "groups": (1, 1000),
    "samples": (1, 1000),
    "max_length": (1, 10_000),
    "min_length": (1, 10_000),
}
"""Whole numbers, with the least and the greatest."""
_WHOLE_OR_NONE = {
    "top_k": (1, 1_000_000),
    "no_repeat_ngram": (1, 10_000),
    "no_context_ngram": (1, 10_000),
    "seed": (0, 2**62),
}
_NUMBERS = {
    "length_penalty": (0.0, 10.0),
    "diversity": (0.0, 1000.0),
    "repetition_penalty": (1.0, 10.0),
    "anti_lm": (0.0, 10.0),
    "backward": (0.0, 10.0),
    "generic": (0.0, 10.0),
}
_NUMBERS_OR_NONE = {"margin": (0.0, 1000.0)}
_SHARES = ("patience", "top_p", "min_p")
_SHARES_OR_NONE = ("top_p", "min_p")
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "samples")
"""What says how to sample; all but the first need the first."""


@dataclass(frozen=True)
class SearchConfig:
    """How replies are looked for: a beam, or samples where there is a temperature; what may be said; what is best."""

    beam: int = 5
    """Hypotheses kept side by side; 1 is greedy."""
    groups: int = 1
    """Groups that the beam is parted in, each kept from saying what those before it say; must divide the beam."""
    diversity: float = 0.5
    """How much a group shuns the pieces of those before it, in nats; works from 2 groups on."""
    exact: bool = False
    """Search on as long as a reply of any length could still be one of the best; without, until none is that would end
    now, which is several times sooner and seldom finds less."""
    patience: float = 0.6
    """How many are the best that a search is patient for, as a share of the beam; less is sooner, and leaves fewer
    alternatives."""
    temperature: float | None = None
    """Sample instead of searching, at this temperature; 1 is the model's own spread, more is bolder; null: search."""
    top_k: int | None = None
    """Sample from so many of the likeliest pieces; null: from all."""
    top_p: float | None = None
    """Sample from the likeliest pieces that have this share of the probability together; null: from all."""
    min_p: float | None = None
    """Sample from pieces at least this share as likely as the likeliest; null: from all."""
    samples: int = 1
    """Replies sampled, of which the best is taken."""
    seed: int | None = None
    """Makes samples come out the same again; null: other ones each time."""
    length_penalty: float = 1.0
    """How much longer replies are favoured (GNMT alpha); 0 compares bare log-probabilities."""
    max_length: int = 60
    """Pieces of a reply at most, its end included."""
    min_length: int = 1
    """Pieces of a reply at least, its end not included."""
    no_repeat_ngram: int | None = 3
    """No run of so many pieces twice in a reply; 0 or null allows it."""
    no_context_ngram: int | None = None
    """No run of so many pieces that the other side has just said; 0 or null allows it."""
    repetition_penalty: float = 1.0
    """Divides the likelihood of pieces that the reply has already, as a power; 1 leaves it."""
    banned: tuple[str, ...] = ()
    """Words and phrases that are not said, whatever their case."""
    start: str = ""
    """What each reply begins with."""
    anti_lm: float = 0.0
    """How much a reply loses for being likely after anything: by a model of that beside the bot (`fit
    --language-model`), else by the bot itself, told nothing."""
    backward: float = 0.0
    """How much a reply gains for telling what it answers; the bot needs a backward model (`fit --backward`)."""
    generic: float = 0.0
    """What a reply loses for each doubling of its count among the training replies, in the unit of scores."""
    margin: float | None = None
    """How far below the best score of its own a reply may lie for `anti_lm`, `backward` and `generic` to put it first,
    in the unit of scores; null: any may."""

    def __post_init__(self) -> None:
        for name, (least, most) in (_WHOLE | _WHOLE_OR_NONE).items():
            value = getattr(self, name)
            if value is None and name in _WHOLE_OR_NONE:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
            if value > most:
                raise ValueError(f"{name} must be at most {most:,}, got {value:,}")
        for name, (low, high) in (_NUMBERS | _NUMBERS_OR_NONE).items():
            value = getattr(self, name)
            if value is None and name in _NUMBERS_OR_NONE:
                continue
            if not _is_number(value) or value < low:
                raise ValueError(f"{name} must be a number of at least {low:g}, got {value!r}")
            if value > high:
                raise ValueError(f"{name} must be at most {high:g}, got {value!r}")
        for name in _SHARES:
            value = getattr(self, name)
            if (value is not None or name not in _SHARES_OR_NONE) and not (_is_number(value) and 0 < value <= 1):
                raise ValueError(f"{name} must be a number above 0 and at most 1, got {value!r}")
        if self.temperature is not None and not (_is_number(self.temperature) and 0.001 <= self.temperature <= 100):
            raise ValueError(f"temperature must be a number from 0.001 to 100, got {self.temperature!r}")
        if not isinstance(self.exact, bool):
            raise ValueError(f"exact must be true or false, got {self.exact!r}")
        self._check_together()

    def _check_together(self) -> None:
        if self.min_length > max(1, self.max_length - 1):
            raise ValueError(
                f"min_length ({self.min_length}) must leave room for the end below max_length ({self.max_length})"
            )
        if self.beam % self.groups:
            raise ValueError(f"groups must divide the beam, got {self.groups} groups and a beam of {self.beam}")
        usual = {setting.name: setting.default for setting in fields(self)}
        idle = [name for name in SAMPLING if getattr(self, name) != usual[name]]
        if self.temperature is None and idle:
            raise ValueError(
                f"{idle[0]} has no effect without a temperature, as in temperature 0.8: set one, or leave it"
            )
        if not isinstance(self.start, str):
            raise ValueError(f"start must be a text, got {self.start!r}")
        if not isinstance(self.banned, tuple) or not all(
            isinstance(word, str) and word.strip() for word in self.banned
        ):
            raise ValueError(f"banned must be words or phrases, got {self.banned!r}")

    def searched(self, beam: int) -> SearchConfig:
        """The same with a beam of so many hypotheses, in place of groups and samples."""
        unsampled: dict[str, Any] = {each.name: each.default for each in fields(self) if each.name in SAMPLING}
        return replace(self, beam=beam, groups=1, **unsampled)

    @property
    def ranked(self) -> bool:
        """Whether something ranks replies besides their own score."""
        return bool(self.anti_lm or self.backward or self.generic)

    @property
    def rows(self) -> int:
        """Hypotheses that are reckoned at once for each input."""
        return self.beam if self.temperature is None else self.samples


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
