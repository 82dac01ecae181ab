"""Replies that cost nothing to give: what a bot must be better than."""

from __future__ import annotations

import random
from collections import Counter

from chatbot.evaluation.questions import Questions
from data_prep.text import fold

PEOPLE = "people"
RANDOM, COMMONEST, ECHO, NEAREST = "random reply", "commonest reply", "echo", "nearest neighbour"
MEANING = {
    PEOPLE: "what was really said",
    RANDOM: "any reply of the training pairs",
    COMMONEST: "the reply that most training pairs have",
    ECHO: "what is to be answered, said again",
    NEAREST: "the reply of the training pair whose last turn is most like this one by BM25 (Robertson & Zaragoza 2009)",
}


def baselines(questions: Questions, seed: int) -> dict[str, list[str]]:
    """The replies of each, name by name; what people said comes first."""
    trained = [reply for _, reply in questions.trained]
    found = {PEOPLE: questions.replies}
    if trained:
        found[RANDOM] = random.Random(seed).choices(trained, k=len(questions))
        found[COMMONEST] = [_commonest(trained)] * len(questions)
    found[ECHO] = questions.last_turns
    if trained:
        found[NEAREST] = nearest(questions, found[COMMONEST][0])
    return found


def _commonest(replies: list[str]) -> str:
    """The spelling seen most of the reply that stands most often, case and marks aside."""
    ((most, _),) = Counter(map(fold, replies)).most_common(1)
    ((spelt, _),) = Counter(reply for reply in replies if fold(reply) == most).most_common(1)
    return spelt


def nearest(questions: Questions, otherwise: str) -> list[str]:
    """The reply to the training turn most like each last turn; ``otherwise`` where no word of it was ever said."""
    import bm25s  # type: ignore[import-untyped]

    index = bm25s.BM25()
    index.index([fold(turn).split() for turn, _ in questions.trained], show_progress=False)
    found = []
    for turn, itself in zip(questions.last_turns, questions.places, strict=True):
        asked = index.get_tokens_ids(fold(turn).split())
        scores = index.get_scores_from_ids(asked)  # (trained,)
        if questions.split == "train":
            scores[itself] = 0  # a pair is no neighbour of its own
        best = int(scores.argmax())
        found.append(questions.trained[best][1] if scores[best] > 0 else otherwise)
    return found
