"""Banned words and phrases, however the pieces cut them.

The pieces of a hypothesis are bytes in a row. A phrase is said once its bytes stand there, with no letter right before
or after: so what would *close* a banned phrase is forbidden, a space, a mark or the end after its last letter, while
``assume`` stays possible where ``ass`` is banned. Where a script puts no spaces between words, the last letter closes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from chatbot.search.steps import LOWEST

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Kana, Han."""
_BLANK = re.compile(rb"\s+")


class BannedPhrases:
    """No banned phrase is said.

    Args:
        phrases: as people write them; case and the number of spaces do not count.
        surfaces: what each id adds to the text, as UTF-8, folded like the phrases; none for special ids.
        eos: the end, which closes a word too.
    """

    def __init__(self, phrases: Iterable[str], surfaces: Sequence[bytes], eos: int) -> None:
        self.phrases = [_Phrase(phrase) for phrase in phrases]
        self.surfaces = surfaces
        self.eos = eos
        self.sorted = sorted((surface, i) for i, surface in enumerate(surfaces) if surface)
        self.longest = max((len(phrase.spelt) for phrase in self.phrases), default=0)
        self.known: dict[bytes, Tensor] = {}
        self.inside = torch.tensor(
            [i for i, surface in enumerate(surfaces) if any(phrase.closed_in(surface) for phrase in self.phrases)],
            dtype=torch.long,
        )

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid what would close a banned phrase that ids (N, t) have begun."""
        left.index_fill_(1, self.inside.to(left.device), LOWEST)
        for row, said in enumerate(ids.tolist()):
            closing = self._closing(self._tail(said))
            if len(closing):
                left[row].index_fill_(0, closing.to(left.device), LOWEST)

    def _tail(self, ids: Sequence[int]) -> bytes:
        """The last bytes of the text, as many as can matter: a phrase and what stands before it."""
        tail = b""
        for one in reversed(ids):
            tail = self.surfaces[one] + tail
            if len(tail) > self.longest:
                break
        return _BLANK.sub(b" ", b" " + tail)[-self.longest - 1 :]

    def _closing(self, tail: bytes) -> Tensor:
        """Ids that would close a phrase after this tail."""
        if tail not in self.known:
            ids: set[int] = set()
            for phrase in self.phrases:
                for rest in phrase.rests(tail):
                    ids |= self._beginning(rest, phrase.spaced)
            self.known[tail] = torch.tensor(sorted(ids), dtype=torch.long)
        return self.known[tail]

    def _beginning(self, rest: bytes, spaced: bool) -> set[int]:
        """Ids whose text begins with the rest of a phrase, and closes it."""
        found = {self.eos} if spaced and not rest else set()
        for surface, index in self.sorted[bisect_left(self.sorted, (rest, -1)) :]:
            if not surface.startswith(rest):
                break
            after = surface[len(rest) :]
            if not spaced or (after and not _is_letter(after[0])):
                found.add(index)
        return found


class _Phrase:
    def __init__(self, phrase: str) -> None:
        text = " ".join(phrase.casefold().split())
        self.spelt = text.encode("utf-8", "replace")
        self.spaced = not (_UNSPACED.match(text[-1]) if text else False)
        self.starts_word = not (_UNSPACED.match(text[0]) if text else False)

    def rests(self, tail: bytes) -> list[bytes]:
        """What is missing of it after a tail, for each of its beginnings that the tail ends with."""
        found = []
        for size in range(min(len(self.spelt), len(tail)) + 1):
            begun = tail.endswith(self.spelt[:size])
            before = tail[len(tail) - size - 1 : len(tail) - size]
            at_start = not self.starts_word or not before or not _is_letter(before[0])
            if begun and at_start and (size < len(self.spelt) or self.spaced):
                found.append(self.spelt[size:])
        return found

    def closed_in(self, surface: bytes) -> bool:
        """Whether a piece holds it whole, closed on both sides."""
        place = surface.find(self.spelt)
        while place >= 0:
            before, after = surface[:place][-1:], surface[place + len(self.spelt) :][:1]
            opened = not self.starts_word or (bool(before) and not _is_letter(before[0]))
            closed = not self.spaced or (bool(after) and not _is_letter(after[0]))
            if opened and closed:
                return True
            place = surface.find(self.spelt, place + 1)
        return False


def _is_letter(byte: int) -> bool:
    """A letter or digit of ASCII, or a byte of any other character."""
    return byte >= 0x80 or chr(byte).isalnum()
