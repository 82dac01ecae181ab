"""A training that was interrupted ends with the very weights of one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot.errors import ConfigError, FitError
from chatbot.training.callbacks.keeper import Keeper
from chatbot.training.cli import fit
from chatbot.training.module import DialogueModule

Run = Callable[..., int]


class KilledError(Exception):
    """Stands for kill -9: nothing of ours runs after it."""


@pytest.fixture
def run(make_prepared: Any, tmp_path: Path, toy: list[str]) -> Run:
    """Call it with the name of the bot and further flags."""
    prepared = make_prepared(train=60, valid=20)

    def fit_named(name: str, *flags: str) -> int:
        every = ["--checkpoint.minutes", "1e-9"]  # that is, after each batch
        return fit([str(prepared), "--output", str(tmp_path / name), *toy, *every, *flags])

    return fit_named


def state(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, weights_only=True)
    return loaded


def same(one: Path, other: Path) -> bool:
    """Whether two trainings stand at the same step with the same weights, moments and curve."""
    a, b = state(one / "last.ckpt"), state(other / "last.ckpt")
    tensors = [*zip(a["state_dict"].values(), b["state_dict"].values(), strict=True)]
    for left, right in zip(
        a["optimizer_states"][0]["state"].values(), b["optimizer_states"][0]["state"].values(), strict=True
    ):
        tensors += [(left[key], right[key]) for key in ("exp_avg", "exp_avg_sq")]

    def curve(ckpt: dict[str, Any]) -> list[tuple[int, float]]:
        return [(p["step"], p["nats_per_word"]) for p in ckpt["callbacks"]["Keeper"]["curve"]["points"]]

    best = [state(folder / "best.ckpt")["weights"]["bias"] for folder in (one, other)]
    return (
        a["global_step"] == b["global_step"]
        and curve(a) == curve(b)
        and torch.equal(*best)
        and all(torch.equal(x, y) for x, y in tensors)
    )


@pytest.fixture
def whole(run: Run, tmp_path: Path) -> Path:
    """The working folder of a training that was left alone."""
    run("whole")
    return tmp_path / "whole.partial"


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Call it with a hook and a step: the next training dies there, once that hook has saved."""

    def at(hook: str, step: int) -> None:
        save = getattr(Keeper, hook)

        def save_and_die(self: Keeper, trainer: Any, *rest: Any) -> None:
            save(self, trainer, *rest)
            if trainer.global_step >= step:
                monkeypatch.setattr(Keeper, hook, save)
                raise KilledError

        monkeypatch.setattr(Keeper, hook, save_and_die)

    return at  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("hook", "step"),
    [
        ("on_train_batch_end", 4),  # within the first epoch
        ("on_train_batch_end", 9),  # its last batch, before the validation: what was saved lies one batch back
        ("on_validation_end", 9),  # between two epochs
        ("on_train_batch_end", 13),  # within the second
    ],
)
def test_a_killed_training_goes_on_as_if_nothing_had_been(
    run: Run, kill: Callable[..., None], whole: Path, tmp_path: Path, hook: str, step: int
) -> None:
    kill(hook, step)
    with pytest.raises(KilledError):
        run("bot")
    assert not (tmp_path / "bot").exists()
    with pytest.raises(FitError, match="add --resume to go on"):
        run("bot")
    assert run("bot", "--resume") == 0
    assert same(tmp_path / "bot.partial", whole)
    assert (tmp_path / "bot" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--model.optimizer.ema", "0.8"],
        ["--trainer.accumulate_grad_batches", "2", "--model.optimizer.decay", "cosine"],
        ["--model.network.recurrent_dropout", "0.3", "--model.network.word_dropout", "0.2"],
    ],
    ids=["plain", "averaged", "accumulated", "dropped"],
)
@pytest.mark.parametrize("moment", ["in an epoch", "in a validation"])
def test_whatever_training_carries_along_is_carried_over(
    run: Run,
    kill: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    moment: str,
) -> None:
    if moment == "in an epoch":
        kill("on_train_batch_end", 7)
    else:
        validate = DialogueModule.validation_step

        def die_in_the_second_epoch(self: DialogueModule, *rest: Any) -> None:
            validate(self, *rest)
            if self.trainer.current_epoch == 1:
                monkeypatch.setattr(DialogueModule, "validation_step", validate)
                raise KilledError

        monkeypatch.setattr(DialogueModule, "validation_step", die_in_the_second_epoch)
    with pytest.raises(KilledError):
        run("bot", *flags)
    run("bot", "--resume", *flags)
    run("whole", *flags)
    assert same(tmp_path / "bot.partial", tmp_path / "whole.partial")
    bots = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("bot", "whole")]
    assert bots[0] == bots[1]


def test_one_that_was_killed_before_its_first_step_begins_with_its_settings(
    run: Run, kill: Callable[..., None], whole: Path, tmp_path: Path
) -> None:
    kill("on_train_start", 0)
    with pytest.raises(KilledError):
        run("bot", "--model.label_smoothing", "0.2")
    run("bot", "--resume")
    assert "label_smoothing: 0.2" in (tmp_path / "bot.partial" / "fit.yaml").read_text()
    run("bot", "--overwrite", "--model.label_smoothing", "0.1")
    assert same(tmp_path / "bot.partial", whole)


@pytest.mark.parametrize("batch", [2, 3], ids=["half an update", "a whole one"])
def test_ctrl_c_ends_with_a_whole_update(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    flags = ["--trainer.accumulate_grad_batches", "2", "--checkpoint.minutes", "null"]
    step = DialogueModule.training_step

    def pressed(self: DialogueModule, some: Any, batch_idx: int) -> torch.Tensor:
        if batch_idx == batch and not self.trainer.current_epoch:
            monkeypatch.setattr(DialogueModule, "training_step", step)
            signal.raise_signal(signal.SIGINT)
        return step(self, some, batch_idx)

    monkeypatch.setattr(DialogueModule, "training_step", pressed)
    assert run("bot", *flags) == 130
    assert state(tmp_path / "bot.partial" / "last.ckpt")["global_step"] == 2
    run("bot", "--resume", *flags)
    run("whole", *flags)
    bots = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("bot", "whole")]
    assert bots[0] == bots[1]


def test_a_limit_can_be_raised_afterwards(run: Run, whole: Path, tmp_path: Path) -> None:
    assert run("bot", "--trainer.max_epochs", "2") == 0
    assert (tmp_path / "bot" / "config.json").exists()
    assert run("bot", "--resume") == 0, "the flags say 3 epochs again"
    assert same(tmp_path / "bot.partial", whole)
    lines = (tmp_path / "bot.partial" / "curve.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [9, 18, 27]


def test_the_end_of_a_limit_within_an_epoch_is_validated_and_can_be_raised(
    run: Run, whole: Path, tmp_path: Path
) -> None:
    run("bot", "--trainer.max_steps", "12")
    training = json.loads((tmp_path / "bot" / "training.json").read_text())
    assert [point["step"] for point in training["curve"]] == [9, 12]
    run("bot", "--resume", "--trainer.max_steps", "-1")
    a, b = (state(folder / "last.ckpt") for folder in (tmp_path / "bot.partial", whole))
    assert all(torch.equal(a["state_dict"][key], b["state_dict"][key]) for key in b["state_dict"])


def test_between_the_epochs_that_validate_an_end_is_validated_all_the_same(run: Run, tmp_path: Path) -> None:
    run("bot", "--trainer.max_steps", "12", "--trainer.check_val_every_n_epoch", "3")
    training = json.loads((tmp_path / "bot" / "training.json").read_text())
    assert [point["step"] for point in training["curve"]] == [12]
    run("other", "--trainer.max_epochs", "3", "--trainer.check_val_every_n_epoch", "2")
    training = json.loads((tmp_path / "other" / "training.json").read_text())
    assert [point["step"] for point in training["curve"]] == [18, 27]


def test_no_patience_stays_no_patience(run: Run, tmp_path: Path) -> None:
    run("bot", "--trainer.max_epochs", "1", "--validation.patience", "null")
    run("bot", "--resume", "--trainer.max_epochs", "2")
    assert "patience: null" in (tmp_path / "bot.partial" / "fit.yaml").read_text()


def test_settings_are_those_of_then_and_flags_override(run: Run, tmp_path: Path, toy: list[str]) -> None:
    run("bot", "--trainer.max_epochs", "1", "--model.optimizer.weight_decay", "0.3")
    run("bot", "--resume", "--model.optimizer.lr", "0.0007", "--trainer.max_epochs", "2")
    text = (tmp_path / "bot.partial" / "fit.yaml").read_text()
    assert "weight_decay: 0.3" in text
    assert "lr: 0.0007" in text
    groups = state(tmp_path / "bot.partial" / "last.ckpt")["optimizer_states"][0]["param_groups"]
    assert {group["lr"] for group in groups} <= {0.0007 * (3 / step) ** 0.5 for step in range(3, 40)}
    run("bot", "--resume", "--model.optimizer.weight_decay", "0.2", "--model.optimizer.betas", "[0.5, 0.6]")
    groups = state(tmp_path / "bot.partial" / "last.ckpt")["optimizer_states"][0]["param_groups"]
    assert [(group["weight_decay"], group["betas"]) for group in groups] == [(0.2, (0.5, 0.6)), (0.0, (0.5, 0.6))]


def test_a_rate_that_is_changed_counts_from_the_first_step_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("bot", "--trainer.max_epochs", "1")
    seen: list[float] = []
    step = DialogueModule.optimizer_step

    def noted(self: DialogueModule, epoch: int, batch_idx: int, optimizer: Any, *rest: Any) -> None:
        seen.append(optimizer.param_groups[0]["lr"])
        step(self, epoch, batch_idx, optimizer, *rest)

    monkeypatch.setattr(DialogueModule, "optimizer_step", noted)
    run("bot", "--resume", "--trainer.max_epochs", "2", "--model.optimizer.lr", "0.0007")
    assert seen[0] == pytest.approx(0.0007 * (3 / 10) ** 0.5)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--model.network.embedding", "24"], "model.network.embedding was 16 .* and is 24 now"),
        (["--data.tokens_per_batch", "300"], "data.tokens_per_batch was 400"),
        (["--seed_everything", "5"], "seed_everything was 0"),
        (["--trainer.accumulate_grad_batches", "2"], "trainer.accumulate_grad_batches was 1"),
        (["--overwrite"], "give one of them"),
    ],
)
def test_what_cannot_change_is_named(run: Run, tmp_path: Path, flags: list[str], says: str) -> None:
    run("bot", "--trainer.max_epochs", "1")
    before = (tmp_path / "bot.partial" / "last.ckpt").read_bytes()
    with pytest.raises((FitError, ConfigError), match=says):
        run("bot", "--resume", *flags)
    assert (tmp_path / "bot.partial" / "last.ckpt").read_bytes() == before


def test_other_data_is_refused(run: Run, make_prepared: Any, tmp_path: Path, toy: list[str]) -> None:
    run("bot", "--trainer.max_epochs", "1")
    other = make_prepared(train=61, valid=20, name="other")
    with pytest.raises(FitError, match="prepared folder has changed"):
        fit([str(other), "--output", str(tmp_path / "bot"), *toy, "--resume"])


@pytest.mark.parametrize(
    "first",
    [["--trainer.max_epochs", "1"], ["--trainer.max_steps", "12"], ["--trainer.max_steps", "9"]],
    ids=["an epoch", "within an epoch", "at the end of one"],
)
def test_without_validation_pairs_it_goes_on_too(
    make_prepared: Any, tmp_path: Path, toy: list[str], first: list[str]
) -> None:
    prepared = str(make_prepared(train=60, valid=0, name="bare"))
    fit([prepared, "--output", str(tmp_path / "one"), *toy, *first])
    again = ["--trainer.max_epochs", "2", "--trainer.max_steps", "-1", "--resume"]
    fit([prepared, "--output", str(tmp_path / "one"), *toy, *again])
    fit([prepared, "--output", str(tmp_path / "two"), *toy, "--trainer.max_epochs", "2"])
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_kill_9_leaves_no_half_bot_and_can_be_resumed(
    make_prepared: Any, run: Run, whole: Path, tmp_path: Path, toy: list[str]
) -> None:
    prepared = str(tmp_path / "prepared")
    arguments = [prepared, "--output", str(tmp_path / "bot"), *toy, "--checkpoint.minutes", "1e-9"]
    argv = [sys.executable, "-m", "chatbot", "fit", *arguments]
    # As many threads as here: how sums are parted among them shows in the last bits.
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    last = tmp_path / "bot.partial" / "last.ckpt"
    until = time.monotonic() + 60
    while not last.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    if process.wait() == -signal.SIGKILL:  # a quick machine may be done before
        assert not (tmp_path / "bot").exists()
    assert fit([*arguments, "--resume"]) == 0
    assert same(tmp_path / "bot.partial", whole)
