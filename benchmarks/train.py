"""Target tokens a second of `chatbot fit`, beside a bare PyTorch loop of the same model and batches in the same run.

    python benchmarks/train.py --data PREPARED [--config small] [--steps 25] [--rounds 3]

Bare loop and fit take turns; the best of their rounds counts, since what else the machine does only ever slows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# As the command does for itself: threads that wait let others work. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import yaml
from table import print_table, report_bars

from chatbot.config import find_recipe
from chatbot.data.module import DialogueData
from chatbot.model.seq2seq import NetworkConfig, Seq2Seq
from chatbot.training.loss import smoothed_loss
from chatbot.training.module import OptimizerConfig
from chatbot.training.precision import checked

LEAST = 0.9  # of the bare loop
SMOOTHING = 0.1


def recipe(name: str) -> tuple[NetworkConfig, OptimizerConfig, dict[str, int]]:
    """Network, optimizer and how the data is cut, of a recipe."""
    settings = yaml.safe_load(find_recipe("fit", name).read_text(encoding="utf-8")) or {}
    model, data = settings.get("model", {}), settings.get("data", {})
    network, optimizer = NetworkConfig(**model.get("network", {})), OptimizerConfig(**model.get("optimizer", {}))
    return network, optimizer, data


def bare(data: DialogueData, config: NetworkConfig, optim: OptimizerConfig, steps: int, bf16: bool) -> float:
    """Tokens a second of a loop with nothing around it, first steps included, as fit counts too."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Seq2Seq(data.vocab_size, config).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=optim.lr, betas=tuple(optim.betas), fused=True)
    autocast = torch.autocast(device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()
    tokens, began = 0, time.perf_counter()
    for rows in data.cut("train").epoch(0)[:steps]:
        batch = data.train.batch(rows).to(device)
        with autocast:
            hidden = model(batch.source, batch.source_lengths, batch.inputs)
            logits = model.logits(batch.select(hidden))
            loss, _ = smoothed_loss(logits, batch.select(batch.targets), SMOOTHING)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += batch.tokens
    if device.type == "cuda":
        torch.cuda.synchronize()
    return tokens / (time.perf_counter() - began)


def fitted(prepared: Path, name: str, steps: int, precision: str) -> float:
    """Tokens a second as `chatbot fit` itself reports them."""
    with tempfile.TemporaryDirectory() as folder:
        bot = Path(folder) / "bot"
        argv = [sys.executable, "-m", "chatbot", "fit", str(prepared), "--output", str(bot), "--config", name]
        argv += ["--trainer.max_steps", str(steps), "--trainer.precision", precision]
        argv += ["--trainer.limit_val_batches", "1"]
        subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
        training = json.loads((bot / "training.json").read_text(encoding="utf-8"))
    return float(training["tokens_per_second"])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--config", default="small", help="recipe by name")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", nargs="+", default=["32-true", "bf16-mixed"])
    given = parser.parse_args()
    network, optimizer, cut = recipe(given.config)
    data = DialogueData(given.data, **cut)
    rows, bars = [], []
    for precision in given.precision:
        figures = [
            (
                bare(data, network, optimizer, given.steps, "bf16" in precision),
                fitted(given.data, given.config, given.steps, precision),
            )
            for _ in range(given.rounds)
        ]
        loop, fit = (max(column) for column in zip(*figures, strict=True))
        rows.append((precision, f"{loop:,.0f}", f"{fit:,.0f}", f"{fit / loop:.2f}"))
        bars.append((f"fit over bare loop, {precision}", f"{fit / loop:.2f}", fit >= LEAST * loop))
    print(f"{given.config}, {torch.get_num_threads()} threads, {given.steps} steps, best of {given.rounds} rounds;")
    print(f"left to itself, `chatbot fit` takes {checked(None, 'auto')} here")
    print_table(("precision", "bare loop, tokens/s", "chatbot fit, tokens/s", "ratio"), rows)
    return report_bars(bars)


if __name__ == "__main__":
    sys.exit(main())
