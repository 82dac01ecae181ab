"""The whole evaluation: questions, everybody's replies, their figures, and what these say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from chatbot.evaluation.baselines import MEANING, baselines
from chatbot.evaluation.examinee import CANDIDATES, Examinee
from chatbot.evaluation.figures import KINDS, Resamples, Scored, scored
from chatbot.evaluation.likely import Likely, by_part
from chatbot.evaluation.measures import ratio
from chatbot.evaluation.memory import longest_runs
from chatbot.evaluation.progress import Progress
from chatbot.evaluation.questions import Questions
from chatbot.evaluation.resample import Figure, Spread, resamples
from chatbot.evaluation.verdict import against_baselines, compared
from chatbot.replies import Look, Reply
from chatbot.search.config import SearchConfig


@dataclass(frozen=True)
class System:
    """Whose replies these are."""

    name: str
    kind: str
    """``baseline``, ``bot`` or ``predictions``."""
    texts: Sequence[str]
    replies: Sequence[Reply] = ()
    """Of a bot, with their scores and pieces."""
    bot: str = ""
    """The bot's name, without how it was asked."""
    seconds: float | None = None
    search: SearchConfig | None = None


@dataclass(frozen=True)
class Learned:
    """What is known of a bot whatever it says."""

    likely: dict[str, Likely | None]
    hits: Figure
    """Share of contexts whose true reply it ranks first among the candidates."""
    mean_reciprocal_rank: float
    ranked: int
    candidates: float
    """Replies that it ranks, the true one among them: a mean over the contexts."""
    by_chance: float
    """The share of hits of one who draws lots."""
    other_pieces: bool
    """Whether it was trained on other pieces than those of the questions."""

    @property
    def ranks(self) -> str:
        """What it is measured by, for people."""
        return f"first among {self.candidates:.0f}" + ("" if self.candidates.is_integer() else " (on average)")


@dataclass
class Evaluation:
    """All there is to tell."""

    questions: Questions
    systems: list[System]
    scores: dict[str, Scored]
    learned: dict[str, Learned]
    seed: int
    looks: dict[str, list[tuple[int, Look]]] = field(default_factory=dict)
    """Of a bot, some places and where it looked as it answered there."""

    @property
    def contestants(self) -> list[System]:
        """All but the baselines."""
        return [system for system in self.systems if system.kind != "baseline"]

    def of(self, bot: str) -> list[System]:
        """What a bot said, once for each way it was asked."""
        return [system for system in self.systems if system.bot == bot]

    @property
    def verdicts(self) -> dict[str, str]:
        """A sentence for each contestant."""
        base = {one.name: self.scores[one.name] for one in self.systems if one.kind == "baseline"}
        return {one.name: against_baselines(one.name, self.scores[one.name], base) for one in self.contestants}

    @property
    def comparisons(self) -> dict[str, dict[str, float]]:
        """Of each contestant but the first: how often chance would part it as far from the first, figure by figure."""
        if not self.contestants:
            return {}
        first, *others = (system.name for system in self.contestants)
        return {other: compared(self.scores[first], self.scores[other]) for other in others}

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        questions = self.questions
        same, near = questions.known
        return {
            "format": 1,
            "prepared": str(questions.path),
            "split": questions.split,
            "seed": self.seed,
            "pairs": len(questions),
            "pairs_of_the_split": questions.whole,
            "in_training": int(same.sum()),
            "near_training": int(near.sum()),
            "contexts_with_several_references": sum(len(own) > 1 for own in questions.references),
            "meaning": {name: f"{kind.label}: {kind.means}" for name, kind in KINDS.items()} | MEANING,
            "signatures": next(iter(self.scores.values())).signatures,
            "systems": [self._system(system) for system in self.systems],
            "bots": {name: asdict(learned) for name, learned in self.learned.items()},
            "verdicts": self.verdicts,
            "compared_with_the_first": self.comparisons,
        }

    def _system(self, system: System) -> dict[str, Any]:
        spreads = self.scores[system.name].spreads
        return {
            "name": system.name,
            "kind": system.kind,
            "search": None if system.search is None else asdict(system.search),
            "ms_a_reply": None if system.seconds is None else 1000 * system.seconds / max(1, len(system.texts)),
            "figures": {name: asdict(spread.figure()) for name, spread in spreads.items()},
        }


def system_name(bot: str, way: str) -> str:
    """What a bot is called that is asked in one of several ways, or in the only one."""
    return f"{bot}, {way}" if way else bot


def evaluate(
    questions: Questions,
    bots: Mapping[str, Examinee],
    searches: Mapping[str, Mapping[str, SearchConfig]],
    predictions: Mapping[str, Sequence[str]],
    seed: int,
    progress: Progress,
) -> Evaluation:
    """Ask everybody, and reckon all figures.

    Args:
        questions: what is asked.
        bots: those under test, name by name.
        searches: of each bot, how it is to look for replies: a preset's name to its settings.
        predictions: replies of other systems, name by name.
        seed: of everything that is drawn.
        progress: is told how far it is.
    """
    systems = [System(name, "baseline", texts) for name, texts in baselines(questions, seed).items()]
    learned = {}
    for name, bot in bots.items():
        for way, search in searches[name].items():
            with progress(f"{system_name(name, way)} answers", len(questions)) as watch:
                replies, seconds = bot.said(search, watch)
            systems.append(
                System(system_name(name, way), "bot", [reply.text for reply in replies], replies, name, seconds, search)
            )
        learned[name] = _learned(name, bot, questions, seed, progress)
    systems += [System(name, "predictions", texts) for name, texts in predictions.items()]
    runs = longest_runs(
        [text for system in systems for text in system.texts], [reply for _, reply in questions.trained]
    ).reshape(len(systems), -1)
    again = Resamples.of(len(questions), seed)
    scores = {}
    with progress("figures", len(systems)) as watch:
        for system, own in zip(systems, runs, strict=True):
            scores[system.name] = scored(system.texts, questions, own.tolist(), again, seed)
            watch(1)
    return Evaluation(questions, systems, scores, learned, seed)


def _learned(name: str, bot: Examinee, questions: Questions, seed: int, progress: Progress) -> Learned:
    with progress(f"{name}: likelihood", len(questions)) as watch:
        nats = bot.nats(watch)
    with progress(f"{name}: ranks {CANDIDATES} candidates", bot.ranked) as watch:
        ranks, candidates = (np.array(column) for column in zip(*bot.ranks(seed, watch), strict=True))
    first = Spread.of(ratio(ranks == 1), resamples(len(ranks), seed), trials=len(ranks))
    return Learned(
        by_part(questions.replies, nats, bot.pieces, questions.known, seed),
        first.figure(),
        float((1 / ranks).mean()),
        len(ranks),
        float(candidates.mean()),
        float((1 / candidates).mean()),
        bot.other_pieces,
    )
