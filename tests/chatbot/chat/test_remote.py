"""A bot in a process of its own: stopped, killed, gone and back."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chatbot.chat.remote import Remote
from chatbot.chat.talking import StoppedError
from chatbot.errors import ChatbotError
from chatbot.search.config import SearchConfig
from tests.fakes import save_tiny_bot

GREEDY = SearchConfig(beam=1, max_length=8)
SLOW = SearchConfig(beam=300, max_length=4_000, min_length=3_999, no_repeat_ngram=None)
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Remote]:
    remote = Remote(save_tiny_bot(tmp_path / "bot"), "cpu", {})
    yield remote
    remote.close()


def stop_soon(bot: Remote) -> None:
    threading.Timer(0.5, bot.stop).start()


def test_it_answers_as_the_bot_does_here(bot: Remote, tmp_path: Path) -> None:
    from chatbot.chat.inside import Inside

    inside = Inside(tmp_path / "bot", "cpu", {})
    assert bot.reply(["hello"], GREEDY) == inside.reply(["hello"], GREEDY)
    assert list(bot.stream(["hello"], GREEDY)) == list(inside.stream(["hello"], GREEDY))
    assert bot.source(["hello"]) == inside.source(["hello"])
    assert bot.facts["parameters"] == inside.facts["parameters"]
    assert bot.ready
    assert bot.memory() > 1_000_000


def test_a_stop_while_it_loads_breaks_off_one_request_and_nothing_else(bot: Remote) -> None:
    threading.Timer(0.1, bot.stop).start()
    with pytest.raises(StoppedError):
        bot.reply(["hello"], GREEDY)
    assert bot.facts["context_turns"] == 2, "the wait for the bot itself is not broken off"
    assert bot.reply(["hello"], GREEDY).text


def test_after_a_stop_all_goes_on(bot: Remote) -> None:
    facts = bot.facts
    stop_soon(bot)
    began = time.monotonic()
    with pytest.raises(StoppedError):
        bot.reply(["tell me a story"], SLOW)
    assert time.monotonic() - began < 5
    assert bot.facts is facts
    assert bot.memory() > 0
    assert bot.reply(["hello"], GREEDY).text


@posix
def test_a_process_that_is_killed_is_replaced_and_in_the_middle_of_a_reply_told_of(bot: Remote) -> None:
    assert bot.reply(["hello"], GREEDY).text
    for _ in range(2):
        os.kill(bot._worker._process.pid, signal.SIGKILL)
        bot._worker._process.wait()
        assert bot.reply(["hello"], GREEDY).text
    threading.Timer(0.5, lambda: bot._worker._process.send_signal(signal.SIGKILL)).start()
    with pytest.raises(ChatbotError, match="was killed"):
        bot.reply(["tell me a story"], SLOW)
    assert bot.reply(["hello"], GREEDY).text


def test_a_bot_that_goes_away_and_comes_back(bot: Remote, tmp_path: Path) -> None:
    assert bot.facts
    (tmp_path / "bot").rename(tmp_path / "elsewhere")
    stop_soon(bot)
    with pytest.raises(StoppedError):
        bot.reply(["tell me a story"], SLOW)
    for _ in range(2):
        with pytest.raises(ChatbotError, match="no such folder"):
            bot.reply(["hello"], GREEDY)
    (tmp_path / "elsewhere").rename(tmp_path / "bot")
    assert bot.reply(["hello"], GREEDY).text


def test_what_cannot_be_answered_is_told_in_a_line_and_the_bot_stays(bot: Remote) -> None:
    with pytest.raises(ChatbotError) as caught:
        bot.look(["hello"], [999_999])
    assert len(str(caught.value).splitlines()) == 1
    assert bot.reply(["hello"], GREEDY).text


def test_nobody_waits_for_a_bot_that_was_left(bot: Remote) -> None:
    bot.leave()
    with pytest.raises(StoppedError):
        _ = bot.facts


@posix
def test_a_module_of_the_folder_one_is_in_is_not_taken_for_pythons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('not this one')")
    save_tiny_bot(tmp_path / "bot")
    monkeypatch.chdir(tmp_path)
    remote = Remote(Path("bot"), "cpu", {})
    try:
        assert remote.reply(["hello"], GREEDY).text
    finally:
        remote.close()


@posix
def test_the_process_ends_with_the_one_that_asks(bot: Remote) -> None:
    assert bot.facts
    worker = bot._worker

    def ask() -> None:
        with suppress(ChatbotError):
            bot.reply(["tell me a story"], SLOW)

    threading.Thread(target=ask, daemon=True).start()
    time.sleep(0.5)
    assert worker._process.stdin is not None
    worker._process.stdin.close()  # as when the prompt was killed
    assert worker._process.wait(20) == 0
