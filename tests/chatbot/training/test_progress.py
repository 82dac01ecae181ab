from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from chatbot.training.callbacks import progress
from chatbot.training.cli import fit


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
