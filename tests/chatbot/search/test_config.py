from __future__ import annotations

import pytest

from chatbot.search.config import SearchConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("beam", 0),
        ("beam", 2.0),
        ("max_length", 0),
        ("min_length", 0),
        ("min_length", 61),
        ("no_repeat_ngram", 0),
        ("patience", 0.0),
        ("patience", 1.5),
        ("patience", None),
        ("patience", True),
        ("length_penalty", -1.0),
        ("length_penalty", float("nan")),
        ("length_penalty", float("inf")),
        ("margin", -0.1),
        ("margin", float("inf")),
        ("margin", True),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}"):
        SearchConfig(**{field: value})


def test_null_turns_the_block_of_repeats_off() -> None:
    assert SearchConfig(no_repeat_ngram=None).no_repeat_ngram is None
