"""`chatbot demo`: the whole road in minutes, on dialogues that travel with the package."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from chatbot import bundle
from chatbot.chat import ChatCommand
from chatbot.chat import run as chat
from chatbot.config import Parser, find_recipe
from chatbot.responder import Responder, search_settings
from chatbot.training.cli import fit
from chatbot.training.folder import Workplace
from data_prep.config import PrepareConfig
from data_prep.pipeline import prepare
from data_prep.text import printable

QUESTIONS = (
    "How are you?",
    "What is your name?",
    "What should I eat tonight?",
    "Do you like music?",
    "What is the weather like today?",
)


@dataclass(frozen=True)
class DemoCommand:
    """Prepare the bundled dialogues, train a tiny bot on them, and talk to it."""

    output: Path = Path("runs/demo")
    """Folder for the prepared dialogues and the bot; a bot that is there already is not trained again."""
    again: bool = False
    """Train anew, even if the bot is there."""
    recipe: str = "demo"
    """Recipe of `chatbot fit` to train with."""


def run(command: DemoCommand) -> int:
    """Prepare, train, talk; without a terminal five questions are asked and their answers printed."""
    bot = command.output / "bot"
    if command.again or not (bot / "config.json").is_file():
        code = _train(command, bot)
        if code:
            return code
    if sys.stdin.isatty() and sys.stdout.isatty():
        chat(ChatCommand(bot))
    else:
        _ask(bot)
    return 0


def _train(command: DemoCommand, bot: Path) -> int:
    prepared = command.output / "prepared"
    with resources.as_file(resources.files("data_prep") / "samples" / "everyday.txt") as corpus:
        prepare([corpus], prepared, _prepare_config()).show(prepared)
    stopped = Workplace(bot.resolve(), "resume").last.is_file()
    how = ["--overwrite"] if command.again else ["--resume"] if stopped else []
    return fit([str(prepared), "--output", str(bot), "--config", command.recipe, *how])


def _prepare_config() -> PrepareConfig:
    parser = Parser(prog="chatbot demo")
    parser.add_recipes("prepare")
    parser.add_class_arguments(PrepareConfig)
    return parser.build(PrepareConfig, parser.parse(["--config", str(find_recipe("prepare", "everyday"))]))


def _ask(bot: Path) -> None:
    opened = bundle.load(bot)
    settings = search_settings(opened.config)
    replies = Responder(opened).replies([[question] for question in QUESTIONS], settings)
    for question, reply in zip(QUESTIONS, replies, strict=True):
        print(f"you: {question}\nbot: {printable(reply.text)}\n")  # noqa: T201 - the answers are the result
