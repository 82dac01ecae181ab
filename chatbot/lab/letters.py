"""A net that goes on with a text, letter by letter: what `writer`, `bptt` and `memories` are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.errors import ChatbotError
from chatbot.lab.cache import Read
from chatbot.lab.stack import Stack, detached
from chatbot.model.cell import Recurrence, State
from chatbot.model.dropout import Dropout

Piece = tuple[Tensor, bool]
"""Letters (N, k + 1), and whether they begin anew rather than go on from the piece before."""
_SHARE = 0.9  # of a text that is learned from, its beginning; the rest is held out
_LEAST = 2_000  # letters of a text


@dataclass(frozen=True)
class Corpus:
    """A text as numbers."""

    alphabet: str
    train: Tensor
    dev: Tensor
    """The text's first twentieth, by which one chooses when to stop: what stands just before the held-out part, the
    beginning of the same play perhaps, is worth more to learn from."""
    valid: Tensor
    """What is judged by, and by nothing else."""

    def text(self, letters: Sequence[int]) -> str:
        """Numbers as text."""
        return "".join(self.alphabet[letter] for letter in letters)

    def ids(self, text: str) -> list[int]:
        """Text as numbers; letters that the corpus does not have are left out."""
        known = {letter: place for place, letter in enumerate(self.alphabet)}
        return [known[letter] for letter in text if letter in known]


def read(path: Path | None) -> Corpus:
    """A text file, or all of a folder's in the order of their names; None: the dialogues that travel with the package.

    Raises:
        ChatbotError: there is no such file, it is no text, or too short.
    """
    if path is None:
        return bundled()
    try:
        files = sorted(one for one in path.rglob("*.txt") if one.is_file()) if path.is_dir() else [path]
        text = "".join(map(_text, files))
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}); expected a text file") from error
    if len(text) < _LEAST:
        raise ChatbotError(f"{path}: holds {len(text):,} letters; expected at least {_LEAST:,}, better a million")
    return corpus_of(text)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ChatbotError(f"{file}: is not UTF-8 (byte {error.start:,}); save it as UTF-8") from error


def bundled() -> Corpus:
    """The dialogues that travel with the package."""
    return corpus_of((resources.files("data_prep") / "samples" / "everyday.txt").read_text(encoding="utf-8"))


def corpus_of(text: str) -> Corpus:
    """The first 90 % to learn from and to choose by, the rest held out."""
    alphabet = "".join(sorted(set(text)))
    place = {letter: number for number, letter in enumerate(alphabet)}
    letters = torch.tensor([place[letter] for letter in text])
    cut = int(_SHARE * len(letters))
    begun = cut // 20
    return Corpus(alphabet, letters[begun:cut], letters[:begun], letters[cut:])


def streams(letters: Tensor, rows: int, k: int, steps: int) -> Iterator[Piece]:
    """So many pieces of k letters for rows that read on side by side, each its own stretch of the text.

    At its end all begin anew, a little further on, so that the cuts fall elsewhere.
    """
    done = shift = 0
    while done < steps:
        long = (len(letters) - 1 - shift) // rows
        k = min(k, long)
        table = letters[shift : shift + rows * long].view(rows, long)
        after = letters[shift + 1 : shift + 1 + rows * long].view(rows, long)
        for start in range(0, long - k + 1, k):
            yield torch.cat([table[:, start : start + k], after[:, start + k - 1 : start + k]], dim=1), start == 0
            done += 1
            if done == steps:
                return
        shift = (shift + k // 2 + 1) % max(1, min(k, len(letters) // 4))


class Speaker(nn.Module):
    """Letters -> vectors -> a stack -> scores of the next letter.

    Args:
        letters: of the alphabet.
        hidden_size: H of each layer.
        recurrence: kind of the cells.
        layers: how many.
        dropout: between layers and before the scores; held over time.
        recurrent_dropout: of the recurrent weights.
    """

    def __init__(
        self,
        letters: int,
        hidden_size: int,
        recurrence: Recurrence,
        layers: int = 1,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        width = min(hidden_size, 64)
        self.vectors = nn.Embedding(letters, width)
        self.stack = Stack(recurrence, width, hidden_size, layers, dropout, recurrent_dropout)
        self.dropout = Dropout(dropout)
        self.scores = nn.Linear(hidden_size, letters)
        self.carried: list[State] | None = None
        """Where the last piece ended, through which no gradient flows."""

    def forward(self, letters: Tensor, states: Sequence[State] | None = None) -> tuple[Tensor, list[State]]:
        """Letters (N, T) -> scores of the next ones (N, T, V), and the states after them."""
        outputs, after = self.stack(self.vectors(letters), states)
        return self.scores(self.dropout(outputs)), after

    def loss(self, piece: Piece) -> Tensor:
        """Nats a letter of a piece; the state is carried over to the next one, the gradient is cut."""
        letters, begins = piece
        scores, after = self(letters[:, :-1], None if begins else self.carried)
        self.carried = detached(after)
        return F.cross_entropy(scores.flatten(0, 1).float(), letters[:, 1:].flatten())

    @torch.no_grad()
    def nats(self, letters: Tensor, rows: int = 16, k: int = 500) -> float:
        """Nats a letter of a whole text, read in `rows` stretches; the model is left as it was."""
        training, total = self.training, 0.0
        self.eval()
        rows = min(rows, max(1, len(letters) // 100))
        long = (len(letters) - 1) // rows
        table = torch.stack([letters[row * long : row * long + long + 1] for row in range(rows)])  # (R, long + 1)
        states: list[State] | None = None
        for start in range(0, long, k):
            piece = table[:, start : start + k + 1]
            scores, states = self(piece[:, :-1], states)
            total += float(F.cross_entropy(scores.flatten(0, 1), piece[:, 1:].flatten(), reduction="sum"))
        self.train(training)
        return total / max(1, rows * long)

    def nats_learning(self, letters: Tensor, k: int = 20, rate: float = 0.3) -> float:
        """Nats a letter of a text from which the net learns while it reads: k letters are guessed, then learned from.

        Each letter is guessed before it is seen to be right, so the text is as unknown as for `nats`; afterwards the
        weights are other ones. It is to be made without dropout. Sources: Mikolov et al. 2010, section 2.3, "dynamic
        models"; Krause et al. 2018, "Dynamic evaluation of neural sequence models", equation 3.
        """
        optimizer = torch.optim.SGD(self.parameters(), lr=rate)
        total, self.carried = 0.0, None
        for start in range(0, len(letters) - 1, k):
            piece = letters[None, start : start + k + 1]
            loss = self.loss((piece, start == 0))
            total += float(loss.detach()) * (piece.shape[1] - 1)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            optimizer.step()
        return total / max(1, len(letters) - 1)

    @torch.no_grad()
    def read(self, letters: Tensor, k: int = 500) -> Read:
        """What the net makes of a text (T + 1,), read in one go; the model is left as it was."""
        training, states, found = self.training, None, []
        self.eval()
        for start in range(0, len(letters) - 1, k):
            piece = letters[None, start : start + k + 1]
            outputs, states = self.stack(self.vectors(piece[:, :-1]), states)
            log_probs = self.scores(outputs).log_softmax(dim=-1).gather(2, piece[:, 1:, None])
            found.append((outputs[0], log_probs[0, :, 0]))
        self.train(training)
        outputs, log_probs = (torch.cat(parts) for parts in zip(*found, strict=True))
        return Read(outputs, letters[1:], log_probs)

    @torch.no_grad()
    def write(self, begun: Sequence[int], length: int, temperature: float, seed: int) -> list[int]:
        """Go on for so many letters, each drawn from the scores over the temperature."""
        self.eval()
        generator = torch.Generator().manual_seed(seed)
        scores, states = self(torch.tensor([list(begun)]))
        said: list[int] = []
        for _ in range(length):
            shares = (scores[0, -1].double() / temperature).softmax(dim=-1)
            said.append(int(torch.multinomial(shares, 1, generator=generator)))
            scores, states = self(torch.tensor([said[-1:]]), states)
        return said


def bits(nats: float) -> float:
    """Nats as bits.

    >>> bits(math.log(2))
    1.0
    """
    return nats / math.log(2)
