"""What ranks the hypotheses of one bot besides their own likelihood: models beside it, and what it was trained on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from chatbot import bundle
from chatbot.errors import ConfigError
from chatbot.likelihood import of_replies
from chatbot.search.config import SearchConfig
from chatbot.search.rank import AntiLanguageModel, Backward, Found, Generic, Ranker
from chatbot.tokenizer import EOS
from data_prep.text import fold

Helper = Literal["backward", "language_model"]


class Rankers:
    """Makes the rankers that settings ask for; a model beside the bot is opened when it is first wanted."""

    def __init__(self, bot: bundle.Bundle) -> None:
        self._bot = bot
        self._folder = bot.path.resolve()
        self._opening = threading.Lock()
        self._opened: dict[Helper, bundle.Bundle] = {}
        self._has_language_model = (self._folder / "language_model" / bundle.CONFIG).is_file()

    def of(self, settings: SearchConfig, heard: Sequence[Sequence[int]]) -> list[Ranker]:
        """The rankers for inputs of which ``heard`` are the last turns.

        Raises:
            ConfigError: the bot has no such model beside it, or no counts.
        """
        made: list[Ranker] = []
        if settings.anti_lm:
            made.append(AntiLanguageModel(self._unprompted, settings.anti_lm, settings.length_penalty))
        if settings.backward:

            def telling(found: Found) -> list[list[float]]:
                return self._telling(found, heard)

            lengths = [len(turn) for turn in heard]
            made.append(Backward(telling, lengths, settings.backward, settings.length_penalty))
        if settings.generic:
            made.append(Generic(self._counts, settings.generic))
        return made

    @cached_property
    def _known(self) -> dict[str, int]:
        if self._bot.counts is None:
            raise ConfigError(
                f"search settings: generic is set, but {self._bot.path} does not know how often its training replies "
                "stand; train it anew with `chatbot fit`, or leave generic at 0"
            )
        return self._bot.counts

    def _helper(self, helper: Helper, setting: str) -> bundle.Bundle:
        with self._opening:  # batches are answered side by side, and all want it at once
            if helper not in self._opened:
                self._opened[helper] = self._open(helper, setting)
            return self._opened[helper]

    def _open(self, helper: Helper, setting: str) -> bundle.Bundle:
        flag = f"--{helper.replace('_', '-')}"
        if not (self._folder / helper / bundle.CONFIG).is_file():
            raise ConfigError(
                f"search settings: {setting} is set, but {self._bot.path} has no model for that in {helper}/; "
                f"make it with `chatbot fit PREPARED --output {self._bot.path} {flag}`, or leave {setting} at 0"
            )
        found = bundle.load(self._folder / helper, self._bot.model.bias.device)
        if found.tokenizer.model != self._bot.tokenizer.model:
            raise ConfigError(
                f"search settings: {setting} is set, but {found.path} was trained with another vocabulary than the "
                f"bot; make it anew with `chatbot fit PREPARED --output {self._bot.path} {flag} --overwrite`, or give "
                f"--{setting} 0"
            )
        return found

    def _unprompted(self, found: Found) -> list[list[float]]:
        """log p(reply) by the language model, or by the bot itself where it has none: either reads nothing but an end.

        Replies that are likely after anything come up after many contexts; each is reckoned once.
        """
        model = self._helper("language_model", "anti_lm").model if self._has_language_model else self._bot.model
        texts = list(dict.fromkeys((one.ids, one.ended) for some in found for one in some))
        ids, ended = [one for one, _ in texts], [end for _, end in texts]
        known = dict(zip(texts, of_replies(model, [[EOS]] * len(texts), ids, ended), strict=True))
        return [[known[one.ids, one.ended] for one in some] for some in found]

    def _telling(self, found: Found, heard: Sequence[Sequence[int]]) -> list[list[float]]:
        """log p(last turn | reply) by the backward model."""
        flat = [(list(one.ids), turn) for some, turn in zip(found, heard, strict=True) for one in some]
        sources, targets = [[*ids, EOS] for ids, _ in flat], [turn for _, turn in flat]
        return _parted(of_replies(self._helper("backward", "backward").model, sources, targets), found)

    def _counts(self, found: Found) -> list[list[int]]:
        """How often each hypothesis stands among the training replies."""
        decode = self._bot.tokenizer.decode
        return [[self._known.get(key(decode(list(one.ids))), 0) for one in some] for some in found]


def key(text: str) -> str:
    """What stands for a reply where only its count is kept: 64 bits of it, folded, as 16 hexadecimal digits."""
    return hashlib.blake2b(fold(text).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _parted(flat: Sequence[float], found: Found) -> list[list[float]]:
    rest = iter(flat)
    return [[next(rest) for _ in some] for some in found]
