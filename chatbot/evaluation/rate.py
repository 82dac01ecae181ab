"""People choose between the replies of two systems, without seeing whose they are.

Each choice is written down at once (ratings.jsonl), so that one can go on another day.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from chatbot.errors import ChatbotError
from chatbot.evaluation.evaluate import system_name
from chatbot.evaluation.examinee import Examinee
from chatbot.evaluation.questions import Questions
from chatbot.search.config import SearchConfig
from data_prep.text import fold, printable

FILE = "ratings.jsonl"
KEYS = {"1": "first", "2": "second", "3": "both good", "4": "both bad"}
_Z = 1.959964  # of a normal distribution, for 95 %


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
    replies = {name: list(texts) for name, texts in predictions.items()}
    for name, bot in bots.items():
        for way, search in searches[name].items():
            replies[system_name(name, way)] = [r.text for r in bot.said(search, lambda more: None)[0]]
    if len(replies) != 2:
        raise ChatbotError(
            f"--rate: {len(replies)} systems to choose between ({', '.join(replies) or 'none'}); expected two: "
            "two bots, a bot with two --presets, or --predictions"
        )
    one, other = replies
    path = output / FILE
    choices = read_ratings(path, [one, other])
    _ask_all(questions, replies, choices, path, seed)
    sys.stdout.write(f"{told(one, other, choices)}\n")
    return 0


def read_ratings(path: Path, names: Sequence[str]) -> dict[int, str]:
    """What was chosen before: place in the split → the name that won, ``both good`` or ``both bad``.

    Raises:
        ChatbotError: it cannot be read, or is of other systems.
    """
    if not path.exists():
        return {}
    found = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["between"] != list(names):
                raise ChatbotError(
                    f"{path}: holds choices between {' and '.join(record['between'])}; these are "
                    f"{' and '.join(names)}: give another --output"
                )
            found[int(record["place"])] = str(record["chosen"])
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ChatbotError(f"{path}: is no file of ratings ({error}); give another --output") from error
    return found


def _ask_all(
    questions: Questions, replies: Mapping[str, Sequence[str]], choices: dict[int, str], path: Path, seed: int
) -> None:
    one, other = replies
    order = random.Random(seed).sample(range(len(questions)), len(questions))
    for place in order:
        said = [replies[name][place] for name in (one, other)]
        if questions.places[place] in choices or fold(said[0]) == fold(said[1]):
            continue
        names = [one, other]
        random.Random(f"{seed} {place}").shuffle(names)
        _show(questions.contexts[place], [replies[name][place] for name in names])
        key = _key()
        if key is None:
            return
        chosen = names[int(key) - 1] if key in "12" else KEYS[key]
        choices[questions.places[place]] = chosen
        _keep(path, {"place": questions.places[place], "between": [one, other], "chosen": chosen})


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
            return None
        if typed in KEYS:
            return typed
        if typed in ("q", "quit"):
            return None


def _keep(path: Path, record: Mapping[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(record)}\n")
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


def wilson(won: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in wilson(8, 10)]
    [0.49, 0.943]
    """
    share, square = won / of, _Z**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = _Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return middle - reach, middle + reach
