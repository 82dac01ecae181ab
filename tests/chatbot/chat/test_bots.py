"""Which bot is meant where none is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatbot.chat import bots
from chatbot.errors import BundleError


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three bots, the second of which was trained last; the first has a new card, the third a helper inside."""
    for age, name in ((30, "first"), (10, "second"), (20, "third"), (1, "third/backward")):
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        for mark in ("model.safetensors", "config.json"):
            (place / mark).write_text("{}")
            os.utime(place / mark, (1e9 - age, 1e9 - age))
    os.utime(tmp_path / "first/config.json")
    return tmp_path


def test_the_latest_is_the_one_that_was_trained_last(runs: Path) -> None:
    assert [place.name for place in bots.found(runs)] == ["second", "third", "first"]


def test_who_cannot_be_asked_is_told_which_bot_answers(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bots.chosen(runs) == runs / "second"
    said = capsys.readouterr()
    assert said.err == f"{runs / 'second'} answers, the latest of 3 bots here.\n"
    assert not said.out, "which is for replies"


def test_of_one_bot_nothing_need_be_said(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("first", "second"):
        (runs / name / "config.json").unlink()
    assert bots.chosen(runs, ask=True) == bots.chosen(runs) == runs / "third"
    with pytest.raises(BundleError, match="no bot is here"):
        bots.chosen(runs / "nowhere")
    assert capsys.readouterr().err == ""
