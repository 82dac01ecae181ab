"""Models inside a bot's folder that help it to rank: what they learn, where they stand, what they are good for."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot import bundle
from chatbot.bot import Bot
from chatbot.errors import ConfigError, FitError
from chatbot.likelihood import of_replies
from chatbot.ranking import key
from chatbot.responder import Responder
from chatbot.search.config import SearchConfig
from chatbot.tokenizer import EOS
from chatbot.training.cli import fit
from data_prep import store
from data_prep.vocabulary import VocabularyConfig, train
from tests.chatbot.conftest import threads


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[str]]:
    """A prepared folder, a bot of it with both helpers, and the flags of the training."""
    from tests.chatbot.conftest import talk, tokenizer_model, write_prepared
    from tests.chatbot.training.conftest import TOY

    folder = tmp_path_factory.mktemp("helped")
    longer = {**TOY, "trainer.max_epochs": "20", "model.optimizer.lr": "0.02", "validation.patience": "null"}
    toy = [word for name, value in longer.items() for word in (f"--{name}", value)]
    prepared = write_prepared(folder / "prepared", talk(60, 1), talk(20, 2), tokenizer_model())
    for flags in ([], ["--backward"], ["--language-model"]):
        assert fit([str(prepared), "--output", str(folder / "bot"), *toy, *flags]) == 0
    return prepared, folder / "bot", toy


def test_helpers_stand_inside_their_bot(trained: tuple[Path, Path, list[str]]) -> None:
    _, bot, _ = trained
    names = {path.name for path in bot.iterdir() if not path.name.startswith(".")}
    assert names <= {*bundle.FILES, *bundle.HELPERS, *(f"{helper}.partial" for helper in bundle.HELPERS)}
    assert names >= {*bundle.HELPERS, bundle.COUNTS}
    for helper in bundle.HELPERS:
        inside = bundle.load(bot / helper)
        assert inside.tokenizer.model == bundle.load(bot).tokenizer.model
        assert inside.training["settings"]["data"]["task"] == helper


def test_a_language_model_hears_nothing_and_a_backward_model_hears_the_reply(
    trained: tuple[Path, Path, list[str]],
) -> None:
    from tests.chatbot.conftest import talk

    _, bot, _ = trained
    encode = bundle.load(bot).tokenizer.encode
    pairs = [(encode(context[-1]), encode(reply)) for context, reply in talk(60, 1)]
    backward, alone = (bundle.load(bot / helper).model for helper in bundle.HELPERS)
    heard = of_replies(backward, [[*reply, EOS] for _, reply in pairs], [context for context, _ in pairs])
    crossed = of_replies(backward, [[*reply, EOS] for _, reply in pairs[1:] + pairs[:1]], [c for c, _ in pairs])
    assert sum(heard) > sum(crossed), "a reply tells more of what it answers than another's does"
    said = of_replies(alone, [[EOS]] * 60, [reply for _, reply in pairs])
    assert sum(said) > sum(of_replies(alone, [[EOS]] * 60, [context for context, _ in pairs])), "it has learnt replies"


def test_rankers_change_the_order_and_scores_say_by_how_much(trained: tuple[Path, Path, list[str]]) -> None:
    _, folder, _ = trained
    bot = Bot(folder)
    asked, found = "what do you like", {}
    for settings in ({}, {"anti_lm": 0.7}, {"backward": 0.7}, {"generic": 0.5}):
        reply = bot.reply(asked, beam=8, max_length=12, **settings)  # type: ignore[arg-type]
        found[next(iter(settings), "")] = {reply.text: reply.score} | {a.text: a.score for a in reply.alternatives}
    plain = found.pop("")
    for name, scores in found.items():
        assert scores.keys() == plain.keys(), "rankers rank, they do not search"
        assert list(scores.values()) == sorted(scores.values(), reverse=True)  # type: ignore[type-var]
        if name == "backward":
            assert all(scores[text] < plain[text] for text in plain)  # type: ignore[operator]
    assert all(found["anti_lm"][text] > plain[text] for text in plain)  # type: ignore[operator]


def test_a_helper_is_opened_once_by_all_who_want_it_at_once(
    trained: tuple[Path, Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder, _ = trained
    responder = Responder(bundle.load(folder))
    opened, load = [], bundle.load

    def counted(path: Path, device: torch.device) -> bundle.Bundle:
        opened.append(path)
        time.sleep(0.2)  # long enough for the others to come
        return load(path, device)

    monkeypatch.setattr(bundle, "load", counted)
    asked = [[f"what do you like {'so ' * (k % 9)}"] for k in range(80)]
    with threads(4):
        replies = responder.replies(asked, SearchConfig(beam=4, max_length=6, backward=0.5))
    assert len(replies) == 80
    assert len(opened) == 1


def test_counts_are_of_the_training_replies_whatever_their_case() -> None:
    assert key("Yes, I do!") == key("yes i do") != key("no")


def test_a_bot_trained_anew_keeps_helpers_of_its_pieces_and_no_others(
    trained: tuple[Path, Path, list[str]], tmp_path: Path
) -> None:
    prepared, bot, toy = trained
    mine = shutil.copytree(bot, tmp_path / "bot")
    fit([str(prepared), "--output", str(mine), *toy, "--overwrite", "--trainer.max_epochs", "1"])
    assert bundle.load(mine / "backward").tokenizer.model == bundle.load(mine).tokenizer.model
    other = shutil.copytree(prepared, tmp_path / "other")
    model = train([f"quite other words {k}" for k in range(400)], VocabularyConfig(size=300))
    assert model is not None
    (other / store.TOKENIZER).write_bytes(model)
    assert "backward" in bundle.helpers_lost(mine, model)
    assert bundle.helpers_lost(mine, bundle.load(mine).tokenizer.model) == []
    with pytest.raises(FitError, match=r"another vocabulary than .*bot"):
        fit([str(other), "--output", str(mine), *toy, "--backward", "--overwrite"])
    assert (mine / "backward" / bundle.CONFIG).is_file()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--backward", "--language-model"], "two trainings"),
        (["--backward"], "is no bot; train it first"),
    ],
)
def test_what_helps_nobody_is_refused(make_prepared: Any, tmp_path: Path, flags: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        fit([str(make_prepared()), "--output", str(tmp_path / "none"), *flags])
    with pytest.raises(ConfigError, match="needs --output"):
        fit([str(tmp_path / "prepared"), "--backward"])


def test_a_helper_goes_on_where_it_was_stopped(trained: tuple[Path, Path, list[str]], tmp_path: Path) -> None:
    prepared, bot, toy = trained
    mine = shutil.copytree(bot, tmp_path / "bot", ignore=shutil.ignore_patterns("backward*"))
    begun = [str(prepared), "--output", str(mine), *toy, "--backward"]
    fit([*begun, "--trainer.max_steps", "5"])
    shutil.rmtree(mine / "backward")
    fit([*begun, "--trainer.max_steps", "-1", "--resume"])
    whole, parted = (bundle.load(folder / "backward").model.state_dict() for folder in (bot, mine))
    assert all(whole[name].equal(parted[name]) for name in whole)
