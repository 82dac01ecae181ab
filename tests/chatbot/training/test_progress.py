from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from chatbot.training.callbacks import progress
from chatbot.training.cli import fit
from chatbot.training.console import console, say


def test_a_terminal_gets_a_bar(
    make_prepared: Any, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "console", lambda: terminal)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    prepared = str(make_prepared(train=60, valid=20))
    fit([prepared, "--output", str(tmp_path / "bot"), *toy, "--trainer.max_epochs", "1"])
    shown = screen.getvalue()
    for part in ("loss ", "tokens/s", "at most 0:0", "validating", "━"):
        assert part in shown


def test_a_bar_can_be_switched_off(
    make_prepared: Any, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "console", lambda: terminal)
    prepared = str(make_prepared(train=60, valid=20))
    flags = ["--trainer.max_epochs", "1", "--trainer.enable_progress_bar", "false"]
    fit([prepared, "--output", str(tmp_path / "bot"), *toy, *flags])
    assert screen.getvalue() == ""


class Screen(io.StringIO):
    """Standard error, at a terminal or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_a_line_ends_between_words_at_a_terminal_and_nowhere_in_a_file(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    text, screen = " ".join(["perplexity"] * 20), Screen(terminal)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "38")
    monkeypatch.setenv("NO_COLOR", "1")
    console.cache_clear()
    try:
        say(text)
    finally:
        console.cache_clear()
    lines = screen.getvalue().splitlines()
    assert " ".join(line.strip() for line in lines) == text
    assert len(lines) == (7 if terminal else 1)
