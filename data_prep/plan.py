"""What a run will read: the inputs, the given splits, and in which portions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from data_prep import sources
from data_prep.anonymise import Anonymiser
from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.filters import read_list
from data_prep.place import Place
from data_prep.sources.files import File, Notes
from data_prep.stages import SPEAKERS, ReadTask
from data_prep.store import FORMAT

_PORTION = 32 << 20  # bytes that one task reads, give or take a file
_READINGS = 2000  # and so many files at most
_ROLES = {None: "input", 1: "valid", 2: "test"}


@dataclass(frozen=True)
class Plan:
    """Readings by the split they were given as (None: to be divided)."""

    inputs: tuple[str, ...]
    readings: dict[int | None, tuple[sources.Reading, ...]]
    notes: Notes

    @property
    def size(self) -> int:
        """Bytes of all inputs, packed ones as they lie there."""
        return sum(reading.size for readings in self.readings.values() for reading in readings)

    def tasks(self, work: Place) -> list[tuple[int | None, ReadTask]]:
        """Portions to read, those of given splits first; what a portion holds does not depend on who reads it."""
        tasks: list[tuple[int | None, ReadTask]] = []
        for split in sorted(self.readings, key=lambda split: (split is None, split)):
            for number, portion in enumerate(_portions(self.readings[split])):
                name = f"{_ROLES[split]}-{number:05d}"
                tasks.append((split, ReadTask(work, name, portion, self.notes)))
        return tasks

    def fingerprint(self, config: PrepareConfig) -> str:
        """Of what the result depends on; a killed run is taken up only by one with the same."""
        files = [
            [_ROLES[split], reading.format, *reading.files, reading.stamp]
            for split, readings in self.readings.items()
            for reading in readings
        ]
        lists = [File(path, path).stamp() for path in (config.banned, config.names) if path is not None]
        return json.dumps([FORMAT, version("chatbot"), config.as_dict(), lists, files], sort_keys=True, default=str)

    def nothing(self) -> str:
        """What to say where no file held a turn."""
        why = "; ".join(f"{name}: {why}" for name, why in list(self.notes.passed_over.items())[:3])
        return (
            f"{', '.join(self.inputs)}: the inputs hold no dialogue; expected at least one"
            f"{f' ({why})' if why else ''}; see `chatbot prepare --dry-run`"
        )


def plan_all(inputs: Sequence[Path | str], config: PrepareConfig, notes: Notes, output: Path | None) -> Plan:
    """Recognise the formats of the inputs and of the given splits.

    Raises:
        PrepareError: the list of names cannot be read, and see ``sources.plan``.
    """
    if config.names is not None:
        read_list(config.names, "names")  # before anything is read for long
    named = tuple(map(str, inputs))
    readings: dict[int | None, tuple[sources.Reading, ...]] = {}
    for split, paths in ((None, list(named)), *((split, [path]) for split, path in config.given.items())):
        readings[split] = tuple(sources.plan(paths, config.format, notes, output, config.source))
    return Plan(named, readings, notes)


def check_speaker(config: PrepareConfig, speakers: Counter[str]) -> None:
    """Refuse ``--me`` with a name that nobody has."""
    if config.me is not None and config.me not in speakers:
        known = ", ".join(repr(name) for name, _ in speakers.most_common(5) if name)
        there = f"expected one of {known}" if known else "no line here names a speaker"
        raise PrepareError(f"--me is {config.me!r}, who says nothing here; {there}")


def anonymiser_for(config: PrepareConfig, speakers: Counter[str], names: Iterable[str] = ()) -> Anonymiser | None:
    """What hides the speakers' names, if it was asked for; the one who talks most is `speaker 1`.

    Args:
        config: says whether, and which list of names goes too.
        speakers: name → turns.
        names: further names of the speakers.
    """
    if not config.anonymise:
        return None
    if len(speakers) >= SPEAKERS:
        raise PrepareError(
            f"{len(speakers):,} speakers are too many to hide the names of; prepare the corpus in portions"
        )
    ordered = sorted(speakers, key=lambda name: (-speakers[name], name))
    return Anonymiser(ordered, [*sorted(names), *(read_list(config.names, "names") if config.names else ())])


def _portions(readings: tuple[sources.Reading, ...]) -> list[tuple[sources.Reading, ...]]:
    portions: list[list[sources.Reading]] = [[]]
    size = 0
    for reading in readings:
        if portions[-1] and (size + reading.size > _PORTION or len(portions[-1]) >= _READINGS):
            portions.append([])
            size = 0
        portions[-1].append(reading)
        size += reading.size
    return [tuple(portion) for portion in portions]
