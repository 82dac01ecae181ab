"""What one bot makes of the questions: how likely people's replies are to it, what it says itself, how it ranks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from chatbot import bundle
from chatbot.bundle import TOKENIZER
from chatbot.evaluation.questions import Questions
from chatbot.evaluation.resample import Floats
from chatbot.likelihood import of_replies
from chatbot.replies import Look, Reply
from chatbot.responder import Responder
from chatbot.sealed import sha256
from chatbot.search.config import SearchConfig
from chatbot.tokenizer import join
from data_prep.personas import ROLES
from data_prep.text import fold

CANDIDATES = 20
"""Replies that are ranked, the true one among them."""
RANKED = 500
"""Contexts whose candidates are ranked, at most: each takes as long as twenty likelihoods."""
_AT_ONCE, _RANKED_AT_ONCE = 512, 32  # contexts between two signs of life
Watch = Callable[[int], None]
"""Told how many more contexts are done."""


class Examinee:
    """A bot under test. It reads what it is asked as it read what it learned from, roles included.

    Args:
        path: the bot.
        device: where it reckons.
        questions: what it is asked.

    Raises:
        BundleError, ConfigError: as `chatbot.bundle.load`.
    """

    def __init__(self, path: Path, device: str, questions: Questions) -> None:
        self.bundle = bundle.load(path, device)
        self._responder = Responder(self.bundle)
        self._questions = questions
        self.other_pieces = (
            questions.pieces is not None and sha256(questions.pieces) != self.bundle.config["files"][TOKENIZER]
        )
        """Whether its tokenizer is not that of the questions' folder."""
        encode, config = self.bundle.tokenizer.encode, self.bundle.config
        turns, most = int(config["context_turns"]), config.get("source_tokens")
        heard = [[encode(turn) for turn in context] for context in questions.contexts]
        roles = [[ROLES.index(role) for role in own] for own in questions.roles]
        self._sources = [join(*both, most) for both in ((h, turns, r) for h, r in zip(heard, roles, strict=True))]
        self._heard = [turns[-1] for turns in heard]
        self._true = [encode(reply) for reply in questions.replies]

    def nats(self, watch: Watch) -> Floats:
        """What each of people's replies costs, its end included: (N,)."""
        found = np.empty(len(self._true))
        for start in range(0, len(found), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            found[some] = of_replies(self.bundle.model, self._sources[some], self._true[some])
            watch(len(self._true[some]))
        return -found

    @property
    def ranked(self) -> int:
        """Contexts that `ranks` takes."""
        return min(RANKED, len(self._true))

    @property
    def pieces(self) -> Floats:
        """Pieces of each of people's replies, its end included: (N,)."""
        return np.array([len(reply) + 1 for reply in self._true], dtype=np.float64)

    def ranks(self, seed: int, watch: Watch) -> list[int]:
        """The rank of the true reply among 20, from 1: by nats a piece, for up to 500 contexts drawn at random.

        The others are replies of the split that read otherwise; of as many as there are, where there are fewer.
        """
        chance = random.Random(seed)
        asked = sorted(chance.sample(range(len(self._true)), self.ranked))
        said = {fold(reply): place for place, reply in enumerate(self._questions.replies)}  # one of each text
        texts, found = sorted(said), list[int]()
        for start in range(0, len(asked), _RANKED_AT_ONCE):
            some = asked[start : start + _RANKED_AT_ONCE]
            rivals = []
            for place in some:
                drawn = [said[text] for text in chance.sample(texts, min(CANDIDATES, len(texts)))]
                true = fold(self._questions.replies[place])
                wrong = [other for other in drawn if fold(self._questions.replies[other]) != true]
                rivals.append([place, *wrong[: CANDIDATES - 1]])
            sources = [self._sources[place] for place, own in zip(some, rivals, strict=True) for _ in own]
            replies = [self._true[one] for own in rivals for one in own]
            nats = of_replies(self.bundle.model, sources, replies)
            worth = iter(total / (len(ids) + 1) for total, ids in zip(nats, replies, strict=True))
            for own in rivals:
                first, *others = (next(worth) for _ in own)
                found.append(1 + sum(other >= first for other in others))
            watch(len(some))
        return found

    def said(self, settings: SearchConfig, watch: Watch) -> tuple[list[Reply], float]:
        """Its replies, and the seconds they took."""
        replies: list[Reply] = []
        began = time.perf_counter()
        for start in range(0, len(self._sources), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            replies += self._responder.answers(self._sources[some], self._heard[some], settings)
            watch(len(replies) - start)
        return replies, time.perf_counter() - began

    def look(self, place: int, ids: Sequence[int]) -> Look:
        """Where it looked as it said ``ids`` to a question."""
        return self._responder.looked(self._sources[place], ids)
