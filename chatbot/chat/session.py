"""A conversation without a terminal: a line in, an answer out.

The session holds what was said and how replies are searched for; who draws it, and who finds the replies, are
handed in or stay outside. Neither torch nor prompt-toolkit is imported here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from chatbot.chat.commands import CommandError, as_text, help_text, is_command, parse

if TYPE_CHECKING:
    from chatbot.replies import Alternative, Reply
    from chatbot.search.config import SearchConfig

Kind = Literal["reply", "silence", "note", "error", "quit"]

MAX_TURNS = 64
"""Turns kept of a conversation, the bot's included: far more than any model here reads."""


class Responds(Protocol):
    """Who answers: `chatbot.responder.Responder`, or a fake that was told its replies."""

    def reply(self, history: Sequence[str], settings: SearchConfig) -> Reply:
        """Answer the last text of the history; a reply with empty text where there was nothing to answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows a line.

    ``kind`` is ``reply`` (the bot said ``text``), ``silence`` (nothing was said, so nothing is answered;
    ``text`` says why, and is empty after an empty line), ``note`` (a command was carried out), ``error`` (a
    command could not be understood) or ``quit``. Text is as the model or the person gave it: make it
    printable before a terminal sees it.
    """

    kind: Kind
    text: str = ""
    score: float | None = None
    alternatives: tuple[Alternative, ...] = ()


class Session:
    """One conversation with a bot.

    ``settings`` say how replies are searched for; ``/beam`` and ``/greedy`` change them until it ends.
    ``alternatives`` is how many further replies an answer carries at most; a greedy search has none.
    """

    def __init__(self, responder: Responds, settings: SearchConfig, *, alternatives: int = 0) -> None:
        self._responder = responder
        self._settings = settings
        self._alternatives = alternatives
        self._history: deque[str] = deque(maxlen=MAX_TURNS)

    @property
    def history(self) -> tuple[str, ...]:
        """What was said so far, oldest first: the person's lines and the bot's replies by turns."""
        return tuple(self._history)

    @property
    def settings(self) -> SearchConfig:
        """How the next reply is searched for."""
        return self._settings

    def handle(self, line: str) -> Answer:
        """Answer one typed line: a command is carried out, anything else is said to the bot.

        Interrupted or failing, it leaves the history as it was.
        """
        if is_command(line):
            return self._obey(line)
        text = as_text(line)
        if not text.strip():
            return Answer("silence")
        return self._say(text)

    def _say(self, text: str) -> Answer:
        """Put a text to the bot, and remember both sides once there is a reply."""
        reply = self._responder.reply([*self._history, text], self._settings)
        if not reply.text:
            return Answer("silence", "There is nothing in that line that can be read as text.")
        self._history.extend((text, reply.text))
        return Answer("reply", reply.text, reply.score, tuple(reply.alternatives[: self._alternatives]))

    def _obey(self, line: str) -> Answer:
        """Carry out a command."""
        try:
            command = parse(line)
        except CommandError as mistake:
            return Answer("error", str(mistake))
        match command.action:
            case "help":
                return Answer("note", f"{help_text()}\nNow: {self._search()}.")
            case "reset":
                self._history.clear()
                return Answer("note", "The conversation starts again.")
            case "beam" | "greedy":
                self._settings = self._settings.searched(command.value or 1)
                return Answer("note", f"From now on: {self._search()}.")
            case "quit":
                return Answer("quit")

    def _search(self) -> str:
        """How replies are searched for, in words."""
        width, temperature = self._settings.beam, self._settings.temperature
        if temperature is not None:
            return f"the best of {self._settings.samples} drawn at temperature {temperature:g}"
        return "greedy replies" if width == 1 else f"the best of a beam of {width}"
