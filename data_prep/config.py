"""Everything that `chatbot prepare` can be asked, with defaults that work."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from data_prep.clean import CleanConfig
from data_prep.dedupe import DedupeConfig
from data_prep.errors import PrepareError
from data_prep.pairs import PairConfig
from data_prep.rules import Limits
from data_prep.split import SplitConfig
from data_prep.vocabulary import VocabularyConfig


@dataclass(frozen=True)
class PrepareConfig:
    """How raw conversations become a prepared folder."""

    format: Literal["auto", "transcript", "jsonl", "cornell"] = "auto"
    """How to read the inputs; auto looks at what each file holds."""
    limits: Limits = field(default_factory=Limits)
    """Which pairs are dropped."""
    pairs: PairConfig = field(default_factory=PairConfig)
    """How pairs are cut out of dialogues."""
    dedupe: DedupeConfig = field(default_factory=DedupeConfig)
    """How much repetition is left in."""
    split: SplitConfig = field(default_factory=SplitConfig)
    """Which dialogues are held out."""
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    """How text is cut into pieces."""

    def __post_init__(self) -> None:
        if self.format not in ("auto", "transcript", "jsonl", "cornell"):
            raise PrepareError(f"format is {self.format!r}; expected auto, transcript, jsonl or cornell")

    @property
    def clean(self) -> CleanConfig:
        """The part that the cleaning of a dialogue depends on."""
        return CleanConfig(self.limits, self.pairs, self.split)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as written to prepare.yaml."""
        return asdict(self)
