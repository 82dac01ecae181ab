"""A prompt for screen readers, and for terminals that can do nothing: a line is asked for, then answered.

Nothing moves, nothing is drawn twice, and nothing has a colour.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.input import Input
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.shortcuts import CompleteStyle

from chatbot.chat.complete import Completions
from chatbot.chat.lines import told
from chatbot.chat.session import Session
from chatbot.chat.talking import HINT, STOPPED, StoppedError
from chatbot.chat.typed import history
from data_prep.text import printable


class Plain:
    """A conversation line by line.

    Args:
        session: decides.
        greeting: what is said first.
        typed: the file of what was typed before; None: only what is typed now is called back.
        keys, screen: stand in for keyboard and screen, in tests.
    """

    def __init__(
        self,
        session: Session,
        greeting: str,
        typed: Path | None,
        keys: Input | None = None,
        screen: Output | None = None,
        write: Callable[[str], None] = print,
    ) -> None:
        self._session, self._greeting, self._write = session, greeting, write
        self._prompt: PromptSession[str] = PromptSession(
            "you: ",
            history=history(typed, self._say),
            completer=Completions(),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            enable_open_in_editor=True,
            color_depth=ColorDepth.DEPTH_1_BIT,
            input=keys,
            output=screen,
        )

    def run(self) -> None:
        """Talk until the person leaves."""
        self._say(self._greeting)
        warned, begun, answering = False, "", False
        while True:
            try:
                answering = False
                line = self._prompt.prompt(default=begun)
                answering = True
                begun, warned = self._answer(line), False
            except EOFError:
                return
            except KeyboardInterrupt:
                if warned:
                    return
                warned, begun = True, ""
                self._say(STOPPED if answering else HINT)

    def _answer(self, line: str) -> str:
        """Say what follows a line; what the next one is to begin with."""
        begun = ""
        try:
            for answer in self._session.handle(line):
                if answer.kind == "quit":
                    raise EOFError
                if answer.kind == "edit":
                    begun = f"/edit {answer.text}"
                elif answer.kind == "reply":
                    self._write(f"bot: {printable(answer.text)}")
                else:
                    self._say("\n".join(told(answer, self._prompt.app.output.get_size().columns)))
        except StoppedError:
            self._say(STOPPED)
        return begun

    def _say(self, text: str) -> None:
        for line in text.splitlines():
            self._write(printable(line))
