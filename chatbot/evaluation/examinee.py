"""What one bot makes of the questions: how likely people's replies are to it, what it says itself, how it ranks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from chatbot import bundle
from chatbot.bundle import TOKENIZER
from chatbot.evaluation.questions import Questions
from chatbot.evaluation.resample import Floats
from chatbot.likelihood import of_replies
from chatbot.model.light_linear import has_bf16
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
"""Contexts whose candidates are ranked, at most."""
_AT_ONCE = 512  # contexts between two signs of life
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
        return -np.array(of_replies(self.bundle.model, self._sources, self._true, watch=watch))

    @property
    def ranked(self) -> int:
        """Contexts that `ranks` takes."""
        return min(RANKED, len(self._true))

    @property
    def pieces(self) -> Floats:
        """Pieces of each of people's replies, its end included: (N,)."""
        return np.array([len(reply) + 1 for reply in self._true], dtype=np.float64)

    def ranks(self, seed: int, watch: Watch) -> list[tuple[int, int]]:
        """The rank of the true reply, from 1, by nats a piece, and among how many, for up to 500 contexts at random.

        The other 19 are replies of the whole split that nobody gave to the same context; fewer where there are fewer.
        Reckoned in bfloat16 on a processor that does that, which puts a rank in a hundred otherwise.
        """
        chance = random.Random(seed)
        asked = sorted(chance.sample(range(len(self._true)), self.ranked))
        said = {fold(reply): reply for reply in self._questions.pool}  # one of each text
        texts, found = sorted(said), list[tuple[int, int]]()
        encode = self.bundle.tokenizer.encode
        replies = [
            [self._true[place], *(encode(said[text]) for text in self._rivals(place, texts, chance))] for place in asked
        ]
        sources = [self._sources[place] for place, own in zip(asked, replies, strict=True) for _ in own]
        flat = [ids for own in replies for ids in own]
        done = 0

        def tell(more: int) -> None:
            nonlocal done
            before, done = done, done + more
            watch(done * len(asked) // len(flat) - before * len(asked) // len(flat))

        # Only which is larger counts: a processor that reckons in bfloat16 takes two thirds of the time so.
        device = self.bundle.model.bias.device.type
        with torch.autocast(device, torch.bfloat16, enabled=device == "cpu" and has_bf16()):
            nats = of_replies(self.bundle.model, sources, flat, watch=tell)
        worth = iter(total / (len(ids) + 1) for total, ids in zip(nats, flat, strict=True))
        for own in replies:
            first, *others = (next(worth) for _ in own)
            found.append((1 + sum(other >= first for other in others), len(own)))
        return found

    def _rivals(self, place: int, texts: Sequence[str], chance: random.Random) -> list[str]:
        """Folded replies that are not right at a place, drawn from all."""
        right = {fold(reply) for reply in self._questions.references[place]}
        drawn = chance.sample(texts, min(CANDIDATES - 1 + len(right), len(texts)))
        return [text for text in drawn if text not in right][: CANDIDATES - 1]

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
