"""The nets that tell whether a review is for or against, how they are taught and kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.errors import ChatbotError
from chatbot.lab import reviews
from chatbot.lab.lesson import Lesson, StopWhen, teach
from chatbot.lab.reviews import Reviews
from chatbot.lab.stack import Stack, parameters
from chatbot.model.cell import Recurrence
from chatbot.model.config import NetworkConfig
from chatbot.model.dropout import WordDropout
from chatbot.model.encoder import Encoder
from chatbot.sealed import first_line
from chatbot.swap import write_file

_UNITS, _VECTOR, _BATCH = 50, 300, 32
_MODEL, _KNOWN = "sentiment.safetensors", "sentiment.words.json"
_PATIENCE = 4  # epochs without a better one
MOST_WORDS = 20_000
"""Of the vocabulary, the most frequent ones."""
Split = Callable[[str], list[str]]
Table = tuple[Tensor, Tensor]
"""Words (N, T) and labels (N,)."""


class Flat(nn.Module):
    """The chapter's: vectors -> LSTM(50) -> dropout 0.2 -> all outputs laid flat -> one unit.

    Args:
        words: rows of the table of vectors, pads and unknown words included; pads are zeros.
        length: words of a text.
        table: vectors that are given and not learnt (V, E).
    """

    def __init__(self, words: int, length: int, table: np.ndarray | None = None) -> None:
        super().__init__()
        if table is None:
            self.vectors = nn.Embedding(words, _VECTOR, padding_idx=0)
        else:
            self.vectors = nn.Embedding(len(table), table.shape[1], padding_idx=0, _weight=torch.from_numpy(table))
            self.vectors.weight.requires_grad_(False)
        self.stack = Stack(Recurrence("lstm"), self.vectors.embedding_dim, _UNITS)
        self.dropout = nn.Dropout(0.2)
        self.answer = nn.Linear(length * _UNITS, 1)

    def forward(self, words: Tensor) -> Tensor:
        """(N, length) -> how much it is for, before the sigmoid (N,)."""
        outputs, _ = self.stack(self.vectors(words))  # it reads the pads as well
        flat: Tensor = self.answer(self.dropout(outputs).flatten(1))
        return flat[:, 0]


class Modern(nn.Module):
    """Reads both ways what is really there, and takes the mean and the largest of its outputs over real words."""

    def __init__(self, words: int, width: int = 100, units: int = 100, dropout: float = 0.5) -> None:
        super().__init__()
        self.vectors = nn.Embedding(words, width, padding_idx=0)
        nn.init.normal_(self.vectors.weight, std=0.1)
        self.dropped = WordDropout(0.1, words)
        self.encoder = Encoder(NetworkConfig(embedding=width, encoder_size=units, encoder_layers=1))
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(4 * units, 1)

    def forward(self, words: Tensor) -> Tensor:
        """(N, T), pads behind -> how much it is for, before the sigmoid (N,)."""
        lengths = (words > 0).sum(dim=1).clamp(min=1)
        words = words[:, : int(lengths.max())]
        x = self.dropout(self.dropped(self.vectors(words), words))
        outputs = self.encoder(x, lengths.cpu()).outputs  # (N, T, 2 H), 0 at pads
        real = (torch.arange(words.shape[1]) < lengths[:, None])[:, :, None]
        average = outputs.sum(dim=1) / lengths[:, None]
        largest = outputs.masked_fill(~real, float("-inf")).amax(dim=1)
        scores: Tensor = self.answer(self.dropout(torch.cat([average, largest], dim=1)))
        return scores[:, 0]


@dataclass(frozen=True)
class Job:
    """One training."""

    name: str
    paths: tuple[Path, ...]
    unit: str
    """``word`` or ``letter``."""
    length: int
    modern: bool
    seed: int
    epochs: int
    vectors: Path | None = None
    keep: Path | None = None
    """Folder that the net is written to."""


@dataclass(frozen=True)
class Learned:
    """What came of it."""

    accuracy: float
    curve: tuple[float, ...]
    """Accuracy on the held-out fifth after each epoch."""
    weights: int
    seconds: float


def split_of(unit: str) -> Split:
    """How texts are cut."""
    return reviews.by_word if unit == "word" else reviews.by_letter


def parts_of(paths: Sequence[Path]) -> tuple[Reviews, Reviews]:
    """Four fifths to learn from, and one fifth held out; the same for all that is compared, whatever the seed."""
    return reviews.read(paths).split(0.8, seed=0)


def learn(job: Job) -> Learned:
    """Teach a net, and ask it about the held-out fifth."""
    began = time.perf_counter()
    torch.manual_seed(job.seed)
    train, test = parts_of(job.paths)
    cut = split_of(job.unit)
    known = reviews.vocabulary([cut(text) for text in train.texts], least=2 if job.modern else 1, most=MOST_WORDS)
    asked = _table(test, cut, known, job.length)
    net: nn.Module
    if job.modern:  # when to stop is decided on a tenth of what it learns from, not on what it is judged by
        train, held = train.split(0.9, job.seed + 1)
        net = Modern(2 + len(known))
        learned, judged = (_table(some, cut, known, job.length) for some in (train, held))
        curve = _stopped(net, job, learned, judged, asked)
    else:
        given = job.vectors is not None and job.unit == "word"
        table = reviews.vectors(job.vectors, known)[0] if given and job.vectors is not None else None
        net = Flat(2 + len(known), job.length, table)
        curve = _taught(net, job, _table(train, cut, known, job.length), asked)
    right = accuracy(net, asked)
    if job.keep is not None:
        _keep(job.keep, net, {"length": job.length, "words": list(known), "right": right})
    return Learned(right, tuple(curve), parameters(net), time.perf_counter() - began)


def _loss(net: nn.Module) -> Callable[[Table], Tensor]:
    return lambda made: F.binary_cross_entropy_with_logits(net(made[0]), made[1])


def _taught(net: nn.Module, job: Job, train: Table, asked: Table) -> list[float]:
    """As in the chapter: RMSprop, so many times through. What is held out is only watched."""
    curve: list[float] = []

    def watch() -> bool:
        curve.append(accuracy(net, asked))
        return False

    lesson = Lesson(net, _loss(net), lambda w: torch.optim.RMSprop(w, lr=1e-3))
    teach(lesson, _Batches(train, job.seed), epochs=job.epochs, callbacks=[StopWhen(watch)])
    return curve


def _stopped(net: nn.Module, job: Job, train: Table, held: Table, asked: Table) -> list[float]:
    """Until a part of its own brings nothing better so often; the best weights stay."""
    curve, own = list[float](), list[float]()
    weights: dict[str, Tensor] = {}

    def watch() -> bool:
        curve.append(accuracy(net, asked))
        own.append(accuracy(net, held))
        if own[-1] > max(own[:-1], default=-1.0):
            weights.update({name: weight.clone() for name, weight in net.state_dict().items()})
        return len(own) - own.index(max(own)) > _PATIENCE

    lesson = Lesson(net, _loss(net), lambda w: torch.optim.AdamW(w, lr=1e-3, weight_decay=1e-2))
    teach(lesson, _Batches(train, job.seed), epochs=job.epochs, clip=1.0, callbacks=[StopWhen(watch)])
    net.load_state_dict(weights)
    return curve


def _table(some: Reviews, cut: Split, known: dict[str, int], length: int) -> Table:
    numbers = torch.from_numpy(reviews.padded([cut(text) for text in some.texts], known, length))
    return numbers, torch.tensor(some.labels, dtype=torch.float32)


class _Batches:
    """Shuffled anew each time through."""

    def __init__(self, table: Table, seed: int) -> None:
        self._table, self._generator = table, torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        words, labels = self._table
        for rows in torch.split(torch.randperm(len(labels), generator=self._generator), _BATCH):
            yield words[rows], labels[rows]

    def __len__(self) -> int:
        return -(-len(self._table[1]) // _BATCH)


@torch.no_grad()
def accuracy(net: nn.Module, table: Table) -> float:
    """Share of texts on whose right side the net is; it is left in training mode."""
    net.eval()
    words, labels = table
    said = torch.cat([net(some) for some in torch.split(words, 200)])
    net.train()
    return float(((said > 0) == (labels > 0.5)).float().mean())


def _keep(folder: Path, net: nn.Module, facts: dict[str, object]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / _MODEL, safetensors.torch.save(net.state_dict()))
        write_file(folder / _KNOWN, json.dumps(facts).encode())
    except OSError as error:
        raise ChatbotError(f"{folder}: cannot be written ({error.strerror}); give another --output") from error


def predict(text: str, folder: Path) -> str:
    """What the modern net of the last run says of a text.

    Raises:
        ChatbotError: there was none.
    """
    if not (folder / _KNOWN).is_file():
        raise ChatbotError(
            f"{folder}: no classifier; run `chatbot lab sentiment --data PATH` first, or give its --output"
        )
    try:
        facts = json.loads((folder / _KNOWN).read_text(encoding="utf-8"))
        known = {word: place for place, word in enumerate(facts["words"], 2)}
        length, right = int(facts["length"]), float(facts["right"])
        net = Modern(2 + len(known))
        net.load_state_dict(safetensors.torch.load((folder / _MODEL).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise ChatbotError(
            f"{folder}: no classifier ({first_line(error)}); run `chatbot lab sentiment --data PATH` first"
        ) from error
    net.eval()
    words = reviews.by_word(text)
    if not words:
        raise ChatbotError("--predict: the text has no word in it; expected a sentence or more")
    read = words[:length]
    with torch.no_grad():
        share = float(net(torch.from_numpy(reviews.padded([read], known, length))).sigmoid())
    unknown = sum(word not in known for word in read)
    side = "for" if share > 0.5 else "against"
    if unknown == len(read):
        return "nothing to go by: it knows none of these words"
    cut = f"; it reads {length} words, and not the {len(words) - length} that follow" if len(words) > length else ""
    return (
        f"{side}, {100 * max(share, 1 - share):.0f} % sure; {unknown} of {len(read)} words were new to it{cut}; "
        f"of texts held out it had {100 * right:.0f} % right"
    )
