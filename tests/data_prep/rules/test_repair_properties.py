"""What holds of the repairs for every text, however hostile."""

from __future__ import annotations

import random

import pytest
from ftfy import fix_encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_prep.rules import REPAIRS, repair, trace
from data_prep.rules.repair_characters import mend_encoding
from data_prep.rules.screen import is_clean

PLAIN = """
' " . .. , ? !!!! - -- &amp; & lt; gt; < > <u> </b> <br> [7] ( ) :) : é Ã©  â€™ Ã newlinechar ooooo A done.It s t n't
5 : 30 $ 5 % ’ “ ` `` '' ′ 👩 🏽 ❤️ क ् ی I 🏴 l ' O ' 。 …
"""
SPACED = [" ", "  ", " '", "' ", ' "', '" ', " .", " ,", "( ", " )", " s", " t ", "- "]
HIDDEN = "\x92 \x85 \x03 \u200b \u200c \u200d \ufeff \u0301 \u0316 \u0f73 \u3000 \U000e0041 \ud83d \ude00 \udc92 \ufffd"
CRUMBS = [*PLAIN.split(), *SPACED, *HIDDEN.split(" "), "\x1b[3m"]
TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=40),
    st.lists(st.sampled_from(CRUMBS), max_size=12).map("".join),
    st.text(st.characters(max_codepoint=0x2FF), max_size=20),
)
MAY_LENGTHEN = {"Unicode composition", "glued sentences"}


@settings(max_examples=700, deadline=None)
@given(TEXTS)
@example("<" * 40 + "b>" * 40)
@example("&" + "amp;" * 40)
@example("&#38;" + "#38;" * 40 + "lt;")
def test_twice_is_once_and_the_result_can_be_written(text: str) -> None:
    once = repair(text)
    assert repair(once) == once
    once.encode("utf-8")
    assert once == " ".join(once.split())


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_the_trace_tells_what_repair_does(text: str) -> None:
    notes = trace(text)
    at = text
    for _, before, after in notes:
        assert before == at != after
        at = after
    assert at == repair(text)


@settings(max_examples=700, deadline=None)
@given(TEXTS)
def test_what_the_cheap_test_lets_pass_no_rule_would_change(text: str) -> None:
    if is_clean(text):
        assert [each.name for each in REPAIRS if each.apply(text) != text] == []


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_no_rule_lengthens_but_those_that_must(text: str) -> None:
    for each in REPAIRS:
        if each.name not in MAY_LENGTHEN:
            assert len(each.apply(text)) <= len(text), each.name


@settings(max_examples=400, deadline=None)
@given(st.text(min_size=1, max_size=12), st.sampled_from(["latin-1", "cp1252", "cp1251", "mac_roman", "cp1253"]))
def test_the_cheap_look_for_mojibake_misses_none_that_ftfy_mends(text: str, wrong: str) -> None:
    broken = text.encode("utf-8").decode(wrong, "replace")
    if fix_encoding(broken) != broken:
        assert mend_encoding(broken) != broken


@pytest.mark.parametrize("depth", [3, 50, 2000])
def test_tags_in_tags_keep_their_words_or_settle(depth: int) -> None:
    text = repair("good " + "<" * depth + "b>" * depth + " morning")
    assert text.startswith("good")
    assert text.endswith("morning")
    assert repair(text) == text


LONG = 150_000
PIECES = (
    " ",
    "a",
    ".",
    " .",
    "!",
    "<",
    "<b",
    "<a x=",
    "&",
    "&amp;",
    "&amp",
    "'",
    '"',
    '" a ',
    "( ",
    "-",
    "- ",
    "[7]",
    "`",
)
STRANGE = (
    "\u0301\u0316",
    "\u0f73\u0f71",
    "\ud83d",
    "\udcff",
    "\u200d",
    "Ã",
    "\x92",
    "漢",
    "❤\ufe0f",
    "\u3000",
    "aB.Cd",
)


@pytest.mark.parametrize("piece", PIECES + STRANGE)
def test_long_runs_settle_and_stay_settled(piece: str) -> None:
    # With a quadratic rule somewhere this takes minutes, and the run is noticed.
    text = repair(piece * (LONG // len(piece)))
    assert repair(text) == text


def test_random_bytes_read_in_any_way_are_survived() -> None:
    seeded = random.Random(1)
    for _ in range(300):
        raw = seeded.randbytes(seeded.randrange(1, 60))
        for text in (raw.decode("utf-8", "surrogateescape"), raw.decode("latin-1"), raw.decode("utf-16-le", "replace")):
            once = repair(text)
            assert repair(once) == once
