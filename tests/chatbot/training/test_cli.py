from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import yaml

from chatbot import bundle
from chatbot.config import find_recipe, recipe_facts, recipe_names
from chatbot.data.batches import collate
from chatbot.data.examples import Examples
from chatbot.errors import ChatbotError, ConfigError, FitError
from chatbot.likelihood import measure
from chatbot.training.callbacks.pace import ValidationClock
from chatbot.training.cli import fit
from data_prep.errors import PrepareError
from data_prep.store import open_prepared


@pytest.fixture
def prepared(make_prepared: Any) -> Path:
    folder: Path = make_prepared(train=60, valid=20)
    return folder


def test_a_bot_comes_out_and_its_figures_are_its_own(
    prepared: Path, tmp_path: Path, toy: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "deep" / "bot"
    assert fit([str(prepared), "--output", str(output), *toy, "--validation.replies", "5"]) == 0
    bot = bundle.load(output)
    valid = Examples.open(open_prepared(prepared), "valid", bot.config["context_turns"])
    rows = range(len(valid))
    batch = collate([valid.source(i) for i in rows], [valid.target(i) for i in rows], valid.words)
    assert bot.training["nats_per_word"] == pytest.approx(measure(bot.model, [batch]).nats_per_word, rel=1e-4)
    assert bot.training["best_step"] == 27
    assert "- step of the weights: 27\n" in (output / bundle.CARD).read_text()
    assert [point["epoch"] for point in bot.training["curve"]] == [1.0, 2.0, 3.0]
    assert bot.training["tokens_per_second"] > 0
    assert bot.training["precision"] == "32-true"
    out, err = capsys.readouterr()
    assert out == "", "stdout is for data"
    assert "60 pairs" in err
    assert err.count("nats per word") >= 3
    assert err.count("→") == 1 + 3 * 5, "five replies after each of three validations"
    assert "\x1b" not in err, "no bar and no colours outside a terminal"
    assert "Training ended (planned number of epochs reached)" in err
    assert "kept for --resume" in err


def test_early_stopping_ends_it_and_clears_up(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    flags = ["--trainer.max_epochs", "50", "--validation.min_delta", "9", "--validation.patience", "2"]
    fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *flags])
    training = json.loads((tmp_path / "bot" / "training.json").read_text())
    assert len(training["curve"]) == 3
    assert training["stopped"].startswith("early stopping")
    assert not (tmp_path / "bot.partial").exists()
    with pytest.raises(FitError, match="its training is complete"):
        fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, "--resume"])


def test_a_second_bot_in_one_place_must_be_asked_for(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    arguments = [str(prepared), "--output", str(tmp_path / "bot"), *toy, "--trainer.max_epochs", "1"]
    fit(arguments)
    first = (tmp_path / "bot" / "model.safetensors").read_bytes()
    with pytest.raises(FitError, match="--overwrite"):
        fit(arguments)
    fit([*arguments, "--overwrite", "--seed_everything", "7"])
    assert (tmp_path / "bot" / "model.safetensors").read_bytes() != first


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--model.network.dropuot", "0.3"], "model.network.dropuot.*did you mean --model.network.dropout"),
        (["--trainer.max_epoch", "3"], "trainer.max_epoch.*did you mean --trainer.max_epochs"),
        (["--model.network.dropout", "much"], "model.network.dropout.*much"),
        (["--model.network.dropout", "1.5"], "dropout must be a number from 0"),
        (["--model.optimizer.lr", "-1"], "lr must be a number above 0"),
        (["--validation.patience", "0"], "patience must be at least 1"),
        (["--trainer.precision", "64"], "trainer.precision is 64; expected one of"),
        (["--trainer.accelerator", "abacus"], "abacus"),
        (
            ["--config", "huge"],
            "no recipe of that name; expected a YAML file or one of base, dailydialog, demo, large, small, tiny",
        ),
        (["--data.tokens_per_batch", "0"], "tokens_per_batch is 0"),
        (["--data.context_turns", "0"], "context_turns is 0"),
        (["more"], "more"),
        (["--epochs", "3"], "--epochs 3; did you mean --trainer.max_epochs"),
        (["--lr", "0.1"], "--lr 0.1; did you mean --model.optimizer.lr"),
        (["--layernorm", "true"], "did you mean --model.network.layer_norm"),
        (["--trainer.max_epochs", "many"], "^trainer.max_epochs: many given; expected a whole number or null;"),
        (["--model.network.cell", "transformer"], "transformer given; expected lstm, gru, rnn, peephole or lstm1997;"),
        (["--seed_everything", "abc"], "^seed_everything: abc given; expected a whole number or true or false"),
        (["--trainer.max_time", "5"], "as in 00:00:20:00"),
        (["--trainer.enable_checkpointing", "false"], "enable_checkpointing false; `chatbot fit` has no use for"),
        (["--trainer.profiler", "simple"], "did you mean --profile"),
        (["--find-lr", "--resume"], "--find-lr tries rates on a new network and leaves"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(prepared: Path, tmp_path: Path, flags: list[str], says: str) -> None:
    with pytest.raises(ChatbotError, match=says) as caught:
        fit([str(prepared), "--output", str(tmp_path / "bot"), *flags])
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("bot*"))


def test_a_wrong_key_in_a_file_is_named(prepared: Path, tmp_path: Path) -> None:
    settings = tmp_path / "mine.yaml"
    for text, says in (
        ("model:\n  netwrk:\n    dropout: 0.3\n", "netwrk"),
        ("model:\n  network:\n    dropuot: 0.3\n", "did you mean model.network.dropout"),
        ("decoder_size: 64\n", "did you mean model.network.decoder_size"),
        ("trainer: [", "config"),
        ("3", "config"),
    ):
        settings.write_text(text)
        with pytest.raises(ConfigError, match=says) as caught:
            fit([str(prepared), "--output", str(tmp_path / "bot"), "--config", str(settings)])
        assert "\n" not in str(caught.value)


def test_where_to_and_where_from_must_be_said(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no --output given"):
        fit([str(prepared)])
    with pytest.raises(ConfigError, match="no PREPARED given"):
        fit(["--output", str(tmp_path / "bot")])
    (tmp_path / "talk.txt").write_text("Ann: hi")
    with pytest.raises(
        PrepareError, match=r"talk.txt: a file; prepare it first: `chatbot prepare .*talk.txt --output DIR"
    ):
        fit([str(tmp_path / "talk.txt"), "--output", str(tmp_path / "bot")])
    with pytest.raises(PrepareError, match="no such folder"):
        fit([str(tmp_path / "absent"), "--output", str(tmp_path / "bot")])
    with pytest.raises(PrepareError, match="not a prepared folder"):
        fit([str(tmp_path), "--output", str(tmp_path / "bot")])


def test_what_cannot_be_trained_on_is_refused(make_prepared: Any, tmp_path: Path) -> None:
    output = ["--output", str(tmp_path / "bot")]
    with pytest.raises(FitError, match="too small to train on"):
        fit([str(make_prepared(name="tiny", tokenizer=False)), *output])
    with pytest.raises(FitError, match="no training pairs"):
        fit([str(make_prepared(name="none", train=0)), *output])


def test_without_validation_pairs_it_trains_to_its_limit(
    make_prepared: Any, tmp_path: Path, toy: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = make_prepared(train=60, valid=0)
    assert fit([str(prepared), "--output", str(tmp_path / "bot"), *toy]) == 0
    assert bundle.load(tmp_path / "bot").training["best_step"] == 27
    err = capsys.readouterr().err
    assert "without validation pairs there is no early stopping" in err
    assert "without validation pairs, so nothing chose" in err


def test_help_and_settings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--print_config", "--help"):
        with pytest.raises(SystemExit) as left:
            fit(["--config", "tiny", flag])
        assert left.value.code in (0, None)
        out = capsys.readouterr().out
        assert "max_epochs" in out
        if flag == "--print_config":
            assert yaml.safe_load(out)["model"]["network"]["embedding"] == 128
        else:
            assert "--output BOT" in out


class Press(pl.Callback):
    """Presses Ctrl-C at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_it_in_order(
    prepared: Path, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    press = Press(12)
    monkeypatch.setattr(ValidationClock, "on_train_batch_start", press.on_train_batch_end, raising=False)
    handler = signal.getsignal(signal.SIGINT)
    assert fit([str(prepared), "--output", str(tmp_path / "bot"), *toy]) == 130
    assert signal.getsignal(signal.SIGINT) is handler
    training = bundle.load(tmp_path / "bot").training
    assert training["stopped"] == "interrupted"
    assert [point["step"] for point in training["curve"]] == [9, 13]
    assert "Ctrl-C again" in capsys.readouterr().err
    press.step = -1
    assert fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, "--resume"]) == 0
    assert bundle.load(tmp_path / "bot").training["steps"] == 27


def test_what_goes_on_without_a_higher_limit_is_told_so_and_the_bot_stays(
    prepared: Path, tmp_path: Path, toy: list[str]
) -> None:
    place = [str(prepared), "--output", str(tmp_path / "bot"), *toy]
    fit([*place, "--trainer.max_steps", "3"])
    before = {path.name: path.read_bytes() for path in (tmp_path / "bot").iterdir()}
    for limit in ("3", "2"):
        with pytest.raises(FitError, match=r"nothing is left to do: it stands at step 3, .*--trainer.max_steps"):
            fit([*place, "--resume", "--trainer.max_steps", limit])
    assert {path.name: path.read_bytes() for path in (tmp_path / "bot").iterdir()} == before
    assert fit([*place, "--resume", "--trainer.max_steps", "4"]) == 0


def test_more_turns_than_the_folder_holds_are_told_of(make_prepared: Any, tmp_path: Path, toy: list[str]) -> None:
    prepared = make_prepared()
    (prepared / "prepare.yaml").write_text("inputs: [talk.txt]\npairs: {context_turns: 3}\n")
    argv = [sys.executable, "-m", "chatbot", "fit", str(prepared), "--output", str(tmp_path / "bot"), *toy]
    argv += ["--context-turns", "9", "--trainer.max_steps", "1"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stderr
    assert "9 context turns were asked for, and the folder was prepared with 3" in said


def test_a_time_limit_is_told(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    began = time.monotonic()
    flags = ["--trainer.max_epochs", "-1", "--trainer.max_time", "00:00:00:01", "--validation.patience", "null"]
    assert fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *flags]) == 0
    assert time.monotonic() - began < 60
    assert bundle.load(tmp_path / "bot").training["stopped"] == "time limit reached"


def test_a_loss_that_is_no_number_stops_with_advice(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    flags = ["--model.optimizer.lr", "1e38", "--trainer.gradient_clip_val", "null", "--trainer.max_epochs", "9"]
    with pytest.raises(FitError, match=r"(no numbers|no number any more).*--model\.optimizer\.lr"):
        fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *flags])
    assert not (tmp_path / "bot").exists()


def test_a_full_disk_comes_through_and_leaves_no_half_bot(
    prepared: Path, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        fit([str(prepared), "--output", str(tmp_path / "bot"), *toy])
    assert not (tmp_path / "bot").exists()
    assert not list((tmp_path / "bot.partial").glob("*.ckpt*"))


def test_validation_comes_by_the_clock_too(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    flags = ["--validation.minutes", "1e-6", "--trainer.max_steps", "5"]
    fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *flags])
    steps = [point["step"] for point in bundle.load(tmp_path / "bot").training["curve"]]
    assert steps[0] == 1
    assert steps[-1] == 5


def test_prompts_may_be_ones_own(
    prepared: Path, tmp_path: Path, toy: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--validation.prompts", '["Do you like tea?", "\\u001b[31m?"]', "--trainer.max_epochs", "1"]
    fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *flags])
    err = capsys.readouterr().err
    assert "Do you like tea?  →" in err
    assert "\x1b" not in err


@pytest.mark.parametrize("name", recipe_names("fit"))
def test_a_recipe_builds_and_has_the_size_it_claims(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from chatbot.model.config import NetworkConfig
    from chatbot.model.seq2seq import Seq2Seq

    with pytest.raises(SystemExit):
        fit(["--config", name, "--print_config"])
    settings = yaml.safe_load(capsys.readouterr().out)
    said = re.fullmatch(r"([\d.]+) M parameters with ([\d,]+) pieces.", recipe_facts(find_recipe("fit", name))["Size"])
    assert said is not None
    with torch.device("meta"):
        model = Seq2Seq(int(said[2].replace(",", "")), NetworkConfig(**settings["model"]["network"]))
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(float(said[1]), rel=0.03)
