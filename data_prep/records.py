"""The nouns of preparation: what a source gives, and what a model learns from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: who said it (empty where the source does not know) and what."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation, oldest turn first; ``id`` is unique within a corpus and stable between runs."""

    id: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """What was said (``context``, oldest first, at least one turn) and the ``reply`` to it."""

    dialogue: str
    context: tuple[str, ...]
    reply: str
