"""Texts that are for or against something: read, cut into words or letters, and made equally long."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbot.errors import ChatbotError
from chatbot.lab.labelled import read_table
from data_prep.rules import repair
from data_prep.text import fold, words

_WANTED = "expected a folder with pos/ and neg/, two files of lines (for, against), or a CSV with a text and a label"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 .,;:!?'\"()-/$%&"
"""The alphabet where texts are read by the letter; all other letters count as one."""


@dataclass(frozen=True)
class Reviews:
    """Texts, and whether each is for (1) or against (0)."""

    texts: list[str]
    labels: list[int]

    def __len__(self) -> int:
        return len(self.labels)

    def taken(self, places: Sequence[int]) -> Reviews:
        """Some of them."""
        return Reviews([self.texts[place] for place in places], [self.labels[place] for place in places])

    def split(self, share: float, seed: int) -> tuple[Reviews, Reviews]:
        """A share of them drawn at random, and the rest; the same for the same seed. Equal texts stay together."""
        alike: dict[str, list[int]] = {}
        for place, text in enumerate(self.texts):
            alike.setdefault(fold(text), []).append(place)
        groups = list(alike.values())
        random.Random(seed).shuffle(groups)
        order = [place for group in groups for place in group]
        cut = int(share * len(order))
        while 0 < cut < len(order) and fold(self.texts[order[cut]]) == fold(self.texts[order[cut - 1]]):
            cut += 1
        return self.taken(order[:cut]), self.taken(order[cut:])


def read(paths: Sequence[Path]) -> Reviews:
    """Reviews of a folder with ``pos`` and ``neg``, of two files (for, against), or of a CSV.

    Raises:
        ChatbotError: there is nothing of the kind there, or all are of one kind.
    """
    if len(paths) == 2 and paths[0].resolve() == paths[1].resolve():
        raise ChatbotError(f"--data: {paths[0]} is given twice; {_WANTED}")
    if len(paths) == 2:
        found = _both(*(_lines(path) for path in paths))
    elif len(paths) == 1 and paths[0].is_dir():
        found = _folder(paths[0])
    elif len(paths) == 1:
        found = Reviews(*read_table(paths[0]))
    else:
        raise ChatbotError(f"--data: {len(paths)} paths given; {_WANTED}")
    if min(found.labels, default=0) == max(found.labels, default=0) or len(found) < 100:
        raise ChatbotError(
            f"{paths[0]}: {len(found):,} texts, {sum(found.labels):,} of them for; expected at least 100, of both "
            f"kinds; {_WANTED}"
        )
    return found


def _both(good: Sequence[str], bad: Sequence[str]) -> Reviews:
    return Reviews([*good, *bad], [1] * len(good) + [0] * len(bad))


def _folder(folder: Path) -> Reviews:
    """Files under pos/ and neg/, or two files whose names say which is which."""
    sides: list[list[str]] = []
    for name in ("pos", "neg"):
        inside = folder / name
        if inside.is_dir():
            sides.append([_text(file) for file in sorted(inside.iterdir()) if file.is_file()])
            continue
        files = [file for file in sorted(folder.iterdir()) if file.is_file() and name in file.name.lower()]
        if len(files) != 1:
            raise ChatbotError(f"{folder}: holds neither {name}/ nor one file with {name!r} in its name; {_WANTED}")
        sides.append(_lines(files[0]))
    return _both(*sides)


def _lines(path: Path) -> list[str]:
    return [line for raw in _raw(path).splitlines() if (line := repair(raw))]


def _text(path: Path) -> str:
    return repair(" ".join(_raw(path).split()))


def _raw(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}); {_WANTED}") from error


def by_word(text: str) -> list[str]:
    """The words and marks of a text, in lower case."""
    return words(text.lower())


def by_letter(text: str) -> list[str]:
    """Its letters, in lower case; what is not in `LETTERS` becomes ``�``."""
    return [letter if letter in LETTERS else "�" for letter in text.lower()]


def vocabulary(texts: Sequence[Sequence[str]], least: int = 1, most: int | None = None) -> dict[str, int]:
    """A number from 2 for each unit that stands there so often, the most frequent first; 0 is a pad, 1 all others."""
    counts = Counter(unit for text in texts for unit in text)
    kept = [unit for unit, count in counts.most_common(most) if count >= least]
    return {unit: place for place, unit in enumerate(kept, 2)}


def padded(texts: Sequence[Sequence[str]], known: dict[str, int], length: int) -> np.ndarray:
    """Numbers (N, length): longer texts lose their end, shorter ones get pads behind."""
    table = np.zeros((len(texts), length), dtype=np.int64)
    for row, text in zip(table, texts, strict=True):
        row[: min(length, len(text))] = [known.get(unit, 1) for unit in text[:length]]
    return table


@dataclass(frozen=True)
class Cut:
    """How many texts fit a length: the three counts that the chapter prints."""

    length: int
    padded: int
    cut: int
    exact: int

    @classmethod
    def at(cls, length: int, texts: Sequence[Sequence[str]]) -> Cut:
        """Count."""
        sizes = [len(text) for text in texts]
        return cls(
            length, sum(n < length for n in sizes), sum(n > length for n in sizes), sum(n == length for n in sizes)
        )


def cuts(texts: Sequence[Sequence[str]]) -> tuple[int, int]:
    """A long and a short length: 400 and 200 where texts are as long as reviews, else what 95 and 50 % fit in."""
    sizes = np.array([len(text) for text in texts])
    if np.median(sizes) >= 150:
        return 400, 200
    long, short = (max(2, int(np.quantile(sizes, share))) for share in (0.95, 0.5))
    return max(long, short + 1), short


def cut_of_letters(texts: Sequence[Sequence[str]]) -> int:
    """The length in letters that 95 % of the texts fit in, 1,500 at most."""
    return min(1500, max(2, int(np.quantile([len(text) for text in texts], 0.95))))


def vectors(path: Path, known: dict[str, int]) -> tuple[np.ndarray, int]:
    """Vectors of known words from a word2vec or GloVe text file: (2 + words, E), zeros for what it does not have, and
    how many it has.

    Raises:
        ChatbotError: a line is none, or none is of a known word.
    """
    found: np.ndarray | None = None
    had, number, wanted = 0, 0, "expected lines of a word and its numbers, with spaces between"
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                word, *values = line.rstrip("\n ").split(" ")
                if (number == 1 and len(values) == 1) or not line.strip():
                    continue  # word2vec's head: how many, how long
                if found is None:
                    found = np.zeros((2 + len(known), len(values)), dtype=np.float32)
                size = found.shape[1]
                if not size or len(values) < size:
                    raise ChatbotError(f"{path}, line {number}: {len(values)} numbers; {wanted}, {size or 'some'} each")
                word = " ".join([word, *values[:-size]])  # a few "words" of GloVe have spaces in them
                if word in known:
                    found[known[word]] = np.array(values[-size:], dtype=np.float32)
                    had += 1
    except (OSError, ValueError) as error:
        raise ChatbotError(f"{path}, line {number}: no vectors ({error}); {wanted}") from error
    if found is None or not had:
        raise ChatbotError(f"{path}: has none of the {len(known):,} words of these texts; {wanted}, in small letters")
    return found, had
