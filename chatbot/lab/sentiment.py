"""Is a review for or against? The classifier of the chapter, what dirty data does to it, and what one would do today.

The chapter's net: a word is 300 numbers, a text is cut or filled up to 400 words, an LSTM of 50 units reads it, and one
unit looks at all 400 outputs laid flat. Then by the letter. Then a net that looks at the real words alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from matplotlib.figure import Figure

from chatbot.errors import ChatbotError
from chatbot.lab import reviews
from chatbot.lab.classifier import MOST_WORDS, Job, Learned, learn, parts_of
from chatbot.lab.drawing import lines, sheet
from chatbot.lab.jobs import each
from chatbot.lab.result import Result
from chatbot.lab.reviews import Cut
from chatbot.training.console import say

NAME = "sentiment"
MODERN = "modern"


@dataclass(frozen=True)
class Texts:
    """What is learned from: its words and letters, and where they are cut."""

    words: list[list[str]]
    letters: list[list[str]]
    held: int
    """Texts that are held out."""

    @classmethod
    def read(cls, data: Sequence[Path]) -> Texts:
        """Read and split."""
        train, test = parts_of(data)
        words, letters = ([split(text) for text in train.texts] for split in (reviews.by_word, reviews.by_letter))
        return cls(words, letters, len(test))

    def cuts(self) -> list[Cut]:
        """A long one and a short one in words, and one in letters."""
        long, short = reviews.cuts(self.words)
        in_letters = reviews.cut_of_letters(self.letters)
        return [Cut.at(long, self.words), Cut.at(short, self.words), Cut.at(in_letters, self.letters)]


@dataclass(frozen=True)
class Net:
    """What one kind of net came to, over the seeds."""

    accuracy: float
    each: list[float]
    weights: int
    seconds: float
    curve: tuple[float, ...]
    """Of the first seed, by epoch."""

    @classmethod
    def of(cls, runs: Sequence[Learned]) -> Net:
        """The mean of some runs."""
        found = [got.accuracy for got in runs]
        return cls(mean(found), found, runs[0].weights, mean(got.seconds for got in runs), runs[0].curve)


def jobs_of(
    full: bool, seed: int, data: Sequence[Path], cuts: Sequence[Cut], vectors: Path | None, keep: Path
) -> list[Job]:
    """The chapter's net at each of the cuts, and the modern one, whose first is kept; with five seeds each if full."""
    long, short, letters = (cut.length for cut in cuts)
    paths = tuple(data)
    asked = [(f"the chapter's, {length} words", paths, "word", length) for length in (long, short)]
    asked += [(f"the chapter's, {letters} letters", paths, "letter", letters)]
    seeds = range(seed, seed + (5 if full else 1))
    jobs = [Job(*net, False, one, 2, vectors) for net in asked for one in seeds]
    return jobs + [
        Job(MODERN, paths, "word", long, True, one, 20 if full else 6, keep=keep if one == seed else None)
        for one in seeds
    ]


def run(full: bool, seed: int, data: Sequence[Path], folder: Path, vectors: Path | None = None) -> Result:
    """Count, teach all, and compare; the modern net of the first seed is written into the folder.

    Raises:
        ChatbotError: there is no such data.
    """
    began = time.monotonic()
    if not data:
        raise ChatbotError("--data: nothing given; expected a folder with pos/ and neg/, two files of lines, or a CSV")
    texts = Texts.read(data)
    if vectors is not None:
        known = reviews.vocabulary(texts.words, least=1, most=MOST_WORDS)
        _, had = reviews.vectors(vectors, known)
        say(f"{vectors} has {had:,} of {len(known):,} words")
    cuts = texts.cuts()
    jobs = jobs_of(full, seed, data, cuts, vectors, folder)
    done = each(learn, jobs, lambda job, got: f"{job.name}: {100 * got.accuracy:.1f} %")
    names = dict.fromkeys(job.name for job in jobs)
    nets = {name: Net.of([got for job, got in zip(jobs, done, strict=True) if job.name == name]) for name in names}
    rows = [["net", "right, %", *(["of the runs"] if full else []), "weights"]]
    for name, net in nets.items():
        spread = [f"{100 * min(net.each):.1f} to {100 * max(net.each):.1f}"] if full else []
        rows.append([name, f"{100 * net.accuracy:.1f}", *spread, f"{net.weights:,}"])
    settings = {"full": full, "seed": seed, "data": list(map(str, data)), "vectors": vectors and str(vectors)}
    figures = {"nets": {name: asdict(net) for name, net in nets.items()}, "cuts": [asdict(cut) for cut in cuts]}
    picture = _drawn(nets, texts, cuts)
    return Result(NAME, settings, figures, rows, _tells(nets, texts, cuts), picture, time.monotonic() - began)


def _drawn(nets: dict[str, Net], texts: Texts, cuts: Sequence[Cut]) -> Figure:
    figure, (first, second) = sheet(2)
    curves = {name: (range(1, 1 + len(net.curve)), [100 * one for one in net.curve]) for name, net in nets.items()}
    lines(first, curves, title="Held-out texts on the right side", across="epoch", up="%")
    sizes = np.array([len(text) for text in texts.words])
    most = int(np.quantile(sizes, 0.99))
    step = max(1, most // 50)  # whole numbers to a bar, or some would have one more than others
    second.hist(sizes.clip(max=most), bins=[k - 0.5 for k in range(0, most + 2 * step, step)], color="#93c5fd")
    for cut in cuts[:2]:
        second.axvline(cut.length, color="#c2410c", linewidth=1)
    second.set_title("Words of a text, and where they are cut", fontsize=10)
    return figure


def _tells(nets: dict[str, Net], texts: Texts, cuts: Sequence[Cut]) -> str:
    told = [
        f"at {one.length} {what} {one.padded:,} are padded, {one.cut:,} cut, {one.exact:,} fit"
        for one, what in zip(cuts, ("words", "words", "letters"), strict=True)
    ]
    long, short, letters, modern = (net.accuracy for net in nets.values())
    if max(net.accuracy for net in nets.values()) < 0.5 + texts.held**-0.5:  # two deviations of one who draws lots
        return (
            f"Of {len(texts.words):,} texts that are learned from: {'; '.join(told)}. None of the nets is better than "
            f"lots would be on {texts.held:,} texts held out (the modern one: {100 * modern:.1f} %): there is too "
            "little here to learn from."
        )
    letters_told = (
        "Letters are easier to have, all of them known, and harder to learn from: two epochs do not find words in them."
        if letters < short
        else "Letters are easier to have, all of them known, and two epochs found enough in them here."
    )
    return (
        f"Of {len(texts.words):,} texts that are learned from: {'; '.join(told)}. The chapter's net reads pads as if "
        f"they were words and has a weight of its own for every place: of {texts.held:,} held out it has "
        f"{100 * long:.1f} % right with the long cut, {100 * short:.1f} % with the short one, {100 * letters:.1f} % by "
        f"the letter. {letters_told} The modern net looks at what is really there, both ways, drops words while it "
        f"learns, and keeps the best of its {len(nets[MODERN].curve)} epochs: {100 * modern:.1f} %."
    )
