import random
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.columns import hash_column, mix
from data_prep.dedupe import (
    CAPPED,
    GENERIC,
    LEAKING,
    NEAR,
    NEAR_LEAKING,
    REPEATED,
    DedupeConfig,
    find_repeats,
)
from data_prep.errors import PrepareError
from data_prep.near import BANDS, band_keys, shingle_sets
from data_prep.rules.whole_columns import PASSED

rows = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40)
SENTENCE = "the quick brown fox jumps over the lazy dog near the old stone bridge every single morning"


class Corpus:
    """Entries (context, reply, split) of folded texts, some of them given."""

    def __init__(self, entries, given=0):
        self.contexts = pa.array([str(context) for context, _, _ in entries], pa.large_string())
        self.replies = pa.array([str(reply) for _, reply, _ in entries], pa.large_string())
        self.joined = pa.array([f"{context} {reply}" for context, reply, _ in entries], pa.large_string())
        self.split = np.array([split for _, _, split in entries], np.int8)
        self.verdict = np.full(len(entries), PASSED, np.int8)
        self.given = np.arange(len(entries)) < given
        self.banded = np.arange(len(entries))

    def keys(self, name):
        context, reply = hash_column(self.contexts), hash_column(self.replies)
        return {"pair": mix(context, reply), "reply_key": reply, "context_key": context}[name]

    def band(self, number):
        return band_keys(self.joined, BANDS)[f"band{number}"].to_numpy()

    def shingles(self, places, side):
        column = {"both": self.joined, "context": self.contexts, "reply": self.replies}[side]
        return shingle_sets(column.take(pa.array(places)))


def find(entries, given=0, **config):
    return find_repeats(Corpus(entries, given), DedupeConfig(**{"near": None, "same_reply": None, **config})).tolist()


def test_the_first_of_equals_stays_and_the_reason_tells_where_it_stands():
    assert find([(1, 1, 0), (1, 1, 0), (1, 1, 1), (2, 1, 1)]) == [PASSED, REPEATED, LEAKING, PASSED]


def test_a_reply_is_kept_so_many_times():
    verdict = find([(k, 1, 0) for k in range(6)] + [(9, 2, 0)], same_reply=2)
    assert Counter(verdict) == {CAPPED: 4, PASSED: 3}
    assert verdict[6] == PASSED


@settings(max_examples=50, deadline=None)
@given(rows, st.sampled_from([None, 1, 2]))
def test_what_stays_is_unique_and_capped_and_nothing_else_goes(entries, most):
    verdict = find(entries, same_reply=most)
    kept = [entry for entry, reason in zip(entries, verdict, strict=True) if reason == PASSED]
    assert max(Counter((context, reply) for context, reply, _ in kept).values()) == 1
    by_reply = Counter(reply for _, reply, _ in kept)
    contexts = defaultdict(set)
    for context, reply, _ in entries:
        contexts[reply].add(context)
    for reply, met in contexts.items():
        assert by_reply[reply] == (len(met) if most is None else min(most, len(met)))


def test_a_given_split_stays_whole_and_what_training_shares_with_it_leaves_training():
    entries = [("a", "b", 1), ("a", "b", 1), ("a", "b", 0), ("c", "b", 0), ("d", "b", 0)]
    assert find(entries, given=2, same_reply=1) == [PASSED, PASSED, LEAKING, *sorted([PASSED, CAPPED])] or find(
        entries, given=2, same_reply=1
    ) == [PASSED, PASSED, LEAKING, CAPPED, PASSED]


def test_near_repeats_go_and_the_earlier_stays():
    near = SENTENCE.replace("morning", "evening")
    far = "something else entirely that has nothing to do with foxes or with dogs at all"
    entries = [(SENTENCE, "yes", 0), (near, "yes", 0), (far, "yes", 0), (near, "yes", 1)]
    assert find(entries, near=0.6) == [PASSED, NEAR, PASSED, LEAKING]
    assert find([*entries[:2], (SENTENCE + " again", "yes", 1)], near=0.6) == [PASSED, NEAR, NEAR_LEAKING]
    assert find(entries[:3], near=0.95) == [PASSED, PASSED, PASSED]


def test_a_neighbour_in_the_dialogue_and_another_answer_are_no_repeats():
    entries = [("so what", SENTENCE, 0), (SENTENCE, "i see", 0), (SENTENCE, "no way", 0)]
    assert find(entries, near=0.6) == [PASSED] * 3
    assert find([*entries[:2], (SENTENCE, "no way", 1)], near=0.6)[2] == NEAR_LEAKING, "across splits they are"


def test_what_has_gone_itself_takes_nothing_along():
    words = [f"w{k}" for k in range(60)]
    chain = [(" ".join(words[start : start + 50]), "yes", 0) for start in (0, 4, 8)]
    assert find(chain, near=0.8) == [PASSED, NEAR, PASSED]


def test_near_repeats_of_a_given_split_leave_training():
    entries = [(SENTENCE, "yes", 1), (SENTENCE + " again", "yes", 0), ("other words here", "no", 0)]
    assert find(entries, given=1, near=0.7) == [PASSED, NEAR_LEAKING, PASSED]


def test_a_turn_with_many_replies_and_a_reply_to_many_turns_are_generic():
    source = [("what", reply, 0) for reply in "abcd"] + [("why", "e", 0)]
    assert find(source, entropy=1.5, entropy_side="source") == [GENERIC] * 4 + [PASSED]
    assert find(source, entropy=1.5, entropy_side="target") == [PASSED] * 5
    target = [(context, "dunno", 0) for context in "abcd"] + [("e", "why", 0)]
    assert find(target, entropy=1.5, entropy_side="target") == [GENERIC] * 4 + [PASSED]
    assert find(source + target, entropy=1.5).count(GENERIC) == 8
    assert find(source, entropy=2.0) == [PASSED] * 5, "at the limit is not above it"


def test_the_entropy_weighs_repeats():
    skewed = [("what", "a", 0)] * 7 + [("what", "b", 0)]  # 0.54 bits, though there are two replies
    assert GENERIC not in find(skewed, entropy=0.6)
    assert GENERIC in find(skewed, entropy=0.5)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"same_reply": 0}, "same_reply is 0"),
        ({"near": 0.0}, "near is 0.0"),
        ({"near": 1.5}, "near is 1.5"),
        ({"entropy": -1.0}, "entropy is -1.0"),
        ({"entropy_side": "left"}, "entropy_side is 'left'"),
    ],
)
def test_a_limit_without_sense_is_refused(wrong, name):
    with pytest.raises(PrepareError, match=name):
        DedupeConfig(**wrong)


def test_candidates_in_stretches_give_the_same_verdicts(monkeypatch):
    """Where few are alike; where thousands are, it is among those that are left that each is compared."""
    draw = random.Random(2)
    words = [f"w{number}" for number in range(300)]
    entries = []
    for _ in range(150):
        sides = [draw.choices(words, k=12) for _ in range(2)]
        for _ in range(draw.choice([1, 2, 4])):
            changed = [[draw.choice(words) if draw.random() < 0.03 else word for word in side] for side in sides]
            entries.append((*(" ".join(side) for side in changed), draw.choices([0, 1, 2], [8, 1, 1])[0]))
    draw.shuffle(entries)
    whole = find(entries, given=9, near=0.7)
    assert {NEAR, NEAR_LEAKING} <= set(whole)
    monkeypatch.setattr("data_prep.near._ATTEMPT", 60)
    monkeypatch.setattr("data_prep.near._ATTEMPT_A_PAIR", 0)
    assert find(entries, given=9, near=0.7) == whole
