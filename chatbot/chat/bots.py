"""Which bot is meant: the one that was named, or one of those that stand under runs/."""

from __future__ import annotations

import sys
from pathlib import Path

from chatbot.errors import BundleError
from data_prep.text import printable

RUNS = Path("runs")
_MARKS = ("config.json", "model.safetensors")
_SHOWN = 20


def found(folder: Path = RUNS) -> list[Path]:
    """The bots below a folder, three folders deep at most, the latest first."""
    places = {path.parent for depth in ("*", "*/*", "*/*/*") for path in folder.glob(f"{depth}/{_MARKS[0]}")}
    bots = [place for place in places if _is_bot(place) and not _is_bot(place.parent)]  # a bot's helpers lie within it
    return sorted(bots, key=lambda place: -(place / _MARKS[1]).stat().st_mtime_ns)  # of the weights: they never change


def checked(path: Path) -> Path:
    """A folder that is there, before anything heavy is loaded to see whether it holds a bot.

    Raises:
        BundleError: there is none.
    """
    if path.is_dir():
        return path
    there = found()
    hint = f"; bots here: {', '.join(map(str, there[:5]))}" if there else "; `chatbot demo` makes one in minutes"
    raise BundleError(f"{path}: no bot; expected a folder that `chatbot fit` wrote{hint}")


def chosen(folder: Path = RUNS, *, ask: bool = False) -> Path:
    """The only bot below a folder, or the latest; of several the person is asked which, or told.

    Raises:
        BundleError: there is none.
    """
    there = found(folder)
    if not there:
        raise BundleError(f"{folder}/: no bot is here; name one, or make one with `chatbot fit` or `chatbot demo`")
    if len(there) == 1:
        return there[0]
    if not ask:
        print(f"{printable(str(there[0]))} answers, the latest of {len(there)} bots here.", file=sys.stderr)  # noqa: T201
        return there[0]
    for number, place in enumerate(there[:_SHOWN], start=1):
        print(f"{number:>3}  {printable(str(place))}")  # noqa: T201
    while True:
        try:
            typed = input(f"Which bot? 1 to {len(there[:_SHOWN])}, Enter for the latest: ").strip()
        except EOFError:
            raise BundleError("no bot was chosen; name one, as in `chatbot chat BOT`") from None
        if not typed:
            return there[0]
        if typed.isascii() and typed.isdigit() and 1 <= int(typed[:9]) <= len(there[:_SHOWN]):
            return there[int(typed) - 1]
        print(f"There is no {printable(typed[:40])}.", file=sys.stderr)  # noqa: T201


def _is_bot(place: Path) -> bool:
    return all((place / mark).is_file() for mark in _MARKS)
