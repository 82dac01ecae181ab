"""The prompt: what is typed and what is shown, on a pretended terminal and on a real one."""

from __future__ import annotations

import io
import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from chatbot.chat.commands import COMMANDS
from chatbot.chat.complete import Completions
from chatbot.chat.lines import talk_in_lines
from chatbot.chat.pictures import folded, why, width
from chatbot.chat.plain import Plain
from chatbot.chat.session import Session
from chatbot.chat.styled import Looks, drawn, named
from chatbot.chat.talking import Answer, StoppedError
from chatbot.chat.terminal import Terminal
from chatbot.errors import ChatbotError
from chatbot.replies import Alternative, Look, Reply
from chatbot.search.config import SearchConfig
from chatbot.search.presets import PRESETS
from data_prep.text import printable
from tests.fakes import Parrot, save_tiny_bot

CTRL_C, CTRL_D = "\x03", "\x04"
ROOT = Path(__file__).resolve().parents[3]
WICKED = "\x1b[2J\x9b31mred\r\nsecond\u2028third\u202eback"


class Screen(DummyOutput):
    """A screen of which only the words are kept."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, data: str) -> None:
        self.text += data

    write_raw = write


class Told(Parrot):
    """Says what it was told to."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(SearchConfig())
        self.told = reply

    def reply(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Reply:
        return self.told


def in_lines(bot: Parrot, typed: bytes, **options: bool | int) -> tuple[str, str]:
    out, notes = io.BytesIO(), io.StringIO()
    talk_in_lines(Session(bot), io.BytesIO(typed), out, notes, **options)  # type: ignore[arg-type]
    return out.getvalue().decode(), notes.getvalue()


def at_prompt(bot: Parrot, typed: str, stop: object = lambda: None, title: str = "a bot") -> tuple[str, Session]:
    screen, session = Screen(), Session(bot)
    with create_pipe_input() as keys:
        keys.send_text(typed)
        Terminal(session, Looks(title), None, stop, lambda: None, keys=keys, screen=screen).run()  # type: ignore[arg-type]
    return screen.text, session


def test_a_long_path_leaves_room_for_what_else_is_below() -> None:
    screen, _ = at_prompt(Parrot(SearchConfig(beam=4)), "hi\r/quit\r", title="/here/and/" * 20 + "mine/bot")
    assert re.search(r"…\S*/mine/bot · a beam of 4", screen)
    assert "/here/and/" * 8 not in screen


def test_without_a_terminal_each_line_gives_one_line_and_nothing_else() -> None:
    bot = Parrot(SearchConfig(beam=2))
    out, notes = in_lines(bot, b"Hi\n/set beam 4\n\n/nonsense\nHow are you?\r\n/quit\nnot read\n")
    assert out == "Hi\n\nHow are you?\n"
    assert notes.splitlines()[0] == "Replies come from a beam of 4"
    assert notes.splitlines()[1].startswith("/nonsense is no command")
    assert bot.asked[-1][0] == ("Hi", "Hi", "How are you?")


def test_as_json_a_line_gives_an_object() -> None:
    out, _ = in_lines(Parrot(SearchConfig(beam=3)), "h\u00e9llo\n\n".encode(), as_json=True, others=1)
    assert [json.loads(line) for line in out.splitlines()] == [
        {
            "you": "h\u00e9llo",
            "bot": "h\u00e9llo",
            "score": -1.0,
            "alternatives": [{"bot": "h\u00e9llo 1", "score": -2.0}],
        },
        {"you": "", "bot": "", "score": None, "alternatives": []},
    ]


def test_what_fails_gives_a_line_as_well() -> None:
    class Failing(Parrot):
        def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
            if history[-1] == "b":
                raise ChatbotError("no")
            yield from super().stream(history, settings, persona)

    assert in_lines(Failing(SearchConfig()), b"a\nb\n/nonsense\nc\n")[0] == "a\n\nc\n"
    out, _ = in_lines(Failing(SearchConfig()), b"a\nb\n2\n", as_json=True, others=2)
    assert [json.loads(line)["bot"] for line in out.splitlines()] == ["a", "", "2"], (
        "a number is a text where none picks"
    )


def test_the_last_line_needs_no_end_and_bytes_need_no_sense() -> None:
    bot = Parrot(SearchConfig())
    out, _ = in_lines(bot, b"caf\xe9\nlast")
    assert out == "caf\ufffd\nlast\n"


def test_no_escape_sequence_of_a_model_or_a_person_reaches_the_screen() -> None:
    told = Reply(WICKED, -1.0, (), (Alternative(WICKED, -2.0),))
    out, notes = in_lines(Told(told), f"hi\n/{WICKED.replace(chr(10), chr(9))}\n/alternatives\n".encode())
    screen, session = at_prompt(Told(told), "hi\r/alternatives\r/quit\r")
    drawn_text = "".join(t for answer in session.handle("hi") for line in drawn(answer, 40) for _, t, *_ in line)
    assert out.count("\n") == 1
    for shown in (out, notes, screen, drawn_text):
        assert not set(shown) & set("\x1b\x9b\u2028\u202e")
    assert "red" in drawn_text


def test_a_line_of_a_megabyte_of_anything_is_answered_in_one_line() -> None:
    megabyte = bytes(range(256)).replace(b"\n", b"").replace(b"\r", b"") * 4_200
    out, notes = in_lines(Parrot(SearchConfig()), megabyte + b"\n/" + megabyte + b"\n" + b"\0" * (1 << 20) + b"\nhi\n")
    assert out.count("\n") == 3
    assert out.endswith("\nhi\n")
    assert notes.count("\n") == 1
    assert not set(out + notes) & set("\x00\x07\x1b\x7f\x9b")


@given(st.text(), st.integers(1, 60))
@settings(deadline=None)
def test_folded_lines_fit_and_lose_no_word(text: str, columns: int) -> None:
    line = " ".join(text.split())
    wide = max(map(width, line), default=0)
    parts = folded(line, max(columns, wide))
    assert all(width(part) <= max(columns, wide) for part in parts)
    assert "".join(parts).replace(" ", "") == line.replace(" ", "")


@given(st.text(alphabet=" abcé漢\n\x1b", max_size=200), st.integers(8, 60))
@settings(deadline=None)
def test_what_is_said_is_shown_whole_in_lines_that_fit(text: str, columns: int) -> None:
    shown = ["".join(part for _, part in line) for line in named("bot", text, columns)]
    assert all(width(line) <= columns for line in shown)
    assert "".join(shown).replace(" ", "") == "bot:" + "".join(map(printable, text.split("\n"))).replace(" ", "")


def test_lines_in_columns_hang_under_their_last_column() -> None:
    answer = Answer("note", "  1    -2.28  I love music, jazz and jazz most of all.\n  2    -2.83  Never.")
    shown = ["".join(part for _, part in line) for line in drawn(answer, 40)]
    assert shown == ["  1    -2.28  I love music, jazz and", "              jazz most of all.", "  2    -2.83  Never."]


def test_where_it_looked_stands_under_the_pieces_however_narrow() -> None:
    source = ("▁What", "▁should", "▁I", "▁eat", "▁漢", "?", "</s>")
    look = Look(source, ("▁Soup", "</s>"), ((0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0),) * 2, (-0.1, -0.2))
    for columns in (40, 80, 200):
        head, *rows = why(look, columns)
        assert head == "        sure  WsIe·?<  looked at most"
        assert rows == ["_Soup   90 %     █     _eat", "</s>    82 %     █     _eat"]
    long = replace(look, source=source * 30, attention=((0.1,) * 210,) * 2)
    assert all(width(line) <= 40 for line in why(long, 40))


def test_a_conversation_at_the_prompt() -> None:
    screen, session = at_prompt(
        Parrot(SearchConfig(beam=3)), "Hi\r/set beam 5\rHow are you?\r/alternatives\r2\r/quit\r"
    )
    assert "bot: Hi" in screen
    assert "a beam of 5" in screen
    assert [one.bot for one in session.talk.exchanges] == ["Hi", "How are you? 1"]


def test_ctrl_d_leaves() -> None:
    _, session = at_prompt(Parrot(SearchConfig()), CTRL_D)
    assert session.talk.exchanges == ()


def test_ctrl_c_clears_the_line_and_twice_leaves() -> None:
    screen, session = at_prompt(Parrot(SearchConfig()), f"never said{CTRL_C}{CTRL_C}not read\r")
    assert session.talk.exchanges == ()
    assert "Ctrl-C again, or Ctrl-D, leaves." in screen


def test_ctrl_c_stops_a_reply_and_not_the_chat() -> None:
    class Stopped(Parrot):
        def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
            if history[-1] == "a long one":
                raise StoppedError
            yield from super().stream(history, settings, persona)

    screen, session = at_prompt(Stopped(SearchConfig()), "a long one\rshort\r/quit\r")
    assert "Stopped; nothing was said." in screen
    assert [one.you for one in session.talk.exchanges] == ["short"]


def test_a_fault_ends_no_conversation() -> None:
    class Faulty(Parrot):
        def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
            if history[-1] == "bad":
                raise ZeroDivisionError("of ours")
            yield from super().stream(history, settings, persona)

    screen, session = at_prompt(Faulty(SearchConfig()), "bad\rgood\r/quit\r")
    assert "ZeroDivisionError: of ours (a fault of ours)" in screen
    assert [one.you for one in session.talk.exchanges] == ["good"]


def test_a_disk_that_is_full_keeps_no_line_from_being_said(tmp_path: Path) -> None:
    screen, session = Screen(), Session(Parrot(SearchConfig()))
    (tmp_path / "file").write_text("")
    with create_pipe_input() as keys:
        keys.send_text("hi\rhow are you?\r/quit\r")
        typed = tmp_path / "file" / "typed"
        Terminal(session, Looks("a bot"), typed, lambda: None, lambda: None, keys=keys, screen=screen).run()
    assert [one.you for one in session.talk.exchanges] == ["hi", "how are you?"]
    assert screen.text.count("is not kept") == 1


def test_plain_only_reads_and_prints() -> None:
    written: list[str] = []
    session = Session(Parrot(SearchConfig(beam=3)))
    with create_pipe_input() as keys:
        keys.send_text(f"hi\r/alternatives\r2\r/edit\r\x15/nonsense\r{CTRL_D}")
        Plain(session, "Good \x9bday.", None, keys=keys, screen=Screen(), write=written.append).run()
    assert [one.bot for one in session.talk.exchanges] == ["hi 1"]
    assert written[0] == "Good ·day."
    assert written[1] == "bot: hi"
    assert sum(line.startswith("/nonsense is no command") for line in written) == 1


def test_editing_puts_the_last_message_into_the_line() -> None:
    _, session = at_prompt(Parrot(SearchConfig()), "helo\r/edit hello\r/quit\r")
    assert [one.you for one in session.talk.exchanges] == ["hello"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/re", ["/redo", "/retry", "/reset"]),
        ("/", [f"/{spec.name}" for spec in COMMANDS]),
        ("re", []),
        ("/x", []),
        ("/set no_", ["no_repeat_ngram", "no_context_ngram"]),
        ("/preset ", list(PRESETS)),
        ("/why ", ["--save "]),
    ],
)
def test_the_tab_key_completes(typed: str, offered: list[str]) -> None:
    found = Completions().get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == offered


def test_the_tab_key_completes_names_of_files(tmp_path: Path) -> None:
    (tmp_path / "talk.jsonl").write_text("")
    for before in ("/load ", "/why --save "):
        found = Completions().get_completions(Document(f"{before}{tmp_path}/ta"), CompleteEvent())
        assert [completion.text for completion in found] == ["lk.jsonl"]


def test_a_reader_that_goes_away_is_no_accident(tmp_path: Path) -> None:
    bot = save_tiny_bot(tmp_path / "bot")
    process = subprocess.Popen(
        [sys.executable, "-m", "chatbot", "chat", str(bot), "--log", "false"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    _, errors = process.communicate(b"Hi\nHow are you?\n")
    assert process.returncode == 0
    assert errors.decode() == ""


class RealTerminal:
    """A program at a real (pseudo-)terminal, and what it showed so far."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        import pty

        self.descriptor, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, *argv],
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
def test_at_a_real_terminal(tmp_path: Path, no_colour: bool) -> None:
    bot, editor = save_tiny_bot(tmp_path / "bot"), tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/^/edited /" "$1"\n')
    editor.chmod(0o700)
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "NO_COLOR": "1" if no_colour else "", "EDITOR": str(editor)}
    terminal = RealTerminal(["-m", "chatbot", "chat", str(bot)], state)
    terminal.wait_for("you:")
    terminal.type(b"hello\r")  # typed before the bot is there
    terminal.wait_for("bot:")
    terminal.wait_for(" ms")
    terminal.type(b"/gates\r")
    terminal.wait_for("forget")
    terminal.type(b"\x1b[A\x1b[A\r")  # two lines before, called back
    terminal.wait_for("hello")
    terminal.type(b"draft\x18\x05")  # Ctrl-X Ctrl-E: the editor puts a word before it
    terminal.wait_for("edited draft")
    terminal.type(b"\r")
    terminal.wait_for("bot:")
    terminal.type(b"/stats\r")
    terminal.wait_for("parameters")
    terminal.type(b"\x04")
    terminal.wait_for("--continue` goes on with it")
    assert terminal.leave() == 0
    again = RealTerminal(["-m", "chatbot", "chat", str(bot), "--continue"], state)
    again.wait_for("3 turns so far")
    again.wait_for("you:")
    again.type(b"\x03\x03")
    assert again.leave() == 0
