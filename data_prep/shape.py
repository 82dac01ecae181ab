"""What the talk looks like in figures: lengths, turns, and the replies that stand most often. Parts can be merged."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, fields


@dataclass
class Shape:
    """Counts that the plots of a report are drawn from."""

    turns: Counter[int] = field(default_factory=Counter)
    """Turns of a dialogue → dialogues."""
    reply_words: Counter[int] = field(default_factory=Counter)
    """Words of the reply → kept pairs."""
    context_words: Counter[int] = field(default_factory=Counter)
    """Words of the whole context → kept pairs."""
    replies_seen: Counter[str] = field(default_factory=Counter)
    """Folded reply → pairs seen; the most frequent ones only."""
    replies_kept: Counter[str] = field(default_factory=Counter)
    """Folded reply → kept training pairs, for the same replies."""

    def merge(self, other: Shape) -> None:
        """Add the counts of another part of the corpus; the order of merging does not matter."""
        for each in fields(self):
            getattr(self, each.name).update(getattr(other, each.name))

    def to_json(self) -> str:
        """As text; equal counts give equal text, whatever the order they came in."""
        return json.dumps({each.name: sorted(getattr(self, each.name).items()) for each in fields(self)})

    @classmethod
    def from_json(cls, text: str) -> Shape:
        """The counts that `to_json` wrote."""
        return cls(**{name: Counter(dict(items)) for name, items in json.loads(text).items()})
