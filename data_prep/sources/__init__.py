"""Raw formats: each file of the inputs is recognised by what it holds, and read as dialogues.

A new format is one module here with ``FORMAT`` (a ``formats.Format``), and a line in ``_FORMATS``; one whose files
belong together has ``gather`` instead, and a line in ``_GATHERERS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from data_prep.errors import PrepareError
from data_prep.ours import TURNS
from data_prep.records import Dialogue
from data_prep.sources import (
    cornell,
    court,
    discord,
    eou,
    hub,
    irc,
    jsonl,
    messenger,
    parlai,
    parquet,
    shapes,
    signal,
    slack,
    subtitles,
    tables,
    telegram,
    transcript,
    whatsapp,
    yaml_talk,
)
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format, Gather, Reading
from data_prep.sources.inputs import find
from data_prep.sources.options import SourceConfig
from data_prep.sources.silence import cut_by_silence
from data_prep.sources.unread import why_not

__all__ = ["FORMATS", "Notes", "Reading", "SourceConfig", "plan"]

# Formats of several files, asked first: name → the readings found, and the files that remain.
_GATHERERS: dict[str, Gather] = {
    "cornell": cornell.gather,
    "slack": slack.gather,
    "messenger": messenger.gather,
    hub.FORMAT_NAME: hub.gather,
}
# Formats of one file, tried in this order: the strictest layout first.
_FORMATS: tuple[Format, ...] = (
    parquet.FORMAT,
    signal.FORMAT,
    whatsapp.FORMAT,
    subtitles.FORMAT,
    irc.FORMAT,
    eou.FORMAT,
    parlai.FORMAT,
    court.FORMAT,
    telegram.FORMAT,
    discord.FORMAT,
    messenger.FORMAT,
    jsonl.FORMAT,
    shapes.FORMAT,
    yaml_talk.FORMAT,
    tables.FORMAT,
    tables.TSV,
    transcript.FORMAT,
)

FORMATS = tuple(dict.fromkeys(("auto", *_GATHERERS, *(each.name for each in _FORMATS))))


def plan(
    inputs: Sequence[Path | str],
    wanted: str,
    notes: Notes,
    output: Path | None = None,
    config: SourceConfig | None = None,
) -> list[Reading]:
    """What will be read, and how; what will not is named in ``notes``. What lies in ``output`` is ours, no input.

    Raises:
        PrepareError: an input is absent or empty, or no file is in a format that can be read.
    """
    if wanted not in FORMATS:
        raise PrepareError(f"--format is {wanted!r}; expected one of {', '.join(FORMATS)}")
    config = config or SourceConfig()
    named = [str(given) for given in inputs]
    readings = [reading for given in named if given.startswith(hub.SCHEME) for reading in _of_hub(given, notes, config)]
    files = find([given for given in named if not given.startswith(hub.SCHEME)], output)
    rest = _without_turns(files, notes)
    for name, gather in _GATHERERS.items():
        if wanted in ("auto", name):
            found, rest = gather(rest, notes, config)
            readings += found
    for file in rest:
        if reading := _single(file, wanted, notes, config):
            readings.append(reading)
        elif file.name not in notes.passed_over:
            notes.passed_over[file.name] = why_not(file, config)
    if not readings:
        raise PrepareError(_nothing(named, files, wanted, notes))
    place = {file.name: (number, file) for number, file in enumerate(files)}
    readings.sort(key=lambda reading: place[reading.files[0]][0] if reading.files[0] in place else -1)
    return [_stamped(reading, [place[name][1] for name in reading.files if name in place]) for reading in readings]


def _without_turns(files: list[File], notes: Notes) -> list[File]:
    """Without what ``--stop-after read`` wrote somewhere below the input: the raw files beside it say the same."""
    ours = {file.name for file in files if file.name.endswith(f"/{TURNS}") and parquet.is_turns(file)}
    if len(ours) == len(files):
        return files
    why = "turns that `chatbot prepare --stop-after read` wrote; to read them, give the file itself as INPUT"
    notes.passed_over.update(dict.fromkeys(sorted(ours), why))
    return [file for file in files if file.name not in ours]


def _of_hub(given: str, notes: Notes, config: SourceConfig) -> list[Reading]:
    """``hf://NAME#SPLIT`` is that split, whatever the settings say: official splits lie side by side there."""
    name, _, split = given.partition("#")
    return hub.readings(name, notes, replace(config, hub_split=split) if split else config)


def _stamped(reading: Reading, files: list[File]) -> Reading:
    stamps = [file.stamp() for file in files]
    return replace(reading, size=sum(size for size, _ in stamps), stamp=str(stamps))


def grouped(reading: Reading) -> Iterator[Dialogue]:
    """The dialogues of a reading; where the source knows no group, the file is one."""
    for dialogue in reading.dialogues():
        group = dialogue.group or reading.files[0]
        yield dialogue if dialogue.group else Dialogue(dialogue.id, dialogue.turns, group, dialogue.personas)


def _single(file: File, wanted: str, notes: Notes, config: SourceConfig) -> Reading | None:
    each = _format(file, wanted, config) if file.head else None
    if each is None:
        return None
    return Reading(each.name, (file.name,), partial(_dialogues, each, file, notes, config))


def _format(file: File, wanted: str, config: SourceConfig) -> Format | None:
    for each in _FORMATS:
        if each.recognises(file) if wanted == "auto" else wanted == each.name and file.looks_like_text:
            return each
        if wanted == each.name and each.recognises(file):  # no text, as Parquet is
            return each
    return tables.FORMAT if wanted == "auto" and tables.has_columns(file, config.columns) else None


def _dialogues(each: Format, file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    for dialogue in each.read(file, notes, config):
        if each.chat:
            yield from cut_by_silence(dialogue, config.silence, take_up=each.take_up)
        else:
            yield dialogue


def _nothing(inputs: list[str], files: list[File], wanted: str, notes: Notes) -> str:
    given = ", ".join(inputs)
    some = ", ".join(f"{name} ({why})" for name, why in list(notes.passed_over.items())[:3])
    some += f" and {len(files) - 3} more" if len(files) > 3 else ""
    formats = "a chat export, a transcript, JSON or a table" if wanted == "auto" else f"format {wanted}"
    unknown = wanted == "auto" and "no format recognised" in notes.passed_over.values()
    hint = "; bare alternating lines are read with --format transcript" if unknown else ""
    return f"{given}: nothing that can be read as dialogues: {some}; expected {formats}{hint}"
