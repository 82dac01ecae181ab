"""YAML conversations as in chatterbot-corpus: ``conversations:``, a list of lists of lines that two people say in turn.

Only the events of the parser are read: values stay the text they are written as (``no`` is an answer, not *false*,
``1984`` no number), nothing is constructed, and aliases multiply nothing. What people get wrong by hand is mended
where only one thing can be meant: a reply set one step too deep (``- Hi?`` above ``- Hello``), and colons that make a
line a mapping, or no YAML at all (``- Remember: no``). Where the file is no YAML, each conversation is read for itself;
one that is none is read line by line if each line is an item, and else left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, Union

import yaml

from data_prep.errors import PrepareError
from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig

_KEY = re.compile(r"^[\"']?conversations[\"']?[ \t]*:[ \t]*(?:#.*)?(?:\n\s*(?:#.*\n\s*){0,20}-\s|\[|$)", re.MULTILINE)
_ABOVE = re.compile(r"\s|$|#|%|---|-[ \t]|[\"']?[\w -]{1,60}[\"']?[ \t]*:")
_ITEM = re.compile(r"^([ \t]*)-[ \t]", re.MULTILINE)
_BREAK = re.compile(r"[\n\x85\u2028\u2029]")  # what ends a line in YAML 1.1
_FIRST_LINE = re.compile(r"\s*-\s+-\s+(\S.*)")
_LINE = re.compile(r"\s+-\s+(\S.*)")
_TOO_DEEP = re.compile(r"\n[ \t]*-[ \t]+")
_ABSENT = ("~", "null", "Null", "NULL")
_DEEPEST = 50  # lists within lists: the parser takes quadratic time for more
_LONGEST_ALIAS = 1000  # characters
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LEFT_OUT = "conversations of another shape, left out"


class _Text(NamedTuple):
    text: str
    line: int


class _Node:
    """A list, or the keys and values of a mapping by turns; None stands for what is left out."""

    def __init__(self, line: int, *, mapping: bool) -> None:
        self.line = line
        self.mapping = mapping
        self.items: list[_Item] = []


_Item = Union["_Node", list[_Text], None]


def recognises(file: File) -> bool:
    """``conversations:`` at the beginning of a line, a list below it, and nothing above it but other keys."""
    if not file.looks_like_text or (key := _KEY.search(file.head_text)) is None:
        return False
    return all(map(_ABOVE.match, file.head_text[: key.start()].split("\n")))


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """A dialogue from each conversation; its id is the number of the line where it begins.

    Raises:
        PrepareError: the file is no YAML, and no part of it is.
    """
    text = file.text()
    try:
        found = list(_conversations(text, 0))
    except yaml.YAMLError as error:
        found = _sound_parts(file, text, error, notes)
    met: Counter[str] = Counter()
    for dialogue in (each for item in found for each in _dialogues(file, item, notes)):
        met[dialogue.id] += 1
        again = f"~{met[dialogue.id]}" if met[dialogue.id] > 1 else ""
        yield replace(dialogue, id=dialogue.id + again)


def _sound_parts(file: File, text: str, error: yaml.YAMLError, notes: Notes) -> list[_Item]:
    """The conversations that can be read one by one; the others are told in a warning."""
    found: list[_Item] = []
    broken = 0
    for part, line in _parts(text):
        try:
            found += _conversations(f"conversations:\n{part}", line - 1)
        except yaml.YAMLError:
            if item := _by_lines(part, line + 1):
                found.append(item)
            else:
                broken += 1
    mark = getattr(error, "problem_mark", None)
    where = f"{file.path}, line {mark.line + 1}" if mark else file.path
    why = " ".join(str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).split())
    if not found:
        raise PrepareError(
            f"{where}: not valid YAML ({why}); expected conversations:, a list of lists; mend the line or take it out"
        ) from error
    if broken:
        notes.counts["conversations in broken YAML, left out"] += broken
    notes.warnings.append(f"{where}: not valid YAML ({why}); its conversations were read one by one")
    return found


def _parts(text: str) -> Iterator[tuple[str, int]]:
    """Text of each item under ``conversations:``, and the line (from 0) on which it begins."""
    key = re.search(r"^[\"']?conversations[\"']?[ \t]*:", text, re.MULTILINE)
    first = _ITEM.search(text, key.end()) if key else None
    if first is None:
        return
    starts = [m.start() for m in re.finditer(rf"^{re.escape(first[1])}-[ \t]", text, re.MULTILINE)]
    starts = [start for start in starts if start >= first.start()]
    line, counted = 0, 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line += len(_BREAK.findall(text, counted, start))
        counted = start
        yield text[start:end], line


def _by_lines(part: str, first: int) -> _Node | None:
    """A conversation of which every line is an item, its text taken as it stands."""
    node = _Node(first, mapping=False)
    for number, line in enumerate(_BREAK.split(part.rstrip()), first):
        match = (_FIRST_LINE if number == first else _LINE).fullmatch(line)
        if match:
            node.items.append([_Text(_unquoted(match[1].strip()), number)])
        elif line.strip() and not line.lstrip().startswith("#"):
            return None
    return node


def _conversations(text: str, offset: int) -> Iterator[_Item]:
    """Items of the list under the key ``conversations``, as the parser comes by them."""
    lines = _BREAK.split(text)
    anchors: dict[str, list[_Text]] = {}
    open_nodes: list[_Node] = []
    for event in yaml.parse(text, Loader=_LOADER):
        line = (event.start_mark.line if event.start_mark else 0) + 1 + offset
        item: _Item = None
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            if len(open_nodes) >= _DEEPEST:
                raise yaml.YAMLError("lists within lists without end")
            open_nodes.append(_Node(line, mapping=isinstance(event, yaml.MappingStartEvent)))
            continue
        if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            item = open_nodes.pop()
        elif isinstance(event, yaml.ScalarEvent):
            item = _scalar(event, lines, line)
            if event.anchor and sum(len(each.text) for each in item) <= _LONGEST_ALIAS:
                anchors[event.anchor] = item
        elif isinstance(event, yaml.AliasEvent):
            item = anchors.get(event.anchor or "")
        else:
            continue
        if len(open_nodes) == 2 and _is_conversations(open_nodes):
            yield item
        elif open_nodes:
            open_nodes[-1].items.append(item)


def _is_conversations(open_nodes: list[_Node]) -> bool:
    root, inner = open_nodes
    key = root.items[-1] if len(root.items) % 2 else None
    named = isinstance(key, list) and bool(key) and key[0].text == "conversations"
    return root.mapping and named and not inner.mapping


def _scalar(event: yaml.ScalarEvent, lines: list[str], line: int) -> list[_Text]:
    """Its text; several where lines of it begin with a dash: they were meant to be items."""
    start, end = event.start_mark, event.end_mark
    plain = not event.style
    if not plain or not start or not end or start.line == end.line:
        absent = not event.value.strip() or (plain and event.value in _ABSENT)
        return [] if absent else [_Text(event.value, line)]
    raw = "\n".join(
        [lines[start.line][start.column :], *lines[start.line + 1 : end.line], lines[end.line][: end.column]]
    )
    parts = _TOO_DEEP.split(raw)
    if len(parts) == 1:
        return [_Text(event.value, line)]
    texts = [_unquoted(" ".join(part.split())) for part in parts]
    return [_Text(text, line) for text in texts if text.strip()]


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _dialogues(file: File, item: _Item, notes: Notes) -> Iterator[Dialogue]:
    too_deep = (
        isinstance(item, _Node) and bool(item.items) and all(isinstance(x, _Node) and not x.mapping for x in item.items)
    )
    for conversation in item.items if isinstance(item, _Node) and too_deep else [item]:
        texts = _lines(conversation)
        if texts is None:
            notes.counts[_LEFT_OUT] += 1
        elif len(texts) < 2:
            notes.counts["conversations of one line, left out"] += 1
        else:
            turns = tuple(Turn("AB"[place % 2], each.text) for place, each in enumerate(texts))
            yield Dialogue(f"{file.name}:{texts[0].line}", turns)


def _lines(item: _Item) -> list[_Text] | None:
    """What is said in a conversation; None where it is none."""
    if not isinstance(item, _Node):
        return item
    if item.mapping:
        return None
    texts: list[_Text] = []
    for each in item.items:
        line = _colon(each) if isinstance(each, _Node) else each
        if line is None:
            return None
        texts += line
    return texts


def _colon(node: _Node) -> list[_Text] | None:
    """``- Remember: no`` is a line with a colon, not a mapping."""
    if not node.mapping or len(node.items) != 2:
        return None
    key, value = node.items
    if not (isinstance(key, list) and isinstance(value, list) and len(key) == 1 and len(value) <= 1):
        return None
    return [_Text(f"{key[0].text}: {value[0].text}" if value else f"{key[0].text}:", key[0].line)]


FORMAT = Format("yaml_talk", recognises, read)
