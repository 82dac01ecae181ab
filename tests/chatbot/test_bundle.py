from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from chatbot import bundle, sealed
from chatbot.errors import BundleError, ConfigError
from tests.fakes import save_tiny_bot, tiny_tokenizer


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours may undo anything after it."""


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    return save_tiny_bot(tmp_path / "bot")


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def resign(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change config.json as somebody would who knows how it is signed, and sign all files anew."""
    config = json.loads((path / "config.json").read_bytes())
    del config["checksum"]
    config["files"] = {n: hashlib.sha256((path / n).read_bytes()).hexdigest() for n in (*bundle.READ, bundle.CARD)}
    change(config)
    (path / "config.json").write_bytes(sealed.signed(config))


def test_what_was_saved_is_loaded(bot: Path) -> None:
    loaded = bundle.load(bot)
    assert sorted(contents(bot)) == sorted(bundle.FILES)
    assert loaded.prepare["dropped"] == {"too short": 2}
    assert loaded.training["curve"][1] == {"step": 2, "nats_per_word": None}
    assert loaded.config["context_turns"] == 2
    assert loaded.config["search"] == {"max_length": 12}
    assert loaded.tokenizer.vocab_size == loaded.model.vocab_size
    assert not loaded.model.training


def test_loaded_and_saved_again_gives_the_same_bytes(bot: Path, tmp_path: Path) -> None:
    loaded = bundle.load(bot)
    bundle.save(
        tmp_path / "again",
        model=loaded.model,
        tokenizer=tiny_tokenizer(),
        config=loaded.config,
        prepare=loaded.prepare,
        training=loaded.training,
        samples=[("Hello", "Good evening."), ("How <are> you?", "*fine*")],
        picture=(bot / "training.png").read_bytes(),
        counts=loaded.counts,
    )
    assert contents(tmp_path / "again") == contents(bot)


def test_a_loaded_model_computes_what_the_saved_one_did(bot: Path) -> None:
    torch.manual_seed(0)
    source, lengths, inputs = torch.tensor([[5, 6, 7, 3]]), torch.tensor([4]), torch.tensor([[2, 8, 9]])
    first, second = bundle.load(bot).model, bundle.load(bot).model
    fresh = type(first)(first.vocab_size, first.config)
    fresh.load_state_dict(first.state_dict())
    expected = fresh.eval()(source, lengths, inputs)
    assert torch.equal(second(source, lengths, inputs), expected)
    assert not any(tensor.is_meta for tensor in [*first.parameters(), *first.buffers()])


def test_shared_weights_are_saved_once(bot: Path) -> None:
    loaded = bundle.load(bot)
    size = sum(parameter.numel() * 4 for parameter in loaded.model.parameters())
    assert size <= (bot / "model.safetensors").stat().st_size < size + 8192


@pytest.mark.parametrize("name", [bundle.CONFIG, *bundle.READ, bundle.COUNTS])
@pytest.mark.parametrize("where", [0.0, 0.3, 0.999])
def test_a_changed_byte_is_refused_and_the_file_named(bot: Path, name: str, where: float) -> None:
    raw = bytearray((bot / name).read_bytes())
    raw[int(where * len(raw))] ^= 1
    (bot / name).write_bytes(raw)
    with pytest.raises(BundleError, match=name) as refusal:
        bundle.load(bot)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", [bundle.CONFIG, *bundle.READ, bundle.COUNTS])
@pytest.mark.parametrize("damage", ["missing", "empty", "longer", "folder"])
def test_a_damaged_file_is_refused_and_named(bot: Path, name: str, damage: str) -> None:
    file = bot / name
    raw = file.read_bytes()
    file.unlink()
    if damage == "empty":
        file.write_bytes(b"")
    elif damage == "longer":
        file.write_bytes(raw + b"\n")
    elif damage == "folder":
        file.mkdir()
    with pytest.raises(BundleError, match=name):
        bundle.load(bot)


def test_another_version_says_what_to_do(bot: Path) -> None:
    for version, says in (
        (3, "of a newer chatbot.* pip install --upgrade"),
        (1, "of an older chatbot.* train it anew"),
    ):
        resign(bot, lambda config, version=version: config.update(format=version))
        with pytest.raises(BundleError, match=rf"config.json: format {version} {says}"):
            bundle.load(bot)


def test_a_bot_needs_no_picture(bot: Path) -> None:
    (bot / "training.png").unlink()
    resign(bot, lambda config: None)  # which lists no picture
    assert bundle.load(bot).config["files"].keys() == {*bundle.READ, bundle.CARD}


@pytest.mark.parametrize("name", [bundle.CARD, bundle.PICTURE])
def test_what_is_for_people_they_may_edit(bot: Path, name: str) -> None:
    before = bundle.load(bot).config
    (bot / name).write_bytes(b"mine")
    assert bundle.load(bot).config == before
    (bot / name).unlink()
    assert bundle.load(bot).config == before


def test_a_card_that_was_edited_is_not_written_over(bot: Path) -> None:
    (bot / bundle.CARD).write_text("mine")
    with pytest.raises(BundleError, match="edited by hand"):
        bundle.rewrite_card(bot, {}, [])
    assert (bot / bundle.CARD).read_text() == "mine"
    (bot / bundle.CARD).unlink()
    bundle.rewrite_card(bot, {}, [("Hi.", "Hello.")])
    assert "Hello." in (bot / bundle.CARD).read_text()
    bundle.load(bot)


def test_a_folder_above_a_bot_says_where_it_is(bot: Path) -> None:
    with pytest.raises(BundleError, match=f"did you mean {re.escape(str(bot))}"):
        bundle.load(bot.parent)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"format": None}, "config.json"),
        ({"format": "1"}, "config.json"),
        ({"network": None}, "config.json"),
        ({"context_turns": "two"}, "config.json"),
        ({"files": []}, "config.json"),
        ({"vocab_size": 7}, "tokenizer.model"),
        ({"network": {"embedding": 8}}, "model.safetensors"),
        ({"network": {"embedding": -1}}, "model.safetensors"),
        ({"network": {"hidden": 8}}, "model.safetensors"),
        ({"network": {"embedding": 10**9, "decoder_size": 10**9}}, "model.safetensors"),
        ({"network": {"encoder_layers": 10**12}}, "model.safetensors"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_before_they_are_paid_for(
    bot: Path, change: dict[str, object], named: str
) -> None:
    resign(bot, lambda config: config.update(change))
    with pytest.raises(BundleError, match=named):
        bundle.load(bot)


def test_weights_that_are_none_are_refused(bot: Path) -> None:
    (bot / "model.safetensors").write_bytes(b"\xff" * 100)
    resign(bot, lambda config: None)
    with pytest.raises(BundleError, match=r"model\.safetensors"):
        bundle.load(bot)


def test_deep_json_is_refused(bot: Path) -> None:
    (bot / "config.json").write_bytes(b"[" * 1_000_000)
    with pytest.raises(BundleError, match=r"config\.json"):
        bundle.load(bot)


def test_what_is_no_bot_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "prepared").mkdir()
    (tmp_path / "prepared" / "report.json").write_text("{}")
    (tmp_path / "file").write_text("hello")
    (tmp_path / "half.partial").mkdir()
    for name, expected in {
        "absent": "no such folder",
        "empty": "config.json is missing",
        "prepared": "run `chatbot fit .*prepared --output BOT` first",
        "file": "is a file",
        "half": "its fit has not ended.*--resume",
    }.items():
        with pytest.raises(BundleError, match=f"{name}: .*{expected}|{name}: {expected}"):
            bundle.load(tmp_path / name)


def test_an_old_bot_still_talks_while_a_new_one_is_being_fitted(bot: Path) -> None:
    bot.with_name("bot.partial").mkdir()
    assert bundle.load(bot).config["format"] == bundle.FORMAT


def test_a_device_that_is_not_there(bot: Path) -> None:
    with pytest.raises(ConfigError, match="device nonsense"):
        bundle.load(bot, "nonsense")


def test_saving_over_a_bot_replaces_it_and_leaves_nothing_beside(bot: Path) -> None:
    before = contents(bot)
    save_tiny_bot(bot, seed=1)
    assert contents(bot) != before
    assert [entry.name for entry in bot.parent.iterdir()] == ["bot"]


def test_a_link_to_a_bot_stays_a_link(bot: Path) -> None:
    link = bot.with_name("latest")
    link.symlink_to(bot)
    save_tiny_bot(link, note="newer")
    assert link.is_symlink()
    assert bundle.load(bot).prepare["note"] == "newer"


def test_somebody_elses_folder_is_not_swept_away(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"...")
    for check in (save_tiny_bot, bundle.check_output):
        with pytest.raises(BundleError, match=r"photos: holds 'cat\.png'"):
            check(tmp_path / "photos")
        with pytest.raises(BundleError, match="is a file"):
            check(tmp_path / "photos" / "cat.png")
        with pytest.raises(BundleError, match="root of the disk"):
            check(Path("/"))
    assert contents(tmp_path / "photos") == {"cat.png": b"..."}


def test_killed_before_any_call_of_the_disk_one_whole_bot_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies at the n-th call that changes the disk, for every n; then loads, then saves again."""
    step = 0
    outcomes = set()
    while True:
        path = save_tiny_bot(tmp_path / str(step) / "bot", note="old")
        with monkeypatch.context() as patched:
            calls = _dying(patched, step)
            try:
                save_tiny_bot(path, note="new")
                killed = False
            except Killed:
                killed = True
        if not killed:
            assert calls() <= step
            break
        outcomes.add(bundle.load(path).prepare["note"])
        save_tiny_bot(path, note="newest")
        assert bundle.load(path).prepare["note"] == "newest"
        assert [entry.name for entry in path.parent.iterdir()] == ["bot"]
        step += 1
    assert step > 10
    assert outcomes == {"old", "new"}


def _dying(patched: pytest.MonkeyPatch, last: int) -> Callable[[], int]:
    """Let calls that change the disk die from the one numbered ``last`` on: what is dead stays dead."""
    made = 0

    def dies(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **kwargs: object) -> object:
            nonlocal made
            made += 1
            if made > last:
                raise Killed
            return call(*args, **kwargs)

        return counted

    for owner, name in [(Path, "rename"), (Path, "mkdir"), (Path, "open"), (os, "fsync"), (shutil, "rmtree")]:
        patched.setattr(owner, name, dies(getattr(owner, name)))
    return lambda: made


@pytest.mark.parametrize("failing", [(Path, "rename", 1), (Path, "rename", 2), (os, "fsync", 3), (Path, "open", 2)])
def test_a_full_disk_leaves_the_old_bot_and_nothing_half(
    bot: Path, monkeypatch: pytest.MonkeyPatch, failing: tuple[object, str, int]
) -> None:
    owner, name, count = failing
    before = contents(bot)
    call, made = getattr(owner, name), 0

    def fails(*args: object, **kwargs: object) -> object:
        nonlocal made
        made += 1
        if made == count:
            raise OSError(errno.ENOSPC, "No space left on device")
        return call(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fails)
        with pytest.raises(OSError, match="No space left"):
            save_tiny_bot(bot, note="new")
    assert contents(bot) == before
    assert [entry.name for entry in bot.parent.iterdir()] == ["bot"]


def test_text_that_no_file_can_hold_does_not_cost_the_bot(tmp_path: Path) -> None:
    save_tiny_bot(tmp_path / "bot", note="half a pair \ud83d and \x1b[31m red")
    assert bundle.load(tmp_path / "bot").prepare["note"] == "half a pair \ud83d and \x1b[31m red"
    card = (tmp_path / "bot" / "README.md").read_text(encoding="utf-8")
    assert "\x1b" not in card
    assert "| How \\<are\\> you? | \\*fine\\* |" in card
