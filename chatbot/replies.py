"""What a bot says, and why: plain values without torch, which can travel between processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reply that the search found, and its score."""

    text: str
    score: float
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says.

    ``score`` is the log-probability in nats over the GNMT length penalty, and what rankers add to it; ``ids`` are the
    pieces, without begin and end; ``alternatives`` are other texts, best first, as many as the search had left, those
    beyond the setting ``margin`` last, whatever their score. Where nothing was said that can be read (an empty line,
    invisible characters), ``text`` is empty and ``score`` None.
    """

    text: str
    score: float | None
    ids: tuple[int, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """Why a bot said what it said: what it read, what it said, piece by piece, and where it looked meanwhile."""

    source: tuple[str, ...]
    """S pieces, marks and the end among them."""
    reply: tuple[str, ...]
    """T pieces, the end last."""
    attention: tuple[tuple[float, ...], ...]
    """T rows of S weights, each summing to 1; zeros in a bot without attention."""
    log_probs: tuple[float, ...]
    """Of the T pieces, in nats."""


@dataclass(frozen=True, slots=True)
class Gates:
    """How open a bot's gates were as it said something."""

    reply: tuple[str, ...]
    """T pieces, the end last."""
    names: tuple[str, ...]
    """Of G gates: of an LSTM ``input``, ``forget``, ``output``; a plain recurrent layer has none."""
    layers: tuple[tuple[tuple[float, ...], ...], ...]
    """For each layer of the decoder T rows of G shares in 0..1, means over its units, as each piece was chosen."""


NOTHING_SAID = Reply("", None)
"""The answer to nothing: silence."""
