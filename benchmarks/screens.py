"""Pictures of the chat, taken off a real terminal.

    python benchmarks/screens.py --bot BOT --output docs/images

Needs tmux. Each picture is what `tmux` shows at 80 x 24 and at 40 x 15, as SVG.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

SIZES = ((80, 24), (40, 15))
SCENES: dict[str, list[str]] = {
    "conversation": ["Hi, how are you?", "What is your name?", "What do you like to eat?"],
    "alternatives": ["Do you like music?", "/alternatives 5"],
    "why": ["What should I eat tonight?", "/why"],
    "gates": ["How are you?", "/gates"],
}
_SERVER = "chatbot-screens"


def tmux(*argv: str) -> str:
    """What a command of tmux prints."""
    return subprocess.run(["tmux", "-L", _SERVER, *argv], capture_output=True, text=True, check=True).stdout


def settled(seconds: float = 0.6, most: float = 60.0) -> str:
    """The screen, with its colours, once it has not changed for a while and nothing is on its way."""
    last, since, began = "", time.monotonic(), time.monotonic()
    while time.monotonic() - began < most:
        shown = tmux("capture-pane", "-p", "-e")
        if shown != last or "loading" in shown:
            last, since = shown, time.monotonic()
        elif time.monotonic() - since > seconds:
            return shown
        time.sleep(0.05)
    sys.exit(f"the screen never came to rest:\n{last}")


def taken(bot: Path, lines: list[str], columns: int, rows: int) -> str:
    """The screen after these lines."""
    with tempfile.TemporaryDirectory() as state:
        chat = f"XDG_STATE_HOME={state} {sys.executable} -m chatbot chat {bot} --log false"
        tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), chat)
        try:
            while "you:" not in tmux("capture-pane", "-p"):
                time.sleep(0.05)
            settled()
            for line in lines:
                tmux("send-keys", "-l", line)
                tmux("send-keys", "Enter")
                shown = settled()
        finally:
            tmux("kill-server")
    return shown


def main() -> int:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bot", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    os.environ["LC_ALL"] = os.environ.get("LC_ALL") or "C.UTF-8"
    for columns, rows in SIZES:
        for name, lines in SCENES.items():
            shown = taken(given.bot, lines, columns, rows)
            console = Console(record=True, width=columns, height=rows, file=StringIO(), force_terminal=True)
            console.print(Text.from_ansi(shown.rstrip("\n")), end="")
            console.save_svg(str(given.output / f"{name}-{columns}.svg"), title=f"chatbot chat {given.bot.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
