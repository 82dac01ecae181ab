"""Each figure equals one that a reader can reckon, and sacrebleu's are its own command's."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sacrebleu

from chatbot.evaluation import metrics
from chatbot.evaluation.known import stand_in
from chatbot.evaluation.measures import Grams, Overlap, References, ratio, share_of_commonest, word_f1
from chatbot.evaluation.memory import longest_runs
from chatbot.evaluation.resample import Figure, Measure, Spread, halves, p_value, resamples
from data_prep.text import words

SAID = ["I do not know.", "I do not know!", "Tea, please; tea, please; tea.", "yes", ""]
TRUE = [["I don't know."], ["What do you mean?", "I do not know."], ["Tea, please."], ["No!"], ["Yes."]]
ONCE = np.ones((1, len(SAID)))


def value(measure: Measure, weights: object = ONCE) -> float:
    return float(measure(np.asarray(weights, dtype=np.float64))[0])


def spoken(texts: Sequence[str]) -> list[list[str]]:
    return [words(text.casefold()) for text in texts]


def f1_of(text: str, references: Sequence[str]) -> float:
    return word_f1(text, References([references]).words[0])


def test_distinct_and_entropy_by_hand() -> None:
    pairs = Grams(spoken(SAID), 2)
    assert value(pairs.distinct) == pytest.approx(10 / 17)
    # runs of four: i do not know (twice), do not know . / ! ; of tea: tea , please ; / , please ; tea /
    # please ; tea , / ; tea , please / tea , please ; / , please ; tea / please ; tea .
    counts = [2, 1, 1, 2, 2, 1, 1, 1]
    assert value(Grams(spoken(SAID), 4).entropy) == pytest.approx(-sum(c / 11 * math.log(c / 11) for c in counts))


def test_a_resample_is_what_the_replies_it_holds_would_give() -> None:
    weights = resamples(len(SAID), seed=3, times=20)
    assert (weights.sum(axis=1) == len(SAID)).all()
    overlap = Overlap(SAID, References(TRUE))
    f1 = [f1_of(*both) for both in zip(SAID, TRUE, strict=True)]
    for row in weights:
        held = [place for place, times in enumerate(row) for _ in range(int(times))]
        texts, references = [SAID[place] for place in held], [TRUE[place] for place in held]
        one = row[None]
        assert value(Grams(spoken(SAID), 1).distinct, one) == pytest.approx(metrics.distinct(texts, 1), nan_ok=True)
        assert value(share_of_commonest(SAID, 1), one) == pytest.approx(metrics.commonest(texts, 1))
        assert value(ratio(f1), one) == pytest.approx(sum(f1[place] for place in held) / len(held))
        assert value(overlap.bleu(4), one) == pytest.approx(value(Overlap(texts, References(references)).bleu(4)))


def test_bleu_and_chrf_are_those_of_sacrebleus_command(tmp_path: Path) -> None:
    texts, true = SAID[:4], [own[0] for own in TRUE[:4]]
    (tmp_path / "said").write_text("".join(f"{text}\n" for text in texts))
    (tmp_path / "true").write_text("".join(f"{text}\n" for text in true))
    argv = [sys.executable, "-m", "sacrebleu", "true", "-i", "said", "-m", "bleu", "chrf", "-w", "6"]
    run = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    scores = {one["name"]: one["score"] for one in json.loads(run.stdout)}
    overlap = Overlap(texts, References([[one] for one in true]))
    weights = np.ones((1, len(texts)))
    assert value(overlap.bleu(4), weights) == pytest.approx(scores["BLEU"], abs=1e-5)
    assert value(overlap.chrf(), weights) == pytest.approx(scores["chrF2"], abs=1e-5)
    for order in (1, 2, 3):
        expected = sacrebleu.BLEU(max_ngram_order=order).corpus_score(texts, [true]).score
        assert value(overlap.bleu(order), weights) == pytest.approx(expected)


def test_several_references_are_those_of_sacrebleu() -> None:
    streams = [[own[0] for own in TRUE], [own[1] if len(own) > 1 else None for own in TRUE]]
    expected = sacrebleu.BLEU().corpus_score(SAID, streams)  # type: ignore[arg-type]
    assert value(Overlap(SAID, References(TRUE)).bleu(4)) == pytest.approx(expected.score)


def test_word_f1_by_hand() -> None:
    assert f1_of("I do not know.", ["I don't know."]) == pytest.approx(2 * 2 / (4 + 4))  # i know of i don t know
    assert f1_of("tea tea", ["Tea, please."]) == pytest.approx(2 * 1 / (2 + 2)), "each word as often as it stands there"
    assert f1_of("", ["Yes."]) == 0.0
    assert f1_of("no", ["Yes.", "No!"]) == 1.0


def test_the_commonest_by_hand() -> None:
    assert value(share_of_commonest(SAID, 1)) == 2 / 5
    assert value(share_of_commonest(SAID, 10)) == 1.0


def test_at_equal_size_more_replies_are_no_less_distinct() -> None:
    texts = [f"w{number % 50} w{number % 7}" for number in range(400)]
    few, many = Grams(spoken(texts[:100]), 1), Grams(spoken(texts), 1)
    assert value(many.distinct, np.ones((1, 400))) < value(few.distinct, np.ones((1, 100)))
    assert many.distinct_of(100, seed=0) == pytest.approx(few.distinct_of(100, seed=0), rel=0.1)
    assert math.isnan(few.distinct_of(1000, seed=0)), "of fewer it would look comparable and not be"


def test_longest_runs_equal_a_search_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = (
        [" ".join(f"w{word}" for word in rng.integers(4, size=rng.integers(9))) for _ in range(60)] for _ in "ab"
    )
    trained = [f" {text} " for text in theirs]

    def longest(text: str) -> int:
        words = text.split()
        runs = [words[a:b] for a in range(len(words)) for b in range(a + 1, len(words) + 1)]
        return max((len(run) for run in runs if any(f" {' '.join(run)} " in own for own in trained)), default=0)

    assert longest_runs(ours, theirs).tolist() == [longest(text) for text in ours]
    assert longest_runs([], theirs).tolist() == []
    assert longest_runs(["a b"], []).tolist() == [0]


def test_what_stands_in_training_is_found_whatever_its_marks() -> None:
    long = "well that is what I have always said about the weather in this town and nobody ever listens to me"
    trained = [("How are you?", "Fine, thanks."), (long, "Yes."), ("a", "b")]
    asked = [("how are you", "fine thanks!"), (f"{long} again", "Yes."), ("How are you?", "No."), ("x", "y")]
    same, near = stand_in(asked, trained)
    assert same.tolist() == [True, False, False, False]
    assert near.tolist() == [True, True, False, False]
    assert [part.tolist() for part in stand_in(asked[:1], [])] == [[False], [False]]


def test_the_interval_holds_the_value_and_narrows_with_more_replies() -> None:
    rng = np.random.default_rng(1)
    figures = []
    for count in (50, 5000):
        values = rng.normal(3.0, 1.0, count)
        spread = Spread.of(ratio(values), resamples(count, 0))
        figures.append(spread.figure())
        # what theory has: 1.96 standard errors to either side
        assert spread.value - figures[-1].low == pytest.approx(1.96 * values.std() / count**0.5, rel=0.15)
    assert figures[1].high - figures[1].low < (figures[0].high - figures[0].low) / 5
    assert Spread(math.nan, np.empty(0)).figure() == Figure(pytest.approx(math.nan, nan_ok=True))


def test_a_difference_is_believed_only_if_chance_would_seldom_make_it() -> None:
    rng = np.random.default_rng(2)
    weights = resamples(400, 0)
    one = rng.normal(0, 1, 400)
    better, alike = one + 0.3, one + rng.normal(0, 0.3, 400) * 0.1
    spreads = [Spread.of(ratio(values), weights) for values in (one, better, alike)]
    assert p_value(spreads[0], spreads[1]) < 0.01
    assert p_value(spreads[0], spreads[2]) > 0.05
    assert p_value(spreads[0], spreads[0]) == 1.0


def test_p_values_are_spread_evenly_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(4)
    weights = resamples(60, 1, times=200)
    found = [p_value(*(Spread.of(ratio(rng.normal(0, 1, 60)), weights) for _ in range(2))) for _ in range(200)]
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.11


def test_what_counts_different_things_is_as_sure_as_new_samples_say() -> None:
    rng = np.random.default_rng(5)
    count, trials = 120, 60
    again = halves(count, 0, times=200)

    def said() -> list[str]:
        lengths = rng.integers(2, 9, size=count)
        return [" ".join(f"w{min(word, 300)}" for word in rng.zipf(1.4, size=length)) for length in lengths]

    values, widths, chances = [], [], []
    for _ in range(trials):
        one, other = (Spread.of(Grams(spoken(said()), 2).distinct, again, 1.0) for _ in range(2))
        figure = one.figure()
        values.append(one.value)
        widths.append(figure.high - figure.low)
        chances.append(p_value(one, other))
        assert 0 <= figure.low <= figure.value <= figure.high <= 1
    low, high = np.quantile(values, [0.025, 0.975])
    assert 0.7 < np.mean(widths) / (high - low) < 1.5, "as wide as new samples differ"
    assert np.mean(np.array(chances) < 0.05) <= 0.13, "two samples of one population seldom differ"


def test_a_share_of_none_may_yet_be_some() -> None:
    figure = Spread.of(ratio(np.zeros(60)), resamples(60, 0), 1.0, trials=60).figure()
    assert (figure.value, figure.low) == (0.0, 0.0)
    assert figure.high == pytest.approx(0.06, abs=0.01)
