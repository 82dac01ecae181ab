"""After each validation: a point of the curve, a line for people, and replies to the same prompts."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl
import torch

from chatbot.data.examples import Examples
from chatbot.data.module import DialogueData
from chatbot.search.filters import Filter, Forbidden, MinLength, NoRepeatNgram
from chatbot.search.walk import walk
from chatbot.tokenizer import BOS, EOS, PAD, Tokenizer, join
from chatbot.training.callbacks.pace import ValidationConfig
from chatbot.training.console import duration, say
from chatbot.training.curve import Curve, Mark, Point
from chatbot.training.guard import diverged
from chatbot.training.module import DialogueModule
from data_prep.rules import repair
from data_prep.text import words as words_of

_LONGEST = 40  # pieces of a reply
_SCANNED = 2000  # rows of the split that are looked through for prompts
_NOTHING = "(nothing)"  # what a language model is asked
_SPOKEN = range(3, 13)  # words of a prompt that tells something


class Recorder(pl.Callback):
    """Keeps the curve and shows how the model gets on.

    Args:
        curve: where points go.
        settings: how many prompts, and which.
    """

    def __init__(self, curve: Curve, settings: ValidationConfig) -> None:
        self.curve = curve
        self._settings = settings
        self._prompts: list[tuple[str, list[int]]] | None = None
        self._last: Mark | None = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Whenever the meter has been read, which the bar does now and then, take a mark; log it where that is due."""
        assert isinstance(pl_module, DialogueModule)
        total = pl_module.meter.total
        if self._last is not None and total.seconds == self._last.seconds:
            return
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        mark = Mark(step=trainer.global_step, rate=rate, **vars(total))
        self.curve.mark(mark)
        if self._last is None:
            self._last = mark
        elif mark.step >= self._last.step + trainer.log_every_n_steps:  # type: ignore[attr-defined]
            for logger in trainer.loggers:
                logger.log_metrics(mark.since(self._last), mark.step)
            self._last = mark

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the figures, say them, and ask the prompts.

        Raises:
            FitError: the likelihood is no number any more, or too many steps in a row did harm.
        """
        assert isinstance(pl_module, DialogueModule)
        pl_module.guard.check(trainer.global_step)
        found = pl_module.valid
        if not math.isfinite(found.nats):
            raise diverged(trainer.global_step, "the likelihood of the validation pairs is no number any more")
        stretch, total = pl_module.meter.next_stretch(), pl_module.meter.total
        nats, words = pl_module.over_devices(stretch.nats, stretch.words)
        loop = trainer.fit_loop
        part = loop.epoch_loop.batch_progress.current.ready / max(1, int(trainer.num_training_batches))
        point = Point(
            step=trainer.global_step,
            epoch=round(trainer.current_epoch + part, 3),
            seconds=round(total.seconds, 1),
            nats_per_word=found.nats_per_word,
            perplexity_per_word=found.perplexity_per_word,
            train_nats_per_word=nats / words if words else None,
            tokens_per_second=round(stretch.tokens_per_second, 1),
        )
        self.curve.points.append(point)
        if trainer.is_global_zero:
            say(line(point, self.curve.improved), style="bold" if self.curve.improved else "")
            self._ask(trainer, pl_module)

    def _ask(self, trainer: pl.Trainer, module: DialogueModule) -> None:
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, DialogueData)
        if self._prompts is None:
            self._prompts = chosen_prompts(data, self._settings)
        said = answers(module, data.tokenizer, [ids for _, ids in self._prompts])
        pairs = [(prompt, reply) for (prompt, _), reply in zip(self._prompts, said, strict=True)]
        for prompt, reply in pairs:
            say(f"    {prompt}  →  {reply}", style="dim")
        if self.curve.keeps_latest:
            self.curve.samples = pairs


def line(point: Point, best: bool) -> str:
    """A validation for people."""
    train = "" if point.train_nats_per_word is None else f" (train {point.train_nats_per_word:.3f})"
    return (
        f"{duration(point.seconds):>8}  step {point.step:,}, epoch {point.epoch:.2f}: {point.nats_per_word:.3f} nats "
        f"per word{train}, perplexity per word {point.perplexity_per_word:,.1f}, "
        f"{point.tokens_per_second:,.0f} tokens/s"
        f"{', best so far' if best else ''}"
    )


def chosen_prompts(data: DialogueData, settings: ValidationConfig) -> list[tuple[str, list[int]]]:
    """What is asked: a text to show, and the source that the model reads."""
    tokenizer = data.tokenizer
    if settings.prompts is not None:
        typed = [repair(prompt) for prompt in settings.prompts]
        return [(prompt, join([tokenizer.encode(prompt)], 1)) for prompt in typed]
    return _found_prompts(data.valid if len(data.valid) else data.train, tokenizer, settings.replies)


def _found_prompts(examples: Examples, tokenizer: Tokenizer, count: int) -> list[tuple[str, list[int]]]:
    """The first distinct contexts whose last turn is of a telling length; any others where those are too few."""
    spoken: dict[str, list[int]] = {}
    other: dict[str, list[int]] = {}
    for row in range(min(len(examples), _SCANNED)):
        if len(spoken) >= count:
            break
        text = tokenizer.decode(examples.asked(row)) or _NOTHING
        (spoken if len(words_of(text)) in _SPOKEN else other).setdefault(text, examples.source(row).tolist())
    return [*spoken.items(), *other.items()][:count]


@torch.no_grad()
def answers(module: DialogueModule, tokenizer: Tokenizer, sources: list[list[int]]) -> list[str]:
    """Greedy replies to sources, with the model as it stands; no dropout, no randomness used up."""
    if not sources:
        return []
    model, device = module.model, module.device
    lengths = torch.tensor([len(source) for source in sources])
    padded = torch.full((len(sources), int(lengths.max())), PAD)
    for row, source in enumerate(sources):
        padded[row, : len(source)] = torch.tensor(source)
    filters: list[Filter] = [Forbidden(tokenizer.control_ids()), MinLength(1, EOS), NoRepeatNgram(3)]
    training = model.training
    model.eval()
    try:
        state = model.start(model.encode(padded.to(device), lengths))
        found = walk(
            model.step, state, len(sources), bos=BOS, eos=EOS, max_length=_LONGEST, filters=filters, device=device
        )
    finally:
        model.train(training)
    return [tokenizer.decode(hypotheses[0].ids) for hypotheses in found]
