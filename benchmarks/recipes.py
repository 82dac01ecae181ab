"""Whether the recipes of configs/fit still do what they say: each is run anew and held against its own figures.

    python benchmarks/recipes.py [NAME ...] [--data CORPORA] [--keep FOLDER]

A recipe names corpus, seed, expected nats per word with a tolerance, time and machine in its first lines; ``Check:``
are flags that cut the run short. Corpora are found as folders below ``--data``; the bundled one is always there.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from importlib import resources
from pathlib import Path

from table import print_table, report_bars

from chatbot.config import find_recipe, recipe_facts, recipe_names

CORPORA = {
    "everyday": ["{bundled}", "--config", "everyday"],
    "cornell": ["{data}/cornell", "--config", "cornell"],
    "dailydialog": ["{data}/dailydialog/train", "--valid", "{data}/dailydialog/validation", "--config", "dailydialog"],
}
"""Arguments of `chatbot prepare`."""
EXPECTED = re.compile(r"(?P<nats>[\d.]+) ± (?P<tolerance>[\d.]+) nats per word")


def chatbot(*argv: str) -> None:
    """Run a command of ours; the benchmark ends where it fails."""
    subprocess.run([sys.executable, "-m", "chatbot", *argv], check=True, stderr=subprocess.DEVNULL)


def main() -> int:
    """Run the recipes one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes; all that have a figure unless given")
    parser.add_argument("--data", type=Path, default=Path(), help="folder of raw corpora")
    parser.add_argument("--keep", type=Path, help="folder in which the prepared corpora and the bots stay")
    given = parser.parse_args()
    rows, bars = [], []
    with tempfile.TemporaryDirectory() if given.keep is None else nullcontext(given.keep) as folder:
        for name in given.names or recipe_names("fit"):
            facts = recipe_facts(find_recipe("fit", name))
            expected = EXPECTED.match(facts["Expected"])
            if expected is None:
                rows.append([name, facts["Corpus"], facts["Expected"], "not run", "", facts["Machine"]])
                continue
            prepared, bot = Path(folder) / facts["Corpus"], Path(folder) / f"{name}-bot"
            if not prepared.exists():
                bundled = str(resources.files("data_prep") / "samples" / "everyday.txt")
                arguments = [part.format(bundled=bundled, data=given.data) for part in CORPORA[facts["Corpus"]]]
                chatbot("prepare", *arguments, "--output", str(prepared))
            seed = ["--seed_everything", facts["Seed"]]
            flags = [*seed, *facts.get("Check", "").split()]
            chatbot("fit", str(prepared), "--config", name, "--output", str(bot), "--overwrite", *flags)
            training = json.loads((bot / "training.json").read_text(encoding="utf-8"))
            found, nats = training["nats_per_word"], float(expected["nats"])
            took = f"{training['seconds'] / 60:.1f} minutes"
            rows.append([name, facts["Corpus"], facts["Expected"], f"{found:.3f}", took, facts["Time"]])
            bars.append((f"{name} keeps its word", f"{found:.3f}", abs(found - nats) <= float(expected["tolerance"])))
    print_table(["recipe", "corpus", "expected", "found", "training took", "said"], rows)
    return report_bars(bars)


if __name__ == "__main__":
    sys.exit(main())
