"""What is said and answered: the steps that make a conversation longer or other than it was.

The conversation is a line of states; a step makes a new one, so that each can be undone. Who finds the replies is
handed in. Neither torch nor prompt-toolkit is imported here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from chatbot.chat.commands import CommandError, as_text
from chatbot.chat.kept import Log
from chatbot.chat.talk import Exchange, Talk, Timeline
from chatbot.replies import Alternative, Gates, Look, Reply

if TYPE_CHECKING:
    from chatbot.search.config import SearchConfig

Kind = Literal["part", "reply", "silence", "note", "error", "edit", "look", "gates", "quit"]
HINT = "Ctrl-C again, or Ctrl-D, leaves."
STOPPED = f"Stopped; nothing was said. {HINT}"
_BOLD = 0.9  # temperature of another reply, where the search itself draws none
_TRIES = 8  # samples until one says something else
_SEEDS = 1 << 62
_FOUND = 5  # replies to choose from where no number is given


class StoppedError(Exception):
    """The person broke off what the bot was about to say."""


class Responds(Protocol):
    """Who answers: a bot in a process of its own, one in this, or a fake that was told its replies."""

    def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
        """The reply to the last text as it grows, the whole one last."""

    def reply(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Reply:
        """The reply to the last text; empty where there was nothing to answer."""

    def look(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Look:
        """Where the bot looks as it says ids."""

    def gates(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Gates:
        """How open its gates are as it says ids."""

    def source(self, history: Sequence[str], persona: str = "") -> tuple[str, ...]:
        """The pieces that it reads."""

    def memory(self) -> int:
        """Bytes that it takes."""

    @property
    def ready(self) -> bool:
        """Whether it is there."""

    @property
    def facts(self) -> dict[str, Any]:
        """Its name, size and own settings; waits until it is there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows a line.

    ``part`` is a reply that still grows, ``reply`` what the bot said; ``silence``: nothing was said, so nothing is
    answered (``text`` says why, and is empty after an empty line); ``note``: a command was carried out; ``error``: it
    could not be; ``edit``: the person is to edit ``text`` and send it as ``/edit``; ``look`` and ``gates`` carry what
    is to be drawn. Text is as the model or the person gave it: make it printable before a
    terminal sees it.
    """

    kind: Kind
    text: str = ""
    score: float | None = None
    drawn: Look | Gates | None = None


@dataclass
class Speed:
    """Of the last reply."""

    first: float = 0.0
    """Seconds to its first piece."""
    whole: float = 0.0
    pieces: int = 0


class Talking:
    """One conversation with a bot.

    Args:
        bot: who answers.
        log: where each turn is written down as it is made; None: nowhere.
    """

    def __init__(self, bot: Responds, log: Log | None = None) -> None:
        self.bot = bot
        self.speed = Speed()
        self.trouble = ""
        """Why the conversation is not written down any more."""
        self._log = log
        self._settings: SearchConfig | None = None
        self._time = Timeline()
        self._choosing: tuple[Alternative, ...] = ()
        """What a number picks from now."""
        self._found: tuple[Alternative, ...] = ()
        """And what was found besides."""
        self._asked: SearchConfig | None = None
        """How the replies to the last text were looked for; None where nobody knows, as of an earlier conversation."""
        self._unanswered = ""
        """The last text, where the reply to it was stopped or failed."""
        self._draws = 0

    @property
    def talk(self) -> Talk:
        """What was said so far."""
        return self._time.now

    @property
    def settings(self) -> SearchConfig:
        """How the next reply is searched for; the bot's own until somebody says otherwise."""
        if self._settings is None:
            self._settings = self.bot.facts["settings"]
        return self._settings

    def begin_with(self, talk: Talk) -> None:
        """Go on with a conversation of before."""
        self._time = Timeline.after(talk)

    def _answered(self, before: Talk, text: str) -> Iterator[Answer]:
        """The bot's reply to a text after a state of the conversation."""
        self._unanswered = text
        settings = self.settings  # waits for the bot
        began = time.perf_counter()
        first, reply = 0.0, Reply("", None)
        for reply in self.bot.stream((*before.history, text), settings, before.persona):
            first = first or time.perf_counter() - began
            if reply.score is None and reply.text:
                yield Answer("part", reply.text)
        self._unanswered, self._asked = "", settings
        if not reply.text:
            yield Answer("silence", "There is nothing in that line that can be read as text.")
            return
        self.speed = Speed(first, time.perf_counter() - began, len(reply.ids) + 1)
        self._go(before.plus(replace(_exchange(text, reply), persona=before.persona)))
        yield Answer("reply", reply.text, reply.score)

    def _retry(self) -> Iterator[Answer]:
        if self._unanswered:
            yield from self._answered(self.talk, self._unanswered)
            return
        last = self._last()
        if not last.you:
            raise CommandError("the bot spoke first here: /say gives it other words")
        last = replace(last, options=self._options())
        told = {last.bot, *last.heard}
        heard = (*last.heard, last.bot)
        for other in last.options:
            if other.text not in told:
                self._go(self.talk.instead(_said(last, other, heard)))
                yield Answer("reply", other.text, other.score)
                return
        history = self.talk.history[:-1]
        drawn = [self._sample(history) for _ in range(_TRIES)]
        fresh = [reply for reply in drawn if reply.text and reply.text not in told]
        fresh = fresh or [reply for reply in drawn if reply.text not in ("", last.bot)]
        if not fresh:
            yield Answer("note", "It has nothing else to say to that; /set temperature 1.5 makes it bolder.")
            return
        best = max(fresh, key=lambda reply: reply.score or 0.0)
        options = (*last.options, Alternative(best.text, best.score or 0.0, best.ids))
        again = replace(last, options=options)
        self._go(self.talk.instead(_said(again, options[-1], heard if best.text not in told else (last.bot,))))
        yield Answer("reply", best.text, best.score)

    def _options(self, wanted: int = 1) -> tuple[Alternative, ...]:
        """What was weighed for the last text, looked for anew where settings have changed or more is wanted."""
        last = self._last()
        if len(last.options) >= wanted and self._asked in (None, self.settings):
            return last.options
        search = self.settings if self.settings.rows >= wanted else self.settings.searched(wanted)
        self._asked = self.settings
        return _options(self.bot.reply(self.talk.history[:-1], search, last.persona))

    def _sample(self, history: Sequence[str]) -> Reply:
        """One reply drawn at random; the seed moves on, so that the next is another."""
        self._draws += 1
        asked = self.settings
        seed = None if asked.seed is None else (asked.seed + 7919 * self._draws) % _SEEDS
        bold = replace(asked, temperature=asked.temperature or _BOLD, samples=1, seed=seed)
        return self.bot.reply(history, bold, self.talk.persona)

    def _edit(self, text: str) -> Iterator[Answer]:
        last = self._last()
        if text:
            yield from self._answered(self.talk.without_last(), as_text(text))
        else:
            yield Answer("edit", last.you)

    def _alternatives(self, number: int | None) -> Answer:
        last = self._last()
        if not last.you:
            raise CommandError("the bot spoke first here, so nothing was weighed")
        wanted = _FOUND if number is None else number
        if not 1 <= wanted <= 100:
            raise CommandError(f"/alternatives takes a number from 1 to 100; given: {wanted}")
        options = self._options(wanted)
        self._found, self._choosing = options, options[:wanted]
        lines = [
            f"{place:>3}{'*' if other.text == last.bot else ' '} {other.score:7.2f}  {other.text}"
            for place, other in enumerate(self._choosing, 1)
        ]
        stands = " of that with the *" if last.bot in (other.text for other in self._choosing) else ""
        return Answer("note", "\n".join([*lines, f"A number says it instead{stands}; anything else goes on."]))

    def _pick(self, options: tuple[Alternative, ...], typed: str) -> Answer:
        place = int(typed[:9])
        if not 1 <= place <= len(options):
            self._choosing = options
            raise CommandError(f"there is no reply {typed[:9]}; give a number from 1 to {len(options)}")
        last, chosen = self._last(), options[place - 1]
        if chosen.text != last.bot:
            self._go(self.talk.instead(_said(replace(last, options=self._found), chosen, last.heard)))
        return Answer("reply", chosen.text, chosen.score)

    def _put(self, text: str) -> Answer:
        last = self.talk.last
        words = Exchange("" if last is None else last.you, text, persona=self.talk.persona)
        self._go(self.talk.plus(words) if last is None else self.talk.instead(words))
        return Answer("reply", text)

    def _last(self) -> Exchange:
        if self.talk.last is None:
            raise CommandError("nothing was said yet")
        return self.talk.last

    def _take_up(self, talk: Talk) -> None:
        """Go on with another conversation, turn by turn of which one can go back."""
        self._time.take_up(talk)
        self._asked, self._unanswered = None, ""
        self._note()

    def _go(self, talk: Talk) -> None:
        self._time.go(talk)
        self._unanswered = ""
        self._note()

    def _note(self) -> None:
        """Write down where the conversation stands. It goes on where the disk refuses that."""
        if self._log is None:
            return
        try:
            self._log.note(self.talk)
        except OSError as error:
            self.trouble = f"{self._log.path}: {error.strerror}; from here on this conversation is not written down."
            self._log = None


def _exchange(text: str, reply: Reply) -> Exchange:
    return Exchange(text, reply.text, reply.score, reply.ids, _options(reply))


def _options(reply: Reply) -> tuple[Alternative, ...]:
    return (Alternative(reply.text, reply.score or 0.0, reply.ids), *reply.alternatives)


def _said(last: Exchange, other: Alternative, heard: tuple[str, ...]) -> Exchange:
    return replace(last, bot=other.text, score=other.score, ids=other.ids, heard=heard)
