"""What bots are worth, in figures.

questions.py    what is asked, and all that people replied;  known.py  what of it stands in training
baselines.py    replies that cost nothing;  predictions.py  those of other systems;  examinee.py  a bot's
metrics.py      figures of a list of replies
measures.py     the same of any resample;  resample.py  the bootstrap;  figures.py  all of them, by name
memory.py       what of replies stands word for word in training;  likely.py  nats a word and a character
evaluate.py     all of it together;  verdict.py  what it says
table.py        for a terminal;  report_html.py  as a page;  plots.py  its drawings
rate.py         people choose between two bots' replies;  cost.py  seconds and memory
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from chatbot.errors import BundleError, ChatbotError, ConfigError

if TYPE_CHECKING:
    from chatbot.evaluation.evaluate import Evaluation
    from chatbot.evaluation.examinee import Examinee
    from chatbot.search.config import SearchConfig

DEFAULT = "default"


@dataclass(frozen=True)
class EvaluateCommand:
    """Tell what bots, or replies of other systems, are worth beside what people said and what costs nothing."""

    prepared: Path
    """Folder that `chatbot prepare` wrote."""
    bots: list[Path] = field(default_factory=list)
    """Folders that `chatbot fit` wrote."""
    split: str = "test"
    """Of the prepared folder: train, valid or test."""
    predictions: list[str] = field(default_factory=list)
    """Replies of other systems, NAME=FILE each: a line (text or JSON) for each pair of the split, in its order."""
    presets: list[str] = field(default_factory=lambda: [DEFAULT])
    """Ways to look for replies that each bot is asked with: names of presets; default: as the bot was saved."""
    limit: int | None = None
    """Ask so many pairs of the split, drawn at random; null: all."""
    output: Path = Path("evaluation")
    """Folder for evaluation.json and evaluation.html."""
    card: bool | None = None
    """Write the figures on the card of each bot, the README.md in its folder; null: unless there is a --limit."""
    rate: bool = False
    """Show pairs of replies of two bots, without saying whose they are, and count which you prefer."""
    seed: int = 0
    """Of all that is drawn."""
    device: str = "cpu"
    """Where to compute: cpu, or cuda."""


def run(command: EvaluateCommand) -> int:
    """Carry out the command.

    Raises:
        ChatbotError: the folder, a bot, a file or a setting is not as expected.
    """
    from chatbot.evaluation.baselines import MEANING
    from chatbot.evaluation.cost import Cost
    from chatbot.evaluation.evaluate import evaluate, system_name
    from chatbot.evaluation.predictions import read_predictions
    from chatbot.evaluation.progress import Progress
    from chatbot.evaluation.questions import ask
    from chatbot.evaluation.rate import rate

    began = time.monotonic()
    if command.limit is not None and command.limit < 1:
        raise ConfigError(f"--limit {command.limit}: expected at least 1")
    if not 0 <= command.seed < 2**62:
        raise ConfigError(f"--seed {command.seed}: expected a whole number from 0 to 2^62")
    _claim(command.output)
    questions = ask(command.prepared, command.split, command.limit, command.seed)
    predictions = dict(read_predictions(given, questions) for given in command.predictions)
    bots = _bots(command, questions)
    searches = {name: _searches(bot, command) for name, bot in bots.items()}
    taken = {system_name(name, way) for name, ways in searches.items() for way in ways} | bots.keys() | MEANING.keys()
    named = Counter(given.partition("=")[0] for given in command.predictions)
    clash = [name for name, times in named.items() if times > 1 or name in taken]
    if clash:
        raise ConfigError(f"--predictions: two systems are called {clash[0]!r}; give other names")
    if command.rate:
        return rate(questions, bots, searches, predictions, command.output, command.seed)
    evaluation = evaluate(questions, bots, searches, predictions, command.seed, Progress())
    _look(evaluation, bots)
    _write(command, evaluation)
    sys.stderr.write(f"{Cost.since(began, sum(system.seconds or 0 for system in evaluation.systems))}\n")
    return 0


def _claim(output: Path) -> None:
    """Find out before all work whether the folder can be written; nothing is made yet."""
    for name, what in (("config.json", "a bot"), ("report.json", "a prepared folder")):
        if (output / name).is_file():
            raise ConfigError(f"--output {output}: is {what}; expected a folder of its own, as evaluation/")
    there = next(place for place in (output.resolve(), *output.resolve().parents) if place.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise ChatbotError(f"{output}: cannot be written ({error.strerror}); give another --output") from error


def _bots(command: EvaluateCommand, questions: Any) -> dict[str, Examinee]:
    from chatbot.evaluation.baselines import MEANING
    from chatbot.evaluation.examinee import Examinee

    names = [path.resolve().name for path in command.bots]
    if len(set(names)) < len(names):
        names = [str(path) for path in command.bots]
    if len(set(names)) < len(names):
        raise ConfigError(f"BOT: {command.bots[0]} is given twice")
    names = [f"bot {name}" if name in MEANING else name for name in names]  # not to be taken for a baseline
    return {name: Examinee(path, command.device, questions) for name, path in zip(names, command.bots, strict=True)}


def _searches(bot: Examinee, command: EvaluateCommand) -> dict[str, SearchConfig]:
    """How a bot is asked, by the name of the way; a single way needs none."""
    from chatbot.responder import search_settings

    found = {}
    for way in command.presets:
        search = search_settings(bot.bundle.config, None if way == DEFAULT else way)
        sampled = search.temperature is not None and search.seed is None
        found[way] = replace(search, seed=command.seed) if sampled else search
    return found if len(found) > 1 else {"": next(iter(found.values()))}


def _look(evaluation: Evaluation, bots: dict[str, Examinee]) -> None:
    """A few replies of each bot with where it looked."""
    for name, bot in bots.items():
        system = evaluation.of(name)[0]
        places = [place for place, reply in enumerate(system.replies) if 2 < len(reply.ids) < 12][:5]
        evaluation.looks[name] = [(place, bot.look(place, system.replies[place].ids)) for place in places]


def _write(command: EvaluateCommand, evaluation: Evaluation) -> None:
    from chatbot.evaluation.report_html import to_html
    from chatbot.evaluation.table import tables
    from chatbot.sealed import finite
    from chatbot.swap import write_file

    report = json.dumps(finite(evaluation.as_dict()), indent=1, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(tables(evaluation))
    sys.stdout.flush()
    try:
        command.output.mkdir(parents=True, exist_ok=True)
        write_file(command.output / "evaluation.json", f"{report}\n".encode("utf-8", "backslashreplace"))
        write_file(command.output / "evaluation.html", to_html(evaluation).encode("utf-8", "replace"))
    except OSError as error:
        raise ChatbotError(f"{command.output}: cannot be written ({error.strerror}); give another --output") from error
    sys.stderr.write(f"{command.output}/evaluation.json and evaluation.html have all of it.\n")
    for name, path in zip(evaluation.learned, command.bots, strict=True):
        if command.card or (command.card is None and command.limit is None):
            _write_card(path, evaluation, name)


def _write_card(path: Path, evaluation: Evaluation, name: str) -> None:
    """Give a bot its figures; where that cannot be, the evaluation stands all the same."""
    from chatbot import bundle
    from chatbot.evaluation.card import figures_for_card, samples_for_card

    try:
        bundle.rewrite_card(path, figures_for_card(evaluation, name), samples_for_card(evaluation, name))
    except (BundleError, OSError) as error:
        sys.stderr.write(f"The card of {path} stays as it is: {error}\n")
    else:
        sys.stderr.write(f"{path}/README.md has its figures.\n")
