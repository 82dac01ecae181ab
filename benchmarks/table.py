"""What the benchmarks print: a table, then a line for each bar."""

from __future__ import annotations

from collections.abc import Sequence


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Markdown, so that it can be copied into docs/benchmarks.md."""
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join("---" for _ in header) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def report_bars(bars: Sequence[tuple[str, str, bool]]) -> int:
    """Print ``bar: NAME figure OK|MISSED`` for each (name, figure, met); the exit code is 1 when one is missed."""
    for name, figure, met in bars:
        print(f"bar: {name} {figure} {'OK' if met else 'MISSED'}")
    return 0 if all(met for _, _, met in bars) else 1
