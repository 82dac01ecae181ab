"""Keys and colours. What is said and answered is decided in `session`; here it is asked for and drawn.

At a terminal there is a prompt: arrow keys edit the line and call back earlier ones, Ctrl-C clears the line
or stops a reply, twice in a row it leaves, as Ctrl-D does. Elsewhere (a pipe, a file) each line of stdin is
answered by a line on stdout, and all that is meant for people goes to stderr. ``NO_COLOR`` is honoured
(prompt-toolkit does).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples, to_formatted_text
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output
from prompt_toolkit.shortcuts import print_formatted_text
from prompt_toolkit.styles import Style

from chatbot.chat.commands import COMMANDS
from chatbot.chat.session import Answer, Session
from data_prep.text import printable

_STYLE = Style.from_dict(
    {"you": "bold ansiblue", "bot": "bold ansigreen", "dim": "ansibrightblack", "wrong": "ansired"}
)
_HINT = "Ctrl-C again, or Ctrl-D, leaves."


def talk(session: Session, *, title: str = "") -> None:
    """Talk on stdin and stdout until the person leaves; ``title`` says who is talked to, on stderr.

    A reader of stdout that goes away ends it quietly. KeyboardInterrupt comes through where no prompt is.
    """
    hint = "/help shows the commands, Ctrl-D leaves."
    print(printable(f"{title}. {hint}" if title else hint), file=sys.stderr, flush=True)  # noqa: T201
    if sys.stdin.isatty() and sys.stdout.isatty():
        talk_at_prompt(session)
        return
    try:
        talk_in_lines(session, sys.stdin.buffer, sys.stdout.buffer, sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def talk_in_lines(session: Session, lines: Iterable[bytes], out: BinaryIO, notes: TextIO) -> None:
    """Answer each line with one line on ``out``: empty where there was nothing to answer.

    Commands work; what they say goes to ``notes``, and gives no line. Bytes that are not UTF-8 are replaced.
    """
    for raw in lines:
        answer = session.handle(raw.decode("utf-8", "replace").rstrip("\r\n"))
        if answer.kind == "quit":
            return
        if answer.kind in ("reply", "silence"):
            said = printable(answer.text) if answer.kind == "reply" else ""
            out.write(f"{said}\n".encode("utf-8", "replace"))
            out.flush()
        if answer.kind != "reply" and answer.text:
            notes.write("".join(f"{printable(line)}\n" for line in answer.text.splitlines()))
            notes.flush()


def talk_at_prompt(session: Session, *, keys: Input | None = None, screen: Output | None = None) -> None:
    """Talk at a prompt. ``keys`` and ``screen`` stand in for the terminal, in tests."""
    prompt: PromptSession[str] = PromptSession(
        history=InMemoryHistory(),
        completer=Commands(),
        complete_while_typing=False,
        style=_STYLE,
        input=keys,
        output=screen,
    )
    interrupted = False
    while True:
        try:
            line = prompt.prompt([("class:you", "you: ")])
        except EOFError:
            return
        except KeyboardInterrupt:
            # What stood in the line is gone with it; only Ctrl-C on an empty line counts towards leaving.
            if interrupted and not prompt.default_buffer.text:
                return
            interrupted = True
            _draw(prompt, [("class:dim", _HINT)])
            continue
        interrupted = False
        try:
            answer = session.handle(line)
        except KeyboardInterrupt:
            interrupted = True
            _draw(prompt, [("class:dim", f"Stopped; nothing was said. {_HINT}")])
            continue
        if answer.kind == "quit":
            return
        for fragments in drawn(answer):
            _draw(prompt, fragments)


def drawn(answer: Answer) -> Iterator[StyleAndTextTuples]:
    """An answer as styled lines, made printable first: no escape sequence reaches the terminal."""
    if answer.kind == "reply":
        yield [("class:bot", "bot: "), ("", printable(answer.text))]
        for place, other in enumerate(answer.alternatives, start=2):
            yield [("class:dim", f"  {place}. {printable(other.text)}  ({other.score:.2f})")]
    else:
        style = "class:wrong" if answer.kind == "error" else "class:dim"
        for line in answer.text.splitlines():
            yield [(style, printable(line))]


def _draw(prompt: PromptSession[str], fragments: StyleAndTextTuples) -> None:
    """Print one styled line where the prompt stands."""
    print_formatted_text(to_formatted_text(fragments), style=_STYLE, output=prompt.app.output)


class Commands(Completer):
    """The tab key completes a command."""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Commands that begin like the line so far."""
        typed = document.text_before_cursor
        for spec in COMMANDS:
            if typed.startswith("/") and f"/{spec.name}".startswith(typed):
                yield Completion(f"/{spec.name}", start_position=-len(typed), display_meta=spec.does)
