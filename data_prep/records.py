"""The nouns of preparation: what a source gives, and what a model learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Turn(NamedTuple):
    """One message. A tuple, since a corpus has millions of them and a frozen dataclass costs four times as much."""

    speaker: str
    """Who said it; empty where the source does not know."""
    text: str
    time: float | None = None
    """Seconds since 1970 by the clock of the chat (taken for UTC where no zone is given); None where not known."""
    answers: int | None = None
    """Place in the dialogue of the earlier turn that this one expressly replies to; None: the turn before it."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation, oldest turn first; ``id`` is unique within a corpus and stable between runs."""

    id: str
    turns: tuple[Turn, ...]
    group: str = ""
    """What must stay on one side of a split with it (a film, a channel, a file); empty where nothing is known."""
    personas: tuple[tuple[str, str], ...] = ()
    """Speakers with what describes them or tells them how to reply: a persona, a system prompt. Nobody says it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What was said (``context``, oldest first, at least one turn) and the ``reply`` to it."""

    dialogue: str
    context: tuple[str, ...]
    reply: str
