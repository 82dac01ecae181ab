"""What was said: turns that do not change, and the states of a conversation that one can go back and forth between."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from chatbot.replies import Alternative

MOST = 1000
"""Exchanges that a conversation keeps, and states that one can go back to: far more than any model here reads."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of the person and what the bot said to it."""

    you: str
    """Empty where the bot spoke first."""
    bot: str
    score: float | None = None
    ids: tuple[int, ...] = ()
    """Pieces of the reply; none where the words were put into the bot's mouth."""
    options: tuple[Alternative, ...] = ()
    """All replies that the search found, best first, the one that was said among them."""
    heard: tuple[str, ...] = ()
    """Replies to this turn that were said before and taken back."""
    persona: str = ""
    """Who the bot was as it said it."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A state of a conversation."""

    exchanges: tuple[Exchange, ...] = ()
    persona: str = ""

    @property
    def history(self) -> tuple[str, ...]:
        """The texts, oldest first, by turns."""
        return tuple(text for one in self.exchanges for text in (one.you, one.bot) if text)

    @property
    def last(self) -> Exchange | None:
        """The latest exchange."""
        return self.exchanges[-1] if self.exchanges else None

    def plus(self, exchange: Exchange) -> Talk:
        """One more exchange; of very many the oldest go."""
        return replace(self, exchanges=(*self.exchanges, exchange)[-MOST:])

    def instead(self, exchange: Exchange) -> Talk:
        """Another last exchange."""
        return replace(self, exchanges=(*self.exchanges[:-1], exchange))

    def without_last(self) -> Talk:
        """All but the last exchange."""
        return replace(self, exchanges=self.exchanges[:-1])


def turns(talk: Talk) -> str:
    """How many there are, in words.

    >>> turns(Talk((Exchange("Hi", "Hello"),)))
    '1 turn'
    """
    return f"{len(talk.exchanges):,} turn{'' if len(talk.exchanges) == 1 else 's'}"


@dataclass
class Timeline:
    """The states so far, and those that were taken back."""

    now: Talk = field(default_factory=Talk)
    past: list[Talk] = field(default_factory=list)
    future: list[Talk] = field(default_factory=list)

    @classmethod
    def after(cls, talk: Talk) -> Timeline:
        """As if the exchanges had been made one by one."""
        return cls(talk, [replace(talk, exchanges=talk.exchanges[:many]) for many in range(len(talk.exchanges))])

    def go(self, talk: Talk) -> None:
        """On to a new state; what was taken back before is gone."""
        self.past.append(self.now)
        del self.past[:-MOST]
        self.future.clear()
        self.now = talk

    def take_up(self, talk: Talk) -> None:
        """On to another conversation, as if its exchanges were made now, one by one."""
        self.go(replace(talk, exchanges=()))
        for many in range(1, len(talk.exchanges) + 1):
            self.go(replace(talk, exchanges=talk.exchanges[:many]))

    def undo(self, times: int = 1) -> int:
        """Back by so many states, or as many as there are; how many it was."""
        times = min(times, len(self.past))
        for _ in range(times):
            self.future.append(self.now)
            self.now = self.past.pop()
        return times

    def redo(self, times: int = 1) -> int:
        """Forth again by so many of those that were taken back; how many it was."""
        times = min(times, len(self.future))
        for _ in range(times):
            self.past.append(self.now)
            self.now = self.future.pop()
        return times
