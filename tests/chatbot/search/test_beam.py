from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from chatbot.search.beam import beam
from chatbot.search.filters import Forbidden, MinLength, NoRepeatNgram
from chatbot.search.rank import length_penalty
from chatbot.search.steps import Hypothesis

BOS, EOS = 0, 1
Start = Callable[[torch.Tensor], Any]
Ranked = list[tuple[float, tuple[int, ...]]]


def random_tables(count: int, size: int, seed: int, *, ends: float = 1.5) -> torch.Tensor:
    """Peaked enough that hypotheses differ, (B, V, V, V) float64; the larger `ends`, the sooner they end."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(count, size, size, size, generator=generator, dtype=torch.float64)
    logits[..., EOS] += ends
    return logits.softmax(dim=-1)


def search(state: Any, rows: int = 1, **options: Any) -> list[list[Hypothesis]]:
    return beam(state.step, state, rows, bos=BOS, eos=EOS, **options)


def exhaustive(table: torch.Tensor, max_length: int, min_length: int, alpha: float) -> Ranked:
    """Everything that ends within `max_length` tokens, best first."""
    found, log_table = [], table.log().tolist()
    words = [token for token in range(len(table)) if token != EOS]
    for length in range(min_length, max_length):
        for ids in itertools.product(words, repeat=length):
            path = [0, BOS, *ids, EOS]
            log_prob = sum(log_table[a][b][c] for a, b, c in zip(path, path[1:], path[2:], strict=False))
            found.append((log_prob / length_penalty(length + 1, alpha), ids))
    return sorted(found, reverse=True)


def by_lists(table: torch.Tensor, width: int, max_length: int, alpha: float) -> Ranked:
    """The same search in plain lists, for one input, that never says BOS and never stops early."""
    log_table = table.log().tolist()
    alive: Ranked = [(0.0, ())]
    ended: Ranked = []
    for length in range(1, max_length + 1):
        grown = []
        for log_prob, ids in alive:
            following = log_table[(0, BOS, *ids)[-2]][(BOS, *ids)[-1]]
            grown += [(log_prob + following[token], (*ids, token)) for token in range(EOS, len(table))]
        grown = sorted(grown, reverse=True)[: 2 * width]
        ended += [(lp / length_penalty(length, alpha), ids[:-1]) for lp, ids in grown if ids[-1] == EOS]
        ended = sorted(ended, reverse=True)[:width]
        alive = [one for one in grown if one[1][-1] != EOS][:width]
    return ended


def assert_same(found: list[Hypothesis], expected: Ranked) -> None:
    assert [one.ids for one in found] == [ids for _, ids in expected]
    assert [one.score for one in found] == pytest.approx([score for score, _ in expected], abs=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("min_length", [0, 1, 2])
def test_a_wide_beam_equals_trying_everything(start: Start, alpha: float, min_length: int) -> None:
    tables = random_tables(6, 4, seed=0)
    options = {"width": 54, "max_length": 4, "length_penalty": alpha, "filters": [MinLength(min_length, EOS)]}
    for table, found in zip(tables, search(start(tables), rows=6, **options), strict=True):
        assert_same(found, exhaustive(table, 4, min_length, alpha))


@pytest.mark.parametrize("alpha", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_stopping_early_loses_nothing(start: Start, alpha: float, width: int) -> None:
    tables = random_tables(40, 9, seed=width)  # many tokens, or unlike hypotheses have the same probability
    options = {"width": width, "max_length": 9, "length_penalty": alpha, "filters": [Forbidden([BOS])]}
    found = search(start(tables), rows=40, **options)
    compared = 0
    for table, hypotheses in zip(tables, found, strict=True):
        expected = by_lists(table, width, 9, alpha)
        if expected:  # else all were cut at the limit
            assert_same(hypotheses, expected)
            compared += 1
    assert compared > 25


def test_inputs_that_are_done_leave_the_batch(start: Start) -> None:
    sizes = []

    def counting(tokens: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        sizes.append(len(tokens))
        return state.step(tokens, state)

    state = start(random_tables(30, 6, seed=3, ends=3))
    beam(counting, state, 30, bos=BOS, eos=EOS, width=3, max_length=40, length_penalty=0.0)
    assert sizes[:2] == [30, 90], "at first all hypotheses of an input are one"
    assert sizes[1:] == sorted(sizes[1:], reverse=True)
    assert len(set(sizes)) > 3
    assert len(sizes) < 40  # even the last stopped before the limit


@pytest.mark.parametrize("width", [1, 4])
def test_a_batch_equals_each_input_alone(start: Start, width: int) -> None:
    tables = random_tables(12, 6, seed=4)
    options: dict[str, Any] = {
        "width": width,
        "max_length": 9,
        "filters": [NoRepeatNgram(2), MinLength(2, EOS)],
    }
    together = search(start(tables), rows=12, **options)
    assert together == [search(start(table[None]), **options)[0] for table in tables]


def test_the_order_is_best_first_and_no_hypothesis_comes_twice(start: Start) -> None:
    for found in search(start(random_tables(20, 6, seed=5)), rows=20, width=6, max_length=9):
        assert 1 < len(found) <= 6
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        assert len({one.ids for one in found}) == 6


def test_at_the_hard_limit_the_living_are_returned_where_none_has_ended(start: Start) -> None:
    #                        BOS  EOS  A    B    never an end
    endless = torch.tensor([[0.0, 0.0, 0.6, 0.4]] * 4)
    [found] = search(start(endless), width=3, max_length=4, length_penalty=1.0)
    assert found[0].ids == (2, 2, 2, 2)
    assert found[0].log_prob == pytest.approx(4 * torch.tensor(0.6).log().item())
    assert found[0].score == pytest.approx(found[0].log_prob / (9 / 6))
    assert len(found) == 3
    assert {len(one.ids) for one in found} == {4}


def test_what_was_forbidden_is_not_returned_however_long_the_rest(start: Start) -> None:
    endless = torch.tensor([[0.5, 0.0, 0.5]] * 3)  # but BOS may not be said: only one way is left
    [found] = search(start(endless), width=3, max_length=40, length_penalty=2.0, filters=[Forbidden([BOS])])
    assert [one.ids for one in found] == [(2,) * 40]


def test_one_that_has_ended_is_preferred_to_those_cut_at_the_limit(start: Start) -> None:
    hardly = torch.tensor([[0.0, 1e-6, 0.6, 0.4 - 1e-6]] * 4, dtype=torch.float64)
    [found] = search(start(hardly), width=2, max_length=3, filters=[NoRepeatNgram(1)])
    assert {one.ids for one in found} == {(2, 3), (3, 2)}


def test_there_is_a_hypothesis_even_where_everything_is_forbidden(start: Start) -> None:
    [found] = search(start(torch.full((4, 4), 0.25)), width=3, max_length=5, filters=[Forbidden(range(4))])
    assert [one.ids for one in found] == [()]
    assert found[0].log_prob == pytest.approx(torch.tensor(0.25).log().item())


def test_there_is_a_hypothesis_even_where_nothing_has_a_probability(start: Start) -> None:
    [found] = search(start(torch.zeros(4, 4)), width=3, max_length=5)
    assert len(found) == 1


def test_a_vocabulary_smaller_than_the_beam(start: Start) -> None:
    [found] = search(start(torch.tensor([[0.4, 0.6], [0.5, 0.5]])), width=9, max_length=4)
    assert [one.ids for one in found] == [(0,) * n for n in (0, 1, 2, 3)]
    assert search(start(torch.ones(1, 1)), width=2, max_length=4)[0][0].ids == (0, 0, 0, 0)


def test_a_filter_changes_no_log_probability(start: Start) -> None:
    [table] = random_tables(1, 6, seed=6)
    for one in search(start(table[None]), width=4, max_length=6, filters=[NoRepeatNgram(1), Forbidden([5])])[0]:
        path = [0, BOS, *one.ids, EOS]
        own = sum(table[a, b, c].log().item() for a, b, c in zip(path, path[1:], path[2:], strict=False))
        assert one.log_prob == pytest.approx(own, abs=1e-5)
        assert 5 not in one.ids
        assert len(set(one.ids)) == len(one.ids)


def test_nobody_asks_nobody_answers(start: Start) -> None:
    assert search(start(torch.ones(0, 4, 4, 4)), rows=0, width=3, max_length=4) == []


def test_numbers_that_are_none_are_refused(start: Start) -> None:
    with pytest.raises(ValueError, match="not numbers"):
        search(start(torch.full((4, 4), float("nan"))), width=2, max_length=3)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"max_length": 0}])
def test_sizes_of_nothing_are_refused(start: Start, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        search(start(torch.ones(4, 4)), **{"width": 2, "max_length": 3, **wrong})


def test_groups_begin_each_with_another_token_where_they_must(start: Start) -> None:
    tables = random_tables(20, 9, seed=7)
    options: dict[str, Any] = {"width": 6, "groups": 3, "max_length": 6, "filters": [MinLength(1, EOS)]}
    for found in search(start(tables), rows=20, diversity=1000.0, **options):
        assert len({one.ids[0] for one in found}) >= 3
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    alike = search(start(tables), rows=20, diversity=0.0, **options)
    assert any(len({one.ids for one in found}) < len(found) for found in alike), "without a penalty groups are alike"


def test_a_group_of_one_search_is_that_search_of_its_own_width(start: Start) -> None:
    """The first group shuns nothing: its best is the best of a beam as wide as it."""
    tables = random_tables(20, 9, seed=8)
    alone = search(start(tables), rows=20, width=2, max_length=6)
    parted = search(start(tables), rows=20, width=6, groups=3, diversity=3.0, max_length=6)
    for one, several in zip(alone, parted, strict=True):
        assert set(one) <= set(several)


def test_a_batch_of_groups_equals_each_input_alone(start: Start) -> None:
    tables = random_tables(12, 6, seed=9)
    options: dict[str, Any] = {"width": 4, "groups": 2, "diversity": 1.0, "max_length": 9, "exact": False}
    together = search(start(tables), rows=12, **options)
    assert together == [search(start(table[None]), **options)[0] for table in tables]


def test_stopping_once_nothing_would_win_by_ending_now_is_sooner_and_seldom_worse(start: Start) -> None:
    steps = {}
    tables = random_tables(60, 12, seed=10, ends=1.0)
    best = {}
    for exact in (True, False):
        sizes: list[int] = []

        def counting(tokens: torch.Tensor, state: Any, sizes: list[int] = sizes) -> tuple[torch.Tensor, Any]:
            sizes.append(len(tokens))
            return state.step(tokens, state)

        options: dict[str, Any] = {"bos": BOS, "eos": EOS, "width": 4, "max_length": 40, "exact": exact}
        best[exact] = [found[0].score for found in beam(counting, start(tables), 60, **options)]
        steps[exact] = sum(sizes)
    assert steps[False] < steps[True] / 2
    same = sum(a == b for a, b in zip(best[True], best[False], strict=True))
    assert same > 50


def test_less_patience_finds_the_best_so_many_sooner(start: Start) -> None:
    tables = random_tables(60, 12, seed=11, ends=1.0)
    whole, rows = {}, {}
    for patience in (1.0, 0.5, 0.01):
        sizes: list[int] = []

        def counting(tokens: torch.Tensor, state: Any, sizes: list[int] = sizes) -> tuple[torch.Tensor, Any]:
            sizes.append(len(tokens))
            return state.step(tokens, state)

        options: dict[str, Any] = {"bos": BOS, "eos": EOS, "width": 4, "max_length": 40}
        whole[patience] = beam(counting, start(tables), 60, patience=patience, **options)
        rows[patience] = sum(sizes)
    assert rows[0.01] < rows[0.5] < rows[1.0]
    for patience, enough in ((0.5, 2), (0.01, 1)):  # an exact search: none that is missing could be among them
        assert [found[:enough] for found in whole[patience]] == [found[:enough] for found in whole[1.0]]


@pytest.mark.parametrize("patience", [0.0, -1.0, 1.1, float("nan")])
def test_patience_is_a_share(start: Start, patience: float) -> None:
    with pytest.raises(ValueError, match="patience must be"):
        search(start(torch.ones(4, 4)), width=6, patience=patience, max_length=3)


@pytest.mark.parametrize("groups", [0, 4])
def test_groups_that_do_not_divide_the_beam_are_refused(start: Start, groups: int) -> None:
    with pytest.raises(ValueError, match="groups must divide"):
        search(start(torch.ones(4, 4)), width=6, groups=groups, max_length=3)
