"""Target tokens a second of `chatbot fit`, beside a bare PyTorch loop of the same model and batches in the same run.

    python benchmarks/train.py --data PREPARED [--config small base] [--steps 60] [--rounds 3] [--precision ...]

Bare loop and fit take turns; the best of their rounds counts, since what else the machine does only ever slows. The
bare loop is a good one: batches of similar length, output layer on real tokens only, fused AdamW. It is run once more
on batches that lie on the device already, which tells what loading costs. On a GPU the rate of a large matrix product
is measured too, and how much of it the loop reaches.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

# As the command does for itself (`chatbot.cli.main` says why). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")

import torch
import yaml
from table import print_table, report_bars

from chatbot.config import find_recipe
from chatbot.data.batches import Batch
from chatbot.data.module import DialogueData
from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.training.loss import smoothed_loss
from chatbot.training.memory import keep_freed
from chatbot.training.optimizer import OptimizerConfig, adamw
from chatbot.training.precision import checked
from chatbot.training.publish import device_name

LEAST = 0.95  # of the bare loop
GAIN = 1.8  # of bf16 over float32, where the processor has instructions for it
OUTSIDE = 0.03  # of a step at most, neither forward nor backward nor optimizer
WARMUP = 5  # steps that prepare kernels
SMOOTHING = 0.1
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Recipe:
    """Of a recipe what both sides need."""

    name: str
    network: NetworkConfig
    optimizer: OptimizerConfig
    data: DialogueData

    @classmethod
    def read(cls, name: str, prepared: Path, flags: Sequence[str] = ()) -> Recipe:
        """The recipe ``name`` with further flags of its model and data, on a prepared folder."""
        settings = yaml.safe_load(find_recipe("fit", name).read_text(encoding="utf-8")) or {}
        for flag, value in zip(flags[::2], flags[1::2], strict=True):
            *path, last = flag.removeprefix("--").split(".")
            place = settings
            for key in path:
                place = place.setdefault(key, {})
            place[last] = yaml.safe_load(value)
        model = settings.get("model", {})
        optimizer = OptimizerConfig(**model.get("optimizer", {}))
        data = DialogueData(prepared, **settings.get("data", {}))
        return cls(name, NetworkConfig(**model.get("network", {})), optimizer, data)

    def batches(self, steps: int) -> Iterable[Batch]:
        """The first batches of the first epoch, made as they are wanted."""
        return (self.data.train.batch(rows) for rows in self.data.cut("train").epoch(0)[:steps])


class Loop:
    """A training with nothing around it."""

    def __init__(self, recipe: Recipe, bf16: bool, smoothing: float = SMOOTHING) -> None:
        torch.manual_seed(0)
        self.model = Seq2Seq(recipe.data.vocab_size, recipe.network).to(DEVICE).train()
        self.smoothing = smoothing
        self.optimizer = adamw(self.model.parameters(), recipe.optimizer, fused=True)
        self.autocast = torch.autocast(DEVICE.type, torch.bfloat16, enabled=bf16)

    def step(self, made: Batch) -> None:
        """One update of the weights."""
        model, batch = self.model, made.to(DEVICE)
        with self.autocast:
            hidden = model(batch.source, batch.source_lengths, batch.inputs)
            output, targets = (model.output_weight, model.bias), batch.select(batch.targets)
            loss, _ = smoothed_loss(batch.select(hidden), *output, targets, self.smoothing)
        (loss / batch.tokens).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()


def bare(recipe: Recipe, batches: Iterable[Batch], bf16: bool) -> tuple[float, float]:
    """Tokens and matrix operations a second of a loop with nothing around it."""
    loop = Loop(recipe, bf16)
    tokens, operations, began = 0, 0.0, 0.0
    for step, batch in enumerate(batches):
        if step == WARMUP:
            wait()
            began = time.perf_counter()
        loop.step(batch)
        if step >= WARMUP:
            tokens += batch.tokens
            operations += matrix_operations(loop.model, batch)
    wait()
    seconds = time.perf_counter() - began
    return tokens / seconds, operations / seconds


def wait() -> None:
    """Until the device has done what it was given."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def matrix_operations(model: Seq2Seq, batch: Batch) -> float:
    """Multiplications and additions of a step's matrix products: two for each weight forward, four on the way back."""

    def weights(module: torch.nn.Module) -> int:
        return sum(p.numel() for p in module.parameters() if p.ndim >= 2)

    (rows, source), target = batch.source.shape, batch.targets.shape[1]
    decoder, attention = model.decoder, model.decoder.attention
    seen = weights(model.encoder) * rows * source + (weights(decoder.layers) + weights(decoder.output)) * rows * target
    seen += weights(decoder.bridges) * rows + model.embedding.weight.numel() * batch.tokens
    if attention is not None:
        width = model.config.decoder_size + model.config.memory_size
        seen += weights(attention.key) * rows * source + rows * target * source * width
    return 6.0 * seen


def matrix_rate(dtype: torch.dtype = torch.bfloat16, size: int = 8192, rounds: int = 10) -> float:
    """Operations a second of a large matrix product."""
    a, b = (torch.randn(size, size, device=DEVICE, dtype=dtype) for _ in range(2))
    for _ in range(3):
        a @ b
    wait()
    began = time.perf_counter()
    for _ in range(rounds):
        a @ b
    wait()
    return 2 * size**3 * rounds / (time.perf_counter() - began)


def fitted(recipe: Recipe, steps: int, precision: str) -> tuple[float, float]:
    """Tokens a second as `chatbot fit` itself reports them, after as many steps; and its share outside of the work."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        bot = Path(folder) / "bot"
        argv = [sys.executable, "-m", "chatbot", "fit", str(recipe.data.prepared.path), "--output", str(bot)]
        argv += [
            "--config",
            recipe.name,
            "--trainer.precision",
            precision,
            "--trainer.limit_val_batches",
            "1",
            "--profile",
        ]
        for last in (WARMUP, steps):  # the first steps are told apart by the validation after them
            resume = ["--resume"] if found else []
            subprocess.run([*argv, "--trainer.max_steps", str(last), *resume], check=True, stderr=subprocess.DEVNULL)
            found.append(json.loads((bot / "training.json").read_text(encoding="utf-8")))
    first, whole = found
    tokens, seconds = whole["tokens"] - first["tokens"], whole["seconds"] - first["seconds"]
    profile = whole["profile"]
    return tokens / seconds, 1 - sum(profile[name] for name in ("forward", "backward", "optimizer"))


def measure(recipe: Recipe, precision: str, given: argparse.Namespace) -> tuple[list[str], list[tuple[str, str, bool]]]:
    """A row of the table, and the bars that it tells of."""
    bf16, loops, fits, loaded, outside, rates = "bf16" in precision, [], [], [], [], []
    ready = [batch.to(DEVICE) for batch in recipe.batches(given.steps)]
    for _ in range(given.rounds):
        tokens, operations = bare(recipe, recipe.batches(given.steps), bf16)
        loops.append(tokens)
        rates.append(operations)
        loaded.append(bare(recipe, ready, bf16)[0])
        speed, apart = fitted(recipe, given.steps, precision)
        fits.append(speed)
        outside.append(apart)
    loop, fit = max(loops), max(fits)
    row = [recipe.name, precision, f"{loop:,.0f}", f"{max(loaded):,.0f}", f"{fit:,.0f}", f"{fit / loop:.2f}"]
    row += [f"{100 * min(outside):.1f} %", f"{max(rates) / 1e12:.3g}"]
    what = f"{recipe.name}, {precision}"
    return row, [
        (f"fit over bare loop, {what}", f"{fit / loop:.2f}", fit >= LEAST * loop),
        (f"share of a step outside the work, {what}", f"{100 * min(outside):.1f} %", min(outside) < OUTSIDE),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--config", nargs="+", default=["small"], help="recipes by name")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", nargs="+", default=["32-true", "bf16-mixed"])
    given = parser.parse_args()
    keep_freed()  # as the command does
    rows, bars = [], []
    for name in given.config:
        recipe = Recipe.read(name, given.data)
        for precision in given.precision:
            row, more = measure(recipe, precision, given)
            rows.append(row)
            bars += more
    fits = [float(row[4].replace(",", "")) for row in rows]
    if len(given.precision) == 2 and DEVICE.type == "cpu":
        bars += [
            (f"bf16 over float32, {row[0]}", f"{b / a:.2f}", b >= GAIN * a)
            for row, a, b in zip(rows[::2], fits[::2], fits[1::2], strict=True)
        ]
    print(f"{device_name(DEVICE)}, {given.steps} steps, best of {given.rounds} rounds;")
    print(f"left to itself, `chatbot fit` takes {checked(None, 'auto')} here")
    if DEVICE.type == "cpu":
        products = [matrix_rate(dtype, 2048) / 1e9 for dtype in (torch.float32, torch.bfloat16)]
        print("a matrix product of 2048: {:.0f} billion operations a second, in bf16 {:.0f}".format(*products))
    if DEVICE.type == "cuda":
        rate = matrix_rate()
        print(f"a bf16 matrix product of 8192: {rate / 1e12:.0f} teraoperations a second")
        rows = [[*row, f"{100 * float(row[-1]) * 1e12 / rate:.1f} %"] for row in rows]
    head = ["recipe", "precision", "bare loop, tokens/s", "batches ready", "chatbot fit", "ratio", "outside", "Tops"]
    print_table((*head, "of the product") if DEVICE.type == "cuda" else head, rows)
    return report_bars(bars)


if __name__ == "__main__":
    sys.exit(main())
