"""`chatbot fit` on one page: parse, claim the place, train, publish, say how it went."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Timer

from chatbot.config import find_recipe, one_line, with_recipe
from chatbot.errors import ConfigError, FitError
from chatbot.training.banner import banner
from chatbot.training.callbacks.keeper import Keeper, WholeFiles, check_identity
from chatbot.training.callbacks.pace import Patience, ValidationClock
from chatbot.training.callbacks.progress import Bar
from chatbot.training.callbacks.recorder import Recorder
from chatbot.training.console import say
from chatbot.training.curve import Curve
from chatbot.training.folder import SETTINGS, Workplace, fingerprint, read_checkpoint
from chatbot.training.interrupt import Interrupt
from chatbot.training.parser import FitCLI
from chatbot.training.precision import checked
from chatbot.training.publish import publish
from chatbot.training.quiet import quiet
from chatbot.training.verdict import Stop, verdict
from data_prep.store import alone

DEFAULT_RECIPE = "small"
OK, INTERRUPTED = 0, 130


def fit(argv: list[str]) -> int:
    """Run `chatbot fit` with the arguments after the word ``fit``; returns the exit code.

    Raises:
        ChatbotError, PrepareError: the user's mistake, in one line.
        OSError: the disk refuses; no half bot is left.
    """
    with quiet():
        training = _Fit(argv)
        with alone(training.place.output) if training.trainer.is_global_zero else nullcontext():
            return training.run()


class _Fit:
    """One training, from the arguments to the bot."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.curve = Curve()
        self.interrupt = Interrupt()
        self.place: Workplace
        self.patience: Patience | None = None
        try:
            self.cli = FitCLI(_with_settings(argv), self._claim, self._extras)
        except (MisconfigurationException, ValueError, TypeError, OverflowError) as error:
            raise ConfigError(f"{one_line(str(error))}; see `chatbot fit --help`") from error
        self.trainer, self.module, self.data = self.cli.trainer, self.cli.model, self.cli.datamodule
        self.module.seed = self.data.seed

    def run(self) -> int:
        """Train, publish, and say how it went."""
        resume = self.place.start == "resume"
        if resume:
            check_identity(read_checkpoint(self.place.last)["callbacks"]["Keeper"]["identity"], self._identity())
        if self.trainer.is_global_zero:
            say(banner(self.place, self.trainer, self.module, self.data, self.cli.config_init.validation))
            self.place.begin()
            text = yaml.safe_dump(self.cli.settings(), sort_keys=False, allow_unicode=True)
            self.place.write(SETTINGS, text.encode())
        with self.interrupt.watching(self.trainer):
            self._train(self.place.last if resume else None)
        return self._end() if self.trainer.is_global_zero else OK

    def _claim(self, cli: FitCLI) -> None:
        config = cli.config
        if config.output is None:
            raise ConfigError("no --output given; expected the folder to write the bot to, as in `--output bot`")
        self.place = Workplace.claim(config.output, resume=config.resume, overwrite=config.overwrite)
        # Written down as chosen: a training that goes on must not choose otherwise.
        config.trainer.precision = checked(config.trainer.precision, config.trainer.accelerator)
        if config.resume and self.place.start == "fresh":
            say("Nothing to resume yet: beginning from the start.")

    def _extras(self, cli: FitCLI) -> dict[str, Any]:
        """What the Trainer gets besides its settings."""
        asked, chosen = cli.config.trainer, cli.config_init
        self.data, self.module = cli.datamodule, cli.model
        self.cli = cli
        self.curve.keep = chosen.checkpoint.keep
        keeper = Keeper(self.place, self.curve, chosen.checkpoint, self._identity())
        callbacks = [
            Bar(visible=asked.enable_progress_bar is not False),
            ValidationClock(chosen.validation.minutes),
            Recorder(self.curve, chosen.validation),
            keeper,
        ]
        if chosen.validation.patience is not None and len(self.data.valid):
            self.patience = Patience(chosen.validation.patience, chosen.validation.min_delta)
            callbacks.append(self.patience)
        extras: dict[str, Any] = {
            "callbacks": callbacks,
            "enable_progress_bar": False,  # Lightning's own
            "plugins": [*(chosen.trainer.plugins or []), WholeFiles(self.place)],
            "default_root_dir": asked.default_root_dir or str(self.place.partial),
        }
        return extras if len(self.data.valid) else {**extras, "limit_val_batches": 0}

    def _identity(self) -> dict[str, Any]:
        """What must be the same when a training goes on."""
        sizes = {f"model.network.{k}": v for k, v in asdict(self.module.model.config).items() if k != "dropout"}
        data = {f"data.{key}": getattr(self.data, key) for key in ("context_turns", "tokens_per_batch")}
        return {"fingerprint": fingerprint(self.data.prepared), "seed_everything": self.data.seed, **sizes, **data}

    def _train(self, checkpoint: Path | None) -> None:
        try:
            self.trainer.fit(self.module, datamodule=self.data, ckpt_path=checkpoint, weights_only=True)
        except SystemExit:  # what Lightning makes of a KeyboardInterrupt, and of SIGTERM
            self.interrupt.asked = self.interrupt.asked or self.trainer.received_sigterm
            if not self.interrupt.asked:
                raise
        except MisconfigurationException as error:
            raise ConfigError(one_line(str(error))) from error
        except torch.OutOfMemoryError as error:
            raise FitError(
                f"the device's memory is full; lower --data.tokens_per_batch (now {self.data.tokens_per_batch:,}) or "
                "take a smaller recipe; --resume goes on from the last checkpoint only with the same batches"
            ) from error

    def _end(self) -> int:
        stop = self._why()
        code = INTERRUPTED if stop is Stop.INTERRUPTED else OK
        if not self.place.best.exists():
            if stop is not Stop.INTERRUPTED:
                self.place.discard()
                raise FitError("nothing was trained: the limits leave no step; raise --trainer.max_epochs or max_steps")
            say(f"Interrupted before there was anything to publish; {self.place.partial} is kept for --resume.")
            return code
        publish(self.place, self.trainer, self.module, self.data, self.curve, stop, self.cli.settings())
        say(verdict(self.curve, stop), style="bold")
        if stop.can_go_on and self.place.last.exists():
            megabytes = self.place.size() / 1e6
            say(f"{self.place.partial} ({megabytes:,.0f} MB) is kept for --resume; delete it when you are content.")
        else:
            self.place.discard()
        say(f"The bot stands in {self.place.output}: chatbot chat {self.place.output}")
        return code

    def _why(self) -> Stop:
        """What ended the training."""
        trainer = self.trainer
        if self.interrupt.asked:
            return Stop.INTERRUPTED
        if self.patience is not None and self.patience.exhausted:
            return Stop.PATIENCE
        timers = [c for c in trainer.callbacks if isinstance(c, Timer)]  # type: ignore[attr-defined]
        if any((left := timer.time_remaining()) is not None and left <= 0 for timer in timers):
            return Stop.TIME
        if 0 < trainer.max_steps <= trainer.global_step:
            return Stop.STEPS
        return Stop.CALLBACK if trainer.should_stop else Stop.EPOCHS


def _with_settings(argv: Sequence[str]) -> list[str]:
    """The arguments with a settings file before them: those of the training that goes on, a recipe, or the default.

    A training that goes on keeps its settings: what --config names is not read again, flags still override.
    """
    output = _value(argv, "--output")
    if "--resume" in argv and output:
        recorded = Workplace(Path(output).resolve(), "resume")
        if recorded.last.is_file() and (recorded.partial / SETTINGS).is_file():
            return ["--config", str(recorded.partial / SETTINGS), *_without(argv, "--config")]
    arguments = with_recipe(argv, "fit")
    if _value(argv, "--config") is None:
        return ["--config", str(find_recipe("fit", DEFAULT_RECIPE)), *arguments]
    return arguments


def _value(argv: Sequence[str], option: str) -> str | None:
    """The value of an option, written with a blank or with ``=``; the last one counts."""
    found = None
    for place, word in enumerate(argv):
        if word == option and place + 1 < len(argv):
            found = argv[place + 1]
        elif word.startswith(f"{option}="):
            found = word.removeprefix(f"{option}=")
    return found


def _without(argv: Sequence[str], option: str) -> list[str]:
    """The arguments without an option and its value.

    >>> _without(["a", "--config", "small", "--config=tiny", "b"], "--config")
    ['a', 'b']
    """
    kept: list[str] = []
    words = iter(argv)
    for word in words:
        if word == option:
            next(words, None)
        elif not word.startswith(f"{option}="):
            kept.append(word)
    return kept
