"""Everything that `chatbot prepare` can be asked, with defaults that work."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from data_prep.dedupe import DedupeConfig
from data_prep.errors import PrepareError
from data_prep.pairs import PairConfig
from data_prep.rules import Limits
from data_prep.sources import FORMATS, SourceConfig
from data_prep.split import SplitConfig
from data_prep.vocabulary import VocabularyConfig

_WHERE = ("runner", "ray_address", "workers")


@dataclass(frozen=True)
class PrepareConfig:
    """How raw conversations become a prepared folder."""

    format: str = "auto"
    """How to read the inputs; auto looks at what each file holds. Others: cornell, slack, messenger, hub, parquet,
    signal, whatsapp, subtitles, irc, eou, parlai, court, telegram, discord, jsonl, json, yaml_talk, csv, tsv,
    transcript."""
    me: str | None = None
    """Learn to answer as this speaker: only their turns become replies; null: everybody's do."""
    anonymise: bool = False
    """Put placeholders for the speakers' names, phone numbers, e-mail addresses, links and long numbers, everywhere."""
    names: str | None = None
    """A file with further names to replace, one a line (with --anonymise)."""
    language: str | None = None
    """Keep only pairs whose sides are both in this language (ISO 639-1 code, as in `en`)."""
    banned: str | None = None
    """A file of words and phrases, one a line: pairs that hold one are dropped."""
    valid: str | None = None
    """An official validation split: kept as it is, and what training shares with it leaves training."""
    test: str | None = None
    """An official test split, likewise."""
    source: SourceConfig = field(default_factory=SourceConfig)
    """How raw files are read."""
    limits: Limits = field(default_factory=Limits)
    """Which pairs are dropped."""
    pairs: PairConfig = field(default_factory=PairConfig)
    """How pairs are cut out of dialogues."""
    dedupe: DedupeConfig = field(default_factory=DedupeConfig)
    """How much repetition is left in."""
    split: SplitConfig = field(default_factory=SplitConfig)
    """Which dialogues are held out, where no split is given."""
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    """How text is cut into pieces."""
    stop_after: Literal["read", "pairs"] | None = None
    """read: write the turns as they were read, and nothing else; pairs: leave out vocabulary and token ids."""
    runner: Literal["local", "ray"] = "local"
    """Where the work is done: in processes on this machine, or on a Ray cluster."""
    ray_address: str | None = None
    """Address of the Ray cluster; null: the one that Ray finds, or a new one on this machine."""
    workers: int | None = None
    """Processes on this machine; null: one for each core."""

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise PrepareError(f"--format is {self.format!r}; expected one of {', '.join(FORMATS)}")
        if self.stop_after not in (None, "read", "pairs"):
            raise PrepareError(f"--stop-after is {self.stop_after!r}; expected read or pairs")
        if self.stop_after == "read" and self.given:
            raise PrepareError("--stop-after read takes neither --valid nor --test; read each split by itself")
        if self.runner not in ("local", "ray"):
            raise PrepareError(f"--runner is {self.runner!r}; expected local or ray")
        if self.workers is not None and self.workers < 1:
            raise PrepareError(f"--workers is {self.workers}; expected at least 1")
        if self.names is not None and not self.anonymise:
            raise PrepareError("--names is given without --anonymise; give both, or neither")

        if self.ray_address is not None and self.runner != "ray":
            raise PrepareError("--ray-address is given without --runner ray; give both, or neither")

    @property
    def given(self) -> dict[int, str]:
        """Split → path of an official one."""
        return {split: path for split, path in ((1, self.valid), (2, self.test)) if path is not None}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as written to prepare.yaml: what the result depends on, and not where it was made."""
        return {name: value for name, value in asdict(self).items() if name not in _WHERE}
