"""Training, validation or test: decided by a hash of the dialogue's id, so that adding data moves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from data_prep.errors import PrepareError

TRAIN, VALID, TEST = range(3)
_GROUPS = 20  # with fewer, a split by groups is a matter of luck


@dataclass(frozen=True)
class SplitConfig:
    """Shares of the dialogues that are held out."""

    valid: float = 0.05
    """Share of the dialogues that choose the best model."""
    test: float = 0.05
    """Share of the dialogues that nothing looks at before the end."""
    seed: int = 1
    """Another number gives another division."""
    by: Literal["auto", "group", "dialogue"] = "auto"
    """What stays together: a group (a film, a channel, a file) or only a dialogue; auto: groups if there are twenty."""

    def __post_init__(self) -> None:
        if not (self.valid >= 0 and self.test >= 0 and self.valid + self.test < 1):
            raise PrepareError(
                f"split.valid is {self.valid} and split.test is {self.test}; "
                "expected shares of at least 0 that leave some for training"
            )
        if self.by not in ("auto", "group", "dialogue"):
            raise PrepareError(f"split.by is {self.by!r}; expected auto, group or dialogue")

    def by_group(self, groups: int) -> bool:
        """Whether groups decide, where the corpus has so many."""
        return self.by == "group" or (self.by == "auto" and groups >= _GROUPS)


def hash64(text: str) -> int:
    """64 bits of BLAKE2b: the same on every machine and in every run.

    >>> hash64("a") == hash64("a") != hash64("b")
    True
    """
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def split_of(dialogue: str, config: SplitConfig) -> int:
    """TRAIN, VALID or TEST of a dialogue's id.

    >>> split_of("film 7: scene 2", SplitConfig(valid=0, test=0))
    0
    """
    place = hash64(f"{config.seed}:{dialogue}") / 2**64
    if place < config.valid:
        return VALID
    return TEST if place < config.valid + config.test else TRAIN
