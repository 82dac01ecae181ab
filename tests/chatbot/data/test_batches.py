from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.data.batches import Batch, TokenBatches, collate
from chatbot.tokenizer import BOS, EOS, PAD

LENGTHS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 30)), min_size=0, max_size=300)


def cut(lengths: list[tuple[int, int]], budget: int, seed: int = 0) -> TokenBatches:
    pairs = np.array(lengths, dtype=np.int64).reshape(-1, 2)
    return TokenBatches(pairs[:, 0], pairs[:, 1], budget, seed)


def cost(lengths: list[tuple[int, int]], rows: np.ndarray) -> int:
    chosen = [lengths[row] for row in rows]
    return len(rows) * (max(s for s, _ in chosen) + max(t for _, t in chosen))


@settings(deadline=None)
@given(lengths=LENGTHS, budget=st.integers(1, 400), epoch=st.integers(0, 3))
def test_every_row_stands_in_exactly_one_batch_within_the_budget(
    lengths: list[tuple[int, int]], budget: int, epoch: int
) -> None:
    batches = cut(lengths, budget)
    for division in (batches.epoch(epoch), batches.in_order()):
        assert len(division) == len(batches)
        assert sorted(row for rows in division for row in rows.tolist()) == list(range(len(lengths)))
        assert all(cost(lengths, rows) <= budget or len(rows) == 1 for rows in division)


def test_an_epoch_depends_on_seed_and_number_alone() -> None:
    chance = np.random.default_rng(1)
    lengths = [(int(s), int(t)) for s, t in chance.integers(1, 12, (500, 2))]

    def rows(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in cut(lengths, 200, seed).epoch(epoch)]

    assert rows(3, 2) == rows(3, 2)
    assert rows(3, 2) != rows(3, 1)
    assert rows(3, 2) != rows(4, 2)
    meetings = {frozenset(batch) for batch in rows(3, 2)} & {frozenset(batch) for batch in rows(3, 1)}
    assert len(meetings) < len(cut(lengths, 200)) / 2, "rows of equal lengths should meet others in another epoch"


def test_most_batches_are_of_one_source_length_and_hardly_padded() -> None:
    chance = np.random.default_rng(1)
    lengths = [(int(s), int(t)) for s, t in chance.integers([3, 2], [30, 20], (20_000, 2))]
    batches = cut(lengths, 2000).in_order()
    dense = [len({lengths[row][0] for row in rows}) == 1 for rows in batches]
    real = sum(s + t for s, t in lengths)
    assert np.mean(dense) > 0.9
    assert real / sum(cost(lengths, rows) for rows in batches) > 0.95
    assert real / (len(batches) * 2000) > 0.9, "batches should be full"


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        cut([(1, 1)], 0)
    with pytest.raises(ValueError, match="2 source lengths and 1"):
        TokenBatches(np.array([1, 2]), np.array([1]), 10, 0)


def batch() -> Batch:
    return collate([np.array([5, 6, EOS]), np.array([7, EOS])], [np.array([8]), np.array([9, 10, 11])], [1, 3])


def test_a_batch_holds_what_was_put_in() -> None:
    one = batch()
    assert one.source.tolist() == [[5, 6, EOS], [7, EOS, PAD]]
    assert one.source_lengths.tolist() == [3, 2]
    assert one.inputs.tolist() == [[BOS, 8, PAD, PAD], [BOS, 9, 10, 11]]
    assert one.targets.tolist() == [[8, EOS, PAD, PAD], [9, 10, 11, EOS]]
    assert (one.words, one.tokens, one.rows) == (4, 6, 2)
    assert one.select(one.targets).tolist() == [8, EOS, 9, 10, 11, EOS]
    assert one.to("cpu") is one


def test_padding_that_is_not_there_is_not_selected_away() -> None:
    even = collate([np.array([EOS]), np.array([EOS])], [np.array([8]), np.array([9])], [1, 1])
    assert even.real is None
    assert even.select(even.targets).tolist() == [8, EOS, 9, EOS]


def test_a_reply_of_nothing_is_an_end() -> None:
    empty = collate([np.array([EOS])], [np.array([], dtype=np.int64)], [0])
    assert empty.inputs.tolist() == [[BOS]]
    assert empty.targets.tolist() == [[EOS]]


def test_batches_move_with_their_lengths_left_behind() -> None:
    moved = batch().to("meta")
    assert moved.source.device.type == moved.targets.device.type == "meta"
    assert moved.source_lengths.device == torch.device("cpu")


@pytest.mark.parametrize(("sources", "targets", "words"), [([], [], []), ([[EOS]], [], []), ([[]], [[5]], [1])])
def test_what_makes_no_batch_is_refused(sources: list[list[int]], targets: list[list[int]], words: list[int]) -> None:
    arrays = [[np.array(row, dtype=np.int64) for row in rows] for rows in (sources, targets)]
    with pytest.raises(ValueError, match=r"at least one|no tokens"):
        collate(*arrays, words)
