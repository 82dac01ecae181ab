"""What `chatbot fit` can do besides: find a rate, show where the time goes, log, draw, begin with a bot."""

from __future__ import annotations

import csv
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from chatbot import bundle
from chatbot.errors import BundleError, ChatbotError, ConfigError, FitError
from chatbot.training import cli as fit_cli
from chatbot.training.cli import fit
from data_prep import store
from data_prep.vocabulary import VocabularyConfig, train


@pytest.fixture
def prepared(make_prepared: Any) -> Path:
    folder: Path = make_prepared(train=60, valid=20)
    return folder


def training_of(bot: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((bot / "training.json").read_text())
    return loaded


def test_a_rate_is_proposed_and_nothing_is_left_behind(
    prepared: Path, tmp_path: Path, toy: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    flags = ["--find-lr", "--trainer.max_epochs", "2", "--model.network.decoder_size", "32"]
    assert fit([str(prepared), *toy, *flags]) == 0
    out = capsys.readouterr().out
    found = float(out.rsplit("--model.optimizer.lr ", 1)[1])
    losses = [float(line.split()[-1]) for line in out.splitlines() if line.startswith("  ")]
    assert losses[1] == pytest.approx(losses[0], rel=0.1), "at the lowest rates nothing is learnt or lost"
    assert min(losses) < 0.8 * losses[0]
    assert 1e-4 < found < 0.1
    assert float(out.splitlines()[-2].split()[0]) > 0.03, "whatever limits there are, all rates are tried"
    assert sorted(tmp_path.rglob("*")) == before
    fit([str(prepared), "--output", "bot", *toy, "--trainer.max_epochs", "6", "--model.optimizer.lr", f"{found}"])
    fit([str(prepared), "--output", "slow", *toy, "--trainer.max_epochs", "6", "--model.optimizer.lr", f"{found / 50}"])
    assert training_of(tmp_path / "bot")["nats_per_word"] < training_of(tmp_path / "slow")["nats_per_word"]


def test_a_profile_tells_where_the_time_went(
    prepared: Path, tmp_path: Path, toy: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, "--profile"])
    shares = training_of(tmp_path / "bot")["profile"]
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share > 0 for share in shares.values())
    assert shares["forward"] + shares["backward"] > shares["loading"]
    assert "outside forward, backward and optimizer" in capsys.readouterr().err


def test_a_bot_is_saved_with_the_preset_of_its_recipe(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    for preset, expected in ((["--preset", "greedy"], {"beam": 1}), ([], {})):
        fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *preset, "--overwrite"])
        assert bundle.load(tmp_path / "bot").config["search"] == expected


def test_logs_lie_beside_the_bot(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, "--logs", "both", "--trainer.log_every_n_steps", "1"])
    logs = tmp_path / "bot.logs"
    with (logs / "csv" / "version_0" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    valid = [float(row["valid_nats"]) for row in rows if row["valid_nats"]]
    assert valid == pytest.approx([point["nats_per_word"] for point in training_of(tmp_path / "bot")["curve"]])
    events = EventAccumulator(str(logs / "tensorboard" / "version_0"))
    events.Reload()
    assert [event.step for event in events.Scalars("valid_nats")] == [8, 17, 26], "counted from 0"
    names = {"valid_nats", "lr", "train_loss", "tokens_per_second"}
    assert names <= set(events.Tags()["scalars"])
    assert names <= set(rows[0])
    assert not list((tmp_path / "bot").glob("*events*"))


def test_without_tensorboard_it_is_said_how_to_get_it(
    prepared: Path, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.training.logs.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'chatbot\[logs\]'"):
        fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, "--logs", "tensorboard"])


def test_a_picture_of_the_curve_is_part_of_the_bot(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    fit([str(prepared), "--output", str(tmp_path / "bot"), *toy])
    picture = Image.open(BytesIO((tmp_path / "bot" / "training.png").read_bytes()))
    picture.load()
    assert min(picture.size) > 400
    assert len(set(picture.convert("RGB").resize((200, 120)).get_flattened_data())) > 20, "something is drawn"
    assert "training.png" in (tmp_path / "bot" / "README.md").read_text()


def test_a_bot_is_taught_further_with_its_own_sizes_and_vocabulary(
    prepared: Path, make_prepared: Any, tmp_path: Path, toy: list[str]
) -> None:
    first, more = tmp_path / "first", make_prepared(train=40, valid=20, name="more", seed=9)
    fit([str(prepared), "--output", str(first), *toy, "--data.context_turns", "2", "--model.optimizer.lr", "0.01"])
    flags = dict(zip(toy[::2], toy[1::2], strict=True))
    sizeless = [word for key, value in flags.items() if "network" not in key for word in (key, value)]
    fit([str(more), "--output", str(tmp_path / "second"), *sizeless, "--from", str(first)])
    fit([str(more), "--output", str(tmp_path / "fresh"), *toy])
    second, fresh = (training_of(tmp_path / name) for name in ("second", "fresh"))
    assert second["curve"][0]["nats_per_word"] < fresh["curve"][0]["nats_per_word"] - 1
    bots = bundle.load(first), bundle.load(tmp_path / "second")
    assert bots[0].model.config == bots[1].model.config
    assert bots[1].config["context_turns"] == 2, "as the bot reads"
    assert bots[0].tokenizer.model == bots[1].tokenizer.model
    assert not torch.equal(bots[0].model.bias, bots[1].model.bias)


def test_a_stopped_fine_tuning_goes_on_with_what_it_has_learnt(
    prepared: Path, make_prepared: Any, tmp_path: Path, toy: list[str]
) -> None:
    first, more = tmp_path / "first", str(make_prepared(train=40, valid=20, name="more", seed=9))
    fit([str(prepared), "--output", str(first), *toy])
    flags = [*toy, "--from", str(first)]
    fit([more, "--output", str(tmp_path / "whole"), *flags])
    fit([more, "--output", str(tmp_path / "parted"), *flags, "--trainer.max_epochs", "1"])
    fit([more, "--output", str(tmp_path / "parted"), *flags, "--resume"])
    one, two = (bundle.load(tmp_path / name).model.state_dict() for name in ("whole", "parted"))
    torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_another_vocabulary_is_refused_with_the_reason(
    prepared: Path, make_prepared: Any, tmp_path: Path, toy: list[str]
) -> None:
    first, other = tmp_path / "first", make_prepared(train=60, valid=20, name="other")
    fit([str(prepared), "--output", str(first), *toy])
    model = train(
        [f"Quite another talk, number {n * n}, of ships and storms" for n in range(400)], VocabularyConfig(size=320)
    )
    assert model is not None
    (other / store.TOKENIZER).write_bytes(model)
    with pytest.raises(FitError, match=r"another vocabulary than .*pieces there.*--vocabulary\.model .*first"):
        fit([str(other), "--output", str(tmp_path / "second"), *toy, "--from", str(first)])
    with pytest.raises(BundleError):
        fit([str(prepared), "--output", str(tmp_path / "second"), *toy, "--from", str(tmp_path / "absent")])
    assert not list(tmp_path.glob("second*"))


def test_a_bot_of_another_kind_than_asked_for_is_refused(prepared: Path, tmp_path: Path, toy: list[str]) -> None:
    first = tmp_path / "first"
    fit([str(prepared), "--output", str(first), *toy, "--trainer.max_epochs", "1", "--data.source_tokens", "9"])
    further = [str(prepared), "--output", str(tmp_path / "second"), *toy, "--from", str(first)]
    with pytest.raises(ConfigError, match=r"--model\.network\.cell is gru, but .*first is of lstm"):
        fit([*further, "--model.network.cell", "gru"])
    assert not list(tmp_path.glob("second*"))
    fit([*further, "--trainer.max_epochs", "1", "--model.network.dropout", "0.5"])
    assert bundle.load(tmp_path / "second").config["source_tokens"] == 9, "as the bot reads"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--model.network.cell", "ltsm"], r"model\.network\.cell.*ltsm"),
        (["--model.network.heads", "3"], "heads must divide decoder_size, got 3 heads and 16"),
        (["--model.network.dropout", "-0.1"], "dropout must be a number from 0 .*-0.1"),
        (["--model.network.decoder_bidirectional", "true"], "decoder_bidirectional.*writes what comes next"),
        (["--model.network.attend", "false", "--model.network.heads", "2"], "heads is 2, but attend is false"),
        (["--model.network.cell", "gru", "--model.network.chrono", "0"], "chrono"),
        (["--model.network.encoder_layers", "0"], "encoder_layers must be a whole number of at least 1, got 0"),
        (["--logs", "everything"], "logs.*everything"),
        (["--model.optimizer.decay", "cosine", "--trainer.max_epochs", "-1"], "cosine, which needs a planned end"),
        (["--model.optimizer.ema", "1"], "ema must be above 0 and below 1"),
    ],
)
def test_a_contradiction_is_named_before_anything_is_loaded(
    prepared: Path, tmp_path: Path, toy: list[str], flags: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loading(*_: Any, **__: Any) -> None:
        raise AssertionError("the data was opened")

    monkeypatch.setattr("chatbot.data.module.open_prepared", loading)
    monkeypatch.setattr(fit_cli.Origin, "__init__", loading)
    with pytest.raises(ChatbotError, match=says) as caught:
        fit([str(prepared), "--output", str(tmp_path / "bot"), *toy, *flags, "--from", str(tmp_path)])
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("bot*"))
