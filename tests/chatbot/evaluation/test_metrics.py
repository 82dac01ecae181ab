"""Each figure equals one that a reader can reckon."""

from __future__ import annotations

import pytest
import sacrebleu

from chatbot.evaluation.metrics import bleu, commonest, distinct, mean_length, ngrams, repeating

SAID = ["I do not know.", "I do not know!", "Tea, please; tea, please; tea.", ""]


def test_distinct_by_hand() -> None:
    # i do not know . | i do not know ! | tea , please ; tea , please ; tea .
    assert distinct(SAID, 1) == pytest.approx(10 / 20)  # i do not know . ! tea , please ;
    assert distinct(SAID, 2) == pytest.approx(10 / 17)  # 3 + 2 + 1 (". !" apart) + 5
    assert distinct([], 1) == 0.0


def test_the_commonest_by_hand() -> None:
    assert commonest(SAID, 1) == 2 / 4
    assert commonest(SAID, 2) == 3 / 4
    assert commonest(SAID) == 1.0


def test_repeats_and_length_by_hand() -> None:
    assert repeating(SAID, 3) == 1 / 4
    assert repeating(SAID, 6) == 0.0
    assert mean_length(SAID) == (5 + 5 + 10 + 0) / 4
    assert ngrams("a b", 3) == []


def test_bleu_is_sacrebleus() -> None:
    true = ["I do not know.", "What do you mean?", "Tea, please.", "Yes."]
    assert bleu(SAID, true) == sacrebleu.corpus_bleu(SAID, [true]).score
    assert bleu(true, true) == pytest.approx(100.0)
