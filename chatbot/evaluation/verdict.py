"""What the figures say, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chatbot.evaluation.baselines import PEOPLE
from chatbot.evaluation.figures import KINDS, Scored
from chatbot.evaluation.resample import LEAST, p_value

CHANCE = 0.05
"""A difference that chance would make less often than this is taken for one."""
AGREEING = ("bleu2", "chrf", "f1")
"""What tells how near replies are to those of people. Of runs of four words too few are right to tell anything beyond
chance: with BLEU-4 two random systems differ in one case of four."""


def against_baselines(name: str, one: Scored, baselines: Mapping[str, Scored]) -> str:
    """Which of the baselines replies beat, on what, where they lose, and how varied they are beside people."""
    if not len(one.spreads["f1"].drawn):
        return f"{name}: fewer than {LEAST} pairs tell nothing beyond chance."
    said = []
    for other, scores in baselines.items():
        if other == PEOPLE:
            continue
        won = [KINDS[metric].label for metric in AGREEING if _ahead(one, scores, metric)]
        lost = [KINDS[metric].label for metric in AGREEING if _ahead(scores, one, metric)]
        told = [f"beats it on {', '.join(won)}"] if won else []
        told += [f"loses to it on {', '.join(lost)}"] if lost else []
        said.append(f"{other}: {' and '.join(told) or 'no difference that chance would not make'}")
    own, people = one.spreads["distinct2"].value, baselines[PEOPLE].spreads["distinct2"].value
    varied = f"; its distinct-2 is {100 * own / people:.0f} % of people's" if people > 0 and own == own else ""
    return f"{name} against {'; '.join(said)}{varied}."


def _ahead(one: Scored, other: Scored, metric: str) -> bool:
    first, second = one.spreads[metric], other.spreads[metric]
    return first.value > second.value and p_value(first, second) < CHANCE


def compared(one: Scored, other: Scored) -> dict[str, float]:
    """How often chance alone would part two systems as far, figure by figure; where nobody can tell, it is left out."""
    pairs = {name: (one.spreads[name], other.spreads[name]) for name in KINDS}
    found = {name: p_value(*both) for name, both in pairs.items()}
    return {name: p for name, p in found.items() if not math.isnan(p)}
