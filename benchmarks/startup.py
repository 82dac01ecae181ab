"""From the start of the process to the prompt and to the first reply, beside importing torch alone.

python benchmarks/startup.py --bot BOT [--rounds 10]
"""

from __future__ import annotations

import argparse
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from table import print_table, report_bars

UNWANTED = (
    "pytorch_lightning",
    "lightning_fabric",
    "datasets",
    "daft",
    "pandas",
    "pyarrow",
    "matplotlib",
    "torchmetrics",
)
"""What takes a second to import and has no part in a reply."""


def timed(argv: list[str], said: str = "") -> float:
    """Seconds from starting a process to its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *argv], input=said, text=True, capture_output=True, check=True)
    return time.perf_counter() - began


class Chat:
    """`chatbot chat` at a (pseudo-)terminal."""

    def __init__(self, bot: Path, state: Path) -> None:
        import pty

        self.began = time.perf_counter()
        self.descriptor, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatbot", "chat", str(bot)],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={**os.environ, "XDG_STATE_HOME": str(state), "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(inside)
        self.shown = b""

    def until(self, there: Callable[[], bool]) -> float:
        """Seconds from the start until something is there; what is shown is read meanwhile."""
        while not there():
            if select.select([self.descriptor], [], [], 0.002)[0]:
                got = os.read(self.descriptor, 1 << 16)
                self.shown += got
                if b"\x1b[6n" in got:  # "where is the cursor?"
                    os.write(self.descriptor, b"\x1b[1;1R")
        return time.perf_counter() - self.began

    def echo(self, key: bytes) -> float:
        """Seconds until a key that is typed is shown."""
        before, typed = self.shown.count(key), time.perf_counter()
        os.write(self.descriptor, key)
        return self.until(lambda: self.shown.count(key) > before) + self.began - typed

    def leave(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        os.close(self.descriptor)


def chatted(bot: Path) -> tuple[float, float, list[float]]:
    """Seconds to the prompt, seconds to the reply to what is typed at once, and those of each key's echo meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        chat = Chat(bot, Path(folder))
        prompt = chat.until(lambda: b"you:" in chat.shown)
        os.write(chat.descriptor, b"hello\r")
        echoes: list[float] = []

        def said() -> bool:
            logs = list(Path(folder).rglob("*.jsonl"))
            return bool(logs) and logs[0].read_bytes().count(b"\n") > 1

        while not said():
            echoes.append(chat.echo(b"q"))
            time.sleep(0.02)
        reply = time.perf_counter() - chat.began
        chat.leave()
    return prompt, reply, echoes


def loading(bot: Path, rounds: int) -> float:
    """Seconds to import torch and open a bot, p50: what a first reply cannot be without."""
    code = f"from chatbot import load; load({str(bot)!r})"
    return statistics.median(timed(["-c", code]) for _ in range(rounds))


def chat_bars(
    torch: float, loaded: float, prompts: list[float], replies: list[float], echoes: list[float]
) -> list[tuple[str, str, bool]]:
    """What the chat must keep to."""
    prompt, reply, echo = statistics.median(prompts), statistics.median(replies), statistics.quantiles(echoes, n=20)[-1]
    return [
        (f"prompt, seconds, at most {0.4 * torch:.2f}", f"{prompt:.2f}", prompt <= 0.4 * torch),
        (f"reply in the chat, seconds, at most {1.3 * loaded:.2f}", f"{reply:.2f}", reply <= 1.3 * loaded),
        ("echo of a key while the bot loads, ms, p95, at most 100", f"{1000 * echo:.0f}", echo <= 0.1),
    ]


def main() -> int:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bot", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    reply = ["-m", "chatbot", "reply", str(given.bot)]
    figures: dict[str, list[float]] = {"import torch": [], "chatbot reply, one line": []}
    prompts, replies, echoes = [], [], []
    for _ in range(given.rounds):
        prompt, reply_there, keys = chatted(given.bot)
        prompts.append(prompt)
        replies.append(reply_there)
        echoes += keys
        figures["import torch"].append(timed(["-c", "import torch"]))
        figures["chatbot reply, one line"].append(timed(reply, "Hi, how are you?\n"))
    torch, first = (statistics.median(seconds) for seconds in figures.values())
    figures |= {"chat, prompt on the screen": prompts, "chat, reply to what is typed at once": replies}
    print_table(["what", "seconds, p50"], [[name, f"{statistics.median(s):.2f}"] for name, s in figures.items()])
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *reply], input="Hi\n", text=True, capture_output=True, check=True
    ).stderr
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in told.splitlines()}
    heavy = sorted(imported & set(UNWANTED))
    most = 1.25 * torch + 0.5
    return report_bars(
        [
            (f"first reply, seconds, at most {most:.2f}", f"{first:.2f}", first <= most),
            *chat_bars(torch, loading(given.bot, given.rounds), prompts, replies, echoes),
            ("imports that a reply does not need", ", ".join(heavy) or "none", not heavy),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
