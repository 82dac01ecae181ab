"""Pictures of the chat, taken off a real terminal.

    python benchmarks/screens.py --bot BOT --output docs/images

Needs tmux. Each picture is what `tmux` shows at 80 x 24 and at 40 x 15, as SVG.
"""

from __future__ import annotations

import argparse
import os
import re
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

_FONTS = re.compile(r"\s*@font-face \{[^}]*\}")  # which would be fetched from elsewhere


class Screen:
    """A terminal of so many columns and rows with a program in it."""

    def __init__(self, folder: str, program: str, columns: int, rows: int) -> None:
        self._socket = f"{folder}/tmux"
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), program)

    def tmux(self, *argv: str) -> str:
        """What a command of tmux prints."""
        return subprocess.run(["tmux", "-S", self._socket, *argv], capture_output=True, text=True, check=True).stdout

    def settled(self, seconds: float = 0.6, most: float = 60.0) -> str:
        """What it shows, with its colours, once that has not changed for a while and nothing is on its way."""
        last, since, began = "", time.monotonic(), time.monotonic()
        while time.monotonic() - began < most:
            shown = self.tmux("capture-pane", "-p", "-e")
            if shown != last or "loading" in shown or "you:" not in shown:
                last, since = shown, time.monotonic()
            elif time.monotonic() - since > seconds:
                return shown
            time.sleep(0.05)
        sys.exit(f"the screen never came to rest:\n{last}")


def taken(bot: Path, lines: list[str], columns: int, rows: int) -> str:
    """The screen after these lines."""
    with tempfile.TemporaryDirectory() as folder:
        chat = f"XDG_STATE_HOME={folder} {sys.executable} -m chatbot chat {bot} --log false"
        screen = Screen(folder, chat, columns, rows)
        try:
            shown = screen.settled()
            for line in lines:
                screen.tmux("send-keys", "-l", line)
                screen.tmux("send-keys", "Enter")
                shown = screen.settled()
        finally:
            screen.tmux("kill-server")
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
            picture = console.export_svg(title=f"chatbot chat {given.bot}")
            (given.output / f"{name}-{columns}.svg").write_text(_FONTS.sub("", picture), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
