"""Where text, model and search meet: what was said so far in, a reply out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from chatbot.bundle import Bundle
from chatbot.decoding import Decoding
from chatbot.errors import ConfigError
from chatbot.hearing import Hearing
from chatbot.model.light import lightened, lightest
from chatbot.model.light_linear import Form
from chatbot.plainly import nearest
from chatbot.ranking import Rankers
from chatbot.replies import NOTHING_SAID, Alternative, Gates, Look, Reply
from chatbot.search.config import SAMPLING, SearchConfig
from chatbot.search.presets import DEFAULT, PRESETS
from chatbot.search.rank import reranked
from chatbot.search.steps import Hypothesis
from chatbot.speech import Speech
from chatbot.threads import FEW_ROWS, hands, side_by_side, threads_for
from chatbot.tokenizer import EOS

BATCH_POSITIONS = 16_384
"""A batch is so large that hypotheses x (source + reply at its longest) stay below: about 15 MB of scores. Twice as
many were no quicker, as they do not stay in the caches."""
SPEECHLESS = "…"
"""The reply where a search of the greatest length found nothing but white space."""
_NO_LIMIT = ("no_repeat_ngram", "no_context_ngram", "top_k")
_SAMPLED, _SEARCHED = frozenset(SAMPLING), frozenset(("beam", "groups"))


def search_settings(config: Mapping[str, Any], preset: str | None = None, **changes: Any) -> SearchConfig:
    """How replies are searched for: a preset, or else the bot's own (``config["search"]``), then ``changes``.

    Where none of them names a beam or a temperature, the preset `DEFAULT` does. 0 takes the limit off where there is
    one to take off: ``no_repeat_ngram``, ``no_context_ngram``, ``top_k``. A beam that is asked for takes the place of
    samples; groups alone get a beam that they divide. Raises ConfigError where a value is out of range or unknown, or
    where settings contradict each other.
    """
    if preset is not None and preset not in PRESETS:
        near = nearest(str(preset), list(PRESETS))
        meant = f"; did you mean {near}?" if near else ""
        raise ConfigError(f"no preset {preset!r}; expected one of {', '.join(PRESETS)}{meant}")
    own = _usable((config.get("search") or {}) if preset is None else PRESETS[preset].settings)
    changed, known = _usable(changes), {field.name for field in fields(SearchConfig)}
    if unknown := sorted(own.keys() - known):
        raise ConfigError(f"the bot's search settings have {unknown[0]!r}, which this version does not know")
    if unknown := sorted(changed.keys() - known):
        raise ConfigError(f"search settings: there is no {unknown[0]!r}; docs/decoding.md has all of them")
    if preset is None and not any(_names_a_way(settings) for settings in (own, changed)):
        own = PRESETS[DEFAULT].settings | own
    if "beam" in changed and changed.get("temperature") is not None:
        raise ConfigError("search settings: a beam searches and a temperature draws; give one of them")
    if not _SAMPLED.isdisjoint(own) and not _SEARCHED.isdisjoint(changed) and "temperature" not in changed:
        own = {name: value for name, value in own.items() if name not in _SAMPLED}  # a beam was asked for
    groups = changed.get("groups")
    if "beam" not in changed and isinstance(groups, int) and groups > 0:
        changed["beam"] = groups * -(-own.get("beam", SearchConfig.beam) // groups)
    try:
        found = replace(SearchConfig(**own), **changed)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"search settings: {error}") from error
    if changed.get("margin") is not None and not found.ranked:
        raise ConfigError(
            "search settings: margin has no effect without anti_lm, backward or generic, as in anti_lm 0.5: set one, "
            "or leave it"
        )
    return found


def _usable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as `SearchConfig` takes them: 0 is no limit, banned phrases of any kind of list are a tuple."""
    found = {name: None if name in _NO_LIMIT and value == 0 else value for name, value in settings.items()}
    if "banned" in found and not isinstance(found["banned"], str) and isinstance(found["banned"], Iterable):
        found["banned"] = tuple(found["banned"])
    return found


def _names_a_way(settings: Mapping[str, Any]) -> bool:
    """Whether it is said how to look for replies, rather than what they are to be like."""
    return "beam" in settings or any(settings.get(name) not in (None, getattr(SearchConfig, name)) for name in SAMPLING)


class Responder:
    """Answers for one bot. Holds no conversation: the history comes with each call. Threads may share one.

    Args:
        bundle: the bot.
        form: of the decoder's weights; None for the lightest that keeps the words on the bot's device.
    """

    def __init__(self, bundle: Bundle, form: Form | None = None) -> None:
        model = bundle.model.eval()
        self.form: Form = form or lightest(model)
        """Of the weights that searches read."""
        self._decoding = Decoding(model, lightened(model, self.form))
        self._hearing = Hearing(
            bundle.tokenizer, int(bundle.config["context_turns"]), bundle.config.get("source_tokens")
        )
        self._speech = Speech(bundle.tokenizer)
        self._rankers = Rankers(bundle)

    def reply(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Reply:
        """Answer the last text of a history (oldest first), as somebody of whom ``persona`` tells."""
        return self.replies([history], settings, persona)[0]

    def replies(self, histories: Sequence[Sequence[str]], settings: SearchConfig, persona: str = "") -> list[Reply]:
        """Answer many histories at once, in their order: sorted by length inside, in batches that fit."""
        turns = [self._hearing.turns(history) for history in histories]
        sources = [self._hearing.joined(some, persona) for some in turns]
        return self.answers(sources, [some[-1] if some else [] for some in turns], settings)

    def answers(
        self, sources: Sequence[Sequence[int]], heard: Sequence[Sequence[int]], settings: SearchConfig
    ) -> list[Reply]:
        """Answer sources that are pieces already, in their order; of each, ``heard`` is the turn that is answered.

        An empty source gets silence.
        """
        found = [NOTHING_SAID] * len(sources)
        at_once = hands() if self._decoding.device.type == "cpu" else 1
        batches = list(_batches([len(source) for source in sources], settings, at_once))

        def answered(batch: Sequence[int]) -> list[Reply]:
            return self._answer([sources[place] for place in batch], [heard[place] for place in batch], settings)

        each = side_by_side(answered, batches, at_once, lambda batch: len(batch) * settings.rows)
        for batch, replies in zip(batches, each, strict=True):
            for place, reply in zip(batch, replies, strict=True):
                found[place] = reply
        return found

    def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
        """Answer as it comes: the reply so far, again and again as it grows, and at last the whole one with its score.

        Greedy search and a single sample come piece by piece, never half a character; all else is settled before it is
        said. Where nothing was said that can be read, silence comes.
        """
        turns = self._hearing.turns(history)
        if not turns or settings.rows > 1 or settings.ranked:
            yield self.reply(history, settings, persona)
            return
        filters = self._speech.filters(settings, turns[-1:])
        shown = ""
        steps = self._decoding.walked(self._hearing.joined(turns, persona), filters, settings)
        while True:
            with threads_for(1):
                step = next(steps, None)
            if step is None:
                return
            so_far, whole = step
            text = self._speech.text(so_far.ids)
            if whole:
                yield self._choose([so_far])
            elif text != shown and "\ufffd" not in text:  # of a character that is not whole yet
                shown = text
                yield Reply(text, None, so_far.ids)

    def source(self, history: Sequence[str], persona: str = "") -> tuple[str, ...]:
        """The pieces that the network reads, marks and the end among them; none where nothing can be read."""
        return tuple(map(self._speech.piece, self._hearing.source(history, persona)))

    def look(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Look:
        """Where the network looks as it says ``ids`` to this history, and how sure it is of each.

        Raises:
            ValueError: the last text holds nothing that can be read.
        """
        return self.looked(self._readable(history, persona), ids)

    def looked(self, source: Sequence[int], ids: Sequence[int]) -> Look:
        """The same of a source that is pieces already."""
        with threads_for(1):
            attention, log_probs = self._decoding.look(source, ids)
        return Look(tuple(map(self._speech.piece, source)), self._spelt(ids), attention, log_probs)

    def gates(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Gates:
        """How open the network's gates are as it says ``ids`` to this history.

        Raises:
            ValueError: the last text holds nothing that can be read.
        """
        source = self._readable(history, persona)
        with threads_for(1):
            return Gates(self._spelt(ids), self._decoding.gate_names, self._decoding.gates(source, ids))

    def _readable(self, history: Sequence[str], persona: str) -> list[int]:
        source = self._hearing.source(history, persona)
        if not source:
            raise ValueError("nothing was said that can be read, so there is nothing to look into")
        return source

    def _spelt(self, ids: Sequence[int]) -> tuple[str, ...]:
        return (*map(self._speech.piece, ids), self._speech.piece(EOS))

    def _answer(
        self, sources: Sequence[Sequence[int]], heard: Sequence[Sequence[int]], settings: SearchConfig
    ) -> list[Reply]:
        """One batch through the model; no source is empty."""
        times = 1 if settings.temperature is None else settings.samples
        each = [turn for turn in heard for _ in range(times)]  # a row of a walk has a number of its own
        found = self._decoding.find(sources, self._speech.filters(settings, each), settings)
        ranked = reranked(found, self._rankers.of(settings, heard), settings.margin)
        return [self._choose(hypotheses) for hypotheses in ranked]

    def _choose(self, hypotheses: Sequence[Hypothesis]) -> Reply:
        """The best hypothesis with something to read in it; of those that read alike, the best stands."""
        distinct: dict[str, Hypothesis] = {}
        for hypothesis in hypotheses:
            text = self._speech.text(hypothesis.ids)
            if text:
                distinct.setdefault(text, hypothesis)
        if not distinct:
            return Reply(SPEECHLESS, hypotheses[0].score, hypotheses[0].ids)
        (text, best), *others = distinct.items()
        return Reply(text, best.score, best.ids, tuple(Alternative(t, h.score, h.ids) for t, h in others))


def _batches(lengths: Sequence[int], settings: SearchConfig, at_once: int = 1) -> Iterator[list[int]]:
    """Places of the non-empty sources in batches of similar length; longest first: memory peaks early.

    There are `at_once` at least where each still has more than a few rows.
    """
    batch: list[int] = []
    longest = 0
    places = sorted((i for i, length in enumerate(lengths) if length), key=lambda i: -lengths[i])
    parts = min(at_once, len(places) // (FEW_ROWS // settings.rows + 1))
    most = math.ceil(len(places) / max(1, parts))
    for place in places:
        longest = longest or lengths[place]
        cost = (len(batch) + 1) * settings.rows * (longest + settings.max_length)
        if batch and (cost > BATCH_POSITIONS or len(batch) == most):
            yield batch
            batch, longest = [], lengths[place]
        batch.append(place)
    if batch:
        yield batch
