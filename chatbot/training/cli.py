"""`chatbot fit` on one page: parse, claim the place, train, publish, say how it went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback, Timer
from pytorch_lightning.profilers import SimpleProfiler

from chatbot import swap
from chatbot.config import one_line
from chatbot.errors import ConfigError, FitError
from chatbot.model.config import NetworkConfig
from chatbot.training.arguments import spelt, value_of, with_settings
from chatbot.training.banner import banner
from chatbot.training.callbacks.averaging import Averaging
from chatbot.training.callbacks.freed import Freed
from chatbot.training.callbacks.keeper import Keeper, WholeFiles, check_identity, with_updates
from chatbot.training.callbacks.pace import Patience, ValidationClock
from chatbot.training.callbacks.progress import Bar
from chatbot.training.callbacks.recorder import Recorder
from chatbot.training.cluster import check_launch, environments, is_one_of_several
from chatbot.training.console import say
from chatbot.training.curve import Curve
from chatbot.training.find_lr import find_lr
from chatbot.training.folder import SETTINGS, Workplace, fingerprint, read_checkpoint
from chatbot.training.helper import check_pieces, for_helper, where
from chatbot.training.interrupt import Interrupt
from chatbot.training.logs import loggers
from chatbot.training.memory import is_out_of_memory, keep_freed, memory_full
from chatbot.training.optimizer import OptimizerConfig
from chatbot.training.origin import TRAINING_ONLY, Origin
from chatbot.training.parser import FitCLI, advised
from chatbot.training.precision import check_kernels, checked
from chatbot.training.profile import shares, table
from chatbot.training.publish import publish
from chatbot.training.quiet import quiet
from chatbot.training.verdict import Stop, verdict
from data_prep.store import alone

OK, INTERRUPTED = 0, 130


def fit(argv: list[str]) -> int:
    """Run `chatbot fit` with the arguments after the word ``fit``; returns the exit code.

    Raises:
        ChatbotError, PrepareError: the user's mistake, in one line.
        OSError: the disk refuses; no half bot is left.
    """
    keep_freed()
    with quiet(), ExitStack() as until_end:
        training = _Fit(for_helper(argv), until_end)
        if training.cli.config.find_lr:
            with training.memory_told():
                print(find_lr(training.trainer, training.module, training.data))  # noqa: T201 - it is the result
            return OK
        with alone(training.place.output) if training.trainer.is_global_zero else nullcontext():
            return training.run()


class _Fit:
    """One training, from the arguments to the bot."""

    def __init__(self, argv: Sequence[str], until_end: ExitStack) -> None:
        self.curve = Curve()
        self.interrupt = Interrupt()
        self.profiler: SimpleProfiler | None = None
        self.origin: Origin | None = None
        self._argv = list(argv)
        self._until_end = until_end
        self.place: Workplace
        self.patience: Patience | None = None
        self._began = 0  # step that a training that goes on stood at
        try:
            self.cli = FitCLI(with_settings(argv), self._claim, self._extras)
        except (MisconfigurationException, ValueError, TypeError, OverflowError) as error:
            raise ConfigError(f"{advised(one_line(str(error)))}; see `chatbot fit --help`") from error
        self.trainer, self.module, self.data = self.cli.trainer, self.cli.model, self.cli.datamodule
        self.module.seed = self.data.seed

    def run(self) -> int:
        """Train, publish, and say how it went."""
        check_launch(self.trainer)
        self._claim_again()
        self.data.check_devices(self.trainer.world_size)
        resume = self.place.start == "resume"
        if self.cli.config.resume and not resume and self.trainer.is_global_zero:
            say("Nothing to resume yet: beginning from the start.")
        if resume:
            last = read_checkpoint(self.place.last)
            self._began, recorded = int(last["global_step"]), last["callbacks"]["Keeper"]["identity"]
            check_identity(recorded, with_updates(self._identity(), self.trainer))
        if self.trainer.is_global_zero:
            say(banner(self.place, self.trainer, self.module, self.data, self.cli.config_init.validation))
            self.place.begin()
            text = yaml.safe_dump(self.cli.settings(), sort_keys=False, allow_unicode=True)
            self.place.write(SETTINGS, text.encode())
        with self.interrupt.watching(self.trainer):
            self._train(self.place.last if resume else None)
        return self._end() if self.trainer.is_global_zero else OK

    def _claim_again(self) -> None:
        """Now that nobody else works here: is the place still what it was before all was loaded?

        Raises:
            FitError: another training has begun or ended meanwhile.
        """
        chosen = self.cli.config_init
        if self.trainer.is_global_zero:
            now = Workplace.claim(chosen.output, resume=chosen.resume, overwrite=chosen.overwrite)
            if now.start != self.place.start:
                raise FitError(f"{self.place.partial}: another training was at work here until now; run this again")

    def _claim(self, cli: FitCLI) -> None:
        """Everything that can be refused before anything large is loaded."""
        config = cli.config
        NetworkConfig(**vars(config.model.network))
        OptimizerConfig(**vars(config.model.optimizer)).check_end(config.trainer.max_epochs, config.trainer.max_steps)
        if config.output is None and not config.find_lr:
            raise ConfigError("no --output given; expected the folder to write the bot to, as in `--output bot`")
        if config.find_lr and (config.resume or config.overwrite or config.profile):
            raise ConfigError("--find-lr tries rates on a new network and leaves; give it without the other")
        if config.find_lr:
            scratch = self._until_end.enter_context(TemporaryDirectory())
            self.place = Workplace(Path(scratch) / "bot", "fresh")
            self.place.begin()
        else:
            self.place = Workplace.claim(config.output, resume=config.resume, overwrite=config.overwrite)
        # Written down as chosen: a training that goes on must not choose otherwise.
        several = is_one_of_several(config.trainer)
        config.trainer.precision = checked(config.trainer.precision, config.trainer.accelerator, trial=not several)
        if config["from"] is not None and self.place.start == "fresh":
            self.origin = Origin(config["from"])
            asked = spelt(self._argv)
            self.origin.settle(config.model.network, config.data, lambda option: value_of(asked, option) is not None)
        network = config.model.network
        check_kernels(config.trainer.precision, config.trainer.accelerator, network.cell)

    def _extras(self, cli: FitCLI) -> dict[str, Any]:
        """What the Trainer gets besides its settings."""
        asked, chosen = cli.config.trainer, cli.config_init
        self.data, self.module = cli.datamodule, cli.model
        self.cli = cli
        check_pieces(self.place.output, self.data)
        if self.origin is not None:
            self.origin.give(self.module, self.data)
        extras: dict[str, Any] = {
            "callbacks": [] if cli.config.find_lr else self._callbacks(),
            "enable_progress_bar": False,  # Lightning's own
            "plugins": [*(chosen.trainer.plugins or []), WholeFiles(self.place), *environments()],
            "default_root_dir": (None if cli.config.find_lr else asked.default_root_dir) or str(self.place.partial),
        }
        if cli.config.profile:
            extras["profiler"] = self.profiler = SimpleProfiler()
        if made := loggers(self.place.output, cli.config.logs):
            extras["logger"] = made
        if cli.config.find_lr:
            extras |= {"max_epochs": -1, "max_steps": -1, "max_time": None, "devices": 1, "num_nodes": 1}
        if not len(self.data.valid) or cli.config.find_lr:
            extras["limit_val_batches"] = 0
        return extras

    def _callbacks(self) -> list[Callback]:
        chosen = self.cli.config_init
        self.curve.keep = chosen.checkpoint.keep
        averaging = None if chosen.model.optimizer_config.ema is None else Averaging(chosen.model.optimizer_config.ema)
        callbacks: list[Callback] = [] if averaging is None else [averaging]
        if chosen.validation.patience is not None and len(self.data.valid):
            self.patience = Patience(chosen.validation.patience, chosen.validation.min_delta)
            callbacks.append(self.patience)
        return [
            *callbacks,
            Bar(visible=self.cli.config.trainer.enable_progress_bar is not False),
            ValidationClock(chosen.validation.minutes),
            Freed(),
            Recorder(self.curve, chosen.validation),
            Keeper(self.place, self.curve, chosen.checkpoint, self._identity(), averaging),
            self.interrupt,
        ]

    def _identity(self) -> dict[str, Any]:
        """What must be the same when a training goes on."""
        network = asdict(self.module.model.config).items()
        sizes = {f"model.network.{key}": value for key, value in network if key not in TRAINING_ONLY}
        data = {
            f"data.{key}": getattr(self.data, key) for key in ("context_turns", "source_tokens", "tokens_per_batch")
        }
        task = {} if self.data.task == "reply" else {"data.task": self.data.task}
        return {
            "fingerprint": fingerprint(self.data.prepared),
            "seed_everything": self.data.seed,
            **sizes,
            **data,
            **task,
        }

    def _train(self, checkpoint: Path | None) -> None:
        try:
            with self.memory_told():
                self.trainer.fit(self.module, datamodule=self.data, ckpt_path=checkpoint, weights_only=True)
        except SystemExit:  # what Lightning makes of a KeyboardInterrupt, and of SIGTERM
            self.interrupt.asked = self.interrupt.asked or self.trainer.received_sigterm
            if not self.interrupt.asked:
                raise
        except MisconfigurationException as error:
            raise ConfigError(one_line(str(error))) from error

    @contextmanager
    def memory_told(self) -> Iterator[None]:
        """Within it, memory that is full is told in our words."""
        try:
            yield
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise memory_full(self.data.tokens_per_batch, self.module.halved) from error

    def _end(self) -> int:
        stop = self._why()
        idle = self.place.start == "resume" and self.trainer.global_step == self._began
        if idle and stop is not Stop.INTERRUPTED and swap.standing(self.place.output) is not None:
            raise FitError(
                f"{self.place.output}: nothing is left to do: it stands at step {self._began:,}, where "
                f"{stop.limit or 'a limit'} ends it; give a higher one, counted from the very beginning"
            )
        code = INTERRUPTED if stop is Stop.INTERRUPTED else OK
        if not self.place.best.exists():
            if stop is not Stop.INTERRUPTED:
                self.place.discard()
                raise FitError(
                    "nothing was trained: the limits leave no step; raise --trainer.max_epochs, max_steps or max_time"
                )
            say(f"Interrupted before there was anything to publish; {self.place.partial} is kept for --resume.")
            return code
        parts = None
        if self.profiler is not None:
            seconds = self.module.meter.total.seconds - self.module.meter.resumed
            parts = shares(self.profiler, seconds, self.trainer.accumulate_grad_batches)
        publish(self.place, self.trainer, self.module, self.data, self.curve, stop, self.cli.settings(), parts)
        say(self._verdict(stop), style="bold")
        if parts is not None:
            say(table(parts))
        if stop.can_go_on and self.place.last.exists():
            megabytes = self.place.size() / 1e6
            say(f"{self.place.partial} ({megabytes:,.0f} MB) is kept for --resume; delete it when you are content.")
        else:
            self.place.discard()
        say(where(self.place.output, self.data.task))
        return code

    def _verdict(self, stop: Stop) -> str:
        planned, warmup = self.trainer.max_epochs, self.cli.config_init.model.optimizer_config.warmup_steps
        valid = self.data.valid
        words = int(valid.words.sum()) + len(valid)
        return verdict(
            self.curve,
            stop,
            epochs=None if planned is None or planned < 0 else planned,
            skipped=int(self.module.guard.skipped),
            dropout=self.module.model.config.dropout,
            decayed=self.cli.config_init.model.optimizer_config.decay == "cosine",
            warmup=warmup if self.trainer.global_step < warmup else None,
            guessing=log(self.data.vocab_size) * int(valid.target_lengths.sum()) / words if words else None,
            taught=self.origin is not None,
            pairs=len(self.data.train),
        )

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
