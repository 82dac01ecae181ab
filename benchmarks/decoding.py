"""What each preset says, in figures, beside what people said and what a random training reply would be.

    python benchmarks/decoding.py --data PREPARED --bot BOT [--contexts 1000] [--ways NAME=SETTINGS ...] [--output FILE]

Besides the presets, ``NAME={"beam": 5}`` adds a way of your own. ``--output`` keeps all replies as JSON, to be read.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from table import print_table, report_bars

from chatbot import bundle
from chatbot.evaluation.metrics import bleu, commonest, distinct, mean_length, repeating
from chatbot.likelihood import of_replies
from chatbot.responder import Responder, search_settings
from chatbot.search.presets import DEFAULT, PRESETS
from chatbot.tokenizer import join
from data_prep.store import open_prepared

PLAIN = "plain"
"""What the default is held against."""


def own_nats(bot: bundle.Bundle, contexts: list[list[str]], replies: list[str]) -> float:
    """Nats per piece that a bot gives to replies, whoever said them; all turns are read as in training."""
    encode, turns = bot.tokenizer.encode, int(bot.config["context_turns"])
    sources = [
        join([encode(turn) for turn in context], turns, most=bot.config.get("source_tokens")) for context in contexts
    ]
    said = [encode(reply) for reply in replies]
    return -sum(of_replies(bot.model, sources, said)) / sum(len(ids) + 1 for ids in said)


def row(name: str, texts: list[str], true: list[str], nats: float, speed: str = "") -> list[str]:
    """The figures of some replies."""
    return [
        name,
        f"{distinct(texts, 1):.4f}",
        f"{distinct(texts, 2):.3f}",
        f"{100 * commonest(texts):.1f} %",
        f"{100 * repeating(texts):.1f} %",
        f"{mean_length(texts):.1f}",
        f"{bleu(texts, true):.2f}",
        f"{nats:.2f}",
        speed,
    ]


def main() -> int:
    """Ask and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--bot", type=Path, required=True)
    parser.add_argument("--contexts", type=int, default=1000)
    parser.add_argument("--ways", nargs="*", default=[], help="NAME={...}, further settings")
    parser.add_argument("--output", type=Path, help="JSON of all replies")
    given = parser.parse_args()
    prepared, bot = open_prepared(given.data), bundle.load(given.bot)
    valid = pq.read_table(prepared.split("valid"), columns=["context", "reply"])
    places = sorted(random.Random(0).sample(range(len(valid)), min(given.contexts, len(valid))))
    contexts, true = (valid.take(places)[name].to_pylist() for name in ("context", "reply"))
    trained = pq.read_table(prepared.split("train"), columns=["reply"])["reply"]
    anything = [trained[place].as_py() for place in random.Random(1).choices(range(len(trained)), k=len(contexts))]
    responder = Responder(bot)
    ways: dict[str, dict[str, Any]] = {name: {"preset": name} for name in PRESETS}
    ways |= {name: json.loads(settings) for name, _, settings in (way.partition("=") for way in given.ways)}
    said: dict[str, list[str]] = {"people": true, "a random training reply": anything}
    rows = [row(name, texts, true, own_nats(bot, contexts, texts)) for name, texts in said.items()]
    for name, settings in ways.items():
        asked = search_settings(bot.config, **settings)
        began = time.perf_counter()
        said[name] = [reply.text for reply in responder.replies(contexts, asked)]
        seconds = time.perf_counter() - began
        speed = f"{1000 * seconds / len(contexts):.1f}"
        rows.append(row(name, said[name], true, own_nats(bot, contexts, said[name]), speed))
    head = ["replies", "distinct-1", "distinct-2", "ten commonest", "a 3-gram twice", "words", "BLEU", "nats a piece"]
    print_table([*head, "ms a reply, in batches"], rows)
    if given.output is not None:
        records = [
            dict(zip(["context", *said], values, strict=True)) for values in zip(contexts, *said.values(), strict=True)
        ]
        given.output.write_text(json.dumps(records, indent=1, ensure_ascii=False), encoding="utf-8")
    generic, plain = (commonest(said[name]) for name in (DEFAULT, PLAIN))
    repeated = repeating(said[DEFAULT])
    return report_bars(
        [
            (
                "generic share of the default over plain beam's",
                f"{generic / max(plain, 1e-9):.2f}",
                generic <= plain / 2,
            ),
            ("replies of the default that repeat a 3-gram", f"{100 * repeated:.2f} %", repeated < 0.01),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
