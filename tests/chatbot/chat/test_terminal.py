from __future__ import annotations

import io
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from chatbot.chat.commands import COMMANDS
from chatbot.chat.session import Session
from chatbot.chat.terminal import Commands, drawn, talk_at_prompt, talk_in_lines
from chatbot.replies import Alternative, Reply
from chatbot.search.config import SearchConfig
from tests.fakes import ToldBot

CTRL_C, CTRL_D = "\x03", "\x04"
ROOT = Path(__file__).resolve().parents[3]


class Screen(DummyOutput):
    """A screen of which only the words are kept."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, data: str) -> None:
        self.text += data

    write_raw = write


def in_lines(bot: ToldBot, typed: bytes, **settings: int) -> tuple[str, str]:
    out, notes = io.BytesIO(), io.StringIO()
    session = Session(bot, SearchConfig(), **settings)
    talk_in_lines(session, io.BytesIO(typed), out, notes)
    return out.getvalue().decode(), notes.getvalue()


def at_prompt(bot: ToldBot, typed: str) -> str:
    screen = Screen()
    with create_pipe_input() as keys:
        keys.send_text(typed)
        talk_at_prompt(Session(bot, SearchConfig(beam=3), alternatives=1), keys=keys, screen=screen)
    return screen.text


def test_without_a_terminal_each_line_gives_one_line_and_nothing_else() -> None:
    bot = ToldBot("Hello.", "Fine.")
    out, notes = in_lines(bot, b"Hi\n/beam 4\n\n/nonsense\nHow are you?\r\n/quit\nnot read\n", alternatives=2)
    assert out == "Hello.\n\nFine.\n"
    assert notes.splitlines()[0] == "From now on: the best of a beam of 4."
    assert notes.splitlines()[1].startswith("/nonsense is no command")
    assert bot.heard[-1] == ("Hi", "Hello.", "How are you?")


def test_the_last_line_needs_no_end_and_bytes_need_no_sense() -> None:
    bot = ToldBot("What?", "Again?")
    out, _ = in_lines(bot, b"caf\xe9\nlast")
    assert out == "What?\nAgain?\n"
    assert bot.heard[0] == ("caf\ufffd",)


def test_no_escape_sequence_of_a_model_or_a_person_reaches_the_screen() -> None:
    wicked = "\x1b[2J\x9b31mred\r\nsecond\u2028third\u202eback"
    told = Reply(wicked, -1.0, (), (Alternative(wicked, -2.0),))
    out, notes = in_lines(ToldBot(told), f"hi\n/{wicked.replace(chr(10), chr(9))}\n".encode())
    screen = at_prompt(ToldBot(told), f"hi\r{CTRL_D}")
    answer = Session(ToldBot(told), SearchConfig(), alternatives=1).handle("hi")
    drawn_text = "".join(text for line in drawn(answer) for _, text, *_ in line)
    assert out.count("\n") == 1
    for shown in (out, notes, screen, drawn_text):
        assert not set(shown) & set("\x1b\x9b\u2028\u202e")
    assert "red" in drawn_text


def test_a_conversation_at_the_prompt() -> None:
    bot = ToldBot("Hello.", "Fine, and you?")
    screen = at_prompt(bot, "Hi\r/beam 5\rHow are you?\r/quit\r")
    assert "bot: Hello." in screen
    assert "2. Hello. (2)  (-2.00)" in screen
    assert "beam of 5" in screen
    assert bot.heard == [("Hi",), ("Hi", "Hello.", "How are you?")]


def test_ctrl_d_leaves() -> None:
    bot = ToldBot("Hello.")
    at_prompt(bot, f"Hi\r{CTRL_D}")
    assert len(bot.heard) == 1


def test_ctrl_c_clears_the_line_and_twice_leaves() -> None:
    bot = ToldBot("Hello.", "Yes.")
    screen = at_prompt(bot, f"never said{CTRL_C}also never{CTRL_C}said\r{CTRL_C}again\r{CTRL_C}{CTRL_C}not read\r")
    assert [heard[-1] for heard in bot.heard] == ["said", "again"]
    assert "Ctrl-C again, or Ctrl-D, leaves." in screen


def test_ctrl_c_stops_a_reply_and_not_the_chat() -> None:
    def interrupted() -> Reply:
        raise KeyboardInterrupt

    bot = ToldBot(interrupted, "Quicker now.")
    screen = at_prompt(bot, f"a long one\rshort\r{CTRL_D}")
    assert "Stopped" in screen
    assert bot.heard[-1] == ("short",)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("/re", ["/reset"]), ("/", [f"/{spec.name}" for spec in COMMANDS]), ("re", []), ("/x", [])],
)
def test_the_tab_key_completes_a_command(typed: str, offered: list[str]) -> None:
    found = Commands().get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == offered


PROGRAM = """
import sys
from tests.fakes import ToldBot
from chatbot.chat.session import Session
from chatbot.chat.terminal import talk
from chatbot.search.config import SearchConfig
talk(Session(ToldBot("Hello.", "Fine."), SearchConfig()), title="a bot")
"""


def test_a_reader_that_goes_away_is_no_accident() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    _, errors = process.communicate(b"Hi\nHow are you?\n")
    assert process.returncode == 0
    assert errors.decode() == "a bot. /help shows the commands, Ctrl-D leaves.\n"


class Terminal:
    """A program at a real (pseudo-)terminal, and what it showed so far."""

    def __init__(self, code: str, environment: dict[str, str]) -> None:
        import pty

        self.descriptor, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self.shown = ""
        self._seen = 0

    def type(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def wait_for(self, text: str) -> None:
        """Read on until a text is shown that was not waited for before."""
        while (place := self.shown.find(text, self._seen)) < 0:
            assert self._read(), f"{text!r} never came: {self.shown!r}"
        self._seen = place + len(text)

    def leave(self) -> int:
        while self._read():
            pass
        os.close(self.descriptor)
        return self.process.wait(60)

    def _read(self) -> bool:
        """Take in what is there; False once the program has gone, or shows nothing for a minute."""
        if not select.select([self.descriptor], [], [], 60)[0]:
            self.process.kill()
            return False
        try:
            got = os.read(self.descriptor, 4096)
        except OSError:  # Linux's way of saying that nobody is at the other end
            return False
        self.shown += got.decode("utf-8", "replace")
        if b"\x1b[6n" in got:  # "where is the cursor?"
            self.type(b"\x1b[1;1R")
        return bool(got)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize("no_colour", [False, True])
def test_at_a_real_terminal(no_colour: bool) -> None:
    terminal = Terminal(PROGRAM, {"NO_COLOR": "1" if no_colour else ""})
    terminal.wait_for("a bot. /help shows the commands, Ctrl-D leaves.")
    terminal.wait_for("you: ")
    terminal.type(b"Hi\r")
    terminal.wait_for("Hello.")
    terminal.wait_for("you: ")
    terminal.type(b"\x1b[A\r")  # the line before, called back
    terminal.wait_for("Fine.")
    terminal.wait_for("you: ")
    terminal.type(b"\x04")
    assert terminal.leave() == 0
    assert ("\x1b[0;1mbot:" in terminal.shown) is no_colour
