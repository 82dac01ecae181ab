"""Figures of replies that can be reckoned anew for any resample of them: each is a `resample.Measure`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from chatbot.evaluation.metrics import runs
from chatbot.evaluation.resample import Floats, Measure, Weights
from data_prep.text import fold

Ints = npt.NDArray[np.int64]


def ratio(parts: Sequence[float] | Floats, of: Sequence[float] | Floats | None = None) -> Measure:
    """The sum of parts over that of what they are of; a mean where nothing else is given."""
    above = np.asarray(parts, dtype=np.float64)  # (N,)
    below = np.ones_like(above) if of is None else np.asarray(of, dtype=np.float64)

    def measure(weights: Weights) -> Floats:
        whole = weights @ below
        found: Floats = np.divide(weights @ above, whole, out=np.full(len(weights), np.nan), where=whole > 0)
        return found

    return measure


def _numbered(things: Iterable[Any]) -> Ints:
    """A number for each thing, the same for what is equal."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(thing, len(known)) for thing in things], dtype=np.int64)


class Grams:
    """The n-grams of all replies, given as their words: which they are, and whose."""

    def __init__(self, said: Sequence[Sequence[str]], n: int) -> None:
        found = [runs(one, n) for one in said]
        self.count = len(said)
        self.ids = _numbered(gram for grams in found for gram in grams)  # (G,)
        self.owner = np.repeat(np.arange(len(said)), [len(grams) for grams in found])  # (G,)

    def _counts(self, weights: Weights) -> Iterable[Floats]:
        kinds = int(self.ids.max()) + 1 if len(self.ids) else 0
        return (np.bincount(self.ids, row[self.owner], kinds).astype(np.float64) for row in weights)

    def distinct(self, weights: Weights) -> Floats:
        """Kinds of n-grams over their number: distinct-n (Li et al. 2016)."""
        return np.array([np.count_nonzero(row) / row.sum() if row.sum() else np.nan for row in self._counts(weights)])

    def entropy(self, weights: Weights) -> Floats:
        """Of the distribution of n-grams, in nats (Zhang et al. 2018, Ent-n)."""
        return np.array([_entropy(row[row > 0]) for row in self._counts(weights)])

    def distinct_of(self, size: int, seed: int, times: int = 20) -> float:
        """distinct-n of so many replies, a mean over draws without replacement; not a number where there are fewer.

        distinct-n falls as texts grow in number; at one size replies to different numbers of contexts compare.
        """
        if self.count < size:
            return math.nan
        rng = np.random.default_rng(seed)
        drawn = np.zeros((times, self.count))
        for row in drawn:
            row[rng.choice(self.count, size, replace=False)] = 1
        return float(self.distinct(drawn).mean())


def _entropy(counts: Floats) -> float:
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum()) if len(counts) else np.nan


def share_of_commonest(texts: Sequence[str], k: int = 10) -> Measure:
    """Share of the replies that the k most frequent make up, case and marks aside."""
    ids = _numbered(map(fold, texts))

    def measure(weights: Weights) -> Floats:
        counts = [np.sort(np.bincount(ids, weights=row))[::-1] for row in weights]
        return np.array([row[:k].sum() / row.sum() for row in counts])

    return measure


class References:
    """What is right, one text or more for each reply: sacrebleu counts their n-grams once for all systems."""

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        most = max(map(len, references), default=1)
        streams = [[own[place] if place < len(own) else None for own in references] for place in range(most)]
        self.bleu: Any = BLEU(force=True, references=streams)  # type: ignore[arg-type]  # " ." ends a reply on purpose
        self.words = [[Counter(fold(one).split()) for one in own] for own in references]
        self.chrf: Any = CHRF(references=streams)  # type: ignore[arg-type]


class Overlap:
    """BLEU of up to 1-, 2-, 3- and 4-grams, and chrF, by sacrebleu, of any resample.

    A reply's n-gram counts are reckoned once; those of a resample are their sums, as in sacrebleu's own bootstrap.

    Args:
        texts: replies.
        references: those of each reply.
    """

    def __init__(self, texts: Sequence[str], references: References) -> None:
        metrics = references.bleu, references.chrf
        self._bleu, self._chrf = (
            np.array(metric._extract_corpus_statistics(texts, None), dtype=np.float64) for metric in metrics
        )  # (N, K)
        self.signatures = {"bleu": str(metrics[0].get_signature()), "chrf": str(metrics[1].get_signature())}

    def bleu(self, order: int) -> Measure:
        """From 0 to 100."""
        metric: Any = BLEU(max_ngram_order=order, force=True)
        columns = [0, 1, *range(2, 2 + order), *range(6, 6 + order)]  # both lengths, what is right, how many there are
        return _scored(metric, self._bleu[:, columns])

    def chrf(self) -> Measure:
        """From 0 to 100."""
        return _scored(CHRF(), self._chrf)


def _scored(metric: Any, stats: Floats) -> Measure:
    def measure(weights: Weights) -> Floats:
        return np.array([metric._compute_score_from_stats(row.tolist()).score for row in weights @ stats])

    return measure


def word_f1(text: str, references: Sequence[Counter[str]]) -> float:
    """Harmonic mean of precision and recall of words, counted as often as they stand there; the best of the references.

    Words are those of `data_prep.text.fold`: case and marks do not count. Those of the references are counted already,
    as in `References.words`.

    >>> word_f1("I like tea", [Counter("i like coffee".split())]), word_f1("No!", [Counter(["yes"]), Counter(["no"])])
    (0.6666666666666666, 1.0)
    """
    said = Counter(fold(text).split())
    return max((_f1(said, one) for one in references), default=0.0)


def _f1(said: Counter[str], true: Counter[str]) -> float:
    common = (said & true).total()
    return 2 * common / (said.total() + true.total()) if common else 0.0
