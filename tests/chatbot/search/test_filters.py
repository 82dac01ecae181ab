from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chatbot.search.filters import (
    FEW,
    Filter,
    Forbidden,
    Forced,
    MinLength,
    NoContextNgram,
    NoRepeatNgram,
    RepetitionPenalty,
    allowed,
)
from chatbot.search.steps import LOWEST

V, EOS = 8, 3
X = LOWEST


def forbidden_by(one: Filter, *ids: list[int]) -> list[list[int]]:
    """The tokens that a filter forbids each row to say after its ids."""
    left = torch.full((len(ids), V), -2.0)
    one(torch.tensor(ids, dtype=torch.long).view(len(ids), -1), left, torch.arange(len(ids)))
    assert set(left.unique().tolist()) <= {LOWEST, -2.0}, "a filter must not change what it lets pass"
    return [(row == LOWEST).nonzero()[:, 0].tolist() for row in left]


@pytest.mark.parametrize(
    ("ids", "forbidden"),
    [
        ([], [EOS]),
        ([5], [EOS]),
        ([5, 6], []),
        ([5, 6, 7], []),
    ],
)
def test_min_length_of_2(ids: list[int], forbidden: list[int]) -> None:
    assert forbidden_by(MinLength(2, EOS), ids) == [forbidden]


@pytest.mark.parametrize(
    ("n", "ids", "forbidden"),
    [
        (1, [], []),
        (1, [5, 6, 5], [5, 6]),
        (2, [5], []),
        (2, [5, 6, 7, 5], [6]),
        (2, [5, 6, 5, 7, 5], [6, 7]),
        (2, [5, 5], [5]),
        (2, [5, 6, 7], []),
        (3, [5, 6], []),
        (3, [5, 6, 7, 5, 6], [7]),
        (3, [5, 5, 5], [5]),
        (3, [5, 6, 7, 6], []),
        (9, [5, 6, 7, 6], []),
    ],
)
def test_no_repeat_ngram(n: int, ids: list[int], forbidden: list[int]) -> None:
    assert forbidden_by(NoRepeatNgram(n), ids) == [forbidden]


def test_each_row_has_its_own_history() -> None:
    assert forbidden_by(NoRepeatNgram(2), [5, 6, 5], [6, 5, 6], [5, 6, 7]) == [[6], [5], []]


@given(n=st.integers(1, 4), said=st.lists(st.integers(0, 3), max_size=12))
def test_many_rows_are_kept_from_repeating_as_one_is(n: int, said: list[int]) -> None:
    together = forbidden_by(NoRepeatNgram(n), *[said] * (FEW + 1))
    assert together == [forbidden_by(NoRepeatNgram(n), said)[0]] * (FEW + 1)


def test_forbidden_ids_whatever_was_said() -> None:
    assert forbidden_by(Forbidden([0, 1, 0]), [], []) == [[0, 1], [0, 1]]
    assert forbidden_by(Forbidden([0, 1]), [5, 6]) == [[0, 1]]
    assert forbidden_by(Forbidden([]), [5, 6]) == [[]]


def test_a_row_with_nothing_left_may_end_and_the_others_are_as_they_were() -> None:
    log_probs = torch.tensor([[-1.0, -2.0, -3.0, -4.0], [-1.0, -2.0, -3.0, -4.0]])
    ids = torch.tensor([[0, 1, 2], [0, 1, 1]])
    left = allowed([MinLength(9, EOS), NoRepeatNgram(1)], ids, log_probs, torch.arange(2), EOS)
    assert left.tolist() == [[X, X, X, -4.0], [X, X, -3.0, X]]


@pytest.mark.parametrize("reweighing", [RepetitionPenalty(2.0), Forced([3])])
def test_beside_filters_that_reweigh_the_model_s_own_numbers_stay(reweighing: Filter) -> None:
    log_probs = torch.tensor([[-1.0, -2.0, -3.0, -4.0]])
    before = log_probs.clone()
    left = allowed([Forbidden([3]), reweighing], torch.empty(1, 0, dtype=torch.long), log_probs, torch.arange(1), EOS)
    assert torch.equal(log_probs, before)
    assert not torch.equal(left, before)


def test_even_an_end_that_is_forbidden_by_name_is_better_than_nothing() -> None:
    log_probs = torch.full((1, 4), -1.0)
    left = allowed([Forbidden(range(4))], torch.empty(1, 0), log_probs, torch.arange(1), EOS)
    assert left.tolist() == [[X, X, X, -1.0]]


@pytest.mark.parametrize(
    ("n", "context", "ids", "forbidden"),
    [
        (1, [5, 6], [], [5, 6]),
        (2, [5, 6, 7], [], []),
        (2, [5, 6, 7], [5], [6]),
        (2, [5, 6, 5, 7], [4, 5], [6, 7]),
        (2, [5], [5], []),
        (3, [5, 6, 7, 4], [5, 6], [7]),
        (3, [5, 6, 7, 4], [6, 5], []),
        (3, [], [5, 6], []),
    ],
)
def test_no_ngram_of_the_context(n: int, context: list[int], ids: list[int], forbidden: list[int]) -> None:
    assert forbidden_by(NoContextNgram(n, [context]), ids) == [forbidden]


def test_each_row_shuns_its_own_context_whatever_has_left_the_batch() -> None:
    one = NoContextNgram(2, [[5, 6], [5, 7, 5, 4], []])
    left = torch.zeros(4, V)
    one(torch.full((4, 1), 5), left, torch.tensor([0, 1, 1, 2]))
    assert [(row == LOWEST).nonzero()[:, 0].tolist() for row in left] == [[6], [4, 7], [4, 7], []]


@pytest.mark.parametrize(("ids", "left"), [([], range(V)), ([5], [6]), ([5, 6], range(V))])
def test_a_beginning_is_forced(ids: list[int], left: list[int]) -> None:
    first = [5] if not ids else left
    assert forbidden_by(Forced([5, 6]), ids) == [[i for i in range(V) if i not in first]]


def test_what_was_said_counts_as_less_likely() -> None:
    left = torch.tensor([[-1.0, -2.0, -3.0, -4.0], [-1.0, -2.0, -3.0, -4.0]])
    RepetitionPenalty(1.5)(torch.tensor([[0, 0, 1], [2, 3, 2]]), left, torch.arange(2))
    assert left.tolist() == [[-1.5, -3.0, -3.0, -4.0], [-1.0, -2.0, -4.5, -6.0]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MinLength(-1, EOS),
        lambda: NoRepeatNgram(0),
        lambda: NoContextNgram(0, []),
        lambda: RepetitionPenalty(0.5),
    ],
)
def test_settings_that_cannot_be_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match="at least"):
        make()  # type: ignore[operator]
