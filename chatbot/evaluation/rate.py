"""People choose between the replies of two systems, without seeing whose they are.

Each choice is written down at once (ratings.jsonl), so that one can go on another day.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import ChatbotError
from chatbot.evaluation.evaluate import system_name
from chatbot.evaluation.examinee import Examinee
from chatbot.evaluation.progress import Progress
from chatbot.evaluation.questions import Questions
from chatbot.evaluation.resample import wilson
from chatbot.search.config import SearchConfig
from data_prep.text import fold, printable

FILE = "ratings.jsonl"
KEYS = {"1": "first", "2": "second", "3": "both good", "4": "both bad"}


def rate(
    questions: Questions,
    bots: Mapping[str, Examinee],
    searches: Mapping[str, Mapping[str, SearchConfig]],
    predictions: Mapping[str, Sequence[str]],
    output: Path,
    seed: int,
) -> int:
    """Show pair after pair until the person leaves, then say who won how often.

    Raises:
        ChatbotError: there are not two systems, or the ratings in the folder are of others.
    """
    asked = [(bot, way) for bot, ways in searches.items() for way in ways]
    names = [*(system_name(*one) for one in asked), *predictions]
    if len(names) != 2:
        raise ChatbotError(
            f"--rate: {len(names)} systems to choose between ({', '.join(names) or 'none'}); expected two: "
            "two bots, a bot with two --presets, or --predictions"
        )
    path, progress = output / FILE, Progress()
    before = read_ratings(path, names)
    replies = {name: list(texts) for name, texts in predictions.items()}
    for bot, way in asked:
        with progress(f"{system_name(bot, way)} answers", len(questions)) as watch:
            said, _ = bots[bot].said(searches[bot][way], watch)
        replies[system_name(bot, way)] = [reply.text for reply in said]
    pairs = Pairs(questions, {name: replies[name] for name in names})
    choices = {place: before[mark] for place in range(len(questions)) if (mark := pairs.mark(place)) in before}
    _ask_all(pairs, choices, path, seed)
    sys.stdout.write(f"{told(names[0], names[1], choices)}\n")
    return 0


@dataclass(frozen=True)
class Pairs:
    """What is to be chosen between."""

    questions: Questions
    replies: Mapping[str, Sequence[str]]
    """Of two systems."""

    def said(self, place: int) -> dict[str, str]:
        """Both replies there."""
        return {name: texts[place] for name, texts in self.replies.items()}

    def mark(self, place: int) -> str:
        """A hash of what a choice is about: of other contexts or replies it says nothing."""
        what = [self.questions.contexts[place], sorted(self.said(place).items())]
        return hashlib.blake2b(json.dumps(what).encode(), digest_size=16).hexdigest()


def read_ratings(path: Path, names: Sequence[str]) -> dict[str, str]:
    """What was chosen before: `Pairs.mark` → the name that won, ``both good`` or ``both bad``.

    A last line that was cut off as it was written is passed over.

    Raises:
        ChatbotError: it cannot be read, or is of other systems.
    """
    if not path.exists():
        return {}
    found = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        for line in lines[:-1]:  # what follows the last end of a line was cut off
            record = json.loads(line)
            if set(record["between"]) != set(names):
                raise ChatbotError(
                    f"{path}: holds choices between {' and '.join(record['between'])}; these are "
                    f"{' and '.join(names)}: give another --output"
                )
            found[str(record["pair"])] = str(record["chosen"])
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ChatbotError(f"{path}: is no file of ratings ({error}); give another --output") from error
    return found


def _ask_all(pairs: Pairs, choices: dict[int, str], path: Path, seed: int) -> None:
    count = len(pairs.questions)
    order = random.Random(seed).sample(range(count), count)
    open_ = [place for place in order if len(set(map(fold, pairs.said(place).values()))) > 1]  # the rest is alike
    for number, place in enumerate(open_, start=1):
        said = pairs.said(place)
        if place in choices:
            continue
        names = sorted(said)
        random.Random(f"{seed} {pairs.mark(place)}").shuffle(names)
        sys.stdout.write(f"\n{number} of {len(open_)}")
        _show(pairs.questions.contexts[place], [said[name] for name in names])
        key = _key()
        if key is None:
            return
        choices[place] = names[int(key) - 1] if key in "12" else KEYS[key]
        _keep(path, {"pair": pairs.mark(place), "between": sorted(said), "chosen": choices[place]})


def _show(context: Sequence[str], said: Sequence[str]) -> None:
    lines = ["", *(f"    {printable(turn)}" for turn in context)]
    lines += [f"{number}   {printable(text)}" for number, text in enumerate(said, 1)]
    sys.stdout.write("\n".join(lines) + "\n")


def _key() -> str | None:
    """What was chosen; None to leave."""
    while True:
        try:
            typed = input("1 or 2 is better, 3 both are good, 4 both are bad, q leaves: ").strip().lower()
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            return None
        if typed in KEYS:
            return typed
        if typed in ("q", "quit"):
            return None


def _keep(path: Path, record: Mapping[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.seek(0)
            whole = file.read()
            file.truncate(len(whole[: whole.rfind(b"\n") + 1]))  # of a line that was cut off nothing can be read
            file.write(f"{json.dumps(record)}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be written ({error.strerror}); give another --output") from error


def told(one: str, other: str, choices: Mapping[int, str]) -> str:
    """Who won how often, with the interval of Wilson (1927); ties are left out of it."""
    counts = Counter(choices.values())
    won, lost = counts[one], counts[other]
    ties = f"{counts['both good']} both good, {counts['both bad']} both bad"
    if not won + lost:
        return f"Nothing was decided yet ({ties})."
    low, high = wilson(won, won + lost)
    share = 100 * won / (won + lost)
    return printable(
        f"{one} was preferred to {other} in {won} of {won + lost} ({share:.0f} %, 95 % interval {100 * low:.0f} to "
        f"{100 * high:.0f} %); {ties}."
    )
