"""How likely people's replies are to a bot, in figures that do not depend on how its tokenizer cuts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.evaluation.known import Bools
from chatbot.evaluation.measures import ratio
from chatbot.evaluation.resample import Figure, Floats, Spread, resamples
from chatbot.likelihood import perplexity
from data_prep.text import words


@dataclass(frozen=True)
class Likely:
    """Likelihood of some replies; ends count as a word, a character and a piece each."""

    pairs: int
    nats_per_word: Figure
    perplexity_per_word: float
    bits_per_character: float
    perplexity_per_piece: float

    @classmethod
    def of(cls, replies: Sequence[str], nats: Floats, pieces: Floats, seed: int) -> Likely | None:
        """Reckon it of what each of the replies cost (N,) and its pieces (N,), ends included; None of none."""
        if not len(replies):
            return None
        many = np.array([len(words(reply)) + 1 for reply in replies], dtype=np.float64)
        characters = sum(len(reply) + 1 for reply in replies)
        spread = Spread.of(ratio(nats, many), resamples(len(replies), seed))
        total = float(nats.sum())
        return cls(
            len(replies),
            spread.figure(),
            perplexity(spread.value),
            total / math.log(2) / characters,
            perplexity(total / float(pieces.sum())),
        )


PARTS = ("as given", "not in training", "nor near to it")


def by_part(
    replies: Sequence[str], nats: Floats, pieces: Floats, known: tuple[Bools, Bools], seed: int
) -> dict[str, Likely | None]:
    """Of the split as given, without the pairs that stand in training, and without those near to one there as well."""
    same, near = known
    found = {}
    for name, some in zip(PARTS, (np.ones_like(same), ~same, ~near), strict=True):
        kept = [reply for reply, there in zip(replies, some, strict=True) if there]
        found[name] = Likely.of(kept, nats[some], pieces[some], seed)
    return found
