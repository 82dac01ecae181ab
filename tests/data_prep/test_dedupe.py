from collections import Counter, defaultdict

import daft
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.dedupe import CAPPED, LEAKING, REASONS, REPEATED, DedupeConfig, find_repeats
from data_prep.errors import PrepareError

rows = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40)


def find(entries, same_reply=None):
    """Entries (context, reply, split) as the engine sees them."""
    keys = daft.from_pydict(
        {
            "number": np.arange(len(entries), dtype=np.int64),
            "pair_key": np.array([10 * context + reply for context, reply, _ in entries], dtype=np.uint64),
            "reply_key": np.array([reply for _, reply, _ in entries], dtype=np.uint64),
            "split": np.array([split for _, _, split in entries], dtype=np.int8),
        }
    )
    found = find_repeats(keys, DedupeConfig(same_reply))
    return {int(n): REASONS[r] for n, r in zip(found.numbers, found.reasons, strict=True)}, found


def test_the_first_of_equals_stays_and_the_reason_tells_where_it_stands():
    gone, found = find([(1, 1, 0), (1, 1, 0), (1, 1, 1), (2, 1, 1)])
    assert gone == {1: REPEATED, 2: LEAKING}
    assert found.kept_in_train == 1


def test_a_reply_is_kept_so_many_times():
    gone, _ = find([(k, 1, 0) for k in range(6)] + [(9, 2, 0)], same_reply=2)
    assert Counter(gone.values()) == {CAPPED: 4}
    assert 6 not in gone


@settings(max_examples=25, deadline=None)
@given(rows, st.sampled_from([None, 1, 2]))
def test_what_stays_is_unique_and_capped_and_nothing_else_goes(entries, most):
    gone, found = find(entries, most)
    kept = [entry for number, entry in enumerate(entries) if number not in gone]
    pairs = Counter((context, reply) for context, reply, _ in kept)
    assert max(pairs.values()) == 1
    by_reply = Counter(reply for _, reply, _ in kept)
    contexts = defaultdict(set)
    for context, reply, _ in entries:
        contexts[reply].add(context)
    for reply, met in contexts.items():
        assert by_reply[reply] == (len(met) if most is None else min(most, len(met)))
    assert found.kept_in_train == sum(split == 0 for _, _, split in kept)
    assert sorted(gone) == found.numbers.tolist()


def test_a_limit_of_none_at_all_is_refused():
    with pytest.raises(PrepareError, match="same_reply is 0"):
        DedupeConfig(0)
