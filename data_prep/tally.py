"""The books: how often each rule was asked, how often it acted, and the first three examples of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

EXAMPLES = 3
_LONGEST = 160  # characters of an example; more is cut


@dataclass
class Count:
    """One rule: ``seen`` and ``acted`` (changed a text, or dropped a pair), and examples (place, before, after)."""

    seen: int = 0
    acted: int = 0
    examples: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, place: int, before: str, after: str) -> None:
        """The rule acted on the text at ``place`` (its order in the corpus)."""
        self.acted += 1
        self.example(place, before, after)

    def example(self, place: int, before: str, after: str) -> None:
        """Offer an example; the earliest in the corpus are kept."""
        example = (place, shorten(before), shorten(after))
        if len(self.examples) < EXAMPLES or example < self.examples[-1]:
            self._keep([*self.examples, example])

    def merge(self, other: Count) -> None:
        """Add the books of another part of the corpus; the order of merging does not matter."""
        self.seen += other.seen
        self.acted += other.acted
        self._keep(self.examples + other.examples)

    def _keep(self, examples: list[tuple[int, str, str]]) -> None:
        self.examples = sorted(examples)[:EXAMPLES]


class Tally:
    """Counts by name of rule, in the order in which the rules were announced."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.counts: dict[str, Count] = {name: Count() for name in names}

    def __getitem__(self, name: str) -> Count:
        return self.counts.setdefault(name, Count())

    def merge(self, other: Tally) -> None:
        """Add all counts of ``other``."""
        for name, count in other.counts.items():
            self[name].merge(count)

    def to_json(self) -> str:
        """As text, so that a part's books can travel as one cell of a table."""
        return json.dumps({name: [c.seen, c.acted, c.examples] for name, c in self.counts.items()})

    @classmethod
    def from_json(cls, text: str) -> Tally:
        """The books that `to_json` wrote."""
        tally = cls()
        for name, (seen, acted, examples) in json.loads(text).items():
            tally.counts[name] = Count(seen, acted, [(place, before, after) for place, before, after in examples])
        return tally


def shorten(text: str) -> str:
    """An example of bearable length.

    >>> len(shorten("long " * 100))
    160
    """
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
