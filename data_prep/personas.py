"""What describes a speaker, and the parts that turns play: a persona or a system prompt stands before each context.

Nobody says it and nobody replies to it: it is no turn of the dialogue, and no rule drops a pair for its sake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.columns import Ints
from data_prep.pairs import NONE
from data_prep.rules import repair

ROLES = ("other", "own", "persona")
"""Who says a turn of the context, seen by the one who replies."""
OTHER, OWN, PERSONA = range(3)


@dataclass(frozen=True)
class Told:
    """What speakers of a part are told to be, sorted by dialogue and speaker."""

    dialogue: Ints
    speaker: Ints
    texts: pa.LargeStringArray

    def before(self, dialogue: Ints, speaker: Ints) -> Ints:
        """The place in ``texts`` of what describes each of these speakers of these dialogues, or ``NONE``.

        >>> told = Told(np.array([0, 2]), np.array([1, 0]), pa.array(["I like tea.", "Be brief."], pa.large_string()))
        >>> told.before(np.array([0, 0, 2]), np.array([0, 1, 0])).tolist()
        [-1, 0, 1]
        """
        if not len(self.dialogue):
            return np.full(len(dialogue), NONE)
        wide = 1 + max(int(self.speaker.max()), int(speaker.max(initial=0)))
        keys, wanted = self.dialogue * wide + self.speaker, dialogue * wide + speaker
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, place, NONE)


def told_of(part: pa.Table, names: Mapping[str, int], most: int) -> Told:
    """The personas of a part, repaired, those of one speaker in one text of ``most`` words.

    Args:
        part: rows of ``clean.DIALOGUES``.
        names: the number of each speaker's name; who never speaks needs no persona.
        most: words that stay; 0: none.
    """
    found: dict[tuple[int, int], list[str]] = {}
    rows = pc.list_value_length(part["personas"]).to_numpy().nonzero()[0]
    described, personas = (part[name].take(pa.array(rows)).to_pylist() for name in ("described", "personas"))
    for number, speakers, texts in zip(rows.tolist(), described, personas, strict=True):
        for speaker, text in zip(speakers, texts, strict=True):
            if most and speaker in names:
                found.setdefault((number, names[speaker]), []).append(repair(text))
    told = {key: " ".join(" ".join(texts).split()[:most]) for key, texts in sorted(found.items())}
    told = {key: text for key, text in told.items() if text}
    return Told(
        np.array([dialogue for dialogue, _ in told], np.int64),
        np.array([speaker for _, speaker in told], np.int64),
        pa.array(told.values(), pa.large_string()),
    )
