"""What each rule does to one line, and what each judge says of one pair: `chatbot prepare --explain`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from data_prep.anonymise import Anonymiser
from data_prep.config import PrepareConfig
from data_prep.filters import Filters
from data_prep.pipeline import filter_config
from data_prep.plan import anonymiser_for
from data_prep.records import Pair
from data_prep.rules import JUDGES, trace
from data_prep.text import fold, printable, words

_WITHOUT = "no input is read here: the names of its speakers are not known, those of --names are"


def explain(text: str, config: PrepareConfig | None = None) -> Iterator[str]:
    """A line for each repair that changes the text, in order, and the result, with names hidden if that was asked for.

    >>> list(explain("you ' re"))
    ["given: you ' re", "spaced apostrophes: you're", "result: you're", 'folded: you re', 'words: 3']
    """
    yield f"given: {printable(text)}"
    steps = trace(text)
    for name, _, after in steps:
        yield f"{name}: {printable(after)}"
    result = steps[-1][2] if steps else text
    if config and (anonymiser := _anonymiser(config)):
        result = anonymiser.text(result)
        yield f"anonymised: {printable(result)} ({_WITHOUT})"
    elif not steps:
        yield "no rule changes it"
    yield f"result: {printable(result)}"
    yield f"folded: {printable(fold(result))}"
    yield f"words: {len(words(result))}"


def explain_pair(context: str, reply: str, config: PrepareConfig) -> Iterator[str]:
    """What the repairs leave of both sides, a line for each judge, and the verdict."""
    sides = []
    anonymiser = _anonymiser(config)
    if anonymiser:
        yield f"anonymised: yes ({_WITHOUT})"
    for name, text in (("context", context), ("reply", reply)):
        steps = trace(text)
        sides.append(steps[-1][2] if steps else text)
        sides[-1] = anonymiser.text(sides[-1]) if anonymiser else sides[-1]
        yield f"{name}: {printable(sides[-1])}" + (f" (by {', '.join(step[0] for step in steps)})" if steps else "")
    pair = Pair("", (sides[0],), sides[1])
    reasons = []
    for judge in JUDGES:
        rejects = judge.rejects(pair, config.limits)
        reasons += [judge.reason] if rejects else []
        yield f"{judge.reason}: {'drops it' if rejects else 'lets it pass'}"
    filtered = Filters(filter_config(config)).explain(*sides)
    if filtered is not None:
        reasons.append(filtered)
        yield f"{filtered}: drops it"
    yield f"verdict: dropped, {reasons[0]}" if reasons else "verdict: kept, unless the whole corpus says otherwise"


def _anonymiser(config: PrepareConfig) -> Anonymiser | None:
    return anonymiser_for(config, Counter())
