"""Where text, model and search meet: what was said so far in, a reply out.

Typed text takes the road that training text took: the same repairs, the same joining of turns, the same step.
It is hostile until then: of any length, with broken characters, or empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from chatbot.bundle import Bundle
from chatbot.errors import ConfigError
from chatbot.model.seq2seq import Seq2Seq
from chatbot.search.beam import beam
from chatbot.search.filters import Filter, Forbidden, MinLength, NoRepeatNgram
from chatbot.search.greedy import greedy
from chatbot.search.steps import LOWEST, Hypothesis, SearchConfig
from chatbot.tokenizer import BOS, EOS, PAD, Tokenizer, join
from data_prep.rules import repair

MAX_CHARACTERS = 8_000
"""Of a longer turn the last characters are read: repairing and cutting into pieces take time for each."""
MAX_PIECES = 256
"""Of a longer turn the last pieces are read. Training turns have some 80 words at most."""
BATCH_POSITIONS = 32_768
"""A batch is so large that hypotheses x (source + reply at its longest) stay below; about 30 MB of scores."""
FEW_ROWS = 16
"""Up to so many hypotheses at once are computed by one thread."""
SPEECHLESS = "…"
"""The reply where a search of the greatest length found nothing but white space."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reply that the search found, and its score."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says.

    ``score`` is the log-probability in nats over the GNMT length penalty; ``ids`` are the pieces, without
    begin and end; ``alternatives`` are other texts, best first, as many as the beam had left. Where nothing
    was said that can be read (an empty line, invisible characters), ``text`` is empty and ``score`` None.
    """

    text: str
    score: float | None
    ids: tuple[int, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


NOTHING_SAID = Reply("", None)
"""The answer to nothing: silence."""


def search_settings(config: Mapping[str, Any], **changes: int | float | None) -> SearchConfig:
    """How replies are searched for: the bot's own settings (``config["search"]``), then ``changes`` not None.

    ``no_repeat_ngram=0`` allows repetition. Raises ConfigError where a value is out of range or unknown.
    """
    own = dict(config.get("search") or {})
    unknown = sorted(own.keys() - {field.name for field in fields(SearchConfig)})
    if unknown:
        raise ConfigError(f"the bot's search settings have {unknown[0]!r}, which this version does not know")
    changed: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    if changed.get("no_repeat_ngram") == 0:
        changed["no_repeat_ngram"] = None
    try:
        return replace(SearchConfig(**own), **changed)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"search settings: {error}") from error


class Responder:
    """Answers for one bot. Holds no conversation: the history comes with each call."""

    def __init__(self, bundle: Bundle) -> None:
        self._model: Seq2Seq = bundle.model.eval()
        self._tokenizer = bundle.tokenizer
        self._turns = int(bundle.config["context_turns"])
        self._most: int | None = bundle.config.get("source_tokens")
        self._device = next(self._model.parameters()).device
        self._never = Forbidden(bundle.tokenizer.control_ids())
        self._audible = Audible(blank_ids(bundle.tokenizer), bundle.tokenizer.vocab_size)

    def reply(self, history: Sequence[str], settings: SearchConfig) -> Reply:
        """Answer the last text of a history (oldest first)."""
        return self.replies([history], settings)[0]

    def replies(self, histories: Sequence[Sequence[str]], settings: SearchConfig) -> list[Reply]:
        """Answer many histories at once, in their order: sorted by length inside, in batches that fit."""
        sources = [self._source(history) for history in histories]
        found = [NOTHING_SAID] * len(sources)
        for batch in _batches([len(source) for source in sources], settings):
            with _threads_for(len(batch) * settings.beam):
                replies = self._answer([sources[i] for i in batch], settings)
            for index, reply in zip(batch, replies, strict=True):
                found[index] = reply
        return found

    def _source(self, history: Sequence[str]) -> list[int]:
        """The ids that the encoder reads; none where the last text holds nothing that can be read."""
        turns: list[list[int]] = []
        for text in reversed(history):
            pieces = self._tokenizer.encode(repair(_tame(text)))[-MAX_PIECES:]
            if not pieces and not turns:
                return []
            turns += [pieces] if pieces else []
            if len(turns) == self._turns:
                break
        return join(turns[::-1], self._turns, most=self._most) if turns else []

    @torch.inference_mode()
    def _answer(self, sources: Sequence[Sequence[int]], settings: SearchConfig) -> list[Reply]:
        """One batch through the model; no source is empty."""
        lengths = torch.tensor([len(source) for source in sources])  # (N,) on the CPU
        padded = torch.full((len(sources), int(lengths.max())), PAD)  # (N, S)
        for row, source in zip(padded, sources, strict=True):
            row[: len(source)] = torch.tensor(source)
        state = self._model.start(self._model.encode(padded.to(self._device), lengths))
        filters: list[Filter] = [self._never, MinLength(max(1, settings.min_length), EOS), self._audible]
        if settings.no_repeat_ngram is not None:
            filters.append(NoRepeatNgram(settings.no_repeat_ngram))
        shared: dict[str, Any] = {
            "bos": BOS,
            "eos": EOS,
            "max_length": settings.max_length,
            "length_penalty": settings.length_penalty,
            "filters": filters,
            "device": self._device,
        }
        if settings.beam == 1:
            found = greedy(self._model.step, state, len(sources), **shared)
        else:
            found = beam(self._model.step, state, len(sources), width=settings.beam, **shared)
        return [self._choose(hypotheses) for hypotheses in found]

    def _choose(self, hypotheses: Sequence[Hypothesis]) -> Reply:
        """The best hypothesis with something to read in it; of those that read alike, the best stands."""
        distinct: dict[str, Hypothesis] = {}
        for hypothesis in hypotheses:
            text = self._text(hypothesis.ids)
            if text:
                distinct.setdefault(text, hypothesis)
        if not distinct:
            return Reply(SPEECHLESS, hypotheses[0].score, hypotheses[0].ids)
        (text, best), *others = distinct.items()
        return Reply(text, best.score, best.ids, tuple(Alternative(t, h.score) for t, h in others))

    def _text(self, ids: Sequence[int]) -> str:
        """The words of some ids, repaired like everything that enters a history, on one line.

        Bytes that make no character (U+FFFD) are left out where something else is there to read.
        """
        decoded = self._tokenizer.decode(list(ids))
        return " ".join((repair(decoded.replace("\ufffd", "")) or _visible(decoded)).split())


class Audible:
    """No end before something can be read: a reply of white space alone is none."""

    def __init__(self, blank: Sequence[int], vocab_size: int) -> None:
        self.blank = torch.zeros(vocab_size, dtype=torch.bool)
        self.blank[torch.tensor(blank, dtype=torch.long)] = True

    def __call__(self, ids: Tensor, log_probs: Tensor) -> Tensor:
        """Forbid the end where all of ids (N, t) are blank: log-probabilities (N, V) -> (N, V)."""
        self.blank = self.blank.to(ids.device)
        silent = self.blank[ids].all(dim=1)  # (N,)
        left = log_probs.clone()
        left[silent, EOS] = LOWEST
        return left


def blank_ids(tokenizer: Tokenizer) -> list[int]:
    """The pieces in which, alone, there is nothing to read."""
    return [i for i in range(tokenizer.vocab_size) if not _visible(tokenizer.decode([i]))]


def _batches(lengths: Sequence[int], settings: SearchConfig) -> Iterator[list[int]]:
    """Places of the non-empty sources in batches of similar length; longest first: memory peaks early."""
    batch: list[int] = []
    longest = 0
    for place in sorted((i for i, length in enumerate(lengths) if length), key=lambda i: -lengths[i]):
        longest = longest or lengths[place]
        cost = (len(batch) + 1) * settings.beam * (longest + settings.max_length)
        if batch and cost > BATCH_POSITIONS:
            yield batch
            batch, longest = [], lengths[place]
        batch.append(place)
    if batch:
        yield batch


@contextmanager
def _threads_for(rows: int) -> Iterator[None]:
    """One thread where there is little to do at a time: threads wait for each other at every step.

    A greedy reply of `small` took 0.08 s with one thread and 2.9 s with two, on 2 cores that had other work too.
    """
    before = torch.get_num_threads()
    if rows > FEW_ROWS or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tame(text: str) -> str:
    """The last part of a typed text, as sound Unicode: halves of surrogate pairs are joined or replaced."""
    text = text.strip()[-MAX_CHARACTERS:]
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _visible(text: str) -> str:
    """A text without what cannot be seen, its white space made single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
