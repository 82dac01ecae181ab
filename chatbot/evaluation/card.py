"""What of an evaluation goes on the card of a bot."""

from __future__ import annotations

import random
from typing import Any

from chatbot.evaluation.evaluate import Evaluation
from chatbot.evaluation.figures import KINDS

_SHOWN = ("bleu2", "bleu4", "chrf", "f1", "distinct1", "distinct2", "words", "repeats", "commonest", "copies")
_SAMPLES = 10


def figures_for_card(evaluation: Evaluation, bot: str) -> dict[str, Any]:
    """Texts and tables, as `chatbot.card.card` takes them."""
    questions = evaluation.questions
    same, near = questions.known
    systems = [system for system in evaluation.systems if system.kind == "baseline" or system.bot == bot]
    rows = [["replies", *(KINDS[name].label for name in _SHOWN)]]
    for system in systems:
        spreads = evaluation.scores[system.name].spreads
        rows.append([system.name, *(KINDS[name].shown(spreads[name].value) for name in _SHOWN)])
    learned = evaluation.learned[bot]
    verdicts = evaluation.verdicts
    return {
        "on": f"On {len(questions):,} pairs of the split {questions.split} of {questions.path.resolve().name}: "
        f"{same.sum():,} stand in training, {near.sum():,} with those near to one there.",
        "How likely what people said is to it": _likelihood(evaluation, bot),
        "Its replies beside those of people, and those that cost nothing": rows,
        "verdict": " ".join(verdicts[system.name] for system in evaluation.of(bot)),
        "ranks": f"It ranks the true reply {learned.ranks} in {100 * learned.hits.value:.1f} % of contexts; by chance "
        f"in {100 * learned.by_chance:.0f} %.",
    }


def _likelihood(evaluation: Evaluation, bot: str) -> list[list[str]]:
    rows = [["people's replies", "pairs", "nats a word", "perplexity a word", "bits a character"]]
    for part, found in evaluation.learned[bot].likely.items():
        if found is not None:
            nats, bits = found.nats_per_word.value, found.bits_per_character
            rows.append([part, f"{found.pairs:,}", f"{nats:.3f}", f"{found.perplexity_per_word:.2f}", f"{bits:.3f}"])
    return rows


def samples_for_card(evaluation: Evaluation, bot: str) -> list[tuple[str, str]]:
    """Some questions with the bot's answers, drawn at random."""
    texts = evaluation.of(bot)[0].texts
    places = sorted(random.Random(evaluation.seed).sample(range(len(texts)), min(_SAMPLES, len(texts))))
    return [(evaluation.questions.last_turns[place], texts[place]) for place in places]
