"""A bot that talks like one's own chats: from a phone's export to a reply, timed and checked.

    python benchmarks/own_chat.py --data TOPICAL_CHAT

Makes a WhatsApp export of 5,000 messages between two names out of a raw corpus, with the app's dates, system lines and
media lines, and phone numbers and addresses here and there; then runs `prepare --me`, `fit --config tiny` and `reply`,
all again with --anonymise, and looks for what should not be there.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from table import print_table, report_bars

from data_prep import sources
from data_prep.text import words

NAMES = ("Marlene Okafor", "Tobias Lindqvist")
SECRETS = (
    "Marlene",
    "Okafor",
    "Tobias",
    "Lindqvist",
    "+49 170 5550123",
    "marlene@okafor.example",
    "okafor.example/party",
)
QUESTIONS = ("hello, how are you?", "do you like movies?", "what is your favorite team?", "bye!")
MESSAGES, MINUTES = 5000, 10


def main() -> int:
    """Make the export, run the commands, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a raw corpus to take messages from")
    given = parser.parse_args()
    bars, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        chat = root / f"WhatsApp Chat with {NAMES[0]}.txt"
        mine = export(given.data, chat)
        for hidden in (False, True):
            prepared, bot = root / f"prepared-{hidden}", root / f"bot-{hidden}"
            began = time.perf_counter()
            run("prepare", chat, "--me", NAMES[1], "--output", prepared, *(["--anonymise"] if hidden else []))
            run("fit", prepared, "--config", "tiny", "--output", bot)
            answers = run("reply", bot, stdin="\n".join(QUESTIONS))
            minutes = (time.perf_counter() - began) / 60
            what = "anonymised" if hidden else "plain"
            bars.append((f"minutes, {what}", f"{minutes:.1f}", minutes <= MINUTES))
            nats, unigram = bot_nats(bot), unigram_nats(prepared)
            bars.append((f"nats per word under a unigram's, {what}", f"{nats:.2f} < {unigram:.2f}", nats < unigram))
            if hidden:
                found = leaks(prepared, bot)
                bars.append(("names and numbers found", str(len(found)), not found))
            else:
                strangers = [r for r in replies(prepared) if not all(part in mine for part in plain(r))]
                bars.append(("words of replies that are not of that name's turns", str(len(strangers)), not strangers))
            rows += [(what, json.loads(line)["reply"]) for line in answers.splitlines()]
    print_table(("bot", "answer"), rows)
    return report_bars(bars)


def export(data: Path, path: Path) -> set[str]:
    """Write the export; returns the words of the second name's messages."""
    draw = random.Random(0)
    clock = datetime(2023, 1, 5, 8, 0)
    lines = [
        f"{stamp(clock)} - Messages and calls are end-to-end encrypted. No one outside of this chat can read them."
    ]
    mine: set[str] = set()
    sent = 0
    for reading in sources.plan([str(data)], "auto", sources.Notes()):
        for dialogue in reading.dialogues():
            clock += timedelta(hours=draw.randint(2, 30))
            for place, turn in enumerate(dialogue.turns):
                text = dressed(" ".join(turn.text.split()), draw)
                clock += timedelta(seconds=draw.randint(5, 200))
                lines.append(f"{stamp(clock)} - {NAMES[place % 2]}: {text}")
                if place % 2:
                    mine.update(plain(text))
                sent += 1
            if draw.random() < 0.2:
                lines.append(
                    f"{stamp(clock)} - {NAMES[0]} changed their phone number. Tap to message or add the new number."
                )
            if sent >= MESSAGES:
                path.write_text("\n".join(lines) + "\n", encoding="utf-8")
                return mine
    sys.exit(f"{data}: {sent} messages; expected a corpus with {MESSAGES}")


def dressed(text: str, draw: random.Random) -> str:
    """The message as it is, or as phones send it."""
    chance = draw.random()
    if chance < 0.02:
        return "<Media omitted>"
    if chance < 0.04:
        return f"{text} call me on {SECRETS[4]}"
    if chance < 0.06:
        return f"Hi {draw.choice(NAMES).split()[0]}, {text}"
    if chance < 0.07:
        return f"{text} my address is {SECRETS[5]}"
    if chance < 0.08:
        return f"{text} see https://{SECRETS[6]}"
    return text


def stamp(clock: datetime) -> str:
    """As an English phone writes it, with the narrow space before AM and PM."""
    return f"{clock.month}/{clock.day}/{clock:%y}, {clock.hour % 12 or 12}:{clock:%M}\u202f{clock:%p}"


def run(*argv: object, stdin: str = "") -> str:
    """What a command prints on stdout."""
    command = [sys.executable, "-m", "chatbot", *map(str, argv)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"chatbot {argv[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def plain(text: str) -> list[str]:
    """Letters and digits only, in small letters: what the repairs do not touch."""
    return re.findall(r"[a-z0-9]+", text.lower())


def replies(prepared: Path) -> list[str]:
    """The replies that are learned."""
    found: list[str] = pq.read_table(prepared / "train")["reply"].to_pylist()
    return found


def leaks(*folders: Path) -> list[str]:
    """Secrets that stand in a file, as plain bytes or in the texts of a Parquet file."""
    found = []
    for file in (file for folder in folders for file in folder.rglob("*") if file.is_file()):
        content = file.read_bytes().decode("latin-1")
        if file.suffix == ".parquet":
            content += json.dumps(pq.read_table(file).to_pylist(), ensure_ascii=False)
        found += [f"{secret} in {file.name}" for secret in SECRETS if secret.lower() in content.lower()]
    return found


def bot_nats(bot: Path) -> float:
    """Nats per word on the validation split, as training measured them for the weights it kept."""
    training = json.loads((bot / "training.json").read_text(encoding="utf-8"))
    return float(training["nats_per_word"])


def unigram_nats(prepared: Path) -> float:
    """The same of a model that knows how often each word stands in training, new words as likely as one seen once."""
    counts: Counter[str] = Counter()
    for reply in replies(prepared):
        counts.update([*words(reply), ""])
    total = sum(counts.values()) + len(counts) + 1
    surprise = number = 0.0
    for reply in pq.read_table(prepared / "valid")["reply"].to_pylist():
        for word in [*words(reply), ""]:
            surprise -= math.log((counts[word] + 1) / total)
            number += 1
    return surprise / number


if __name__ == "__main__":
    sys.exit(main())
