"""All figures of replies, by name: how each is reckoned, shown and read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.evaluation.measures import Grams, Overlap, ratio, share_of_commonest, word_f1
from chatbot.evaluation.metrics import ngrams
from chatbot.evaluation.questions import Questions
from chatbot.evaluation.resample import Measure, Spread, Weights, halves, resamples
from data_prep.text import fold, words

EQUAL = 1000
"""Replies of which distinct-n is reckoned once more, so that splits of different sizes compare."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a figure is."""

    label: str
    means: str
    better: int = 0
    """1: more is better, -1: less is; 0: neither, only nearer to people."""
    percent: bool = False
    digits: int = 2

    def shown(self, value: float) -> str:
        """As people read it."""
        if value != value:
            return "–"
        return f"{100 * value:.{self.digits - 1}f} %" if self.percent else f"{value:.{self.digits}f}"


KINDS: dict[str, Kind] = {
    "bleu1": Kind("BLEU-1", "words that stand in a true reply", 1),
    "bleu2": Kind("BLEU-2", "and pairs of words", 1),
    "bleu3": Kind("BLEU-3", "and runs of three", 1),
    "bleu4": Kind("BLEU-4", "and runs of four (sacrebleu)", 1),
    "chrf": Kind("chrF", "runs of characters in common with a true reply (sacrebleu)", 1),
    "f1": Kind("word F1", "words in common with a true reply, case and marks aside", 1, digits=3),
    "distinct1": Kind("distinct-1", "different words over all", digits=4),
    "distinct2": Kind("distinct-2", "different pairs of words over all", digits=3),
    "distinct3": Kind("distinct-3", "different runs of three over all", digits=3),
    "distinct1_equal": Kind(f"distinct-1 of {EQUAL:,}", f"the same of {EQUAL:,} replies", digits=4),
    "distinct2_equal": Kind(f"distinct-2 of {EQUAL:,}", f"the same of {EQUAL:,} replies", digits=3),
    "entropy4": Kind("entropy-4", "of the distribution of runs of four words, in nats"),
    "words": Kind("words", "words of a reply, marks among them", digits=1),
    "repeats": Kind("repeats", "replies in which three words in a row stand twice, marks aside", -1, percent=True),
    "commonest": Kind("ten commonest", "share of the ten most frequent replies", -1, percent=True),
    "echoes": Kind("echoes", "replies that are a turn of their context", -1, percent=True),
    "copies": Kind("copies", "replies that stand in training, case and marks aside", percent=True),
    "run": Kind("longest copy", "words of the longest run that stands in a training reply", digits=1),
    "run_share": Kind("copied share", "that run over the words of the reply", percent=True),
}


DIFFERENT = ("distinct1", "distinct2", "distinct3", "entropy4", "commonest")
"""Figures that count different things, and so change where a resample holds replies twice."""
SHARES = ("repeats", "echoes", "copies")
"""Figures that are shares of the replies."""


@dataclass(frozen=True)
class Resamples:
    """Of so many replies, the same for all systems."""

    drawn: Weights
    """With replacement."""
    halves: Weights

    @classmethod
    def of(cls, count: int, seed: int) -> Resamples:
        """Draw them."""
        return cls(resamples(count, seed), halves(count, seed))


@dataclass(frozen=True)
class Scored:
    """Replies of one system with all that is reckoned of them."""

    spreads: dict[str, Spread]
    signatures: dict[str, str]
    f1: list[float]
    """Of each reply: by it the best and the worst are shown."""


def scored(texts: Sequence[str], questions: Questions, runs: Sequence[int], again: Resamples, seed: int) -> Scored:
    """All figures of the replies to the questions.

    Args:
        texts: a reply to each question.
        questions: with what people said.
        runs: of each reply, words of the longest run that stands in a training reply.
        again: the resamples.
        seed: of the draws for distinct-n at equal size.
    """
    overlap = Overlap(texts, questions.counted)
    said = [words(text.casefold()) for text in texts]
    grams = {n: Grams(said, n) for n in (1, 2, 3, 4)}
    f1 = [word_f1(text, own) for text, own in zip(texts, questions.counted.words, strict=True)]
    folded = [fold(text) for text in texts]
    echoes = [one in turns for one, turns in zip(folded, questions.turns, strict=True)]
    measures: dict[str, Measure] = {
        **{f"bleu{n}": overlap.bleu(n) for n in (1, 2, 3, 4)},
        "chrf": overlap.chrf(),
        "f1": ratio(f1),
        **{f"distinct{n}": grams[n].distinct for n in (1, 2, 3)},
        "entropy4": grams[4].entropy,
        "words": ratio([len(words(text)) for text in texts]),
        "repeats": ratio([_repeats(one) for one in folded]),
        "commonest": share_of_commonest(texts),
        "echoes": ratio(echoes),
        "copies": ratio([one in questions.trained_replies for one in folded]),
        "run": ratio(runs),
        "run_share": ratio(runs, [len(one.split()) for one in folded]),
    }
    spreads = {name: _spread(name, measure, again) for name, measure in measures.items()}
    for n in (1, 2):
        spreads[f"distinct{n}_equal"] = Spread(grams[n].distinct_of(EQUAL, seed), np.empty(0))
    return Scored({name: spreads[name] for name in KINDS}, overlap.signatures, f1)


def _spread(name: str, measure: Measure, again: Resamples) -> Spread:
    weights = again.halves if name in DIFFERENT else again.drawn
    most = 1.0 if KINDS[name].percent or name.startswith("distinct") else math.inf
    return Spread.of(measure, weights, most, weights.shape[1] if name in SHARES else None)


def _repeats(folded: str) -> bool:
    said = ngrams(folded, 3)
    return len(set(said)) < len(said)
