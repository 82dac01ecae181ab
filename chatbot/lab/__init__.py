"""The experiments of the chapter on LSTMs, on the project's own cells: each a figure, a picture and a paragraph.

retention.py  what is still known after a gap         gates.py      one LSTM reads a sentence
long_lag.py   the tasks of 1997 (tasks.py)            bptt.py       where the way back is cut
sentiment.py  for or against (reviews.py,             writer.py     a net goes on with a text (letters.py)
              classifier.py)
memories.py   kinds of cells, one layer to three
stack.py      the nets;  lesson.py  how they are taught;  jobs.py  many of them;  result.py, drawing.py  what is left
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.errors import ConfigError
from chatbot.plainly import nearest

if TYPE_CHECKING:
    from chatbot.lab.result import Result

EXPERIMENTS = {
    "retention": "what is still known of the first word after a gap of 1 to 400 others",
    "gates": "one LSTM reads a sentence: its gates, candidate and memory, word by word",
    "long-lag": "adding, multiplication, temporal order, copying, Reber and noise: which cell solves which",
    "bptt": "the gradient where backpropagation through time is cut after k letters, and what that costs",
    "sentiment": "the chapter's classifier of reviews, words against letters, and a modern one",
    "writer": "a net that has read a text letter by letter writes on, at three temperatures",
    "memories": "plain RNN, GRU, LSTM and peephole LSTM, one layer to three, at equal weights on one text",
}
_OWN = {
    "data": "sentiment",
    "vectors": "sentiment",
    "predict": "sentiment",
    "text": "writer, memories",
    "minutes": "writer",
}


@dataclass(frozen=True)
class LabCommand:
    """Run an experiment: a table and a paragraph on the screen, NAME.json and NAME.png in the output folder."""

    experiment: str
    """Its name."""
    quick: bool = False
    """A quick look, under two minutes on two cores; what is done unless --full is given."""
    full: bool = False
    """As good as the method gets; minutes to an hour."""
    seed: int = 0
    """Of all that is drawn."""
    output: Path = Path("runs/lab")
    """Folder for what it leaves."""
    data: list[Path] = field(default_factory=list)
    """sentiment: a folder with pos/ and neg/, two files of lines (for, against), or a CSV with a text and a label."""
    vectors: Path | None = None
    """sentiment: vectors of words in the text form of word2vec or GloVe; null: learnt."""
    predict: str | None = None
    """sentiment: say of this text what the classifier of the last run makes of it."""
    text: Path | None = None
    """writer, memories: a text file, or a folder of them; null: the bundled dialogues."""
    minutes: float | None = None
    """writer: to learn for at most; judging and writing come on top."""


def listing() -> str:
    """The experiments, a line each."""
    lines = [f"  {name:<10} {summary}" for name, summary in EXPERIMENTS.items()]
    return "\n".join(
        [
            "chatbot lab NAME [--full]",
            "",
            *lines,
            "",
            "`chatbot lab --help` has the options, docs/lab.md what comes out.",
        ]
    )


def run(command: LabCommand) -> int:
    """Carry out the command.

    Raises:
        ChatbotError: there is no such experiment, or it does not take what was given.
    """
    name = command.experiment
    if name not in EXPERIMENTS:
        near = nearest(name, list(EXPERIMENTS))
        meant = f"; did you mean {near}?" if near else ""
        raise ConfigError(f"lab {name}: no such experiment; expected one of {', '.join(EXPERIMENTS)}{meant}")
    if command.quick and command.full:
        raise ConfigError("--quick and --full: expected one of them")
    for option, owners in _OWN.items():
        if getattr(command, option) not in (None, []) and name not in owners.split(", "):
            raise ConfigError(f"--{option}: lab {name} does not take it; {owners} does")
    if not 0 <= command.seed < 2**31:
        raise ConfigError(f"--seed {command.seed}: expected a whole number from 0 to 2^31")
    if command.minutes is not None and not command.minutes > 0:
        raise ConfigError(f"--minutes {command.minutes:g}: expected more than 0")
    if command.predict is not None:
        from chatbot.lab.classifier import predict

        if command.data or command.vectors or command.full or command.quick:
            raise ConfigError("--predict asks what was learnt before; give it without --data, --vectors and --full")

        sys.stdout.write(f"{predict(command.predict, command.output)}\n")
        return 0
    from chatbot.lab.result import claim, keep

    claim(command.output)
    keep(_result(command), command.output)
    return 0


def _result(command: LabCommand) -> Result:
    full, seed = command.full, command.seed
    match command.experiment:
        case "retention":
            from chatbot.lab import retention

            return retention.run(full, seed)
        case "gates":
            from chatbot.lab import gates

            return gates.run(full, seed)
        case "long-lag":
            from chatbot.lab import long_lag

            return long_lag.run(full, seed)
        case "bptt":
            from chatbot.lab import bptt

            return bptt.run(full, seed)
        case "sentiment":
            from chatbot.lab import sentiment

            return sentiment.run(full, seed, command.data, command.output, command.vectors)
        case "writer":
            from chatbot.lab import writer

            return writer.run(full, seed, command.text, command.minutes)
        case _:
            from chatbot.lab import memories

            return memories.run(full, seed, command.text)
