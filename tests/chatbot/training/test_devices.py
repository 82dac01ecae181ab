"""Several devices train as one with as many tokens an update."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot import bundle
from chatbot.training.cli import fit

pytestmark = pytest.mark.slow


def on_two(arguments: list[str]) -> None:
    """`chatbot fit` in two processes, which talk by gloo."""
    argv = [sys.executable, "-m", "chatbot", "fit", *arguments, "--trainer.devices", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Training ended") == 1, "one of them speaks for both"


def curve(bot: Path) -> list[tuple[int, float, float]]:
    training = json.loads((bot / "training.json").read_text())
    return [(p["step"], p["nats_per_word"], p["train_nats_per_word"]) for p in training["curve"]]


def test_two_processes_learn_what_one_does_from_the_same_batches(
    make_prepared: Any, tmp_path: Path, toy: list[str]
) -> None:
    """Nine batches an epoch, so that the last update has one batch and one device nothing to add; dropout is on."""
    prepared, one, two = str(make_prepared(train=60, valid=21)), tmp_path / "one", tmp_path / "two"
    settled = [*toy, "--model.optimizer.ema", "0.9", "--validation.patience", "9"]
    on_two([prepared, "--output", str(two), *settled])
    fit([prepared, "--output", str(one), *settled, "--trainer.accumulate_grad_batches", "2"])
    found, expected = curve(two), curve(one)
    assert [step for step, *_ in found] == [step for step, *_ in expected] == [5, 10, 15]
    for here, there in zip(found, expected, strict=True):
        assert here == pytest.approx(there, rel=1e-5)
    a, b = (bundle.load(path).model.state_dict() for path in (one, two))
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_two_processes_go_on_where_they_were_stopped(make_prepared: Any, tmp_path: Path, toy: list[str]) -> None:
    prepared, whole, parted = str(make_prepared(train=60, valid=20)), tmp_path / "whole", tmp_path / "parted"
    on_two([prepared, "--output", str(whole), *toy])
    on_two([prepared, "--output", str(parted), *toy, "--trainer.max_steps", "7"])
    on_two([prepared, "--output", str(parted), *toy, "--trainer.max_steps", "-1", "--resume"])
    a, b = (bundle.load(path).model.state_dict() for path in (whole, parted))
    torch.testing.assert_close(a, b)
