"""My turn to chat: a net that has read one text, letter by letter, and goes on writing it."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure

from chatbot.lab.cache import chosen
from chatbot.lab.drawing import lines, sheet
from chatbot.lab.lesson import Lesson, teach
from chatbot.lab.letters import Corpus, Speaker, bits, read, streams
from chatbot.lab.result import Result
from chatbot.lab.stack import parameters
from chatbot.model.cell import Recurrence
from chatbot.training.console import say
from chatbot.training.optimizer import OptimizerConfig, adamw
from chatbot.training.precision import checked

NAME = "writer"
TEMPERATURES = (0.2, 0.5, 1.0)
_WORD = re.compile(r"\w+")
_WRITTEN = 600  # letters at each temperature
_TESTS = 12  # while it learns
_READ = 120_000  # letters that are held out, at most: to learn from them while reading takes a while
_BABBLE = 0.25  # share of made-up words from which nobody would say that it spells


class Watch(pl.Callback):
    """Tests now and then on the text's dev part, keeps the best weights, and stops if the time is up."""

    def __init__(self, speaker: Speaker, corpus: Corpus, every: int, until: float) -> None:
        self.points: list[tuple[int, float]] = []
        self._speaker, self._corpus, self._every, self._until = speaker, corpus, every, until
        self._best: dict[str, torch.Tensor] = {}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Test when it is time to."""
        late = time.monotonic() > self._until
        if late or trainer.global_step % self._every == 0:
            self.test(trainer.global_step)
        trainer.should_stop = trainer.should_stop or late

    def test(self, step: int) -> None:
        """Nats a letter of the dev part; the best weights are remembered."""
        nats = self._speaker.nats(self._corpus.dev.to(self._speaker.scores.weight.device))
        if not self._best or nats < min(one for _, one in self.points):
            self._best = {name: weight.detach().clone() for name, weight in self._speaker.state_dict().items()}
        self.points.append((step, nats))
        say(f"step {step:,}: {nats:.3f} nats a letter that it does not learn from")

    def restore(self) -> None:
        """The best weights."""
        self._speaker.load_state_dict(self._best or self._speaker.state_dict())


@dataclass(frozen=True)
class Plan:
    """How much is learned, and by what."""

    hidden_size: int
    layers: int
    dropout: tuple[float, float]
    """Of outputs, and of the recurrent weights."""
    batch: tuple[int, int]
    """Rows that are read side by side, and letters of a piece."""
    rate: float
    """Of learning, at its greatest."""
    decay: float
    """Of weights, by AdamW; biases are spared."""
    steps: int
    minutes: float
    """At most; steps that are not done by then are left out."""

    def factor(self, step: int, seconds: float) -> float:
        """Of the rate: up over 100 steps, and down in a line to next to nothing where the steps or the minutes end.

        Time counts from a quarter of the minutes on, and not at all where an even pace is done within them: what is
        learned is the same then.

        >>> [round(QUICK.factor(step, seconds), 2) for step, seconds in ((0, 9), (99, 20), (200, 40), (200, 76.5))]
        [0.01, 0.75, 0.5, 0.2]
        """
        limit, free = 60 * self.minutes, 15 * self.minutes
        done = max(step / self.steps, (seconds - free) / (limit - free))
        return max(0.01, 1 - done) * min(1.0, (step + 1) / 100)


QUICK = Plan(128, 2, (0.0, 0.0), (50, 100), 2e-3, 1e-4, 400, 1.5)
FULL = Plan(512, 2, (0.4, 0.2), (50, 100), 2e-3, 0.3, 4_000, 33)


def _speaker(corpus: Corpus, plan: Plan, dropout: tuple[float, float] = (0.0, 0.0)) -> Speaker:
    return Speaker(len(corpus.alphabet), plan.hidden_size, Recurrence("lstm"), plan.layers, *dropout)


def learned(corpus: Corpus, plan: Plan, precision: str) -> tuple[Speaker, Watch, list[float]]:
    """A net with the best weights that it had, what was seen on the way, and the loss of each step."""
    speaker = _speaker(corpus, plan, plan.dropout)
    rows, piece = plan.batch
    began = time.monotonic()
    watch = Watch(speaker, corpus, max(1, plan.steps // _TESTS), began + 60 * plan.minutes)
    lesson = Lesson(
        speaker,
        speaker.loss,
        lambda weights: adamw(weights, OptimizerConfig(plan.rate, (0.9, 0.999), plan.decay), fused=False),
        lambda step: plan.factor(step, time.monotonic() - began),
    )
    teach(
        lesson,
        streams(corpus.train, min(rows, max(1, len(corpus.train) // 500)), piece, plan.steps),
        steps=plan.steps,
        clip=1.0,
        callbacks=[watch],
        precision=precision,
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
    )
    speaker.cpu()
    watch.restore()
    return speaker, watch, lesson.losses


def run(full: bool, seed: int, text: Path | None = None, minutes: float | None = None) -> Result:
    """Read, learn, write.

    Args:
        full: two layers of 512 rather than of 128.
        seed: of the weights and of what is written.
        text: a file, or a folder of them; None: the bundled dialogues.
        minutes: to learn for at most; None: 33, or one and a half.
    """
    began = time.monotonic()
    torch.manual_seed(seed)
    corpus, plan = read(text), FULL if full else QUICK
    plan = plan if minutes is None else replace(plan, minutes=minutes)
    speaker, watch, losses = learned(corpus, plan, checked(None, "auto") if full else "32-true")
    held_out = corpus.valid[:_READ]
    cache, seen = chosen(speaker.read(corpus.dev[:_READ])), speaker.read(held_out)
    nats, remembering = seen.nats, cache.nats(seen)
    learner = _speaker(corpus, plan)
    learner.load_state_dict(speaker.state_dict())
    learning = learner.nats_learning(held_out)
    written = _written(speaker, corpus, seed)
    new = _new_words(written[1.0], corpus)
    letters = len(corpus.train) + len(corpus.dev) + len(corpus.valid)
    say(f"{letters:,} letters, an alphabet of {len(corpus.alphabet)}, {parameters(speaker):,} weights")
    table = [[f"{len(held_out):,} that are held out, read", "nats a letter", "bits a letter"]]
    table += [
        [how, f"{got:.3f}", f"{bits(got):.3f}"]
        for how, got in (
            ("as it stands", nats),
            ("with a cache of what it has read", remembering),
            ("learning from what it has read", learning),
        )
    ]
    samples = "\n\n".join(f"--- temperature {heat:g}\n{said}" for heat, said in written.items())
    return Result(
        NAME,
        {"full": full, "seed": seed, "text": None if text is None else str(text), "minutes": plan.minutes},
        {
            "nats": nats,
            "bits": bits(nats),
            "nats_cache": remembering,
            "cache": asdict(cache),
            "nats_learning": learning,
            "steps": len(losses),
            "tests": watch.points,
            "new_words": new,
        },
        table,
        f"{samples}\n\n{_tells(new, nats, remembering, learning)}",
        _drawn(losses, watch.points),
        time.monotonic() - began,
        {"writer.txt": samples + "\n"},
    )


def _drawn(losses: list[float], points: list[tuple[int, float]]) -> Figure:
    figure, (axes,) = sheet(1, width=7)
    tests = ([step for step, _ in points], [bits(one) for _, one in points])
    curves = {"learned from": _smoothed(losses), "not learned from": tests}
    lines(axes, curves, title="Bits a letter", across="step", up="bits")
    return figure


def _smoothed(losses: list[float]) -> tuple[list[int], list[float]]:
    size = max(1, len(losses) // 100)
    starts = range(0, len(losses) - size + 1, size)
    return [start + size for start in starts], [bits(sum(losses[start : start + size]) / size) for start in starts]


def _written(speaker: Speaker, corpus: Corpus, seed: int) -> dict[float, str]:
    begun = corpus.train[-200:].tolist()
    return {heat: corpus.text(speaker.write(begun, _WRITTEN, heat, seed)) for heat in TEMPERATURES}


def _new_words(said: str, corpus: Corpus) -> float:
    """Share of written words that stand nowhere in what was read."""
    known = set(_WORD.findall(corpus.text(corpus.train.tolist()).lower()))
    words = _WORD.findall(said.lower())[1:-1]  # the first and the last may be cut
    return sum(word not in known for word in words) / max(1, len(words))


def _tells(new: float, nats: float, remembering: float, learning: float) -> str:
    if new > _BABBLE:
        return (
            f"At {nats:.2f} nats a letter it has not learned to spell yet: at temperature 1.0 {100 * new:.0f} % of its "
            f"words are made up. It wants more steps, or more text.{_gains(nats, remembering, learning)}"
        )
    return (
        "At temperature 0.2 it says what is likeliest, again and again; at 0.5 it speaks more clearly; at 1.0 it says "
        f"what the text would, and {100 * new:.0f} % of its words are made up. "
        f"At {nats:.2f} nats a letter it has learned how to say: spelling, names, the shape of a line. It has "
        f"not learned what: no line knows what the one before it wanted.{_gains(nats, remembering, learning)}"
    )


def _gains(nats: float, remembering: float, learning: float) -> str:
    """What a cache, and learning while it reads, are worth; nothing of what is worth nothing."""
    cache = f"a cache that recalls what came next wherever it was in a like state, it needs {remembering:.2f}"
    parts = [f"with the same weights, and {cache}"] if remembering < nats - 0.01 else []
    parts += [f"where it may learn from every few letters once they are guessed, {learning:.2f}"] * (
        learning < nats - 0.01
    )
    told = "; ".join(parts)
    return f" {told[0].upper()}{told[1:]}: a new name is dear only at first." if told else ""
