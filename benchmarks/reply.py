"""Replies to validation contexts: that they are sound, and what they take beside the bare step of the same weights.

python benchmarks/reply.py --data PREPARED [--bot BOT] [--contexts 200]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import torch
from table import print_table, report_bars

from chatbot import bundle
from chatbot.responder import Reply, Responder, search_settings
from data_prep.store import open_prepared


def trained(prepared: Path, folder: Path) -> Path:
    """A bot of the recipe `small` that has learned for a minute."""
    argv = [sys.executable, "-m", "chatbot", "fit", str(prepared), "--output", str(folder / "bot"), "--config", "small"]
    subprocess.run([*argv, "--trainer.max_time", "00:00:01:00", "--trainer.limit_val_batches", "1"], check=True)
    return folder / "bot"


def bare_step(bot: bundle.Bundle, steps: int = 200) -> float:
    """Milliseconds of one decoding step of one reply, with no search around it."""
    with torch.inference_mode():
        state = bot.model.start(bot.model.encode(torch.full((1, 20), 9), torch.tensor([20])))
        tokens = torch.tensor([9])
        for k in range(steps + 20):
            if k == 20:
                began = time.perf_counter()
            _, state = bot.model.step(tokens, state)
    return (time.perf_counter() - began) / steps * 1000


def sound(reply: Reply) -> bool:
    """Something is said, without <unk> and without control characters."""
    return (
        bool(reply.text.strip())
        and "<unk>" not in reply.text
        and "\u2047" not in reply.text
        and not any(unicodedata.category(c) in ("Cc", "Co", "Cs") for c in reply.text)
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--bot", type=Path, help="a bot; without it one is trained for a minute")
    parser.add_argument("--contexts", type=int, default=200)
    given = parser.parse_args()
    contexts = pq.read_table(open_prepared(given.data).split("valid"))["context"].to_pylist()[: given.contexts]
    with tempfile.TemporaryDirectory() as folder:
        bot = bundle.load(given.bot or trained(given.data, Path(folder)))
    responder, settings = Responder(bot), search_settings(bot.config)
    rows, means, replies = [], {}, []
    for name, width in (("greedy", 1), ("beam 5", 5)):
        asked = replace(settings, beam=width)
        times, answers = [], []
        for context in contexts:
            began = time.perf_counter()
            answers.append(responder.reply(context, asked))
            times.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        together = responder.replies(contexts, asked)
        batched = time.perf_counter() - began
        pieces = sum(len(a.ids) + 1 for a in answers)
        means[name] = statistics.fmean(a.score or 0.0 for a in answers)
        replies += answers + together
        rows.append(
            (
                name,
                f"{statistics.median(times):.1f}",
                f"{statistics.quantiles(times, n=20)[-1]:.1f}",
                f"{sum(times) / pieces:.2f}",
                f"{sum(len(a.ids) + 1 for a in together) / batched:,.0f}",
                f"{means[name]:.3f}",
            )
        )
    print(f"{len(contexts)} contexts, {torch.get_num_threads()} threads; a bare step takes {bare_step(bot):.2f} ms")
    header = ("search", "ms a reply, p50", "p95", "ms a piece", "pieces/s in batches", "mean score")
    print_table(header, rows)
    good = sum(map(sound, replies))
    gain = means["beam 5"] - means["greedy"]
    return report_bars(
        [
            ("sound replies", f"{good} of {len(replies)}", good == len(replies)),
            ("beam 5 score over greedy", f"{gain:+.3f}", gain >= 0),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
