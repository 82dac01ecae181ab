"""What is asked in an evaluation: the pairs of a split, all that people replied, and what was there to learn from."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chatbot.errors import ChatbotError
from chatbot.evaluation.known import Bools, Pair, stand_in
from chatbot.evaluation.measures import References
from chatbot.sealed import first_line
from data_prep.personas import ROLES
from data_prep.store import SPLITS, open_prepared
from data_prep.text import fold


@dataclass(frozen=True)
class Questions:
    """Pairs of a split, and those of training."""

    path: Path
    split: str
    contexts: list[list[str]]
    """Turns of each, oldest first."""
    roles: list[list[str]]
    """Whose turns they are, seen by the one who replies: ``other``, ``own`` or ``persona``."""
    replies: list[str]
    """What people said."""
    pool: list[str]
    """What people said in the whole split."""
    references: list[list[str]]
    """All that people said to the same context in this split, each pair's own reply first."""
    trained: list[Pair]
    """Last turn of the context and reply, of each training pair."""
    places: list[int]
    """Where the pairs stand in the whole split."""
    whole: int
    """Pairs of the whole split."""
    pieces: bytes | None
    """The tokenizer of the folder."""

    def __len__(self) -> int:
        return len(self.replies)

    @cached_property
    def known(self) -> tuple[Bools, Bools]:
        """Whether each pair stands in training, and whether one like it does: `known.stand_in`."""
        return stand_in(list(zip(self.last_turns, self.replies, strict=True)), self.trained)

    @cached_property
    def counted(self) -> References:
        """The references, as replies are compared with them."""
        return References(self.references)

    @cached_property
    def trained_replies(self) -> set[str]:
        """Those of the training pairs, folded."""
        return {fold(reply) for _, reply in self.trained}

    @cached_property
    def turns(self) -> list[set[str]]:
        """Of each context, folded."""
        return [{fold(turn) for turn in context} for context in self.contexts]

    @property
    def last_turns(self) -> list[str]:
        """What is answered."""
        return [context[-1] for context in self.contexts]


def ask(path: Path, split: str, limit: int | None, seed: int) -> Questions:
    """The pairs of a split of a prepared folder, in their order; with a limit so many of them, drawn at random.

    Raises:
        PrepareError: there is no prepared folder.
        ChatbotError: it has no such split, or nothing stands in it.
    """
    prepared = open_prepared(path)
    if split not in SPLITS:
        raise ChatbotError(f"--split {split}: expected one of {', '.join(SPLITS)}")
    table = _read(prepared.split(split))
    if not len(table):
        sizes = ", ".join(f"{name} {prepared.report[name]:,}" for name in SPLITS)
        raise ChatbotError(f"{path}: its split {split} is empty; pairs there: {sizes}; give another --split")
    contexts, replies = (table[name].to_pylist() for name in ("context", "reply"))
    roles = table["roles"].to_pylist() if "roles" in table.column_names else list(map(_by_turns, contexts))
    given: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for context, reply in zip(contexts, replies, strict=True):
        given[tuple(context)].append(reply)
    places = list(range(len(replies)))
    if limit is not None and limit < len(places):
        places = sorted(random.Random(seed).sample(places, limit))
    references = [[replies[place], *_others(given[tuple(contexts[place])], replies[place])] for place in places]
    train = _read(prepared.split("train"))
    last_turns = [context[-1] for context in train["context"].to_pylist()]
    return Questions(
        path,
        split,
        _taken(contexts, places),
        _taken(roles, places),
        _taken(replies, places),
        replies,
        references,
        list(zip(last_turns, train["reply"].to_pylist(), strict=True)),
        places,
        len(replies),
        prepared.tokenizer,
    )


def _read(folder: Path) -> pa.Table:
    """The pairs of a split.

    Raises:
        ChatbotError: it is not what `chatbot prepare` wrote.
    """
    advice = "expected what `chatbot prepare` wrote: prepare it again"
    try:
        parts = [pq.read_table(file) for file in sorted(folder.glob("*.parquet"))]
        table = pa.concat_tables(parts) if parts else None
    except (OSError, pa.ArrowInvalid) as error:
        raise ChatbotError(f"{folder}: cannot be read ({first_line(error)}); {advice}") from error
    if table is None or not {"context", "reply"} <= set(table.column_names):
        raise ChatbotError(f"{folder}: holds no Parquet files with context and reply; {advice}")
    if not all(table["context"].to_pylist()) or table["reply"].null_count:
        raise ChatbotError(f"{folder}: has pairs without a context or a reply; {advice}")
    return table.select([name for name in ("context", "roles", "reply") if name in table.column_names])


def _by_turns(context: Sequence[str]) -> list[str]:
    """Whose turns they are where nothing says so: two speak in turn, the other last."""
    return [ROLES[(len(context) - 1 - place) % 2] for place in range(len(context))]


def _others(given: Sequence[str], own: str) -> list[str]:
    return [reply for reply in dict.fromkeys(given) if reply != own]


def _taken(column: list[Any], places: Sequence[int]) -> list[Any]:
    return [column[place] for place in places]
