"""A part of the corpus, cleaned: repairs made, runs merged, pairs cut, judges asked; columns in, columns out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep import pairs as windows
from data_prep.anonymise import HIDDEN, Anonymiser
from data_prep.columns import (
    Ints,
    Keys,
    count,
    even_spaces,
    fold_column,
    hash_column,
    joined,
    large,
    mix,
    replaced,
    surely_clean,
)
from data_prep.filters import FilterConfig, Filters
from data_prep.near import band_keys
from data_prep.pairs import NONE, PairConfig, Turns, cut, merge_runs
from data_prep.personas import OTHER, OWN, PERSONA, Told, told_of
from data_prep.rules import REASONS, REPAIRS, WHITE_SPACE, Limits, trace
from data_prep.rules.whole_columns import PASSED, Pairs, Texts, hollow, judge_all
from data_prep.split import SplitConfig, split_of
from data_prep.tally import EXAMPLES, Tally

_WITHIN = "placeholders (media omitted, message deleted) within longer turns, left out"
PAIRS_A_PART = 1 << 32  # a pair's number is its part's number times this, plus its row

DIALOGUES = pa.schema(
    [
        ("dialogue", pa.large_string()),
        ("group", pa.large_string()),
        ("speakers", pa.large_list(pa.large_string())),
        ("texts", pa.large_list(pa.large_string())),
        ("times", pa.large_list(pa.float64())),
        ("answers", pa.large_list(pa.int32())),
        ("described", pa.large_list(pa.large_string())),
        ("personas", pa.large_list(pa.large_string())),
    ]
)
"""What a reading leaves, a dialogue a row; ``answers`` are places within the dialogue, ``described`` the speakers that
``personas`` are of."""


@dataclass(frozen=True)
class CleanConfig:
    """What the cleaning of a part depends on."""

    limits: Limits = field(default_factory=Limits)
    pairs: PairConfig = field(default_factory=PairConfig)
    filters: FilterConfig = field(default_factory=FilterConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    by_group: bool = False
    """Whether the groups decide the split, and not the dialogues."""
    me: str | None = None
    bands: int = 0
    """Keys of near repeats to make for each pair; 0 for none."""
    compare: bool = False
    """Whether raw keys are wanted, to tell what a given split shares with training."""
    anonymiser: Anonymiser | None = None


@dataclass(frozen=True)
class Cleaned:
    """A cleaned part."""

    texts: pa.LargeStringArray
    """Merged, repaired turns, and behind them personas."""
    pairs: pa.Table
    """A row a pair: dialogue, context (places in ``texts``, oldest first), roles (int8, a place in ``ROLES`` for each
    of them), reply (a place), verdict (int8, a place in ``REASONS`` or ``PASSED``), split (int8) and the keys pair,
    reply_key, context_key (uint64)."""
    bands: pa.Table | None
    """For the pairs that passed: row (int32), and uint32 keys of which near repeats share one."""
    raw: RawKeys | None
    tally: Tally
    turns: int
    left_out: dict[str, int]
    """What was taken out of longer turns, as ``Notes.counts`` has it."""


@dataclass(frozen=True)
class RawKeys:
    """Keys of a part before any rule, to tell what two splits share: of folded pairs and of whole dialogues."""

    pairs: Keys
    dialogues: Keys


def new_tally() -> Tally:
    """Empty books with every repair and every reason in order."""
    return Tally((*(rule.name for rule in REPAIRS), *REASONS))


def clean_part(part: pa.Table, config: CleanConfig, number: int, given: bool = False) -> Cleaned:
    """Clean the dialogues of a part.

    Args:
        part: rows of ``DIALOGUES``.
        config: rules, windows, splits.
        number: of the part in the corpus; examples in the books are ordered by it.
        given: whether it belongs to a given split, whose pairs all stay: the verdicts are then remarks.
    """
    tally = new_tally()
    turns, names = _turns(part)
    me = None if config.me is None else names.get(config.me, len(names))
    raw = _raw_keys(turns) if config.compare else None
    place = number * PAIRS_A_PART
    texts = repair_column(turns.texts, tally, place)
    merged = merge_runs(Turns(turns.dialogue, turns.speaker, texts, turns.answers))
    told = told_of(part, names, config.pairs.persona_words)
    if config.anonymiser is not None:  # last: a repair may lay a name bare, and two messages make up a number
        for entry in tally.counts.values():
            entry.examples.clear()  # they show the texts as they were
        merged = replace(merged, texts=_hide(merged.texts, config.anonymiser, tally))
        told = replace(told, texts=_hide(told.texts, config.anonymiser, tally))
    folded = fold_column(merged.texts)
    known = Texts(merged.texts, count(merged.texts), hash_column(folded))
    window = cut(merged, known.counts.words, hollow(known), config.pairs, me)
    last = window.context[:, 0] if len(window.reply) else window.reply
    characters = np.where(window.context == NONE, 0, known.counts.characters[window.context]).sum(axis=1)
    verdict = judge_all(known, Pairs(last, window.reply, characters), config.limits)
    Filters(config.filters).judge(verdict, merged.texts, folded, last, window.reply)
    if not given:
        _enter(tally, verdict, merged.texts, last, window.reply, place)
    pairs = _table(part, merged, told, window, verdict, known.folded, config, number)
    passed = np.arange(len(verdict)) if given else np.flatnonzero(verdict == PASSED)
    bands = None
    if config.bands:
        both = joined(folded.take(pa.array(last[passed])), folded.take(pa.array(window.reply[passed])))
        bands = band_keys(both, config.bands).add_column(0, "row", pa.array(passed.astype(np.int32)))
    return Cleaned(
        pa.concat_arrays([merged.texts, told.texts]), pairs, bands, raw, tally, len(texts), _left_out(merged)
    )


def _left_out(merged: Turns) -> dict[str, int]:
    return {_WITHIN: merged.left_out} if merged.left_out else {}


def repair_column(texts: pa.LargeStringArray, tally: Tally, place: int) -> pa.LargeStringArray:
    """Repaired texts; each rule that acted is counted once a text."""
    rows = np.flatnonzero(~surely_clean(texts))
    evened = even_spaces(texts.take(pa.array(rows)))
    only_spaces = surely_clean(evened)  # most of what needs repair: nothing but spaces to even out
    _enter_spaces(tally, texts, evened, rows, np.flatnonzero(only_spaces), place)
    texts = replaced(texts, rows[only_spaces], evened.filter(pa.array(only_spaces)))
    where, changed = [], []
    rest = rows[~only_spaces]
    for row, text in zip(rest.tolist(), texts.take(pa.array(rest)).to_pylist(), strict=True):
        steps = trace(text)
        if not steps:
            continue
        acted: dict[str, tuple[str, str]] = {}
        for name, before, after in steps:
            acted.setdefault(name, (before, after))
        for name, (before, after) in acted.items():
            tally[name].add(place + row, before, after)
        where.append(row)
        changed.append(steps[-1][2])
    return replaced(texts, np.array(where, np.int64), changed)


def _enter_spaces(
    tally: Tally, texts: pa.LargeStringArray, evened: pa.LargeStringArray, rows: Ints, changed: Ints, place: int
) -> None:
    entry = tally[WHITE_SPACE]
    entry.acted += len(changed)
    for k in changed[:EXAMPLES].tolist():
        entry.example(place + int(rows[k]), texts[int(rows[k])].as_py(), evened[k].as_py())


def count_seen(tally: Tally, turns: int, pairs: int) -> None:
    """Enter how often each rule was asked: a repair sees all turns, a judge the pairs that those before it let pass.
    What hides has counted its own: it sees them merged, and personas too."""
    for name in (*(rule.name for rule in REPAIRS), *tally.counts):  # and what was done to text that would not settle
        if name not in HIDDEN.values():
            tally[name].seen = turns
    for reason in REASONS:
        tally[reason].seen = pairs
        pairs -= tally[reason].acted


def _turns(part: pa.Table) -> tuple[Turns, dict[str, int]]:
    """The turns of a part as columns, and the number of each speaker's name."""
    columns = {name: part[name].combine_chunks() for name in ("speakers", "texts", "answers")}
    columns = {name: c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for name, c in columns.items()}
    lengths = pc.list_value_length(columns["texts"]).to_numpy(zero_copy_only=False).astype(np.int64)
    starts = np.r_[0, np.cumsum(lengths)]
    dialogue = np.repeat(np.arange(len(lengths)), lengths)
    speakers = columns["speakers"].flatten().dictionary_encode()
    answers = columns["answers"].flatten()
    known = pc.is_valid(answers).to_numpy(zero_copy_only=False)
    place = pc.fill_null(answers, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.where(known, place + starts[dialogue], NONE)
    names = {name: code for code, name in enumerate(speakers.dictionary.to_pylist())}
    codes = speakers.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Turns(dialogue, codes, large(columns["texts"].flatten()), rows), names


def _raw_keys(turns: Turns) -> RawKeys:
    keys = hash_column(fold_column(turns.texts))
    first = np.r_[True, turns.dialogue[1:] != turns.dialogue[:-1]][: len(keys)]
    follows = np.flatnonzero(~first)
    starts = np.flatnonzero(first)
    place = np.arange(len(keys)) - np.repeat(starts, np.diff(np.r_[starts, len(keys)]))
    placed = mix(keys, place.astype(np.uint64))
    whole = np.add.reduceat(placed, starts) if len(starts) else placed
    return RawKeys(mix(keys[follows - 1], keys[follows]), whole)


def _hide(texts: pa.LargeStringArray, anonymiser: Anonymiser, tally: Tally) -> pa.LargeStringArray:
    """Texts with placeholders; each kind of them is counted once a text, without examples, which would show it."""
    hidden = [anonymiser.hide(text) for text in texts.to_pylist()]
    for placeholder, what in HIDDEN.items():
        tally[what].seen += len(hidden)
        tally[what].acted += sum(placeholder in found for _, found in hidden)
    return pa.array([text for text, _ in hidden], pa.large_string())


def _enter(tally: Tally, verdict: Ints, texts: pa.LargeStringArray, last: Ints, reply: Ints, place: int) -> None:
    """Count what the judges dropped, with the first examples of each reason."""
    for reason in np.unique(verdict[verdict != PASSED]).tolist():
        rows = np.flatnonzero(verdict == reason)
        entry = tally[REASONS[reason]]
        entry.acted += len(rows)
        for row in rows[:EXAMPLES].tolist():
            entry.example(place + row, texts[int(last[row])].as_py(), texts[int(reply[row])].as_py())


def _table(
    part: pa.Table,
    merged: Turns,
    told: Told,
    window: windows.Windows,
    verdict: Ints,
    keys: Keys,
    config: CleanConfig,
    number: int,
) -> pa.Table:
    owner = merged.dialogue[window.reply]
    names = large(part["dialogue"]) if config.anonymiser is None else hidden_names(len(part), number)
    groups = part["group" if config.by_group else "dialogue"].combine_chunks().dictionary_encode()
    splits = np.array([split_of(group, config.split) for group in groups.dictionary.to_pylist()], np.int8)
    splits = splits[groups.indices.to_numpy()]
    speaker = merged.speaker[window.reply]
    persona = told.before(owner, speaker)
    context = np.column_stack([np.where(persona == NONE, NONE, len(merged.texts) + persona), window.context[:, ::-1]])
    roles = np.where(merged.speaker[context % max(1, len(merged.texts))] == speaker[:, None], OWN, OTHER)
    roles[:, 0] = PERSONA
    there = context != NONE
    offsets = pa.array(np.r_[0, np.cumsum(there.sum(axis=1))])
    last = window.context[:, 0]
    return pa.table(
        {
            "dialogue": names.take(pa.array(owner)),
            "context": pa.LargeListArray.from_arrays(offsets, pa.array(context[there].astype(np.int32))),
            "roles": pa.LargeListArray.from_arrays(offsets, pa.array(roles[there].astype(np.int8))),
            "reply": pa.array(window.reply.astype(np.int32)),
            "verdict": pa.array(verdict.astype(np.int8)),
            "split": pa.array(splits[owner]),
            "pair": pa.array(mix(keys[last], keys[window.reply])),
            "reply_key": pa.array(keys[window.reply]),
            "context_key": pa.array(keys[last]),
        }
    )


def hidden_names(dialogues: int, number: int) -> pa.LargeStringArray:
    """Ids that tell nothing: a dialogue's own begins with the name of its file, which is often that of a person."""
    return pa.array([f"dialogue {number}-{row}" for row in range(dialogues)], pa.large_string())
