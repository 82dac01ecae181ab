"""LightningCLI with our own short arguments, and errors in one line."""

from __future__ import annotations

import re
from argparse import ArgumentError
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import pytorch_lightning as pl
import yaml
from jsonargparse import ActionConfigFile  # type: ignore[attr-defined]
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from chatbot.config import one_line, parse_blaming, recipe_names
from chatbot.data.module import DialogueData
from chatbot.errors import ConfigError
from chatbot.plainly import nearest, plainly, unknown_flags
from chatbot.search.presets import DEFAULT, PRESETS
from chatbot.training.callbacks.keeper import CheckpointConfig
from chatbot.training.callbacks.pace import ValidationConfig
from chatbot.training.logs import Logs
from chatbot.training.memory import is_out_of_memory
from chatbot.training.module import DialogueModule

TRAINER = {"max_epochs": 100, "gradient_clip_val": 1.0}
"""Where we want something else of Lightning's Trainer than it does by itself."""

FIXED = {"num_sanity_val_steps": 0, "logger": False, "enable_model_summary": False}
"""What nobody is asked about: `--logs` takes the place of a logger."""

IDLE = {
    *FIXED,
    "barebones",
    "enable_autolog_hparams",
    "enable_checkpointing",
    "inference_mode",
    "limit_predict_batches",
    "limit_test_batches",
    "model_registry",
    "profiler",
    "reload_dataloaders_every_n_epochs",
    "sync_batchnorm",
    "use_distributed_sampler",
}
"""Settings of Lightning's Trainer that do nothing in `chatbot fit`, or would break it: they are no options of it."""

OURS = (
    "config",
    "prepared",
    "output",
    "resume",
    "overwrite",
    "from",
    "find_lr",
    "profile",
    "backward",
    "language_model",
)
"""Arguments that say where and how to begin; they are no settings of the training."""

_TWO_WAYS = (
    "a decoder cannot read from the end, as it writes what comes next; model.network.bidirectional is the encoder's"
)

_ALIASES = {
    "epochs": "trainer.max_epochs",
    "steps": "trainer.max_steps",
    "time": "trainer.max_time",
    "batch_size": "data.tokens_per_batch",
    "learning_rate": "model.optimizer.lr",
    "gpus": "trainer.devices",
    "layers": "model.network.encoder_layers",
    "trainer.logger": "logs",
    "trainer.profiler": "profile",
}
"""What others call it."""

Finish = Callable[["FitCLI"], dict[str, Any]]


_LIGHTNINGS = (
    ("No supported gpu backend", "--trainer.accelerator: no GPU is here that torch can use; leave it out, or give cpu"),
    ("is not a valid duration", "--trainer.max_time: expected days:hours:minutes:seconds, as in 00:00:20:00"),
)
"""What Lightning says, and what it means here."""


def advised(message: str) -> str:
    """A message of Lightning's, or what to do about it where we know."""
    return next((advice for sign, advice in _LIGHTNINGS if sign in message), message)


class FitParser(LightningArgumentParser):
    """Raises ConfigError where others would print the usage and leave."""

    def add_lightning_class_args(self, lightning_class: Any, nested_key: str, *others: Any, **more: Any) -> list[str]:
        """As Lightning's, but of its Trainer only what does something here."""
        if nested_key != "trainer":
            return super().add_lightning_class_args(lightning_class, nested_key, *others, **more)
        names: list[str] = self.add_class_arguments(
            lightning_class, nested_key, fail_untyped=False, instantiate=False, sub_configs=True, skip=set(IDLE)
        )
        return names

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Name what is wrong in one line, and what it may have been meant to be."""
        said = plainly(one_line(message))
        if said.startswith("prepared: "):
            said = "no PREPARED given; expected the folder that `chatbot prepare` wrote"
        raise ConfigError(f"{said}{self._meant(message)}; see `chatbot fit --help`") from ex

    def _meant(self, message: str) -> str:
        """The option that a wrong one may have been meant to be, from the command line or a file."""
        if "decoder" in message and "bidirectional" in message:
            return f"; {_TWO_WAYS}"
        flags = unknown_flags(message)
        keys = re.findall(r"ption '([\w.]+)' is not accepted|not accept (?:option|nested key|key) '([\w.]+)'", message)
        wrong = flags + ["".join(key) for key in keys]
        options = [option.removeprefix("--") for action in self._actions for option in action.option_strings]
        if wrong and wrong[0] not in _ALIASES and wrong[0].removeprefix("trainer.") in IDLE:
            return "; `chatbot fit` has no use for this one of Lightning's"
        near = _ALIASES.get(wrong[0]) or nearest(wrong[0], options) if wrong else None
        return f"; did you mean {'--' if flags else ''}{near}?" if near else ""


class FitCLI(LightningCLI):
    """Parses, and builds module, data and trainer.

    Args:
        args: the arguments of `chatbot fit`, recipes already found.
        finish: called when module and data are there; returns what the Trainer gets besides its settings.

    Raises:
        ConfigError: a setting is unknown, of the wrong kind, or contradicts another.
    """

    def __init__(self, args: Sequence[str], prepare: Callable[[FitCLI], None], finish: Finish) -> None:
        self._prepare = prepare
        self._finish = finish
        super().__init__(
            DialogueModule,
            DialogueData,
            save_config_callback=None,
            trainer_defaults=dict(TRAINER),
            seed_everything_default=0,
            parser_class=FitParser,
            parser_kwargs={
                "prog": "chatbot fit",
                "usage": "chatbot fit PREPARED --output BOT [--config RECIPE] [options]",
                "description": "A prepared folder → a trained bot. Settings with a dot can stand in the YAML file too.",
                "exit_on_error": False,
                "allow_abbrev": False,
            },
            args=list(args),
            run=False,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Lightning's parser, with recipes told of in the help."""
        kwargs["dump_header"] = ["settings of `chatbot fit`"]
        parser = self.parser_class(**kwargs)
        names = ", ".join(recipe_names("fit"))
        parser.add_argument(
            "--config", action=ActionConfigFile, help=f"YAML file, or a recipe by name: {names}; flags override it"
        )
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Our own arguments, and what follows from what."""
        parser.add_argument("prepared", type=Path, metavar="PREPARED", help="folder that `chatbot prepare` wrote")
        parser.add_argument("--output", type=Path, metavar="BOT", help="folder to write the bot to")
        parser.add_argument("--resume", action="store_true", help="go on with a training that was stopped or killed")
        parser.add_argument("--overwrite", action="store_true", help="begin again, and replace the bot at the end")
        parser.add_argument(
            "--from", type=Path, metavar="BOT", help="go on from the weights, sizes and tokenizer of an existing bot"
        )
        parser.add_argument(
            "--find-lr", action="store_true", help="try rates of learning, say which to take, and leave"
        )
        parser.add_argument(
            "--backward", action="store_true", help="train a model that tells what a reply answers, into BOT/backward"
        )
        parser.add_argument(
            "--language-model", action="store_true", help="train one of replies as such, into BOT/language_model"
        )
        parser.add_argument(
            "--preset",
            type=Literal[tuple(PRESETS)] | None,
            default=None,
            help=f"how the bot looks for replies unless told otherwise; null: {DEFAULT}",
        )
        parser.add_argument("--profile", action="store_true", help="say at the end where the time of training went")
        parser.add_argument(
            "--logs",
            type=Literal[get_args(Logs)],
            default="none",
            help="write figures to BOT.logs for other programs: csv, tensorboard, both or none",
        )
        parser.add_class_arguments(ValidationConfig, "validation")
        parser.add_class_arguments(CheckpointConfig, "checkpoint")
        parser.link_arguments("prepared", "data.path")
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("data.vocab_size", "model.vocab_size", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """As Lightning does, but where it would warn of arguments that do not come from sys.argv."""

        def parse(words: list[str]) -> Any:
            try:
                return parser.parse_args(words)
            except ArgumentError as error:
                parser.error(str(error), error)

        self.config = parse_blaming(parse, list(args))

    def before_instantiate_classes(self) -> None:
        """Check what can be checked before anything large is built."""
        self._prepare(self)

    def instantiate_classes(self) -> None:
        """Build all three; a value that a class refuses is the user's mistake."""
        try:
            super().instantiate_classes()
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{one_line(str(error))}; see `chatbot fit --help`") from error
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise ConfigError(
                "model.network: a network of these sizes does not fit into memory; lower --model.network.embedding, "
                "encoder_size or decoder_size, or take a smaller recipe"
            ) from error

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """The Trainer with our callbacks."""
        extra = FIXED | self._finish(self)
        self.trainer_defaults["callbacks"] = extra.pop("callbacks")
        return super().instantiate_trainer(**extra, **kwargs)

    def settings(self) -> dict[str, Any]:
        """The resolved settings as plain data: what is written down for --resume and into the bot."""
        chosen = self.config.clone()
        for name in OURS:
            chosen.pop(name, None)
        dumped: dict[str, Any] = yaml.safe_load(
            self.parser.dump(chosen, skip_unset=False, skip_validation=True, format="yaml")
        )
        return dumped
