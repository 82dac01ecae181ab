"""The running mean of the weights, held against the recurrence written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot import bundle
from chatbot.training.callbacks.averaging import Averaging
from chatbot.training.callbacks.keeper import Keeper
from chatbot.training.cli import fit

EMA = ["--model.optimizer.ema", "0.9"]


def flat(module: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in module.model.parameters()])


def test_what_is_kept_is_the_mean_and_what_trains_on_is_not(
    make_prepared: Any, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: list[torch.Tensor] = []
    step = Averaging.on_train_batch_end

    def noting(self: Averaging, trainer: Any, module: Any, *rest: Any) -> None:
        weights.append(flat(module))
        step(self, trainer, module, *rest)

    starts: list[torch.Tensor] = []
    begin = Averaging.on_train_start

    def noting_start(self: Averaging, trainer: Any, module: Any) -> None:
        starts.append(flat(module))
        begin(self, trainer, module)

    monkeypatch.setattr(Averaging, "on_train_batch_end", noting)
    monkeypatch.setattr(Averaging, "on_train_start", noting_start)
    prepared = make_prepared(train=60, valid=20)
    fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *EMA])
    mean = starts[0]
    for n, after in enumerate(weights, 1):
        keep = min(0.9, (1 + n) / (10 + n))
        mean = keep * mean + (1 - keep) * after
    bot = bundle.load(tmp_path / "bot")
    torch.testing.assert_close(torch.cat([p.detach().flatten() for p in bot.model.parameters()]), mean)
    last = torch.load(tmp_path / "bot.partial" / "last.ckpt", weights_only=True)["state_dict"]
    torch.testing.assert_close(last["model.bias"], weights[-1][: len(last["model.bias"])])


def test_without_validation_pairs_the_mean_is_kept_too(make_prepared: Any, tmp_path: Path, toy: list[str]) -> None:
    prepared = str(make_prepared(train=60, valid=0, name="bare"))
    for name, flags in (("plain", []), ("mean", EMA)):
        fit([prepared, "--output", str(tmp_path / name), *toy, *flags])
    plain, mean = (bundle.load(tmp_path / name).model.bias for name in ("plain", "mean"))
    assert not torch.equal(plain, mean)
    trained = torch.load(tmp_path / "mean.partial" / "last.ckpt", weights_only=True)["state_dict"]["model.bias"]
    assert torch.equal(trained, plain), "the mean only watches"


def test_a_killed_training_goes_on_with_its_mean(
    make_prepared: Any, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = str(make_prepared(train=60, valid=20))
    flags = [*toy, *EMA, "--checkpoint.minutes", "1e-9"]
    fit([prepared, "--output", str(tmp_path / "whole"), *flags])
    save = Keeper.on_train_batch_end

    def save_and_die(self: Keeper, trainer: Any, *rest: Any) -> None:
        save(self, trainer, *rest)
        if trainer.global_step == 13:
            raise RuntimeError("killed")

    monkeypatch.setattr(Keeper, "on_train_batch_end", save_and_die)
    with pytest.raises(RuntimeError, match="killed"):
        fit([prepared, "--output", str(tmp_path / "bot"), *flags])
    monkeypatch.setattr(Keeper, "on_train_batch_end", save)
    fit([prepared, "--output", str(tmp_path / "bot"), *flags, "--resume"])
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "bot"))
    assert one == two
