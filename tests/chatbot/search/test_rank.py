from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.search.rank import AntiLanguageModel, Backward, Found, Generic, length_penalty, reranked
from chatbot.search.steps import Hypothesis

FOUND = [
    [Hypothesis((7, 8), -1.0, -2.0), Hypothesis((7,), -1.5, -2.5), Hypothesis((), -2.0, -2.0)],
    [],
    [Hypothesis((9,), -3.0, -6.0)],
]


def test_the_penalty_of_one_token_is_one_and_grows_with_alpha() -> None:
    assert length_penalty(1, 0.0) == length_penalty(1, 2.0) == 1.0
    assert length_penalty(7, 0.0) == 1.0
    assert length_penalty(7, 2.0) == 4.0
    assert length_penalty(7, 0.5) < length_penalty(7, 1.0)


def like(*numbers: list[float]) -> list[list[float]]:
    return list(numbers)


def test_what_any_context_would_get_loses() -> None:
    ranker = AntiLanguageModel(lambda found: like([-4.0, -1.0, -6.0], [], [-1.0]), weight=0.5, alpha=1.0)
    first, none, last = ranker(FOUND)
    assert first == pytest.approx([0.5 * 4 / (8 / 6), 0.5 * 1 / (7 / 6), 0.5 * 6 / 1])
    assert none == []
    assert last == pytest.approx([0.5 / (7 / 6)])
    assert [one.ids for one in reranked(FOUND, [ranker])[0]] == [(), (7, 8), (7,)]


def test_what_tells_its_context_gains() -> None:
    ranker = Backward(lambda found: like([-9.0, -3.0, -12.0], [], [-1.0]), [6, 1, 1], weight=2.0, alpha=1.0)
    assert ranker(FOUND)[0] == pytest.approx([-9.0, -3.0, -12.0])
    assert [one.ids for one in reranked(FOUND, [ranker])[0]] == [(7,), (7, 8), ()]


def test_what_was_said_often_loses_by_the_doubling() -> None:
    def counts(found: Found) -> list[list[int]]:
        return [[len(one.ids) ** 3 for one in some] for some in found]

    assert Generic(counts, 0.25)(FOUND) == [[-0.75, 0.0, 0.0], [], [0.0]]


def test_rankers_add_up_and_without_any_nothing_changes() -> None:
    twice = [lambda found: like([0.0, 0.2, 0.0], [], [1.0])] * 2
    assert [one.score for one in reranked(FOUND, twice)[0]] == pytest.approx([-1.0, -1.1, -2.0])
    assert reranked(FOUND, twice)[2][0] == Hypothesis((9,), -1.0, -6.0), "the model's own log-probability stays"
    assert reranked(FOUND, []) == FOUND


@pytest.mark.parametrize(
    ("margin", "order"),
    [
        (None, [(5,), (6,), (8,), (7,)]),
        (2.0, [(5,), (6,), (8,), (7,)]),
        (1.5, [(6,), (8,), (5,), (7,)]),
        (0.5, [(6,), (8,), (5,), (7,)]),
        (0.4, [(8,), (5,), (6,), (7,)]),
        (0.0, [(8,), (5,), (6,), (7,)]),
    ],
)
def test_a_reply_that_lies_too_far_below_the_best_is_not_put_before_it(
    margin: float | None, order: list[tuple[int, ...]]
) -> None:
    found = [
        [
            Hypothesis((7,), -0.5, -0.5, ended=False),  # cut: neither the best nor before what ended
            Hypothesis((8,), -1.0, -1.0),
            Hypothesis((6,), -1.5, -1.5),
            Hypothesis((5,), -3.0, -3.0),
        ],
        [],
    ]
    ranked = reranked(found, [lambda _: like([9.0, 0.0, 2.0, 6.0], [])], margin)
    assert [one.ids for one in ranked[0]] == order
    assert ranked[1] == []
    cut = [[replace(one, ended=False) for one in found[0][1:]]]
    kept = [ids for ids in order if ids != (7,)]
    assert [one.ids for one in reranked(cut, [lambda _: like([0.0, 2.0, 6.0])], margin)[0]] == kept, "none ended"
    assert reranked(found, [], margin) == reranked(found, []), "without rankers there is nothing to keep back"
