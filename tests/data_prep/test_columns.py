import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_prep.columns import count, fold_column, hash_column, mix, replaced, surely_clean
from data_prep.records import Pair
from data_prep.rules import JUDGES, Limits, is_placeholder, judge, repair
from data_prep.rules.whole_columns import PASSED, Pairs, Texts, hollow, judge_all
from data_prep.text import fold, words

HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PIECES = st.lists(
    st.sampled_from(
        [
            "you",
            "I",
            "'",
            "'re",
            ",",
            "...",
            "?",
            "!!",
            " ",
            "  ",
            "_",
            "-",
            "aaaa",
            "www.x.org",
            "[deleted]",
            "image",
            "omitted",
            "null",
            "message",
            "was",
            "deleted",
            "://",
            "1995",
            "é",
            "\u3000",
            "\x1c",
            "\n",
            "ſ",
            "Call",
            "(",
        ]
    ),
    max_size=12,
).map("".join)
SAME = 6125373539796860769  # the key of a text, once and for all
TEXTS = st.lists(HOSTILE | PIECES, max_size=12)


def column(texts):
    return pa.array(texts, pa.large_string())


@settings(deadline=None)
@given(TEXTS)
def test_a_column_is_folded_as_each_text_is(texts):
    assert fold_column(column(texts)).to_pylist() == [fold(text) for text in texts]


@settings(deadline=None)
@given(TEXTS)
def test_a_column_is_counted_as_each_text_is(texts):
    counts = count(column(texts))
    assert counts.words.tolist() == [len(words(text)) for text in texts]
    assert counts.characters.tolist() == [len(text) for text in texts]
    assert counts.ascii.tolist() == [text.isascii() for text in texts]
    for place, text in enumerate(texts):
        if text.isascii():
            assert counts.letters[place] == sum(c.isalpha() for c in text)
            assert counts.marks[place] == sum(not c.isalnum() and not c.isspace() for c in text)


@settings(deadline=None, max_examples=1000)
@given(TEXTS)
def test_what_is_surely_clean_no_repair_would_change(texts):
    for text, clean in zip(texts, surely_clean(column(texts)).tolist(), strict=True):
        assert not clean or repair(text) == text


@settings(deadline=None)
@given(TEXTS, st.integers(0, 5), st.integers(0, 5))
def test_a_slice_of_a_column_is_read_as_a_column(texts, start, size):
    piece = column(texts).slice(start, size)
    assert fold_column(piece).to_pylist() == [fold(text) for text in texts[start : start + size]]
    assert count(piece).words.tolist() == [len(words(text)) for text in texts[start : start + size]]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(HOSTILE | PIECES, HOSTILE | PIECES), min_size=1, max_size=8), st.booleans())
@example([("image omitted", "So pretty!"), ("a? b? c? d? e? f?", "a.!?,;a")], False)
def test_columns_are_judged_as_each_pair_is(sides, strict):
    limits = Limits(min_words=2, max_words=4, max_context_words=5, max_chars=12, max_marks=0.2) if strict else Limits()
    texts = column([text for both in sides for text in both])
    folded = hash_column(fold_column(texts))
    known = Texts(texts, count(texts), folded)
    last = np.arange(0, len(texts), 2)
    pairs = Pairs(last, last + 1, known.counts.characters[last])
    verdicts = judge_all(known, pairs, limits).tolist()
    for (context, reply), verdict in zip(sides, verdicts, strict=True):
        reason = None if verdict == PASSED else JUDGES[verdict].reason
        assert judge(Pair("", (context,), reply), limits) == reason
    assert hollow(known).tolist() == [not text or is_placeholder(text) for both in sides for text in both]


def test_keys_tell_texts_and_their_order_apart():
    keys = hash_column(column(["a", "b", "a"]))
    assert keys[0] == keys[2] != keys[1]
    assert mix(keys[:1], keys[1:2]) != mix(keys[1:2], keys[:1])
    assert int(hash_column(column(["the same in every run"]))[0]) == SAME


@given(st.lists(HOSTILE, min_size=3, max_size=6))
def test_some_rows_are_replaced(texts):
    assert replaced(column(texts), np.array([0, 2]), ["x", "y"]).to_pylist() == ["x", texts[1], "y", *texts[3:]]
