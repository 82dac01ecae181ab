"""What was done, for people (Markdown, a table) and for programs (JSON). No timings: same input, same bytes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data_prep.anonymise import Anonymiser
from data_prep.corpus import Leak
from data_prep.rules import REASONS
from data_prep.sources.files import Notes
from data_prep.store import FORMAT, SPLITS
from data_prep.tally import Count, Tally
from data_prep.text import printable

_LEFT_OUT = ", left out"  # as what is counted mostly ends
_NAMED = 10  # files passed over that the terminal names; the written report names all


@dataclass
class Report:
    """The books of one run; ``check`` says whether they balance."""

    formats: Counter[str] = field(default_factory=Counter)
    """Format → readings of it."""
    dialogues: int = 0
    turns: int = 0
    groups: int = 0
    """Films, channels or files that the dialogues belong to."""
    leaks: dict[int, Leak] = field(default_factory=dict)
    """Given split → what of it stands in the training input."""
    notes: Notes = field(default_factory=Notes)
    tally: Tally = field(default_factory=Tally)
    seen: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    """train, valid, test → pairs."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Reason → pairs."""
    vocabulary: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """Pairs that went into a split."""
        return sum(self.splits.values())

    @property
    def all_warnings(self) -> list[str]:
        """What people should know before they trust the result."""
        return [*self.notes.warnings, *self.warnings]

    def hide(self, anonymiser: Anonymiser | None) -> None:
        """Put placeholders for names in what is said of files; the examples have them already."""
        if anonymiser is not None:
            self.notes.passed_over = _hidden(self.notes.passed_over, anonymiser)
            self.notes.warnings = anonymiser.texts(self.notes.warnings)
            self.leaks = {split: replace(leak, names=()) for split, leak in self.leaks.items()}

    def check(self) -> None:
        """The books balance, or we have made a mistake: seen = kept + dropped."""
        if self.seen != self.kept + sum(self.dropped.values()):
            raise RuntimeError(f"books do not balance: {self.seen} seen, {self.kept} kept, {self.dropped} dropped")

    def as_dict(self) -> dict[str, Any]:
        """What report.json holds."""
        return {
            "format": FORMAT,
            "seen": self.seen,
            "kept": self.kept,
            **self.splits,
            "dropped": self.dropped,
            "dialogues": self.dialogues,
            "turns": self.turns,
            "formats": self.formats,
            "left_out": dict(sorted(self.notes.counts.items())),
            "passed_over": self.notes.passed_over,
            "repairs": {name: _entry(self.tally[name], "changed") for name in self._repairs()},
            "judges": {reason: _entry(self.tally[reason], "dropped") for reason in REASONS},
            "leaks": {SPLITS[split]: _leak(leak) for split, leak in self.leaks.items()},
            "vocabulary": self.vocabulary,
            "warnings": self.all_warnings,
        }

    def _repairs(self) -> list[str]:
        """Every repair of the list, and what else was done to text that would not settle."""
        return [name for name in self.tally.counts if name not in REASONS]

    def to_json(self) -> str:
        """report.json."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n"

    def to_markdown(self) -> str:
        """report.md."""
        lines = ["# What preparing did", "", *self.summary(), ""]
        lines += [f"- warning: {warning}" for warning in self.all_warnings]
        lines += [""] if self.all_warnings else []
        lines += _rule_table("Repairs", "changed", [(name, self.tally[name]) for name in self._repairs()])
        lines += _rule_table("Judges", "dropped", [(reason, self.tally[reason]) for reason in REASONS])
        if self.notes.counts or self.notes.passed_over:
            lines += ["## Left out while reading", ""]
            lines += [f"- {count:,} {what}" for what, count in sorted(self.notes.counts.items())]
            lines += [f"- `{printable(name)}`: {why}" for name, why in self.notes.passed_over.items()]
            lines += [""]
        return "\n".join(lines)

    def summary(self) -> list[str]:
        """The figures in four lines."""
        formats = ", ".join(f"{count} {name}" for name, count in sorted(self.formats.items()))
        lines = [
            f"Read: {self.dialogues:,} dialogues, {self.turns:,} turns (files by format: {formats}).  ",
            f"Pairs: {self.seen:,} seen = {self.kept:,} kept + {sum(self.dropped.values()):,} dropped.  ",
            "Kept: " + " + ".join(f"{count:,} {name}" for name, count in self.splits.items()) + ".  ",
        ]
        for split, leak in self.leaks.items():
            lines.append(
                f"Leaks: of the given {SPLITS[split]} split {leak.dialogues:,} of {leak.all_dialogues:,} "
                f"whole dialogues and {leak.pairs:,} of {leak.all_pairs:,} pairs stand in the training input; "
                "they leave training.  "
            )
        if self.vocabulary:
            kind = self.vocabulary["kind"]
            origin = "those given" if kind == "given" else f"{kind}, from training alone"
            lines.append(f"Vocabulary: {self.vocabulary['size']:,} pieces ({origin}).")
        return lines

    def show(self, output: Path | str) -> None:
        """What `chatbot prepare` prints at its end, on stderr."""
        console = Console(stderr=True)
        self.print_table(console, "report.html lists them")
        self._print_warnings(console)
        console.print(f"Written: {output} (report.html shows it with examples)", markup=False, highlight=False)

    def show_turns(self, output: Path | str) -> None:
        """What is printed where only turns were written."""
        console = Console(stderr=True)
        console.print(self.summary()[0].strip(), markup=False, highlight=False)
        self._print_left_out(console)
        self._print_warnings(console)
        console.print(f"Written: {output}", markup=False, highlight=False)

    def _print_warnings(self, console: Console) -> None:
        for warning in self.all_warnings:
            console.print(f"warning: {printable(warning)}", markup=False, highlight=False, style="yellow")

    def print_table(self, console: Console, where: str = "") -> None:
        """What each rule did, and the figures; ``where`` says where those that did nothing are listed, if not here."""
        table = Table(title="What each rule did", title_justify="left", header_style="bold")
        table.add_column("rule", max_width=26)
        table.add_column("seen", justify="right", no_wrap=True)
        table.add_column("acted", justify="right", no_wrap=True)
        table.add_column("example")
        idle = []
        for name in (*self._repairs(), *REASONS):
            count = self.tally[name]
            if count.acted:
                verb = "dropped" if name in REASONS else "changed"
                table.add_row(name, f"{count.seen:,}", f"{count.acted:,} {verb}", _example(count))
            else:
                idle.append(name)
        console.print(table)
        nothing = f"{len(idle)} rules found nothing ({where})." if where else f"Found nothing: {', '.join(idle)}."
        console.print(nothing, markup=False, highlight=False)
        for line in self.summary():
            console.print(line.strip(), markup=False, highlight=False)
        self._print_left_out(console)

    def _print_left_out(self, console: Console) -> None:
        for name, why in list(self.notes.passed_over.items())[:_NAMED]:
            console.print(f"Passed over: {printable(name)} ({why})", markup=False, highlight=False)
        if len(self.notes.passed_over) > _NAMED:
            console.print(f"Passed over: {len(self.notes.passed_over) - _NAMED} more files", highlight=False)
        for what, number in sorted(self.notes.counts.items()):
            out = what.removesuffix(_LEFT_OUT)
            console.print(f"{'Met' if out == what else 'Left out'}: {number:,} {out}", markup=False, highlight=False)


def _example(count: Count, room: int = 15) -> str:
    """The first example, short: of a repair the place where the text changed, of a judge how both sides begin."""
    if not count.examples:
        return ""
    _, before, after = count.examples[0]
    changed = next(
        (k for k, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    start = max(0, changed - room // 2) if len(before) > room or len(after) > room else 0
    return escape(" → ".join(_excerpt(text, start, room) for text in (before, after)))


def _excerpt(text: str, start: int, room: int) -> str:
    return f"{'…' if start else ''}{printable(text[start : start + room])}{'…' if len(text) > start + room else ''}"


def _leak(leak: Leak) -> dict[str, Any]:
    values = asdict(leak)
    return {**values, "names": list(leak.names)}


def _hidden(passed_over: dict[str, str], anonymiser: Anonymiser) -> dict[str, str]:
    """Files and why, without names: those that are called the same then are numbered, so that none is lost."""
    met: Counter[str] = Counter()
    hidden = {}
    for file, why in passed_over.items():
        name = anonymiser.text(file)
        met[name] += 1
        while (shown := name if met[name] == 1 else f"{name} ~{met[name]}") in hidden:
            met[name] += 1
        hidden[shown] = anonymiser.text(why)
    return hidden


def _entry(count: Count, verb: str) -> dict[str, Any]:
    return {
        "seen": count.seen,
        verb: count.acted,
        "examples": [{"before": before, "after": after} for _, before, after in count.examples],
    }


def _rule_table(title: str, verb: str, rules: list[tuple[str, Count]]) -> list[str]:
    lines = [f"## {title}", "", f"| rule | seen | {verb} | examples |", "|---|---:|---:|---|"]
    for name, count in rules:
        examples = "<br>".join(f"{_cell(before)} → {_cell(after)}" for _, before, after in count.examples)
        lines.append(f"| {name} | {count.seen:,} | {count.acted:,} | {examples} |")
    return [*lines, ""]


def _cell(text: str) -> str:
    """Text as inline code of a Markdown table: nothing in it is markup, a link or a new cell."""
    safe = printable(text).replace("`", "ˋ").replace("|", "¦")
    return f"`{safe}`" if safe.strip() else "(empty)"


def reasons_in_order(found: dict[str, int]) -> dict[str, int]:
    """Drop reasons that occurred, in the order in which the rules are asked."""
    return {reason: found[reason] for reason in REASONS if found.get(reason)}
