"""Stand-ins: a bot that was told its replies, and a real but tiny one that was taught nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.replies import Alternative, Gates, Look, Reply

if TYPE_CHECKING:
    from chatbot.search.config import SearchConfig

PICTURE = b"\x89PNG, taken on trust"
COUNTS = {"00f1e2d3c4b5a697": 5, "1122334455667788": 2}
SAMPLES = [("Hello", "Good evening."), ("How <are> you?", "*fine*")]


class ToldBot:
    """Gives the replies that it was told, in order, and notes what it hears; a callable is called."""

    def __init__(self, *replies: str | Reply | Callable[[], Reply]) -> None:
        self._replies = iter(replies)
        self.heard: list[tuple[str, ...]] = []
        self.settings: list[SearchConfig] = []

    def reply(self, history: Sequence[str], settings: SearchConfig) -> Reply:
        self.heard.append(tuple(history))
        self.settings.append(settings)
        told = next(self._replies)
        if isinstance(told, str):
            return Reply(told, -1.0, (), (Alternative(f"{told} (2)", -2.0), Alternative(f"{told} (3)", -3.0)))
        return told if isinstance(told, Reply) else told()

    def replies(self, histories: Sequence[Sequence[str]], settings: SearchConfig) -> list[Reply]:
        return [self.reply(history, settings) for history in histories]


class Parrot:
    """Says the last text again in numbered ways, the more the wider the search; samples say it with an exclamation."""

    def __init__(self, settings: SearchConfig) -> None:
        self.ready = True
        self.facts: dict[str, Any] = {
            "name": "parrot",
            "settings": settings,
            "parameters": 1234,
            "bytes": 5_000_000,
            "form": "int8",
            "context_turns": 2,
            "seconds": 0.1,
        }
        self.asked: list[tuple[tuple[str, ...], SearchConfig, str]] = []

    def reply(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Reply:
        self.asked.append((tuple(history), settings, persona))
        said = history[-1].strip()
        if not said.strip("\u200b"):
            return Reply("", None)
        if settings.temperature is not None:
            kind = len(self.asked) % 3 if settings.seed is None else settings.seed % 3
            return Reply(f"{said}{'!' * (kind + 1)}", -2.0, (9, kind))
        ways = [f"{said} {number}" if number else said for number in range(settings.beam)]
        best, *others = (Alternative(text, -1.0 - place, (8, place)) for place, text in enumerate(ways))
        return Reply(best.text, best.score, best.ids, tuple(others))

    def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
        reply = self.reply(history, settings, persona)
        for end in range(1, len(reply.text), 1 + len(reply.text) // 100):
            yield Reply(reply.text[:end], None)
        yield reply

    def source(self, history: Sequence[str], persona: str = "") -> tuple[str, ...]:
        return (*([persona, "<persona>"] if persona else []), *(word for text in history[-2:] for word in text.split()))

    def look(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Look:
        source = self.source(history, persona)
        row = tuple(1 / len(source) for _ in source)
        return Look(source, ("\u2581a", "\u4f60", "</s>"), (row, row, row), (-0.1, -0.7, 0.0))

    def gates(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Gates:
        rows = ((0.0, 0.5), (1.0, 0.25), (0.1, 0.9))
        return Gates(("\u2581a", "\u4f60", "</s>"), ("reset", "update"), (rows, rows))

    def memory(self) -> int:
        return 200_000_000


class Echo:
    """Says the last text again; silent where it is blank. Counts how many were asked at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def reply(self, history: Sequence[str], settings: SearchConfig) -> Reply:
        said = history[-1].strip() if history else ""
        return Reply(said, -1.0) if said else Reply("", None)

    def replies(self, histories: Sequence[Sequence[str]], settings: SearchConfig) -> list[Reply]:
        self.batches.append(len(histories))
        return [self.reply(history, settings) for history in histories]


@cache
def tiny_tokenizer() -> bytes:
    """A SentencePiece model of a few hundred pieces, bytes included."""
    from data_prep.vocabulary import VocabularyConfig, train

    words = [
        "hello",
        "how",
        "are",
        "you",
        "fine",
        "what",
        "is",
        "the",
        "weather",
        "today",
        "it",
        "rains",
        "tea",
    ]
    texts = [f"{a} {b}, {c}." for a in words for b in words[:6] for c in words[6:9]]
    model = train(texts, VocabularyConfig(size=400))
    assert model is not None
    return model


def save_tiny_bot(path: Path, *, seed: int = 0, note: str = "") -> Path:
    """Save an untrained bot of some ten thousand weights; another seed gives other weights."""
    import torch

    from chatbot import bundle
    from chatbot.model.config import NetworkConfig
    from chatbot.model.seq2seq import Seq2Seq
    from chatbot.tokenizer import Tokenizer

    torch.manual_seed(seed)
    network = NetworkConfig(embedding=16, encoder_size=12, encoder_layers=2, decoder_size=16, decoder_layers=2)
    tokenizer = Tokenizer(tiny_tokenizer())
    model = Seq2Seq(tokenizer.vocab_size, network)
    spells_bytes = [tokenizer.piece(i).startswith("<0x") for i in range(tokenizer.vocab_size)]
    model.bias.data[torch.tensor(spells_bytes)] = -8.0  # it was taught nothing, but speaks in words
    bundle.save(
        path,
        model=model,
        tokenizer=tiny_tokenizer(),
        config={"context_turns": 2, "search": {"max_length": 12}},
        prepare={"seen": 12, "kept": 10, "dropped": {"too short": 2}, "note": note},
        training={"curve": [{"step": 1, "nats_per_word": 6.0}, {"step": 2, "nats_per_word": float("nan")}]},
        samples=SAMPLES,
        picture=PICTURE,
        counts=COUNTS,
    )
    return path
