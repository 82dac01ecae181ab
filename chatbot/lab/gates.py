"""Watch an LSTM read: every gate, the candidate and the memory, word by word; and the arithmetic of its layer.

The net is taught to agree a verb with its subject across a clause that has nouns of its own, as in the sentence that it
is then watched at.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.lab.drawing import heat, sheet
from chatbot.lab.lesson import Lesson, teach
from chatbot.lab.result import Result
from chatbot.lab.stack import Reader, parameters
from chatbot.model.cell import Cell, Recurrence
from chatbot.model.layer import Layer

NAME = "gates"
SENTENCE = "the young woman having found a free ticket on the ground"
_ONE = {"woman": "women", "man": "men", "girl": "girls", "boy": "boys", "friend": "friends", "teacher": "teachers"}
_THING = {"ticket": "tickets", "coin": "coins", "letter": "letters", "key": "keys", "book": "books", "ring": "rings"}
_WHICH = ("young", "old", "tall", "tired", "happy")
_HOW = ("free", "lost", "new", "small", "torn")
_DID = ("found", "seen", "kept", "dropped", "bought")
_WHERE = {"ground": "grounds", "train": "trains", "street": "streets", "table": "tables"}
_UNITS = 16


def sentence(chance: random.Random) -> tuple[list[str], int]:
    """The words up to the verb, and whether it is to be in the plural."""
    many = chance.random() < 0.5
    person = chance.choice(list(_ONE))
    words = ["the"]
    words += [chance.choice(_WHICH)] if chance.random() < 0.7 else []
    words.append(_ONE[person] if many else person)
    if chance.random() < 0.9:
        words += ["having", chance.choice(_DID)]
        what, how = (
            (_THING, _HOW) if chance.random() < 0.6 else (_ONE, _WHICH)
        )  # persons too, or any would be the subject
        thing = chance.choice(list(what))
        words += [chance.choice(how), what[thing]] if chance.random() < 0.5 else ["a", chance.choice(how), thing]
        if chance.random() < 0.8:
            place = _WHERE if chance.random() < 0.6 else _ONE
            where = chance.choice(list(place))
            words += ["on" if place is _WHERE else "beside", "the", place[where] if chance.random() < 0.5 else where]
    return words, int(many)


def vocabulary() -> dict[str, int]:
    """A number for each word; 0 stands before the first."""
    words = {"the", "a", "on", "beside", "having", *_WHICH, *_HOW, *_DID}
    for pairs in (_ONE, _THING, _WHERE):
        words |= pairs.keys() | set(pairs.values())
    return {word: place for place, word in enumerate(sorted(words), 1)}


def batch(count: int, chance: random.Random, known: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Sentences (N, T), filled up in front so that all end at the verb, and the number of their verbs (N,)."""
    made = [sentence(chance) for _ in range(count)]
    longest = max(len(words) for words, _ in made)
    rows = [[0] * (longest - len(words)) + [known[word] for word in words] for words, _ in made]
    return torch.tensor(rows), torch.tensor([many for _, many in made])


@torch.no_grad()
def watched(layer: Layer, vectors: Tensor) -> dict[str, np.ndarray]:
    """What goes on in an LSTM as it reads vectors (T, E): each (T, H).

    The gates are reckoned from the weights as in the equations of `chatbot.model.cell.lstm_cell`; that they lead to the
    states of the layer itself is what a test holds.
    """
    weights = layer.weights()
    h = c = vectors.new_zeros(1, layer.hidden_size)
    seen: dict[str, list[Tensor]] = {name: [] for name in ("input", "forget", "output", "candidate", "memory")}
    for x in vectors[:, None]:
        gates = (F.linear(x, weights.weight_ih, weights.bias_ih) + weights.recur(h)).chunk(4, dim=-1)
        i, f, o, g = gates[0].sigmoid(), gates[1].sigmoid(), gates[3].sigmoid(), gates[2].tanh()
        h, c = layer.step(x, (h, c))
        for name, value in zip(seen, (i, f, o, g, c), strict=True):
            seen[name].append(value[0])
    return {name: torch.stack(values).numpy() for name, values in seen.items()}


def arithmetic() -> dict[str, int]:
    """The weights of the chapter's layers, counted off the modules: 300 inputs and 50 units, 400 words."""
    plain, lstm = (Cell(Recurrence(cell), 300, 50, biases=1) for cell in ("rnn", "lstm"))
    return {
        "plain layer": parameters(plain),
        "lstm layer": parameters(lstm),
        "the net": parameters(lstm) + parameters(nn.Linear(400 * 50, 1)),
    }


def taught(full: bool, seed: int) -> tuple[Reader, float]:
    """A net that agrees verbs with their subjects, and the share of sentences drawn anew that it gets right."""
    torch.manual_seed(seed)
    chance, known = random.Random(seed), vocabulary()
    reader = Reader(1 + len(known), 12, 2, Recurrence("lstm"), _UNITS)
    steps = 1500 if full else 400
    lesson = Lesson(
        reader, lambda made: F.cross_entropy(reader(made[0]), made[1]), lambda w: torch.optim.Adam(w, lr=1e-2)
    )
    teach(lesson, (batch(64, chance, known) for _ in range(steps)), steps=steps, clip=1.0)
    words, many = batch(2000, random.Random(seed + 1), known)
    with torch.no_grad():
        return reader, float((reader(words).argmax(dim=1) == many).float().mean())


@dataclass(frozen=True)
class Watched:
    """What went on as one sentence was read about one woman, and about several: by name, (T, H) each."""

    words: list[str]
    one: dict[str, np.ndarray]
    many: dict[str, np.ndarray]

    @classmethod
    def of(cls, reader: Reader) -> Watched:
        """Let a net read both."""
        words, known = SENTENCE.split(), vocabulary()
        layer = reader.stack.layers[0]
        assert isinstance(layer, Layer)
        plural = ["women" if word == "woman" else word for word in words]
        one, many = (
            watched(layer, reader.embed(torch.tensor([known[word] for word in said]))) for said in (words, plural)
        )
        return cls(words, one, many)

    @property
    def apart(self) -> np.ndarray:
        """How far the two memories differ (T, H)."""
        difference: np.ndarray = self.one["memory"] - self.many["memory"]
        return difference

    @property
    def order(self) -> np.ndarray:
        """Units, those first whose memory at the verb tells the two apart best."""
        return np.argsort(-np.abs(self.apart[-1]))

    @property
    def best(self) -> np.ndarray:
        """The quarter of the units that tells the two apart best."""
        return self.order[: len(self.order) // 4]

    def after(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Of those units, at the words after the subject: for one woman and for several."""
        start = self.words.index("woman") + 1
        return self.one[name][start:, self.best], self.many[name][start:, self.best]

    def opposed(self) -> float:
        """At how many of those words the candidates of the two have opposite signs, as a share."""
        one, many = self.after("candidate")
        return float((one * many < 0).mean())

    def held(self) -> tuple[float, float]:
        """The difference of the memories, summed over units: at the subject, and at the verb."""
        sums = np.abs(self.apart).sum(axis=1)
        return float(sums[self.words.index("woman")]), float(sums[-1])


def _drawn(seen: Watched) -> Figure:
    figure, places = sheet(3, 2, width=4.4, height=3.4)
    for axes, (name, values) in zip(places, seen.one.items(), strict=False):
        most = float(np.abs(values).max()) if name == "memory" else 1.0
        low = -most if name in ("candidate", "memory") else 0.0
        heat(axes, values[:, seen.order].T, seen.words, title=name, low=low, high=most)
    most = float(np.abs(seen.apart).max())
    title = "memory: woman less women"
    heat(places[5], seen.apart[:, seen.order].T, seen.words, title=title, low=-most, high=most)
    return figure


def _tells(right: float, seen: Watched) -> str:
    at_subject, at_verb = seen.held()
    forget, enters = (float(seen.after(name)[0].mean()) for name in ("forget", "input"))
    return (
        f"It agrees {100 * right:.1f} % of verbs with their subjects. Units are sorted by how far their memories of "
        "“woman” and of “women” are apart where the verb is to come, the furthest on top. In the last map the two are "
        f"alike up to the subject, {at_subject:.1f} apart there and {at_verb:.1f} before the verb, past a ticket and a "
        "ground. The memory is not merely kept: the quarter of the units that tell best keep "
        f"{100 * forget:.0f} % of it from word to word (forget gate) and let {100 * enters:.0f} % of each candidate in "
        f"(input gate), and the candidates for one woman and for several have opposite signs at "
        f"{100 * seen.opposed():.0f} % of the later words: what the subject set, the output feeds back, and every "
        "word adds to it."
    )


def run(full: bool, seed: int) -> Result:
    """Teach, watch and count."""
    began = time.monotonic()
    reader, right = taught(full, seed)
    seen, counts = Watched.of(reader), arithmetic()
    rows = [
        ["the arithmetic of the layer", "weights"],
        ["plain: (300 + 50 + 1) × 50", f"{counts['plain layer']:,}"],
        ["LSTM: four times that", f"{counts['lstm layer']:,}"],
        ["with 400 × 50 outputs and 1 bias", f"{counts['the net']:,}"],
    ]
    figures = {
        "right": right,
        "parameters": counts,
        "apart": dict(zip(("at the subject", "at the verb"), seen.held(), strict=True)),
        "open": {gate: float(seen.after(gate)[0].mean()) for gate in ("input", "forget")},
        "opposed": seen.opposed(),
        "words": seen.words,
        "units": {name: values.tolist() for name, values in seen.one.items()},
    }
    settings = {"full": full, "seed": seed}
    return Result(NAME, settings, figures, rows, _tells(right, seen), _drawn(seen), time.monotonic() - began)
