"""Banned words and phrases, however the pieces cut them.

The pieces of a hypothesis are bytes in a row. A phrase is said once its bytes stand there, with no letter right before
or after: so what would *close* a banned phrase is forbidden, a space, a mark or the end after its last letter, while
``assume`` stays possible where ``ass`` is banned. Where a script puts no spaces between words, the last letter closes.
"""

from __future__ import annotations

import re
import unicodedata
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
_CHARACTER = 4  # bytes of one at most
_MOST_KNOWN = 10_000  # ends of texts of which it is remembered what would close a phrase


class BannedPhrases:
    """No banned phrase is said.

    Args:
        phrases: as people write them; case and the number of spaces do not count.
        surfaces: what each id adds to the text, as UTF-8, folded like the phrases; none for special ids.
        eos: the end, which closes a word too.
        max_length: tokens after which nothing is said, the end among them.
    """

    def __init__(self, phrases: Iterable[str], surfaces: Sequence[bytes], eos: int, max_length: int) -> None:
        self.max_length = max_length
        self.phrases = [_Phrase(spelt) for phrase in phrases for spelt in _spellings(phrase) if spelt]
        self.surfaces = surfaces
        self.eos = eos
        self.sorted = sorted((surface, i) for i, surface in enumerate(surfaces) if surface)
        self.longest = max((len(phrase.spelt) for phrase in self.phrases), default=0)
        self.known: dict[tuple[bytes, bool], Tensor] = {}
        self.inside, self.at_end = (
            torch.tensor(
                [i for i, surface in enumerate(surfaces) if any(one.closed_in(surface, last) for one in self.phrases)],
                dtype=torch.long,
            )
            for last in (False, True)
        )

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid what would close a banned phrase that ids (N, t) have begun."""
        last = ids.shape[1] + 1 == self.max_length  # whatever is said now is followed by nothing
        left.index_fill_(1, (self.at_end if last else self.inside).to(left.device), LOWEST)
        for row, said in enumerate(ids.tolist()):
            closing = self._closing(self._tail(said), last)
            if len(closing):
                left[row].index_fill_(0, closing.to(left.device), LOWEST)

    def _tail(self, ids: Sequence[int]) -> bytes:
        """The last bytes of the text, as many as can matter: a phrase and what stands before it."""
        tail = b""
        for one in reversed(ids):
            tail = self.surfaces[one] + tail
            if len(tail) > self.longest + _CHARACTER:
                break
        return _BLANK.sub(b" ", b" " + tail)[-self.longest - _CHARACTER :]

    def _closing(self, tail: bytes, last: bool) -> Tensor:
        """Ids that would close a phrase after this tail; what is said last is closed behind it."""
        found = self.known.get((tail, last))
        if found is None:
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            ids: set[int] = set()
            for phrase in self.phrases:
                for rest in phrase.rests(tail):
                    ids |= self._beginning(rest, phrase.spaced, last)
            found = self.known[tail, last] = torch.tensor(sorted(ids), dtype=torch.long)
        return found  # not looked up once more: another thread may have cleared it meanwhile

    def _beginning(self, rest: bytes, spaced: bool, last: bool) -> set[int]:
        """Ids whose text begins with the rest of a phrase, and closes it."""
        found = {self.eos} if spaced and not rest else set()
        for surface, index in self.sorted[bisect_left(self.sorted, (rest, -1)) :]:
            if not surface.startswith(rest):
                break
            after = surface[len(rest) :]
            if not spaced or (last and not after) or (after and not _begins_with_letter(after)):
                found.add(index)
        return found


def _spellings(phrase: str) -> list[str]:
    """A phrase as pieces may spell it: folded, and with capitals that bytes of their own spell, which nobody folds."""
    text = unicodedata.normalize("NFC", " ".join(phrase.split()))  # as all text that a bot learns from
    folded = text.casefold()
    return [folded] if folded.isascii() else list(dict.fromkeys((folded, text, text.upper(), text.title())))


class _Phrase:
    """A phrase as it is spelt. Where it begins or ends with a letter or digit of a script that puts spaces between
    words, it counts only where a word does."""

    def __init__(self, text: str) -> None:
        self.spelt = text.encode("utf-8", "replace")
        self.spaced = text[-1].isalnum() and not _UNSPACED.match(text[-1])
        self.starts_word = text[0].isalnum() and not _UNSPACED.match(text[0])

    def rests(self, tail: bytes) -> list[bytes]:
        """What is missing of it after a tail, for each of its beginnings that the tail ends with."""
        found = []
        for size in range(min(len(self.spelt), len(tail)) + 1):
            begun = tail.endswith(self.spelt[:size])
            at_start = not self.starts_word or not _ends_with_letter(tail[: len(tail) - size])
            if begun and at_start and (size < len(self.spelt) or self.spaced):
                found.append(self.spelt[size:])
        return found

    def closed_in(self, surface: bytes, last: bool) -> bool:
        """Whether a piece holds it whole, closed on both sides; the end of what is said last closes, too."""
        place = surface.find(self.spelt)
        while place >= 0:
            before, after = surface[:place], surface[place + len(self.spelt) :]
            opened = not self.starts_word or (bool(before) and not _ends_with_letter(before))
            closed = not self.spaced or (not _begins_with_letter(after) if after else last)
            if opened and closed:
                return True
            place = surface.find(self.spelt, place + 1)
        return False


def _ends_with_letter(text: bytes) -> bool:
    start = len(text) - 1
    while start > 0 and text[start] & 0xC0 == 0x80:  # an inner byte of a character
        start -= 1
    return bool(text) and _is_letter(text[start:])


def _begins_with_letter(text: bytes) -> bool:
    end = 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end += 1
    return _is_letter(text[:end])


def _is_letter(character: bytes) -> bool:
    """A letter, a mark on one, or a digit; half a character may become one."""
    try:
        return unicodedata.category(character.decode())[0] in "LMN"
    except UnicodeDecodeError:
        return True
