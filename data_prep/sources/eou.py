"""DailyDialog (Li et al. 2017): a dialogue a line, each turn followed by ``__eou__``; two people take turns.

Where ``__eot__`` stands as well (Ubuntu Dialogue Corpus), it ends the turn, and ``__eou__`` a message within it.
"""

from __future__ import annotations

from collections.abc import Iterator

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_MESSAGE, _TURN = "__eou__", "__eot__"
_SHARE = 0.8  # of the lines end in a mark: a line that got none is dirt, a table with such texts is another format


def recognises(file: File) -> bool:
    """Nearly every line ends in a mark."""
    if not file.looks_like_text or _MESSAGE not in file.head_text:
        return False
    lines = [line for line in map(str.rstrip, file.first_lines) if line]
    return sum(line.endswith((_MESSAGE, _TURN)) for line in lines) >= _SHARE * len(lines)


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """A dialogue from each line; its id is the number of the line."""
    for number, line in file.lines():
        turns = tuple(_turns(line, notes))
        if turns:
            yield Dialogue(f"{file.name}:{number}", turns)


def _turns(line: str, notes: Notes) -> Iterator[Turn]:
    parts = line.split(_TURN if _TURN in line else _MESSAGE)
    if not parts[-1].strip():
        parts.pop()
    for place, part in enumerate(parts):
        messages = [message.strip() for message in part.split(_MESSAGE)]
        said = [message for message in messages if message]
        if not said:
            notes.counts["empty turns between __eou__, left out"] += 1
        for message in said:
            yield Turn("AB"[place % 2], message)


FORMAT = Format("eou", recognises, read)
