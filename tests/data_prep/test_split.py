from collections import Counter

import pytest

from data_prep.errors import PrepareError
from data_prep.split import TEST, TRAIN, VALID, SplitConfig, hash64, split_of


def test_shares_are_what_was_asked():
    config = SplitConfig(valid=0.1, test=0.2)
    sizes = Counter(split_of(f"dialogue {k}", config) for k in range(20_000))
    assert abs(sizes[VALID] / 20_000 - 0.1) < 0.01
    assert abs(sizes[TEST] / 20_000 - 0.2) < 0.01
    assert sizes[TRAIN] == 20_000 - sizes[VALID] - sizes[TEST]


def test_more_validation_moves_no_dialogue_out_of_validation():
    names = [f"d{k}" for k in range(2000)]
    small = {n for n in names if split_of(n, SplitConfig(valid=0.05)) == VALID}
    large = {n for n in names if split_of(n, SplitConfig(valid=0.10)) == VALID}
    assert small < large


def test_another_seed_divides_otherwise():
    names = [f"d{k}" for k in range(500)]
    one, two = ([split_of(n, SplitConfig(seed=s)) for n in names] for s in (1, 2))
    assert one != two


def test_the_hash_is_the_same_everywhere():
    assert hash64("") == int.from_bytes(bytes.fromhex("e4a6a0577479b2b4"), "little")


@pytest.mark.parametrize("shares", [{"valid": -0.1}, {"valid": 0.6, "test": 0.4}, {"test": float("nan")}])
def test_shares_that_leave_nothing_to_train_are_refused(shares):
    with pytest.raises(PrepareError, match=r"split\.valid"):
        SplitConfig(**shares)
