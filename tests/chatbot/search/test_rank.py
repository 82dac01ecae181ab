from __future__ import annotations

from chatbot.search.rank import length_penalty


def test_alpha_0_leaves_everything_as_it_is() -> None:
    assert [length_penalty(length, 0.0) for length in (1, 5, 60)] == [1.0, 1.0, 1.0]


def test_it_grows_with_length_and_the_more_so_with_alpha() -> None:
    for alpha in (0.5, 1.0, 2.0):
        row = [length_penalty(length, alpha) for length in range(1, 30)]
        assert row[0] == 1.0
        assert row == sorted(row)
    assert length_penalty(19, 0.5) == 2.0
    assert length_penalty(7, 2.0) == 4.0
