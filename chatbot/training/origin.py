"""`chatbot fit --from BOT`: training that begins with the weights of a bot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatbot import bundle
from chatbot.data.module import DialogueData
from chatbot.errors import ConfigError, FitError
from chatbot.training.module import DialogueModule

TRAINING_ONLY = ("dropout", "variational", "recurrent_dropout", "word_dropout")
"""What of a network's settings may change while its weights stay."""


class Origin:
    """The bot that a training begins with.

    Raises:
        BundleError: there is no bot at ``path``, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bot = bundle.load(path)

    def settle(self, network: Any, data: Any, asked: Callable[[str], bool]) -> None:
        """Take over its sizes and kinds into parsed settings, and how much it reads unless that was ``asked`` for.

        Raises:
            ConfigError: an option asks for a network that these weights are not of.
        """
        for name, value in asdict(self.bot.model.config).items():
            if name in TRAINING_ONLY:
                continue
            if asked(f"--model.network.{name}") and network[name] != value:
                raise ConfigError(
                    f"--model.network.{name} is {network[name]}, but {self.path} is of {value}, and its weights fit "
                    "nothing else; leave the option out, or leave --from out and train anew"
                )
            network[name] = value
        for name in ("context_turns", "source_tokens"):
            if not asked(f"--data.{name}"):
                data[name] = self.bot.config[name]

    def give(self, module: DialogueModule, data: DialogueData) -> None:
        """Put its weights into the network.

        Raises:
            FitError: the data was cut into other pieces than the bot knows.
        """
        own = self.bot.tokenizer
        if data.tokenizer_bytes != own.model:
            differ = next(
                (i for i in range(min(own.vocab_size, data.vocab_size)) if own.piece(i) != data.tokenizer.piece(i)),
                None,
            )
            why = f"{data.vocab_size:,} pieces there, {own.vocab_size:,} here"
            if data.vocab_size == own.vocab_size and differ is not None:
                why = f"piece {differ} is {data.tokenizer.piece(differ)!r} there and {own.piece(differ)!r} here"
            raise FitError(
                f"{data.prepared.path}: was prepared with another vocabulary than {self.path} ({why}); prepare it with "
                f"the bot's own: chatbot prepare ... --vocabulary.model {self.path}"
            )
        module.model.load_state_dict(self.bot.model.state_dict())
