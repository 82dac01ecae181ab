"""A bot in three lines of Python, and from several threads."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot import bundle, load
from chatbot.bot import Bot
from chatbot.errors import ConfigError
from chatbot.likelihood import of_replies
from chatbot.replies import NOTHING_SAID
from chatbot.search.rank import length_penalty
from chatbot.tokenizer import EOS
from tests.fakes import save_tiny_bot, tiny_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bot(tmp_path_factory.mktemp("bots") / "bot")


@pytest.fixture(scope="module")
def bot(folder: Path) -> Bot:
    return load(folder)


def test_a_text_and_a_history_of_one_are_the_same(bot: Bot) -> None:
    assert bot.reply("hello") == bot.reply(["hello"]) == bot.replies(["hello"])[0]
    assert bot.reply("hello").text
    assert bot.reply("") == NOTHING_SAID


def test_settings_and_presets_by_name(bot: Bot) -> None:
    assert not bot.reply("hello", preset="greedy").alternatives
    assert len(bot.reply("hello", beam=4, max_length=6).ids) <= 6
    samples = [bot.reply("hello", temperature=2.0, seed=seed, max_length=9).text for seed in range(8)]
    assert len(set(samples)) > 1
    assert bot.reply("hello", temperature=2.0, seed=3, max_length=9).text == samples[3]
    asked = [f"hello {word}" for word in ("you", "tea", "rain", "it", "weather", "fine")]
    assert len({reply.text for reply in bot.replies(asked, temperature=9.0, seed=3, max_length=9)}) == 6, (
        "draws of its own"
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"beem": 3}, "beem"),
        ({"start": "a b c d e f g h", "max_length": 5}, "start is .* pieces long; expected fewer than max_length, 5"),
        ({"beam": 0}, "beam must be a whole number"),
        ({"preset": "loud"}, "no preset 'loud'; expected one of greedy"),
        ({"preset": "livley"}, "did you mean lively"),
        ({"preset": 5}, "no preset 5; expected one of greedy"),
        ({"backward": 0.5}, "has no model for that in backward/; make it with"),
    ],
)
def test_a_wrong_setting_is_named(bot: Bot, settings: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        bot.reply("hello", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [1, 4, 12])
def test_told_nothing_the_bot_itself_says_how_likely_a_reply_is(bot: Bot, folder: Path, most: int) -> None:
    """And what was cut gains nothing for having no end."""
    alone = bundle.load(folder).model
    plain = bot.reply("hello", beam=6, max_length=most)
    ranked = bot.reply("hello", beam=6, max_length=most, anti_lm=0.7)
    for one in (ranked, *ranked.alternatives):
        ended = len(one.ids) < most
        (nothing,) = of_replies(alone, [[EOS]], [one.ids], [ended])
        (before,) = (other.score for other in (plain, *plain.alternatives) if other.ids == one.ids)
        assert before is not None
        expected = before - 0.7 * nothing / length_penalty(len(one.ids) + ended, 1.0)
        assert one.score == pytest.approx(expected, abs=1e-4)


def test_of_samples_those_that_ended_come_before_those_that_were_cut(bot: Bot) -> None:
    for seed in range(20):
        best = bot.reply("hello", temperature=1.5, samples=8, max_length=4, seed=seed)
        lengths = [len(one.ids) for one in (best, *best.alternatives)]
        assert lengths == sorted(lengths, key=lambda length: length == 4), "cut ones last"


def test_lists_of_any_kind_are_taken_and_a_text_is_no_list(bot: Bot) -> None:
    words = ["hello", "tea", "what"]
    assert bot.reply("hello", banned=(word for word in words)) == bot.reply("hello", banned=words)
    assert bot.reply("hello", banned=set(words)) == bot.reply("hello", banned=words)
    for wrong in (None, 5, [1, 2], b"hi", [None]):
        with pytest.raises(TypeError, match="a history is a text, or a list of texts"):
            bot.reply(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"as `bot\.reply` gives it"):
        bot.look(["Hi"], "Hi")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a list of histories"):
        bot.replies("hello")
    with pytest.raises(ConfigError, match="beem"):
        bot.stream("hello", beem=3)  # before anybody asks for the first piece


def test_a_beginning_is_whole_words_and_may_hold_what_is_banned(bot: Bot) -> None:
    for seed in range(20):
        said = bot.reply("hello", start="It", temperature=2.0, seed=seed, max_length=8).text
        assert re.match(r"It\b", said), said
        said = bot.reply("hello", start="what tea", banned=["tea"], temperature=2.0, seed=seed, max_length=9).text
        assert re.match(r"what tea\b", said), said


def test_a_bot_whose_replies_never_repeat_has_nothing_generic_and_one_that_did_not_count_says_so(
    folder: Path, tmp_path: Path
) -> None:
    whole = bundle.load(folder)
    for counts, name in (({}, "none"), (None, "uncounted")):
        parts = {"tokenizer": tiny_tokenizer(), "config": whole.config, "prepare": whole.prepare}
        bundle.save(tmp_path / name, model=whole.model, training=whole.training, counts=counts, **parts)  # type: ignore[arg-type]
    plain = load(tmp_path / "none").reply("hello", beam=4)
    assert load(tmp_path / "none").reply("hello", beam=4, generic=1.0) == plain
    with pytest.raises(ConfigError, match="does not know how often its training replies stand"):
        load(tmp_path / "uncounted").reply("hello", beam=4, generic=1.0)


def test_a_look_inside_adds_up(bot: Bot) -> None:
    reply = bot.reply("hello there", beam=1, length_penalty=0.0, max_length=7)
    look = bot.look("hello there", reply)
    assert len(look.reply) == len(look.log_probs) == len(look.attention) == len(reply.ids) + 1
    assert look.reply[-1] == "</s>"
    assert look.source[-1] == "</s>"
    for row in look.attention:
        assert len(row) == len(look.source)
        assert sum(row) == pytest.approx(1, abs=1e-5)
    said = look.log_probs[:7]  # it was cut there, so its end was never scored
    assert sum(said) == pytest.approx(reply.score, abs=0.1), "lighter weights say nearly the same"
    with pytest.raises(ValueError, match="nothing was said"):
        bot.look("", reply)


def test_threads_get_what_one_would(bot: Bot) -> None:
    asked = [f"hello {'there ' * (k % 5)}" for k in range(24)]
    expected = [bot.reply(text, max_length=8) for text in asked]
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: bot.reply(text, max_length=8), asked)) == expected
        many = pool.map(lambda k: bot.replies(asked, max_length=8, beam=4 + k), range(4))
        assert [replies[0].text for replies in many] == [
            bot.reply(asked[0], max_length=8, beam=4 + k).text for k in range(4)
        ]
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    "settings",
    [{"preset": "greedy"}, {"temperature": 1.0, "seed": 1}, {"beam": 4}, {"beam": 1, "start": "\U0001f44d ok"}],
)
def test_a_stream_ends_with_the_reply_and_grows_to_it(bot: Bot, settings: dict[str, object]) -> None:
    steps = list(bot.stream("hello there", max_length=12, **settings))  # type: ignore[arg-type]
    assert steps[-1] == bot.reply("hello there", max_length=12, **settings)  # type: ignore[arg-type]
    assert all(step.score is None for step in steps[:-1])
    assert not any("\ufffd" in step.text for step in steps)
    for before, after in pairwise(steps):
        assert len(before.ids) <= len(after.ids)
    assert list(bot.stream("")) == [NOTHING_SAID]


def test_a_form_that_is_none_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError, match="form 'int3': expected one of float32, bfloat16, int8"):
        load(folder, form="int3")  # type: ignore[arg-type]


def test_weights_as_they_are_say_the_same_in_any_batch(folder: Path) -> None:
    whole = load(folder, form="float32")
    texts = ["hello", "how are you today?", "tea", "what is the weather? it rains"]
    asked: dict[str, Any] = {"temperature": 1.0, "seed": 7, "max_length": 12}
    assert [one.text for one in whole.replies(texts, **asked)] == [whole.reply(text, **asked).text for text in texts]


def test_importing_the_package_is_free(folder: Path) -> None:
    script = (
        "import sys, chatbot; assert 'torch' not in sys.modules\n"
        f"print(chatbot.load({str(folder)!r}).reply('hi').text)\n"
        "assert 'torch._dynamo' not in sys.modules, 'which takes as long to load as torch'"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
