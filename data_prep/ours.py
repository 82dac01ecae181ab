"""Whether a folder may be replaced as a whole: it holds what a run of ours writes, and nothing else at any depth."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.place import Place

TURNS = "turns.parquet"
MARK = {b"chatbot": b"turns"}
"""Metadata of a ``turns.parquet`` that we wrote: others may call a file so."""

_WRITTEN = re.compile(
    r"""
      (?:train|valid|test|dropped|ids) /
    | (?:train|valid|test|dropped) / (?:(?:input|valid|test) -\d{5,} -\d{5,} | empty) \.parquet
    | ids / (?:train|valid|test) \.arrow
    | tokenizer\.model | prepare\.yaml | report\.(?:json|md|html)
    """,
    re.VERBOSE,
)


def stranger(place: Place, *, prepared: bool) -> str | None:
    """The first thing in a folder that no run of ours wrote there; None where there is none.

    Args:
        place: the folder.
        prepared: it has what each prepared folder has; else it can only hold turns alone, or nothing.
    """
    halves: list[str] = []  # what belongs to a prepared folder, or to turns, and cannot stand without the rest
    for name in place.below():
        if name == TURNS and not prepared:
            halves += [] if _is_marked(place) else [name]
        elif not _WRITTEN.fullmatch(name):
            return name.rstrip("/")
        elif not prepared:
            halves.append(name.rstrip("/"))
    return halves[0] if halves else None


def _is_marked(place: Place) -> bool:
    try:
        with place.reading(TURNS) as opened:
            return MARK.items() <= (pq.read_metadata(opened).metadata or {}).items()
    except (pa.ArrowException, OSError):
        return False
