"""What was said so far → the ids that the encoder reads: the road that training text took.

Typed text is hostile until then: of any length, with broken characters, or empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.tokenizer import PERSONA, SEP, Tokenizer, join
from data_prep.rules import repair

MAX_CHARACTERS = 8_000
"""Of a longer turn the last characters are read: repairing and cutting into pieces take time for each."""
_JOINERS = "\u200c\u200d"  # which letters of some scripts need, and pictures
MAX_PIECES = 256
"""Of a longer turn the last pieces are read. Training turns have some 80 words at most."""


class Hearing:
    """Reads for one bot.

    Args:
        tokenizer: its own.
        context_turns: how many of the last turns it reads.
        most: ids of a source at most, the oldest being left out; None for all.
    """

    def __init__(self, tokenizer: Tokenizer, context_turns: int, most: int | None) -> None:
        self._tokenizer, self._turns, self._most = tokenizer, context_turns, most

    def source(self, history: Sequence[str], persona: str = "") -> list[int]:
        """The ids that the encoder reads of a history, oldest first; none where the last text cannot be read."""
        return self.joined(self.turns(history), persona)

    def joined(self, turns: Sequence[Sequence[int]], persona: str = "") -> list[int]:
        """The same of turns that `turns` gave. A persona stands before them, as in training."""
        if not turns:
            return []
        told = self._pieces(persona) if persona else []
        roles = [(len(turns) - 1 - place) % 2 for place in range(len(turns))]
        if told:
            turns, roles = [told, *turns], [PERSONA - SEP, *roles]
        return join(turns, self._turns, roles, self._most)

    def turns(self, history: Sequence[str]) -> list[list[int]]:
        """The pieces of the turns that are read, oldest first; none where the last text holds nothing to read."""
        turns: list[list[int]] = []
        for text in reversed(history):
            pieces = self._pieces(text)
            if not pieces and not turns:
                return []
            turns += [pieces] if pieces else []
            if len(turns) == self._turns:
                break
        return turns[::-1]

    def _pieces(self, text: str) -> list[int]:
        return self._tokenizer.encode(repair(_tame(text)))[-MAX_PIECES:]


def _tame(text: str) -> str:
    """The last part of a typed text, as sound Unicode: halves of surrogate pairs are joined or replaced."""
    text = text.strip()
    if len(text) > MAX_CHARACTERS:  # what cannot be seen must not crowd out what can
        seen = (c for c in text[-10 * MAX_CHARACTERS :] if c.isprintable() or c.isspace() or c in _JOINERS)
        text = "".join(seen).strip()[-MAX_CHARACTERS:]
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
