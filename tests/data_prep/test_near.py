import itertools
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.near import BANDS, are_near, band_keys, candidates, jaccard, shingle_sets

NOBODY = np.zeros(1000, bool)
folded = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)


def found_by(bands, held):
    """All candidates at once."""
    columns = [bands[name].to_numpy() for name in bands.column_names]
    found = list(candidates(lambda: columns, held, np.ones(len(held), bool)))
    return [
        np.concatenate([np.zeros(0, np.int64), *(getattr(f, side) for f in found)]) for side in ("later", "earlier")
    ]


def shingles(text):
    words = text.split(" ")
    return {tuple(words[k : k + 3]) for k in range(len(words) - 2)} or {tuple(words)}


@settings(deadline=None)
@given(st.lists(folded, min_size=1, max_size=6))
def test_the_index_is_the_one_of_sets(texts):
    sets = shingle_sets(pa.array(texts, pa.large_string()))
    both = list(itertools.product(range(len(texts)), repeat=2))
    first, second = (np.array(side) for side in zip(*both, strict=True))
    expected = []
    for a, b in both:
        left, right = shingles(texts[a]), shingles(texts[b])
        expected.append(len(left & right) / len(left | right))
    assert np.allclose(jaccard(sets, first, second), expected)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 600), max_size=90).map(lambda words: " ".join(map(str, words))), min_size=1, max_size=6
    ),
    st.sampled_from([0.05, 0.3, 0.5, 0.7, 1.0]),
)
def test_what_a_few_bits_rule_out_is_not_near(texts, threshold):
    """Also where sets are so large that their shingles share bits, and where one is part of another."""
    texts += [" ".join(texts[0].split()[: len(texts[0].split()) // 2]), " ".join([*texts[0].split(), "more"])]
    sets = shingle_sets(pa.array(texts, pa.large_string()))
    both = list(itertools.product(range(len(texts)), repeat=2))
    first, second = (np.array(side) for side in zip(*both, strict=True))
    assert (are_near(sets, first, second, threshold) == (jaccard(sets, first, second) >= threshold)).all()


def test_the_bands_find_what_an_exact_join_finds():
    """Sentences with a few words exchanged: of the pairs with an index of 0.8 or more hardly one is missed."""
    draw = random.Random(0)
    words = [f"w{k}" for k in range(400)]
    texts = []
    for _ in range(150):
        sentence = draw.choices(words, k=draw.randint(12, 40))
        for _ in range(4):
            copy = list(sentence)
            for _ in range(draw.randint(0, 2)):
                copy[draw.randrange(len(copy))] = draw.choice(words)
            texts.append(" ".join(copy))
    sets = [shingles(text) for text in texts]
    near = {
        (b, a)
        for a, b in itertools.combinations(range(len(texts)), 2)
        if len(sets[a] & sets[b]) >= 0.8 * len(sets[a] | sets[b])
    }
    column = pa.array(texts, pa.large_string())
    bands = band_keys(column, BANDS)
    later, earlier = found_by(bands, NOBODY[: len(column)])
    found = are_near(shingle_sets(column), later, earlier, 0.8)
    dropped = set(later[found].tolist())
    missed = [b for b, _ in near if b not in dropped]
    assert len(near) > 100
    assert len(missed) <= 0.01 * len({b for b, _ in near})
    assert set(zip(later[found].tolist(), earlier[found].tolist(), strict=True)) <= near


def test_no_text_no_candidate():
    column = empty = pa.array([], pa.large_string())
    bands = band_keys(empty, BANDS)
    later, earlier = found_by(bands, NOBODY[: len(column)])
    assert len(later) == len(earlier) == 0
    assert len(shingle_sets(empty).keys) == 0


def test_held_out_pairs_are_compared_with_all_that_share_a_band():
    """One form, filled in by five hundred people: whoever is near to a held-out one is found in the crowd."""
    draw = random.Random(1)
    form = [f"form{k}" for k in range(40)]
    own = [[f"own{draw.randrange(60)}" for _ in range(6)] for _ in range(500)]
    texts = [" ".join(form + words) for words in own]
    column = pa.array(texts, pa.large_string())
    held = np.arange(500) < 100
    bands = band_keys(column, BANDS)
    later, earlier = found_by(bands, held)
    found = set(zip(later.tolist(), earlier.tolist(), strict=True))
    sets = [shingles(text) for text in texts]
    near = {
        (b, a) for b in range(100, 500) for a in range(100) if len(sets[a] & sets[b]) >= 0.75 * len(sets[a] | sets[b])
    }
    assert len(near) > 1000
    assert len(near - found) <= 0.01 * len(near)


def test_each_run_has_a_limit_of_its_own(monkeypatch):
    """Many runs of alike in one band: none is compared with fewer held-out ones for the sake of the others."""
    monkeypatch.setattr("data_prep.near._HELD_COST", 30 * 300)
    keys = np.arange(40 * 300, dtype=np.uint32) % 40
    held = np.arange(len(keys)) // 40 % 10 == 9
    (found,) = candidates(lambda: [keys], held, np.ones(len(keys), bool))
    asked = {(b, a) for b in range(0, len(keys), 40) for a in range(0, b, 40) if held[a] or held[b]}
    assert asked <= set(zip(found.later.tolist(), found.earlier.tolist(), strict=True))


@pytest.mark.parametrize("most", [1, 100, 3000])
def test_stretch_after_stretch_finds_the_same(monkeypatch, most):
    draw = np.random.default_rng(0)
    columns = [draw.integers(0, 300, 2000).astype(np.uint32) for _ in range(5)]
    held = draw.random(2000) < 0.1
    (whole,) = candidates(lambda: columns, held, np.ones(2000, bool))
    monkeypatch.setattr("data_prep.near._ATTEMPT", most)
    monkeypatch.setattr("data_prep.near._ATTEMPT_A_PAIR", 0)
    some = list(candidates(lambda: columns, held, np.ones(2000, bool)))
    assert whole.whole
    assert len(some) > 3
    assert not any(found.whole for found in some)
    for side in ("later", "earlier"):
        assert np.array_equal(np.concatenate([getattr(found, side) for found in some]), getattr(whole, side))


def test_what_has_gone_is_not_compared_again(monkeypatch):
    """All alike, each ruled out by the first: however many they are, a few candidates each."""
    monkeypatch.setattr("data_prep.near._ATTEMPT", 20_000)
    keys, there = np.zeros(30_000, np.uint32), np.ones(30_000, bool)
    held = np.arange(len(keys)) % 10 == 0
    most = total = 0
    for found in candidates(lambda: [keys] * 3, held, there):
        there[np.unique(found.later)] = False
        most, total = max(most, len(found.later)), total + len(found.later)
    assert there.sum() == 1
    assert most <= 32 * len(keys)
    assert total < 0.05 * len(keys) ** 2 / 10
