"""What a user may tell the readers, where looking at the files alone cannot settle it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from data_prep.errors import PrepareError


@dataclass(frozen=True)
class Columns:
    """Which columns of a table (CSV, TSV, Parquet, a hub corpus) hold what; null: told by their names."""

    dialogue: str | None = None
    """Rows with one same value here are one dialogue; without it a table of single messages is one dialogue."""
    speaker: str | None = None
    """Who says it."""
    text: str | None = None
    """What is said, a message a row; or a list of messages, a dialogue a row."""
    time: str | None = None
    """When it was said: ISO 8601, or seconds or milliseconds since 1970."""
    context: str | None = None
    """What a reply answers, in a table that has a question and its reply on one row."""
    reply: str | None = None
    """The reply, in such a table."""


@dataclass(frozen=True)
class SourceConfig:
    """How raw files are read."""

    silence: float | Literal["auto"] = 30.0
    """Minutes without a message after which a chat begins a new dialogue; auto: told by the chat's own rhythm."""
    dates: Literal["auto", "day-first", "month-first"] = "auto"
    """How 5/6/24 is read; auto: as the other dates of the file say."""
    columns: Columns = field(default_factory=Columns)
    """Columns of a table."""
    hub_split: str = "train"
    """Which split of an ``hf://`` corpus is read."""
    hub_config: str | None = None
    """Which configuration of an ``hf://`` corpus is read, where it has several."""

    def __post_init__(self) -> None:
        if self.silence != "auto" and not (isinstance(self.silence, (int, float)) and self.silence > 0):
            raise PrepareError(f"source.silence is {self.silence!r}; expected minutes above 0, or auto")
        if self.dates not in ("auto", "day-first", "month-first"):
            raise PrepareError(f"source.dates is {self.dates!r}; expected auto, day-first or month-first")
