from __future__ import annotations

from pathlib import Path

import pytest

from chatbot import bundle
from chatbot.errors import BundleError, ChatbotError, ConfigError, FitError
from chatbot.training.folder import BEST, LAST, Workplace, fingerprint, read_checkpoint
from data_prep.store import open_prepared


def lay(path: Path, *names: str) -> Path:
    path.mkdir(exist_ok=True)
    for name in names:
        (path / name).write_bytes(b"x")
    return path


def claim(output: Path, *flags: str) -> Workplace:
    return Workplace.claim(output, resume="resume" in flags, overwrite="overwrite" in flags)


@pytest.mark.parametrize(
    ("bot", "partial", "flags", "expected"),
    [
        (False, None, (), "fresh"),
        (False, None, ("resume",), "fresh"),
        (False, None, ("overwrite",), "fresh"),
        (False, BEST, (), "fresh"),
        (False, LAST, (), "add --resume to go on or --overwrite to begin again"),
        (False, LAST, ("resume",), "resume"),
        (False, LAST, ("overwrite",), "fresh"),
        (True, None, (), "a bot stands here; add --overwrite"),
        (True, None, ("resume",), "its training is complete"),
        (True, None, ("overwrite",), "fresh"),
        (True, LAST, (), "add --resume to go on or --overwrite to begin again"),
        (True, LAST, ("resume",), "resume"),
        (True, LAST, ("overwrite",), "fresh"),
    ],
)
def test_who_may_begin(tmp_path: Path, bot: bool, partial: str | None, flags: tuple[str, ...], expected: str) -> None:
    output = tmp_path / "bot"
    if bot:
        lay(output, bundle.CONFIG)
    if partial:
        lay(tmp_path / "bot.partial", partial)
    if expected in ("fresh", "resume"):
        assert claim(output, *flags).start == expected
    else:
        with pytest.raises(FitError, match=expected):
            claim(output, *flags)
    assert (tmp_path / "bot.partial" / LAST).exists() == (partial == LAST), "claiming touches nothing"


@pytest.mark.parametrize("flags", [(), ("resume",), ("overwrite",)])
def test_what_is_no_bot_is_never_written_over(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with pytest.raises(BundleError, match="photos"):
        claim(lay(tmp_path / "bot", "photos"), *flags)
    lay(tmp_path / "other.partial", "letter")
    with pytest.raises(ChatbotError, match="holds 'letter'"):
        claim(tmp_path / "other", *flags)
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="is a file"):
        claim(tmp_path / "file", *flags)
    (tmp_path / "third.partial").write_text("")
    with pytest.raises(FitError, match="is a file"):
        claim(tmp_path / "third", *flags)


def test_to_go_on_and_to_begin_again_is_a_contradiction(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give one of them"):
        claim(tmp_path / "bot", "resume", "overwrite")


def test_an_empty_folder_may_become_a_bot(tmp_path: Path) -> None:
    assert claim(lay(tmp_path / "bot")).start == "fresh"


def test_beginning_clears_what_a_killed_training_left(tmp_path: Path) -> None:
    partial = lay(tmp_path / "bot.partial", BEST, f"{LAST}.tmp")
    Workplace(tmp_path / "bot", "fresh").begin()
    assert list(partial.iterdir()) == []
    lay(partial, LAST, f"{LAST}.tmp")
    Workplace(tmp_path / "bot", "resume").begin()
    assert [file.name for file in partial.iterdir()] == [LAST]


def test_a_write_that_fails_leaves_the_former_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workplace(tmp_path / "bot", "fresh")
    place.begin()
    place.write(LAST, b"whole")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        place.write(LAST, b"another")
    assert place.last.read_bytes() == b"whole"
    assert [file.name for file in place.partial.iterdir()] == [LAST]
    assert place.size() == 5
    place.discard()
    assert not place.partial.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a checkpoint", b"\x80\x04cos\nsystem\n."])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / LAST
    path.write_bytes(content)
    with pytest.raises(FitError, match=r"last\.ckpt: damaged checkpoint"):
        read_checkpoint(path)


def test_a_fingerprint_tells_folders_apart(make_prepared) -> None:  # type: ignore[no-untyped-def]
    one, same, other = (
        open_prepared(make_prepared(train=30, valid=5, name=name, seed=seed))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
