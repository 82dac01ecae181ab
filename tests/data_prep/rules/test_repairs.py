"""What the repairs change, what they leave alone, and what they do not manage yet: the cases are in ``cases/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from data_prep.rules import REPAIRS, repair, trace

CASES = Path(__file__).parent / "cases"
RULES: dict[str, dict[str, Any]] = yaml.safe_load((CASES / "repairs.yaml").read_text(encoding="utf-8"))
FAILURES: list[list[str]] = yaml.safe_load((CASES / "known_failures.yaml").read_text(encoding="utf-8"))

CHANGES = [(rule, before, after) for rule, cases in RULES.items() for before, after in cases["changes"]]
STAYS = [text for cases in RULES.values() for text in cases["stays"]]


@pytest.mark.parametrize(("rule", "before", "after"), CHANGES)
def test_what_is_broken_is_repaired_by_the_rule_for_it(rule: str, before: str, after: str) -> None:
    assert repair(before) == after
    assert rule in [name for name, _, _ in trace(before)]


@pytest.mark.parametrize("text", STAYS)
def test_what_only_looks_broken_stays(text: str) -> None:
    assert repair(text) == text


@pytest.mark.parametrize("text", [after for _, _, after in CHANGES])
def test_a_repaired_line_stays(text: str) -> None:
    assert repair(text) == text


@pytest.mark.parametrize(
    ("text", "wanted"), [pytest.param(a, b, marks=pytest.mark.xfail(strict=True, reason=why)) for a, b, why in FAILURES]
)
def test_known_failures_are_still_failures(text: str, wanted: str) -> None:
    assert repair(text) == wanted


def test_every_rule_has_cases_both_ways() -> None:
    assert list(RULES) == [each.name for each in REPAIRS]
    assert all(cases["changes"] and cases["stays"] for cases in RULES.values())
    assert len(CHANGES) + len(STAYS) + len(FAILURES) >= 250
    assert len(STAYS) >= 80


def test_placeholders_are_left_for_the_judge() -> None:
    for text in ("[deleted]", "[removed]", "<Media omitted>", "image omitted", "This message was deleted", "null"):
        assert repair(text) == text
    assert repair("\u200eimage omitted") == "image omitted"


def test_dirt_upon_dirt() -> None:
    dirty = "-- &amp;quot;You â€™ re <u>late</u> , aren ’ t\u200b  you ?&amp;quot;[3]"
    assert repair(dirty) == "\"You're late, aren't you?\""
