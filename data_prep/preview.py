"""What `chatbot prepare --dry-run` shows: the first dialogues as understood, and what each rule would do."""

from __future__ import annotations

from rich.console import Console

from data_prep.records import Dialogue
from data_prep.report import Report
from data_prep.tally import shorten
from data_prep.text import printable

_DIALOGUES = 3
_TURNS = 8


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
    console.print(f"Looked at the first {len(dialogues):,} dialogues; nothing was written.", highlight=False)
