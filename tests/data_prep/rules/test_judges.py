"""Each reason to drop a pair is produced by a case, and each has near misses that are kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.records import Pair
from data_prep.rules import JUDGES, Limits, is_placeholder, judge

CASES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "cases" / "judges.yaml").read_text(encoding="utf-8")
)


def pairs(kind: str) -> list[Any]:
    return [
        pytest.param(Pair("d", (unroll(context),), unroll(reply)), Limits(**cases.get("limits", {})), reason)
        for reason, cases in CASES.items()
        for context, reply in cases[kind]
    ]


def unroll(text: str) -> str:
    match = re.fullmatch(r"\{(\d+)\}\*(.*)", text)
    return match[2] * int(match[1]) if match else text


@pytest.mark.parametrize(("pair", "limits", "reason"), pairs("drops"))
def test_a_pair_goes_for_its_reason(pair: Pair, limits: Limits, reason: str) -> None:
    assert judge(pair, limits) == reason


@pytest.mark.parametrize(("pair", "limits", "reason"), pairs("keeps"))
def test_a_near_miss_is_kept(pair: Pair, limits: Limits, reason: str) -> None:
    assert judge(pair, limits) is None


def test_every_reason_is_unique_and_has_cases_both_ways() -> None:
    assert list(CASES) == [each.reason for each in JUDGES]
    assert len(set(CASES)) == len(JUDGES)
    assert all(cases["drops"] and cases["keeps"] for cases in CASES.values())


def test_no_limit_is_no_limit() -> None:
    free = Limits(
        max_words=None, max_context_words=None, max_chars=None, max_reply_ratio=None, max_marks=None, max_links=None
    )
    for text in ("word " * 5000, "a @ # $ % & * !", "a https://example.org/long/path"):
        assert judge(Pair("d", ("What did you say?",), text), free) is None


def test_all_turns_of_the_context_count_for_the_proportion() -> None:
    reply = "and then " * 16
    assert judge(Pair("d", ("Hi",), reply), Limits()) == "reply far longer than its context"
    assert judge(Pair("d", ("Tell me about the day you met.", "Please"), reply), Limits()) is None


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"max_words": 0}, "max_words"),
        ({"min_words": 50}, "max_words"),
        ({"min_words": -1}, "min_words"),
        ({"max_chars": 0}, "max_chars"),
        ({"max_reply_ratio": 0.0}, "max_reply_ratio"),
        ({"max_marks": 1.5}, "max_marks"),
        ({"max_links": -0.1}, "max_links"),
    ],
)
def test_limits_that_contradict_themselves_are_refused_by_name(wrong: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**wrong)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=3), st.text(max_size=30))
def test_judges_never_raise(context: list[str], reply: str) -> None:
    reason = judge(Pair("d", tuple(context), reply), Limits())
    assert reason is None or reason in CASES


def test_ten_megabytes_are_judged() -> None:
    long = "<b x= @" * 1_400_000
    assert judge(Pair("d", (long,), long), Limits()) == "context too long"
    assert not is_placeholder(long)
