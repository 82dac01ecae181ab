"""Dialogues to pairs: a speaker's run of messages becomes one turn, a window of turns precedes each reply.

Everything here is index arithmetic on whole columns; texts are only touched where messages are joined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_prep.columns import Bools, Ints, replaced
from data_prep.errors import PrepareError
from data_prep.rules import is_placeholder, repair

NONE = -1
_MOST_TURNS = 1000  # columns of a table with a row for each pair
_MOST_WORDS = 1 << 40  # no context has more; a number that numpy can hold


@dataclass(frozen=True)
class PairConfig:
    """How much of a dialogue stands before a reply."""

    context_turns: int = 3
    """At most this many previous turns are the context of a reply."""
    context_words: int = 100
    """Words of the whole context; older turns that pass it are left out (the last turn always stays)."""
    persona_words: int = 60
    """Of a persona or a system prompt, at most so many words stand before the context; 0: none of it."""

    def __post_init__(self) -> None:
        if self.persona_words < 0:
            raise PrepareError(f"pairs.persona_words is {self.persona_words}; expected at least 0")
        for name in ("context_turns", "context_words"):
            if getattr(self, name) < 1:
                raise PrepareError(f"pairs.{name} is {getattr(self, name)}; expected at least 1")
        if self.context_turns > _MOST_TURNS:
            raise PrepareError(f"pairs.context_turns is {self.context_turns:,}; expected at most {_MOST_TURNS:,}")


@dataclass(frozen=True)
class Turns:
    """Turns of many dialogues one after another, as columns of one length."""

    dialogue: Ints
    """Which dialogue each belongs to; ascending."""
    speaker: Ints
    """A number a name; equal where the name is."""
    texts: pa.LargeStringArray
    answers: Ints
    """Row of the earlier turn that it expressly replies to, or ``NONE``."""
    left_out: int = 0
    """Placeholders that merging took out of them."""


@dataclass(frozen=True)
class Windows:
    """Pairs as rows of a column of turns."""

    reply: Ints
    context: Ints
    """(pairs, context_turns): rows of the turns before, the last turn first, ``NONE`` where there is none."""


def merge_runs(turns: Turns) -> Turns:
    """Join what one speaker says in a row; placeholders and empty messages inside a run are not part of it.

    A message that expressly replies to somebody begins a run of its own.

    >>> talk = Turns(np.zeros(4, int), np.array([1, 1, 1, 2]),
    ...              pa.array(["Hi.", "<Media omitted>", "Look!", "Oh."], pa.large_string()), np.full(4, NONE))
    >>> merge_runs(talk).texts.to_pylist()
    ['Hi. Look!', 'Oh.']
    """
    starts = np.ones(len(turns.speaker), bool)
    starts[1:] = (turns.speaker[1:] != turns.speaker[:-1]) | (turns.dialogue[1:] != turns.dialogue[:-1])
    starts |= turns.answers != NONE
    first = np.flatnonzero(starts)
    if len(first) == len(starts):
        return turns
    sizes = np.diff(np.r_[first, len(starts)])
    run_of = np.cumsum(starts) - 1
    long = np.flatnonzero(sizes > 1)
    joined, left_out = _joined(turns.texts, first[long], sizes[long])
    texts = replaced(turns.texts.take(pa.array(first)), long, joined)
    answers = turns.answers[first]
    answers = np.where(answers == NONE, NONE, run_of[answers])
    return Turns(turns.dialogue[first], turns.speaker[first], texts, answers, turns.left_out + left_out)


def _joined(texts: pa.LargeStringArray, first: Ints, sizes: Ints) -> tuple[list[str], int]:
    """The text of each run, and the placeholders that are in none of them."""
    result, left_out = [], 0
    for start, size in zip(first.tolist(), sizes.tolist(), strict=True):
        run = texts.slice(start, size).to_pylist()
        full = [text for text in run if text]
        said = [text for text in full if not is_placeholder(text)]
        left_out += len(full) - (len(said) or bool(run[0]))
        result.append(repair(" ".join(said)) if said else run[0])  # two halves of a spaced apostrophe may meet
    return result, left_out


def cut(turns: Turns, words: Ints, hollow: Bools, config: PairConfig, me: int | None = None) -> Windows:
    """Each turn but the first of a dialogue as a reply to the turns before it.

    What precedes a turn is the one before it, or the one that it expressly replies to; what precedes that one comes
    next, and so on. Nobody replies to oneself.

    Args:
        turns: merged turns.
        words: words of each.
        hollow: whether it says nothing: it may be the last turn of a context (and be judged), but no older one.
        config: the window.
        me: the speaker's number whose turns become replies; None for everybody's.

    >>> talk = Turns(np.zeros(3, int), np.array([1, 2, 1]),
    ...              pa.array(["Hi.", "Hello.", "Tea?"], pa.large_string()), np.full(3, NONE))
    >>> cut(talk, np.array([2, 2, 2]), np.zeros(3, bool), PairConfig(context_turns=2)).context.tolist()
    [[0, -1], [1, 0]]
    """
    rows = np.arange(len(turns.speaker))
    before = np.where(np.r_[True, turns.dialogue[1:] != turns.dialogue[:-1]], NONE, rows - 1)[: len(rows)]
    before = np.where((turns.answers != NONE) & (turns.answers < rows), turns.answers, before)
    reply = np.flatnonzero(before != NONE)
    if me is not None:
        reply = reply[turns.speaker[reply] == me]
    last = before[reply]
    named = turns.answers[reply] != NONE
    reply, last = (column[~(named & (turns.speaker[reply] == turns.speaker[last]))] for column in (reply, last))
    context = np.full((len(reply), config.context_turns), NONE)
    context[:, 0] = last
    room = min(config.context_words, _MOST_WORDS) - words[last]
    open_ = np.ones(len(reply), bool)
    at = last
    for k in range(1, config.context_turns):
        at = np.where(at == NONE, NONE, before[at])
        open_ &= (at != NONE) & (words[at] <= room)
        room -= np.where(open_, words[at], 0)
        context[:, k] = np.where(open_ & ~hollow[at], at, NONE)
    return Windows(reply, context)
