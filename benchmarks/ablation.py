"""What each part of a recipe is worth, and what each kind of memory: one training a row, all of the same budget.

    python benchmarks/ablation.py --data PREPARED [--config dailydialog] [--minutes 8] [--rows NAME ...]

The rows are timed first: the bare steps of each row and of the first one take turns, and the quickest time of each
batch counts, so that a machine that is slower for a while does not change the ratio. Each row gets the steps that fill
the minutes at the pace of the first, so that rates decay to their end by then; what else the machine does meanwhile
costs time, but no row gets less training for it. What `--output` holds already is not run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from table import print_table
from train import Loop, Recipe

from chatbot.config import find_recipe
from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.training.precision import checked

NETWORK, OPTIMIZER = "--model.network.", "--model.optimizer."
PARTS: dict[str, list[str]] = {
    "the recipe": [],
    "no attention": [f"{NETWORK}attend", "false"],
    "output layer of its own": [f"{NETWORK}tie", "false"],
    "dropout at each position anew": [f"{NETWORK}variational", "false"],
    "no dropout": [f"{NETWORK}dropout", "0"],
    "recurrent weights dropped, 0.2": [f"{NETWORK}recurrent_dropout", "0.2"],
    "label smoothing 0.1": ["--model.label_smoothing", "0.1"],
    "averaged weights, 0.99": [f"{OPTIMIZER}ema", "0.99"],
    "one context turn": ["--data.context_turns", "1"],
    "five context turns": ["--data.context_turns", "5"],
}
CELLS = ("lstm", "gru", "rnn", "peephole")
BATCHES, TURNS = 12, 3  # of an epoch that a row is timed on, and how often each


def cells(network: dict[str, Any], pieces: int) -> dict[str, list[str]]:
    """A row for each kind of memory, as wide as gives the parameters of the LSTM."""

    def parameters(cell: str, width: int) -> int:
        config = NetworkConfig(**{**network, "cell": cell, "encoder_size": width // 2, "decoder_size": width})
        with torch.device("meta"):
            return sum(p.numel() for p in Seq2Seq(pieces, config).parameters())

    settled = NetworkConfig(**network)
    wanted = parameters("lstm", settled.decoder_size)
    rows = {}
    for cell in CELLS:
        width = min(range(64, 4096, 16), key=lambda width: abs(parameters(cell, width) - wanted))
        sizes = [f"{NETWORK}encoder_size", f"{width // 2}", f"{NETWORK}decoder_size", f"{width}"]
        rows[f"{cell}, {width} wide"] = [f"{NETWORK}cell", cell, *sizes]
    return rows


def fitted(given: argparse.Namespace, flags: Sequence[str], steps: int) -> dict[str, Any]:
    """What a training of so many steps had to tell."""
    with tempfile.TemporaryDirectory() as folder:
        bot = Path(folder) / "bot"
        argv = [sys.executable, "-m", "chatbot", "fit", str(given.data), "--output", str(bot), "--config", given.config]
        argv += ["--validation.patience", "null", "--validation.replies", "0", "--validation.minutes", "null"]
        argv += ["--trainer.max_epochs", "-1", "--trainer.max_steps", str(steps)]
        subprocess.run([*argv, *flags], check=True, stderr=subprocess.DEVNULL)
        told: dict[str, Any] = json.loads((bot / "training.json").read_text(encoding="utf-8"))
        return told


class Timed:
    """The bare steps of a row, on batches from all over an epoch."""

    def __init__(self, given: argparse.Namespace, flags: Sequence[str]) -> None:
        recipe = Recipe.read(given.config, given.data, flags)
        smoothing = 0.1 if "--model.label_smoothing" in flags else 0.0
        self.loop = Loop(recipe, checked(None, "auto") == "bf16-mixed", smoothing)
        epoch = recipe.data.cut("train").epoch(0)
        self.batches = [recipe.data.train.batch(rows) for rows in epoch[:: max(1, len(epoch) // BATCHES)][:BATCHES]]
        self.best = [float("inf")] * len(self.batches)

    def time(self, place: int) -> None:
        """Take a step on one of the batches."""
        began = time.perf_counter()
        self.loop.step(self.batches[place])
        self.best[place] = min(self.best[place], time.perf_counter() - began)

    @property
    def seconds(self) -> float:
        """Of a step, a mean over the batches."""
        return sum(self.best) / len(self.best)

    @property
    def tokens(self) -> float:
        """Target tokens of a step."""
        return sum(batch.tokens for batch in self.batches) / len(self.batches)


def paces(given: argparse.Namespace, rows: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    """Seconds and target tokens of a step of each row; seconds in proportion to the best that the first has shown."""
    first, *others = rows
    base, found = Timed(given, rows[first]), {}
    for name in others:
        row = Timed(given, rows[name])
        beside = Timed(given, rows[first])
        for _ in range(TURNS + 1):
            for place in range(BATCHES):
                beside.time(place)
                row.time(place)
        base.best = [min(both) for both in zip(base.best, beside.best, strict=True)]
        found[name] = {"ratio": row.seconds / beside.seconds, "tokens": row.tokens}
        print(name, found[name], file=sys.stderr)
    timed = {name: {"seconds": base.seconds * f["ratio"], "tokens": f["tokens"]} for name, f in found.items()}
    return {first: {"seconds": base.seconds, "tokens": base.tokens}, **timed}


def row_of(given: argparse.Namespace, flags: Sequence[str], timed: dict[str, float]) -> dict[str, Any]:
    """Train a row for its minutes."""
    steps = round(given.minutes * 60 / timed["seconds"])
    whole = fitted(given, flags, steps)
    return {
        "nats": whole["nats_per_word"],
        "steps": steps,
        "tokens_per_second": timed["tokens"] / timed["seconds"],
        "epochs": whole["curve"][-1]["epoch"],
        "minutes": whole["seconds"] / 60,
    }


def main() -> int:
    """Run what is not there yet, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--config", default="dailydialog", help="the recipe to vary")
    parser.add_argument("--minutes", type=float, default=8.0, help="of training, a row")
    parser.add_argument("--table", choices=("parts", "cells"), default="parts")
    parser.add_argument("--rows", nargs="+", help="names of some rows; all unless given")
    parser.add_argument("--output", type=Path, help="JSON of the rows so far")
    given = parser.parse_args()
    settings = yaml.safe_load(find_recipe("fit", given.config).read_text(encoding="utf-8"))
    pieces = json.loads((given.data / "report.json").read_text(encoding="utf-8"))["vocabulary"]["size"]
    wanted = PARTS if given.table == "parts" else cells(settings.get("model", {}).get("network", {}), pieces)
    what = {"data": str(given.data.resolve()), "config": given.config, "minutes": given.minutes, "table": given.table}
    held: dict[str, Any] = {"of": what, "paces": {}, "rows": {}}
    if given.output is not None and given.output.exists():
        held = json.loads(given.output.read_text(encoding="utf-8"))
        if held["of"] != what:
            sys.exit(f"{given.output}: holds rows of {held['of']}, not of {what}: give another --output")

    def keep() -> None:
        if given.output is not None:
            given.output.write_text(json.dumps(held, indent=1), encoding="utf-8")

    if held["paces"].keys() != wanted.keys():
        held |= {"paces": paces(given, wanted), "rows": {}}
        keep()
    done = held["rows"]
    for name, flags in wanted.items():
        if name in done or (given.rows and name not in given.rows):
            continue
        done[name] = row_of(given, flags, held["paces"][name])
        print(name, done[name], file=sys.stderr)
        keep()
    rows = [(name, done[name]) for name in wanted if name in done]
    base = rows[0][1]["nats"] if rows else 0.0
    head = ["row", "nats per word", "against the first", "target tokens/s", "steps", "epochs", "minutes"]
    print_table(head, [shown(name, row, base) for name, row in rows])
    return 0


def shown(name: str, row: dict[str, Any], base: float) -> list[str]:
    """A row for people."""
    return [
        name,
        f"{row['nats']:.3f}",
        f"{row['nats'] - base:+.3f}",
        f"{row['tokens_per_second']:,.0f}",
        f"{row['steps']:,}",
        f"{row['epochs']:.1f}",
        f"{row['minutes']:.1f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
