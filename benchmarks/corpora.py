"""Every corpus at hand through `chatbot prepare PATH --output DIR`, no other option: what was found, kept, dropped.

    python benchmarks/corpora.py --data CORPORA [--names NAME ...]

CORPORA is a folder with a folder for each corpus. Seconds include the vocabulary and the start of the program. The bar
is that each has pairs which are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import measured
from table import print_table, report_bars


def row_of(name: str, report: dict[str, Any], seconds: float) -> list[str]:
    """A corpus for people."""
    formats = ", ".join(f"{count} {name}" for name, count in report["formats"].items())
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in report["dropped"].items() if count)
    counts = [f"{report[key]:,}" for key in ("dialogues", "seen", "kept")]
    return [name, formats, *counts, dropped, f"{seconds:.1f}"]


def main() -> int:
    """Prepare each, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of folders")
    parser.add_argument("--names", nargs="+", help="some of them; all unless given")
    given = parser.parse_args()
    names = given.names or sorted(path.name for path in given.data.iterdir() if path.is_dir())
    rows, bars = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            output = Path(folder) / name
            seconds, _ = measured("prepare", given.data / name, "--output", output)
            report = json.loads((output / "report.json").read_text(encoding="utf-8"))
            rows.append(row_of(name, report, seconds))
            bars.append((f"pairs kept of {name}", f"{report['kept']:,}", report["kept"] > 0))
    print_table(["corpus", "format found: readings", "dialogues", "pairs seen", "kept", "dropped", "seconds"], rows)
    return report_bars(bars)


if __name__ == "__main__":
    sys.exit(main())
