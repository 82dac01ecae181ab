"""Whether lighter weights keep the words: replies, likelihood and choices beside those of float32.

python benchmarks/light.py --data PREPARED --bot BOT [--contexts 500]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pyarrow.parquet as pq
import torch
from table import print_table, report_bars

from chatbot import bundle
from chatbot.likelihood import of_replies
from chatbot.model.light import FORMS, LightSeq2Seq, lightened, lightest
from chatbot.model.seq2seq import Seq2Seq
from chatbot.responder import Responder
from chatbot.search.config import SearchConfig
from chatbot.tokenizer import BOS, EOS, join
from data_prep.store import open_prepared
from data_prep.text import words

SEARCHES = {"greedy": SearchConfig(beam=1), "beam 5": SearchConfig(beam=5)}


def stepped(model: Seq2Seq | LightSeq2Seq, sources: list[list[int]], replies: list[list[int]]) -> float:
    """Nats of all replies, taken step by step as search does."""
    total = 0.0
    with torch.inference_mode():
        for source, reply in zip(sources, replies, strict=True):
            state = model.start(model.encode(torch.tensor([source]), torch.tensor([len(source)])))
            for before, token in zip([BOS, *reply], [*reply, EOS], strict=True):
                log_probs, state = model.step(torch.tensor([before]), state)
                total -= float(log_probs[0, token])
    return total


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--bot", type=Path, required=True)
    parser.add_argument("--contexts", type=int, default=500)
    given = parser.parse_args()
    bot = bundle.load(given.bot)
    valid = pq.read_table(open_prepared(given.data).split("valid"), columns=["context", "reply"])[: given.contexts]
    contexts, true = valid["context"].to_pylist(), valid["reply"].to_pylist()
    encode, turns = bot.tokenizer.encode, int(bot.config["context_turns"])
    most = bot.config.get("source_tokens")
    sources = [join([encode(turn) for turn in context], turns, most=most) for context in contexts]
    count = sum(len(words(reply)) + 1 for reply in true)
    exact = {name: Responder(bot, "float32").replies(contexts, how) for name, how in SEARCHES.items()}
    whole = stepped(bot.model, sources, [encode(reply) for reply in true]) / count
    rows, bars = [], []
    for form in FORMS[1:]:
        nats = stepped(lightened(bot.model, form), sources, [encode(reply) for reply in true]) / count
        for name, how in SEARCHES.items():
            found = Responder(bot, form).replies(contexts, how)
            same = sum(a.text == b.text for a, b in zip(exact[name], found, strict=True)) / len(found)
            score = {
                kind: sum(of_replies(bot.model, sources, [r.ids for r in some])) / sum(len(r.ids) + 1 for r in some)
                for kind, some in (("exact", exact[name]), ("light", found))
            }
            worse = score["exact"] - score["light"]
            rows.append([form, name, f"{100 * same:.1f} %", f"{nats - whole:+.4f}", f"{worse:+.4f}"])
            if form == lightest(bot.model):
                bars.append((f"{name}, same replies", f"{100 * same:.1f} %", same >= 0.9))
                bars.append((f"{name}, replies worse by, nats a piece", f"{worse:+.4f}", worse <= 0.02))
        if form == lightest(bot.model):
            bars.append(("nats per word of people's replies, apart", f"{nats - whole:+.4f}", abs(nats - whole) <= 0.01))
    taken = lightest(bot.model)
    print(f"{len(contexts)} contexts, {whole:.3f} nats per word in float32; a bot on this machine takes {taken}")
    print_table(["weights", "search", "same replies", "nats per word, apart", "worse by, nats a piece"], rows)
    return report_bars(bars)


if __name__ == "__main__":
    sys.exit(main())
