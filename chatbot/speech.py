"""Ids → the words of a reply, and what may not be said by this bot or now."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from chatbot.errors import ConfigError
from chatbot.search.config import SearchConfig
from chatbot.search.filters import (
    Filter,
    Forbidden,
    Forced,
    MinLength,
    NoContextNgram,
    NoRepeatNgram,
    RepetitionPenalty,
)
from chatbot.search.phrases import BannedPhrases
from chatbot.search.steps import LOWEST
from chatbot.tokenizer import EOS, Tokenizer
from data_prep.rules import repair
from data_prep.text import fold


class Speech:
    """Speaks for one bot.

    Args:
        tokenizer: its own.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._making = threading.Lock()
        self._never = Forbidden(tokenizer.control_ids())
        self._audible = Audible(blank_ids(tokenizer), tokenizer.vocab_size)

    def text(self, ids: Sequence[int]) -> str:
        """The words of some ids, repaired like everything that enters a history, on one line.

        Bytes that make no character (U+FFFD) are left out where something else is there to read.
        """
        decoded = self._tokenizer.decode(list(ids))
        return " ".join((repair(decoded.replace("\ufffd", "")) or _visible(decoded)).split())

    def piece(self, index: int) -> str:
        """One piece as SentencePiece writes it: ``▁`` for the space, ``<0x0A>`` for a byte, ``<sep>`` for a mark."""
        return self._tokenizer.piece(index)

    def filters(self, settings: SearchConfig, heard: Sequence[Sequence[int]]) -> list[Filter]:
        """What a search must not say: never what no reply may hold, and what the settings forbid.

        ``heard`` are the pieces of the last turn of each input. The beginning that is asked for comes last of all: it
        is said even where it would be forbidden.
        """
        filters: list[Filter] = [self._never, MinLength(max(1, settings.min_length), EOS), self._audible]
        if settings.no_repeat_ngram:
            filters.append(NoRepeatNgram(settings.no_repeat_ngram))
        if settings.no_context_ngram:
            filters.append(NoContextNgram(settings.no_context_ngram, heard))
        if settings.repetition_penalty > 1:
            filters.append(RepetitionPenalty(settings.repetition_penalty))
        start = self.beginning(settings.start)
        if len(start) >= settings.max_length:
            raise ConfigError(
                f"start is {len(start)} pieces long; expected fewer than max_length, {settings.max_length}"
            )
        said = f" {fold(settings.start)} "
        banned = tuple(phrase for phrase in settings.banned if f" {fold(phrase)} " not in said or not fold(phrase))
        if banned:
            with self._making:  # batches are answered side by side, and all want it at once
                filters.append(self._banned(banned, settings.max_length))
        if start:
            filters.append(Forced(start, self._goes_on if settings.start[-1:].isalnum() else ()))
        return filters

    def beginning(self, start: str) -> list[int]:
        """The pieces that a reply is to begin with."""
        return self._tokenizer.encode(_visible(repair(start)))

    @lru_cache(maxsize=4)  # noqa: B019 - of a speech there is one a bot; to make it takes longer than a reply
    def _banned(self, phrases: tuple[str, ...], max_length: int) -> BannedPhrases:
        surfaces = [self._tokenizer.surface(i) for i in range(self._tokenizer.vocab_size)]
        return BannedPhrases(map(repair, phrases), surfaces, EOS, max_length)

    @cached_property
    def _goes_on(self) -> list[int]:
        """The pieces that would make a word longer rather than begin the next; half a letter is taken for one."""
        surfaces = (self._tokenizer.surface(i).decode("utf-8", "replace") for i in range(self._tokenizer.vocab_size))
        return [i for i, text in enumerate(surfaces) if text[:1].isalnum() or text[:1] == "\ufffd"]


class Audible:
    """No end before something can be read: a reply of white space alone is none."""

    def __init__(self, blank: Sequence[int], vocab_size: int) -> None:
        self.blank = torch.zeros(vocab_size, dtype=torch.bool)
        self.blank[torch.tensor(list(blank), dtype=torch.long)] = True
        self._blank = frozenset(blank)

    def __call__(self, ids: Tensor, left: Tensor, inputs: Tensor) -> None:
        """Forbid the end where all of ids (N, t) are blank."""
        if ids.device.type == "cpu" and ids.shape[1] and self._blank.isdisjoint(ids[:, 0].tolist()):
            return  # nearly always: a look at the first pieces, as numbers, is sooner done than at all
        self.blank = self.blank.to(ids.device)
        left[:, EOS].masked_fill_(self.blank[ids].all(dim=1), LOWEST)


def blank_ids(tokenizer: Tokenizer) -> list[int]:
    """The pieces in which, alone, there is nothing to read."""
    return [i for i in range(tokenizer.vocab_size) if not _visible(tokenizer.decode([i]))]


def _visible(text: str) -> str:
    """A text without what cannot be seen, its white space made single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
