"""Watch an LSTM read: every gate, the candidate and the memory, word by word; and the arithmetic of its layer.

The net is taught to agree a verb with its subject across a clause that has nouns of its own, as in the sentence that it
is then watched at.
"""

from __future__ import annotations

import random
import time

import numpy as np
import torch
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
        thing = chance.choice(list(_THING))
        words += [chance.choice(_HOW), _THING[thing]] if chance.random() < 0.5 else ["a", chance.choice(_HOW), thing]
        if chance.random() < 0.8:
            where = chance.choice(list(_WHERE))
            words += ["on", "the", _WHERE[where] if chance.random() < 0.5 else where]
    return words, int(many)


def vocabulary() -> dict[str, int]:
    """A number for each word; 0 stands before the first."""
    words = {"the", "a", "on", "having", *_WHICH, *_HOW, *_DID}
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


def run(full: bool, seed: int) -> Result:
    """Teach, watch and count."""
    began = time.monotonic()
    torch.manual_seed(seed)
    chance, known = random.Random(seed), vocabulary()
    reader = Reader(1 + len(known), 12, 2, Recurrence("lstm"), _UNITS)
    steps = 1500 if full else 400
    lesson = Lesson(
        reader, lambda made: F.cross_entropy(reader(made[0]), made[1]), lambda w: torch.optim.Adam(w, lr=1e-2)
    )
    teach(lesson, (batch(64, chance, known) for _ in range(steps)), steps=steps, clip=1.0)
    tests = batch(2000, random.Random(seed + 1), known)
    with torch.no_grad():
        right = float((reader(tests[0]).argmax(dim=1) == tests[1]).float().mean())
    words = SENTENCE.split()
    plural = ["women" if word == "woman" else word for word in words]
    layer = reader.stack.layers[0]
    assert isinstance(layer, Layer)
    both = {}
    for name, spoken in (("singular", words), ("plural", plural)):
        vectors = reader.embed(torch.tensor([known[word] for word in spoken]))
        both[name] = watched(layer, vectors)
    apart = np.abs(both["singular"]["memory"] - both["plural"]["memory"]).mean(axis=0)
    order = np.argsort(-apart)  # units that tell the two apart, first
    figure, places = sheet(3, 2, width=4.4, height=3.4)
    for axes, (name, values) in zip(places, both["singular"].items(), strict=False):
        most = float(np.abs(values).max()) if name == "memory" else 1.0
        low = -most if name in ("candidate", "memory") else 0.0
        heat(axes, values[:, order].T, words, title=name, low=low, high=most)
    difference = (both["singular"]["memory"] - both["plural"]["memory"])[:, order].T
    heat(
        places[5],
        difference,
        words,
        title="memory: woman less women",
        low=-float(np.abs(difference).max()),
        high=float(np.abs(difference).max()),
    )
    counts = arithmetic()
    rows = [["the arithmetic of the layer", "weights"], ["plain: (300 + 50 + 1) × 50", f"{counts['plain layer']:,}"]]
    rows += [
        ["LSTM: four times that", f"{counts['lstm layer']:,}"],
        ["with 400 × 50 outputs and 1 bias", f"{counts['the net']:,}"],
    ]
    held = float(np.abs(difference[:, -1]).sum() / max(1e-9, float(np.abs(difference).sum(axis=0).max())))
    tells = (
        f"It agrees {100 * right:.1f} % of verbs with their subjects. Units are sorted by how much they tell “woman” "
        f"from “women”, the most on top: in the last map they differ from that word on, and {100 * held:.0f} % of "
        "the largest difference still stands at the verb, past a ticket and a ground. Those units' forget gates "
        "stay open (bright) and their input gates close for the words that do not matter."
    )
    figures = {
        "right": right,
        "parameters": counts,
        "held": held,
        "words": words,
        "units": {k: v.tolist() for k, v in both["singular"].items()},
    }
    return Result(NAME, {"full": full, "seed": seed}, figures, rows, tells, figure, time.monotonic() - began)
