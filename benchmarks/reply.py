"""What a reply takes, beside the bare steps of the same weights and the time that reading these takes.

    python benchmarks/reply.py --data PREPARED [--bot BOT] [--contexts 500]

Without ``--bot`` one of the recipe `small` is trained for a minute. The targets are those of a machine on which a bare
float32 step takes 2.3 ms, scaled by what it takes here.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from table import print_table, report_bars

from chatbot import bundle
from chatbot.model.light import LightSeq2Seq, lightened, lightest
from chatbot.model.seq2seq import Seq2Seq
from chatbot.replies import Reply
from chatbot.responder import Responder
from chatbot.search.config import SearchConfig
from data_prep.store import open_prepared

SEARCHES = {"greedy": SearchConfig(beam=1), "beam 5": SearchConfig(beam=5)}
MOST = {"greedy": 1.0 / 2.3, "beam 5": 2.1 / 2.3}  # of a bare float32 step, encoding counted in
ADDED = {"greedy": 0.15, "beam 5": 0.4}  # ms a step that search may add, or a quarter of the bare step
PIECES = {"greedy": 6000 * 2.3, "beam 5": 2800 * 2.3}  # a second in batches on two cores, times ms of a bare step


def trained(prepared: Path, folder: Path) -> Path:
    """A bot of the recipe `small` that has learned for a minute."""
    argv = [sys.executable, "-m", "chatbot", "fit", str(prepared), "--output", str(folder / "bot"), "--config", "small"]
    subprocess.run([*argv, "--trainer.max_time", "00:00:01:00", "--trainer.limit_val_batches", "1"], check=True)
    return folder / "bot"


def best(call: Callable[[], Any], times: int = 5) -> float:
    """Milliseconds of a call, the quickest of some."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1000)
    return min(found)


def bare_step(model: Seq2Seq | LightSeq2Seq, rows: int, steps: int = 100) -> float:
    """Milliseconds of one decoding step of some hypotheses of one reply, with no search around it."""
    with torch.inference_mode():
        state = model.start(model.encode(torch.full((1, 20), 9), torch.tensor([20]))).repeat(rows)
        tokens = torch.full((rows,), 9)

        def run() -> None:
            now = state
            for _ in range(steps):
                _, now = model.step(tokens, now)

        return best(run) / steps


def reading(model: Seq2Seq, width: int, looked_up: bool) -> float:
    """Milliseconds to read the weights of a step once, at ``width`` bytes each, at the speed of reading memory here.

    Those of the first layer's input are not read where what they make of each piece is looked up.
    """
    block = torch.ones(1 << 26)  # 256 MB, far more than any cache
    bandwidth = block.numel() * 4 / best(block.sum) * 1000  # bytes a second
    decoder = sum(
        p.numel() for name, p in model.decoder.named_parameters() if "bridge" not in name and "key" not in name
    )
    decoder -= model.decoder.layers[0].weights().weight_ih.numel() if looked_up else 0
    return (decoder + model.output_weight.numel() + model.bias.numel()) * width / bandwidth * 1000


class Counted:
    """Counts the steps of a network, and times all that is asked of it."""

    def __init__(self, responder: Responder) -> None:
        self.steps = 0
        self.milliseconds = 0.0
        self._model = responder._decoding._model
        self._own = {name: getattr(self._model, name) for name in ("encode", "step")}
        for name, method in self._own.items():
            setattr(self._model, name, self._timed(name, method))

    def _timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            began = time.perf_counter()
            found = method(*given)
            self.milliseconds += (time.perf_counter() - began) * 1000
            self.steps += name == "step"
            return found

        return call

    def leave(self) -> None:
        """Let the network do its work unwatched again."""
        for name, method in self._own.items():
            setattr(self._model, name, method)


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--bot", type=Path, help="a bot; without it one is trained for a minute")
    parser.add_argument("--contexts", type=int, default=500)
    given = parser.parse_args()
    contexts = pq.read_table(open_prepared(given.data).split("valid"))["context"].to_pylist()[: given.contexts]
    with tempfile.TemporaryDirectory() as folder:
        bot = bundle.load(given.bot or trained(given.data, Path(folder)))
    form = lightest(bot.model)
    light = lightened(bot.model, form)
    cores = torch.get_num_threads()
    rows, bars, replies, means = [], [], [], {}
    for threads in sorted({1, cores}):
        torch.set_num_threads(threads)
        whole = bare_step(bot.model, 1)
        for name, settings in SEARCHES.items():
            responder = Responder(bot)
            responder.reply(contexts[0], settings)
            bare, times, answers = bare_step(light, settings.beam), [], []
            counted = Counted(responder)
            for context in contexts:
                began = time.perf_counter()
                answers.append(responder.reply(context, settings))
                times.append((time.perf_counter() - began) * 1000)
            counted.leave()
            step = sum(times) / counted.steps
            added = (sum(times) - counted.milliseconds) / counted.steps
            replies += answers
            means[name] = statistics.fmean(a.score or 0.0 for a in answers)
            pace = in_batches(bot, contexts, settings)
            floor = reading(
                bot.model, 1 if form == "int8" else 4, isinstance(light, LightSeq2Seq) and light.looked_up is not None
            )
            figures = [whole, bare_step(bot.model, settings.beam), bare, floor]
            rows.append(
                [name, str(threads), f"{statistics.median(times):.1f}", f"{statistics.quantiles(times, n=20)[-1]:.1f}"]
                + [f"{counted.steps / len(contexts):.1f}", f"{step:.2f}", f"{added:.2f}"]
                + [f"{figure:.2f}" for figure in figures]
                + [f"{pace:,.0f}"]
            )
            if threads == 1:
                most, more = MOST[name] * whole, max(ADDED[name], bare / 4)
                bars.append((f"{name}, ms a step on one core, at most {most:.2f}", f"{step:.2f}", step <= most))
                bars.append((f"{name}, ms that search adds, at most {more:.2f}", f"{added:.2f}", added <= more))
            if threads == cores:
                least = PIECES[name] / whole
                bars.append((f"{name}, pieces/s in batches, at least {least:,.0f}", f"{pace:,.0f}", pace >= least))
    print(f"{len(contexts)} contexts; weights of {form}")
    head = ["search", "threads", "ms a reply, p50", "p95", "steps", "ms a step", "search adds", "bare float32, 1 row"]
    print_table([*head, "bare float32", "bare light", "reading light", "pieces/s in batches"], rows)
    good, gain = sum(map(sound, replies)), means["beam 5"] - means["greedy"]
    bars.append(("sound replies", f"{good} of {len(replies)}", good == len(replies)))
    bars.append(("beam 5 score over greedy", f"{gain:+.3f}", gain >= 0))
    return report_bars(bars)


def in_batches(bot: bundle.Bundle, contexts: list[list[str]], settings: SearchConfig) -> float:
    """Pieces a second, ends counted, where all are asked at once."""
    responder = Responder(bot)
    began = time.perf_counter()
    answers = responder.replies(contexts * 4, replace(settings))
    return sum(len(a.ids) + 1 for a in answers) / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
