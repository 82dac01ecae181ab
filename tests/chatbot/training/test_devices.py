"""Several devices train as one with as many tokens an update."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from chatbot import bundle
from chatbot.errors import ConfigError
from chatbot.training import precision
from chatbot.training.cli import fit
from chatbot.training.cluster import environments, is_one_of_several

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


def test_whoever_is_told_to_end_all_end_together(make_prepared: Any, tmp_path: Path, toy: list[str]) -> None:
    """Nine batches an epoch make five updates: fewer than the ten between two questions."""
    bot, last = tmp_path / "bot", tmp_path / "bot.partial" / "last.ckpt"
    arguments = [str(make_prepared(train=60, valid=20)), "--output", str(bot), *toy, "--validation.patience", "null"]
    argv = [sys.executable, "-m", "chatbot", "fit", *arguments, "--trainer.devices", "2"]
    process = subprocess.Popen(
        [*argv, "--trainer.max_epochs", "5000"], env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while not last.exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=120) == 130
    training = json.loads((bot / "training.json").read_text())
    assert training["stopped"] == "interrupted"
    assert 10 <= training["steps"] < 25_000


def test_a_processor_is_not_tried_out_by_each_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimpleNamespace(devices="auto", num_nodes=1)
    assert not is_one_of_several(settings)
    for several in (SimpleNamespace(devices=2, num_nodes=1), SimpleNamespace(devices="auto", num_nodes=2)):
        assert is_one_of_several(several)
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert is_one_of_several(settings)
    monkeypatch.setattr(precision, "bf16_speedup", lambda: 3.0)
    monkeypatch.setattr(precision, "_cpu_has_bf16", lambda: True)
    assert precision.checked(None, "cpu") == "bf16-mixed"
    assert precision.checked(None, "cpu", trial=False) == "32-true"


def test_slurm_does_not_put_jobs_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environments() == []
    job = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_JOB_NAME": "fit"}
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    (environment,) = environments()
    assert environment.auto_requeue is False


@pytest.mark.parametrize(("devices", "started"), [("1", "2"), ("2", "3")])
def test_other_numbers_of_processes_than_were_started_are_refused(
    make_prepared: Any, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch, devices: str, started: str
) -> None:
    torchrun = {"RANK": "0", "GROUP_RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": started, "WORLD_SIZE": started}
    for name, value in {**torchrun, "TORCHELASTIC_RUN_ID": "x", "MASTER_PORT": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    prepared = str(make_prepared(train=20, valid=10))
    with pytest.raises(ConfigError, match=r"world size \(\d\).*set --trainer.devices"):
        fit([prepared, "--output", str(tmp_path / "bot"), *toy, "--trainer.devices", devices])
    assert not (tmp_path / "bot").exists()
