"""Dialogue to pairs: a speaker's run of messages becomes one turn, a window of turns precedes each reply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from data_prep.errors import PrepareError
from data_prep.records import Dialogue, Pair, Turn
from data_prep.rules import is_placeholder
from data_prep.text import words


@dataclass(frozen=True)
class PairConfig:
    """How much of a dialogue stands before a reply."""

    context_turns: int = 3
    """At most this many previous turns are the context of a reply."""
    context_words: int = 100
    """Words of the whole context; older turns that pass it are left out (the last turn always stays)."""
    me: str | None = None
    """Only what this speaker says becomes a reply; null: what anybody says."""

    def __post_init__(self) -> None:
        for name in ("context_turns", "context_words"):
            if getattr(self, name) < 1:
                raise PrepareError(f"pairs.{name} is {getattr(self, name)}; expected at least 1")


def merge_runs(turns: tuple[Turn, ...]) -> list[Turn]:
    """Join what one speaker says in a row; placeholders and empty messages inside a run are not part of it.

    >>> merge_runs((Turn("Ann", "Hi."), Turn("Ann", "<Media omitted>"), Turn("Ann", "Look!"), Turn("Bo", "Oh.")))
    [Turn(speaker='Ann', text='Hi. Look!'), Turn(speaker='Bo', text='Oh.')]
    """
    merged: list[Turn] = []
    first = 0
    for place, turn in enumerate(turns, 1):
        if place == len(turns) or turns[place].speaker != turn.speaker:
            merged.append(turn if place - first == 1 else _joined(turns[first:place]))
            first = place
    return merged


def _joined(run: tuple[Turn, ...]) -> Turn:
    said = [turn.text for turn in run if turn.text and not is_placeholder(turn.text)]
    return Turn(run[0].speaker, " ".join(said) if said else run[0].text)


def cut(dialogue: Dialogue, config: PairConfig) -> Iterator[Pair]:
    """Each turn but the first as a reply to the turns before it.

    >>> talk = Dialogue("d", (Turn("a", "Hi."), Turn("b", "Hello."), Turn("a", "Tea?")))
    >>> [(pair.context, pair.reply) for pair in cut(talk, PairConfig(context_turns=2))]
    [(('Hi.',), 'Hello.'), (('Hi.', 'Hello.'), 'Tea?')]
    """
    turns = merge_runs(dialogue.turns)
    texts = [turn.text for turn in turns]
    counts = [len(words(text)) for text in texts]
    hollow = [not text or is_placeholder(text) for text in texts]
    for place in range(1, len(texts)):
        if config.me is not None and turns[place].speaker != config.me:
            continue
        first = place - 1
        room = config.context_words - counts[first]
        while first > 0 and place - first < config.context_turns and counts[first - 1] <= room:
            first -= 1
            room -= counts[first]
        older = [texts[k] for k in range(first, place - 1) if not hollow[k]]
        yield Pair(dialogue.id, (*older, texts[place - 1]), texts[place])
