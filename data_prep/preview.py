"""What `chatbot prepare --dry-run` shows: the first dialogues as understood, and what each rule would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
from rich.console import Console

from data_prep import sources
from data_prep.clean import clean_part, count_seen, new_tally
from data_prep.config import PrepareConfig
from data_prep.pipeline import clean_config
from data_prep.plan import anonymiser_for, check_speaker, plan_all
from data_prep.records import Dialogue
from data_prep.report import Report
from data_prep.rules import REASONS
from data_prep.rules.whole_columns import PASSED
from data_prep.stages import to_table
from data_prep.tally import shorten
from data_prep.text import printable

_LOOKED_AT = 1000  # dialogues
_DIALOGUES = 3
_TURNS = 8


def preview(inputs: Sequence[Path | str], config: PrepareConfig) -> tuple[list[Dialogue], Report]:
    """The first dialogues as they are understood, and what the repairs and judges would do to them.

    Nothing is written; what needs the whole corpus (repeats, splits, pieces) is left out.
    """
    report = Report(tally=new_tally())
    plan = plan_all(inputs, config, report.notes, None)
    readings = plan.readings[None]
    report.formats.update(reading.format for reading in readings)
    found = chain.from_iterable(map(sources.grouped, readings))
    first = list(islice((dialogue for dialogue in found if dialogue.turns), _LOOKED_AT))
    speakers = Counter(turn.speaker for dialogue in first for turn in dialogue.turns)
    if len(first) < _LOOKED_AT:  # else the rest may know them
        check_speaker(config, speakers)
    anonymiser = anonymiser_for(config, speakers, report.notes.names)
    report.dialogues = len(first)
    report.turns = sum(len(dialogue.turns) for dialogue in first)
    if first:
        cleaned = clean_part(to_table(first), clean_config(config, len({d.group for d in first}), anonymiser), 0)
        report.tally.merge(cleaned.tally)
        report.notes.counts.update(cleaned.left_out)
        verdict = cleaned.pairs["verdict"].to_numpy()
        report.seen = len(verdict)
        report.splits = {"kept": int((verdict == PASSED).sum())}
        for place in np.unique(verdict[verdict != PASSED]).tolist():
            report.dropped[REASONS[place]] = int((verdict == place).sum())
    count_seen(report.tally, report.turns, report.seen)
    report.hide(anonymiser)
    if anonymiser is not None:
        first = [
            replace(
                dialogue,
                id=f"dialogue {number}",
                turns=tuple(
                    turn._replace(speaker=anonymiser.speaker(turn.speaker), text=anonymiser.text(turn.text))
                    for turn in dialogue.turns
                ),
            )
            for number, dialogue in enumerate(first[:_DIALOGUES])
        ]
    return first, report


def show(dialogues: list[Dialogue], report: Report) -> None:
    """Print to stdout, since this is what was asked for."""
    console = Console()
    for dialogue in dialogues[:_DIALOGUES]:
        console.print(f"dialogue {printable(dialogue.id)}", style="bold", markup=False, highlight=False)
        for turn in dialogue.turns[:_TURNS]:
            line = f"  {printable(turn.speaker) or '?'}: {shorten(printable(turn.text))}"
            console.print(line, markup=False, highlight=False)
        if len(dialogue.turns) > _TURNS:
            console.print(f"  … {len(dialogue.turns) - _TURNS} more turns", markup=False, highlight=False)
    console.print()
    report.print_table(console)
    console.print(f"Looked at the first {report.dialogues:,} dialogues; nothing was written.", highlight=False)
