"""`chatbot fit --backward` and `--language-model`: models inside a bot's folder that help it to rank its replies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chatbot import bundle
from chatbot.data.examples import Task
from chatbot.data.module import DialogueData
from chatbot.errors import ConfigError, FitError
from chatbot.training.arguments import value_of

_FLAGS = {f"--{helper.replace('_', '-')}": helper for helper in bundle.HELPERS}


def for_helper(argv: Sequence[str]) -> list[str]:
    """The arguments with ``--output BOT --backward`` as ``--output BOT/backward --data.task backward``.

    Raises:
        ConfigError: there is no bot to help, or both helpers are asked for.
    """
    flags = [word for word in argv if word in _FLAGS]
    if not flags:
        return list(argv)
    if len(set(flags)) > 1:
        raise ConfigError(f"{' and '.join(sorted(set(flags)))} are two trainings; give one of them")
    bot, helper = value_of(argv, "--output"), _FLAGS[flags[0]]
    if bot is None:
        raise ConfigError(f"{flags[0]} needs --output BOT, the bot that it is to help")
    only_shown = any(word.startswith("--print_config") for word in argv)
    if not only_shown and not (Path(bot) / bundle.CONFIG).is_file():
        raise ConfigError(f"{flags[0]}: {bot} is no bot; train it first with `chatbot fit PREPARED --output {bot}`")
    kept = [word for word in argv if word not in _FLAGS]
    return [*kept, "--output", str(Path(bot) / helper), "--data.task", helper]


def where(output: Path, task: Task) -> str:
    """Where what was trained stands, and what it is good for."""
    if task == "reply" or output.name != task:
        return f"The bot stands in {output}: chatbot chat {output}"
    setting = " --backward 0.3" if task == "backward" else ""  # a language model is used wherever anti_lm is
    return f"It helps {output.parent} to rank its replies: chatbot chat {output.parent}{setting}"


def check_pieces(output: Path, data: DialogueData) -> None:
    """Refuse to train a helper on other pieces than those of its bot.

    Raises:
        FitError: the data was prepared with another vocabulary.
    """
    bot = output.parent
    if data.task == "reply" or output.name != data.task or not (bot / bundle.CONFIG).is_file():
        return
    if (bot / bundle.TOKENIZER).read_bytes() != data.tokenizer_bytes:
        raise FitError(
            f"{data.prepared.path}: was prepared with another vocabulary than {bot}, which this model is to help; "
            f"take the folder that the bot was trained on, or prepare with --vocabulary.model {bot}"
        )
