"""Figures of replies. A word is as `data_prep.text.words` has it, with its case folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sacrebleu

from data_prep.text import fold, words


def distinct(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams of words over all of them: distinct-n of Li et al. 2016. It falls as the texts grow in number.

    >>> distinct(["i like tea", "i like it"], 1), distinct(["i like tea", "i like it"], 2)
    (0.6666666666666666, 0.75)
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        counts.update(ngrams(text, n))
    return len(counts) / max(1, counts.total())


def commonest(texts: Sequence[str], k: int = 10) -> float:
    """Share of the texts that the k most frequent of them make up, case and marks aside.

    >>> commonest(["Yes.", "yes", "no", "why?"], 1)
    0.5
    """
    counts = Counter(map(fold, texts))
    return sum(count for _, count in counts.most_common(k)) / max(1, len(texts))


def repeating(texts: Sequence[str], n: int = 3) -> float:
    """Share of the texts in which some n-gram of words stands twice.

    >>> repeating(["i know i know i know", "i know"], 2)
    0.5
    """
    return sum(max(Counter(ngrams(text, n)).values(), default=0) > 1 for text in texts) / max(1, len(texts))


def mean_length(texts: Sequence[str]) -> float:
    """Words of a text."""
    return sum(len(words(text)) for text in texts) / max(1, len(texts))


def bleu(texts: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of the corpus by sacrebleu (Post 2018), from 0 to 100, one reference a text."""
    return float(sacrebleu.corpus_bleu(list(texts), [list(references)]).score)


def ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    """Runs of n words, in order.

    >>> ngrams("I like tea.", 3)
    [('i', 'like', 'tea'), ('like', 'tea', '.')]
    """
    return runs(words(text.casefold()), n)


def runs(said: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """The same of words."""
    return list(zip(*(said[place:] for place in range(n)), strict=False))
