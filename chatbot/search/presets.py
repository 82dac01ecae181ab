"""Settings by name, each for one purpose; docs/decoding.md has the figures of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Settings that belong together: all others are the defaults of `SearchConfig`, whatever the bot was saved with."""

    purpose: str
    settings: dict[str, Any] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    "greedy": Preset("the likeliest piece at each step: the quickest, and dull", {"beam": 1}),
    "plain": Preset("a plain beam of five: correct, and what could be said to anything", {"beam": 5}),
    "careful": Preset(
        "of the best of a wide beam the reply that fits what was said rather than anything; the default",
        {"beam": 20, "anti_lm": 0.5, "margin": 0.5},
    ),
    "lively": Preset(
        "the best of ten samples: another reply each time, and seldom nonsense",
        {"temperature": 0.8, "top_p": 0.9, "samples": 10, "anti_lm": 0.3},
    ),
    "diverse": Preset(
        "of groups that must differ the reply that fits what was said",
        {"beam": 10, "groups": 5, "diversity": 1.0, "anti_lm": 0.5},
    ),
}
DEFAULT = "careful"
"""What a bot is asked with where nobody says how; chosen by figures and by blind reading."""
