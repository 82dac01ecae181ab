"""Any other JSON that holds dialogues: lists of messages, of strings, or of exchanges, found by their shape.

Topical-Chat (id → content), Taskmaster and Schema-Guided Dialogue (an array of dialogues), PersonaChat and its kin
(exchanges), LCCC (arrays of strings), ConvoKit (a message a line), questions with answers: what they share is lists
whose elements look like messages. Where there are several, names such as ``dialogue`` and ``utterances`` speak for a
list, names such as ``persona`` and ``annotations`` against it, and of equals all are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from data_prep.records import Dialogue
from data_prep.sources import names, rows
from data_prep.sources.cells import transposed, wordy
from data_prep.sources.columns import Picked, by_statistics, guess
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.json_values import DEEPEST, beginning, values
from data_prep.sources.names import normal
from data_prep.sources.options import Columns, SourceConfig

EACH = "[]"
"""Step of a path into each element of a list."""
ANY = "*"
"""Step of a path into each value of an object whose keys are ids."""

_SAMPLE = 200  # values of the file that are looked at to find the lists
_LOOKED_AT = 20  # elements of a list, and lists of a path
_NODES = 100_000  # places of the sample that are looked at
_BATCH = 2_000  # rows that are turned into columns together
_SEVERAL = 3  # lists of one name that speak for dialogues
_CERTAIN = 4
_POSSIBLE = 2
NO_DIALOGUES = "no dialogues in this JSON"

Path = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """Lists of one kind in one place of the JSON."""

    path: Path
    """To the lists: first into each value of the file; empty where these values are the elements themselves."""
    score: int
    """How sure it is that these are dialogues."""
    picked: Picked | None
    """The fields of messages that are objects; None where they are strings."""
    exchanges: bool = False
    """Each list holds exchanges (lists of strings, or questions with replies) and is one dialogue."""


def recognises(file: File) -> bool:
    """JSON with a list that certainly is a dialogue; a longer file is judged by its beginning."""
    if not file.looks_like_text or file.head_text.lstrip()[:1] not in ("{", "["):
        return False
    found = beginning(file.head_text)
    if len(found) == 1 and isinstance(found[0], list):
        found = tuple(found[0])
    return any(shape.score >= _CERTAIN for shape in shapes(list(found[:_SAMPLE])))


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Dialogues in the order of the file; where there are none, the notes say so.

    Raises:
        PrepareError: the file is not JSON; it names the line.
    """
    stream = values(file)
    first = list(islice(stream, _SAMPLE))
    sample = [value for _, _, value in first]
    chosen = shapes(sample, config.columns, file.path)
    if not chosen:
        notes.passed_over[file.name] = NO_DIALOGUES
        return
    numbered = ((number, value) for number, _, value in chain(first, stream))
    if not chosen[0].path:
        yield from _of_elements(file.name, (value for _, value in numbered), chosen[0], notes, config)
        return
    single = len(sample) == 1
    for number, value in numbered:
        for shape in chosen:
            for steps, found in lists_at(value, shape.path[1:]):
                place = [] if single else [str(number)]
                place += [shape.path[-1]] * (len(chosen) > 1) + list(steps)
                name = f"{file.name}:{'/'.join(place)}" if place else file.name
                yield from _of_list(name, found, shape, notes, config, alone=not place)


def _of_elements(
    name: str, elements: Iterable[Any], shape: Shape, notes: Notes, config: SourceConfig
) -> Iterator[Dialogue]:
    """Dialogues of a file whose values are rows, messages or strings."""
    if shape.picked is None:
        yield from _spoken(rows.alternating(f"{name}:1", elements))
        return
    yield from rows.dialogues(name, _batches(elements, shape.picked), shape.picked, notes, config)


def _batches(elements: Iterable[Any], picked: Picked) -> Iterator[dict[str, list[Any]]]:
    elements = iter(elements)
    while batch := list(islice(elements, _BATCH)):
        yield transposed(batch, picked.needed)


def _of_list(
    name: str, found: list[Any], shape: Shape, notes: Notes, config: SourceConfig, alone: bool
) -> Iterator[Dialogue]:
    """What one list holds. ``alone``: it is the only one of its file."""
    picked = shape.picked
    grouped = picked is not None and bool(picked.kind != "messages" or picked.dialogue or picked.threads)
    if picked and not shape.exchanges and (grouped or (alone and _is_chat(shape))):
        yield from rows.dialogues(name, _batches(found, picked), picked, notes, config)
        return
    name = f"{name}:1" if alone else name
    if picked is None:
        yield from _spoken(_exchanged(name, found) if shape.exchanges else rows.alternating(name, found))
    elif shape.exchanges:
        pairs = rows.dialogues(name, _batches(found, picked), picked, notes, config)
        yield from _spoken(Dialogue(name, tuple(turn for pair in pairs for turn in pair.turns)))
    else:
        yield from _spoken(rows.talk(name, found, picked, notes))


def _is_chat(shape: Shape) -> bool:
    """The one list of a file, called messages: an export that goes on for months, not a dialogue of a corpus."""
    return normal(shape.path[-1]) not in names.SINGLE and normal(shape.path[-1]) in ("messages", "chat", "data", "rows")


def _exchanged(name: str, exchanges: list[Any]) -> Dialogue:
    """``[["Hi", "Hello"], ["Tea?", "Yes"]]``: what stands at one place is said by one person."""
    said = [rows.alternating(name, exchange).turns for exchange in exchanges if isinstance(exchange, list)]
    return Dialogue(name, tuple(chain.from_iterable(said)))


def _spoken(dialogue: Dialogue) -> Iterator[Dialogue]:
    if dialogue.turns:
        yield dialogue


def lists_at(value: Any, path: Path) -> Iterator[tuple[Path, list[Any]]]:
    """(Keys and numbers on the way, list) of each list at a path."""
    if not path:
        if isinstance(value, list):
            yield (), value
        return
    step, rest = path[0], path[1:]
    inside: Iterable[tuple[str, Any]] = ()
    if step == EACH and isinstance(value, list):
        inside = ((str(number), item) for number, item in enumerate(value, 1))
    elif step == ANY and isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, dict) and step in value:
        for keys, found in lists_at(value[step], rest):
            yield keys, found
    for key, item in inside:
        for keys, found in lists_at(item, rest):
            yield (key, *keys), found


def shapes(sample: list[Any], asked: Columns | None = None, where: str = "") -> list[Shape]:
    """The lists of a sample that look most like dialogues; empty where none does.

    >>> [shape.path for shape in shapes([{"persona": ["I like tea."], "talk": [["Tea?", "Yes, please."]]}])]
    [('[]', 'talk')]
    """
    met = _lists(sample)
    found = [shape for path, lists in met.items() if (shape := _shape(path, lists, met, asked, where))]
    best = max((shape.score for shape in found), default=0)
    if best < _POSSIBLE:
        return []
    top = [shape for shape in found if shape.score == best]
    like = [shape for shape in top if len(shape.path) == len(top[0].path) and shape.path[:-1] == top[0].path[:-1]]
    return like if like[0].path[-1:] not in ((), (EACH,), (ANY,)) else like[:1]


def _lists(sample: list[Any]) -> dict[Path, list[list[Any]]]:
    """Path → some lists that stand there, the outermost first; the sample itself is the list at the empty path."""
    met: dict[Path, list[list[Any]]] = defaultdict(list)
    met[()].append(sample)
    level: list[tuple[Path, Any]] = [((EACH,), item) for item in sample]
    nodes = 0
    while level and nodes < _NODES and len(level[0][0]) < DEEPEST:
        below: list[tuple[Path, Any]] = []
        for path, value in level:
            nodes += 1
            if isinstance(value, list):
                if len(met[path]) < _SAMPLE:
                    met[path].append(value)
                below += [((*path, EACH), item) for item in value[:_LOOKED_AT] if isinstance(item, (list, dict))]
            elif isinstance(value, dict):
                ids = _keys_are_ids(value)
                inside = [(key, item) for key, item in value.items() if isinstance(item, (list, dict))]
                below += [((*path, ANY if ids else key), item) for key, item in inside[: _LOOKED_AT if ids else None]]
        level = below
    return met


def _keys_are_ids(value: dict[str, Any]) -> bool:
    """Whether an object is a table of like things by id (or by split), not a thing with fields."""
    items = list(value.values())
    if len(items) < 2 or any(normal(key) in names.LISTS or normal(key) in names.NOT_TALK for key in value):
        return False
    if all(isinstance(item, dict) for item in items):
        shared = set(items[0]).intersection(*items[1:_LOOKED_AT])
        return bool(shared) and 2 * len(shared) >= len(items[0])
    return all(isinstance(item, list) for item in items)


def _shape(
    path: Path, lists: list[list[Any]], met: dict[Path, list[list[Any]]], asked: Columns | None, where: str
) -> Shape | None:
    key = next((normal(step) for step in reversed(path) if step not in (EACH, ANY)), "")
    if key in names.NOT_TALK:
        return None
    items = [item for found in lists[:_SAMPLE] for item in found[: 5 * _LOOKED_AT]][:4_000]
    if items and all(isinstance(item, str) for item in items):
        return _of_strings(path, key, lists, items, met)
    objects = [item for item in items if isinstance(item, dict)]
    if not objects or len(objects) < 0.9 * len(items):
        return None
    return _of_objects(path, key, len(lists), objects, asked if not path else None, where)


def _of_strings(
    path: Path, key: str, lists: list[list[Any]], items: list[str], met: dict[Path, list[list[Any]]]
) -> Shape | None:
    named = key in names.LISTS
    texts = wordy(items, 0.5) and sum(map(len, items)) >= 8 * len(items)
    several = sum(len(found) > 1 for found in lists) >= 0.5 * len(lists)
    nested = path[-1:] == (EACH,) or path in ((), (ANY,))
    if not several or not (named or (nested and texts)) or not wordy(items, 0.0):
        return None
    if key == "data" and len(lists) < _SEVERAL:
        return None
    score = 3 * named + 2 * texts + 2 * nested
    if path[-1:] == (EACH,) and len(path) > 1 and max(map(len, lists)) <= 2 and _together(path[:-1], key, met):
        return Shape(path[:-1], score, None, exchanges=True)
    return Shape(path, score if path else _POSSIBLE, None)  # one list of sentences may be anything


def _of_objects(
    path: Path, key: str, lists: int, objects: list[Any], asked: Columns | None, where: str
) -> Shape | None:
    fields = transposed(objects)
    named = key in names.LISTS
    if asked and not all(column is None or column in fields for column in vars(asked).values()):
        asked = None  # said of a table beside this file
    picked = guess(fields, asked, where)
    if picked and picked.kind == "lists" and not picked.speaker:
        return None  # the lists are met by themselves
    if picked is None:
        picked = by_statistics(fields) if path else None
        if picked is None or not (named or picked.speaker):
            return None
        return Shape(
            path,
            2 + named + 2 * picked.sure + (named and lists >= _SEVERAL and wordy(fields[picked.text], 0.5)),
            picked,
        )
    if asked and (asked.text or asked.reply):
        return Shape(path, 20, picked)
    if picked.kind == "pairs":
        return Shape(path, 6, picked, exchanges=bool(path) and key in names.SINGLE)
    sure = 2 * (named and bool(path)) + bool(picked.time) + 4 * (picked.kind == "lists")
    return Shape(path, 5 + sure, picked)


def _together(path: Path, key: str, met: dict[Path, list[list[Any]]]) -> bool:
    """Whether the pairs of a list are the exchanges of one dialogue, not dialogues of two turns."""
    return key in names.SINGLE or (key in names.LISTS and path[-1] not in (EACH, ANY) and len(met[path]) > 1)


FORMAT = Format("json", recognises, read)
