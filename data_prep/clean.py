"""Dialogues to judged pairs: repairs, runs merged, pairs cut, judges asked; one batch of rows at a time.

Only Arrow columns go in and out, so that the same function serves any engine that cuts a table into batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from data_prep.errors import PrepareError
from data_prep.pairs import PairConfig, cut
from data_prep.records import Dialogue, Pair, Turn
from data_prep.rules import JUDGES, REPAIRS, Limits, judge, trace
from data_prep.split import SplitConfig, hash64, split_of
from data_prep.tally import Tally
from data_prep.text import fold

PAIRS_A_DIALOGUE = 1 << 24  # a pair's number is its dialogue's number times this, plus its place in the dialogue

# One row a dialogue; every list has one element a pair.
CLEANED = pa.struct(
    [
        ("contexts", pa.large_list(pa.large_list(pa.large_string()))),
        ("replies", pa.large_list(pa.large_string())),
        ("reasons", pa.large_list(pa.large_string())),
        ("numbers", pa.large_list(pa.int64())),
        ("pair_keys", pa.large_list(pa.uint64())),
        ("reply_keys", pa.large_list(pa.uint64())),
        ("split", pa.int8()),
        ("tally", pa.large_string()),
    ]
)


@dataclass(frozen=True)
class CleanConfig:
    """What the cleaning of a dialogue depends on."""

    limits: Limits = field(default_factory=Limits)
    pairs: PairConfig = field(default_factory=PairConfig)
    split: SplitConfig = field(default_factory=SplitConfig)


def pair_key(pair: Pair) -> int:
    """64 bits of the folded pair: (fold(last turn of the context), fold(reply))."""
    return hash64(f"{fold(pair.context[-1])}\0{fold(pair.reply)}")


def new_tally() -> Tally:
    """Empty books with every repair and judge in order."""
    return Tally((*(rule.name for rule in REPAIRS), *(rule.reason for rule in JUDGES)))


def repair_turns(turns: tuple[Turn, ...], tally: Tally, place: int) -> tuple[Turn, ...]:
    """Repaired turns; each rule that acted is counted once a turn."""
    repaired = []
    for turn in turns:
        steps = trace(turn.text)
        acted: dict[str, tuple[str, str]] = {}
        for name, before, after in steps:
            acted.setdefault(name, (before, after))
        for name, (before, after) in acted.items():
            tally[name].add(place, before, after)
        repaired.append(Turn(turn.speaker, steps[-1][2] if steps else turn.text))
    return tuple(repaired)


def clean_dialogue(dialogue: Dialogue, config: CleanConfig, tally: Tally, place: int) -> list[tuple[Pair, str | None]]:
    """Pairs of a dialogue, each with the reason to drop it or None."""
    turns = repair_turns(dialogue.turns, tally, place)
    judged = []
    for pair in cut(Dialogue(dialogue.id, turns), config.pairs):
        reason = judge(pair, config.limits)
        if reason is not None:
            tally[reason].add(place, pair.context[-1], pair.reply)
        judged.append((pair, reason))
    return judged


def count_seen(tally: Tally, turns: int, pairs: int) -> None:
    """Enter how often each rule was asked: a repair sees all turns, a judge the pairs that those before it let pass."""
    for rule in REPAIRS:
        tally[rule.name].seen = turns
    for judge_rule in JUDGES:
        tally[judge_rule.reason].seen = pairs
        pairs -= tally[judge_rule.reason].acted


def clean_batch(
    places: pa.Array, dialogues: pa.Array, speakers: pa.Array, texts: pa.Array, config: CleanConfig
) -> pa.StructArray:
    """Clean a batch of dialogues.

    Args:
        places: int64, the number of each dialogue in the corpus.
        dialogues: string, its id.
        speakers: list<string>, who says each turn.
        texts: list<string>, what they say.
        config: thresholds and windows.

    Returns:
        One struct of type ``CLEANED`` a dialogue. The books of the whole batch stand in its first row.
    """
    tally = new_tally()
    rows: list[dict[str, Any]] = []
    columns = (places.to_pylist(), dialogues.to_pylist(), speakers.to_pylist(), texts.to_pylist())
    for place, name, who, what in zip(*columns, strict=True):
        turns = tuple(Turn(s, t) for s, t in zip(who, what, strict=True))
        if len(turns) > PAIRS_A_DIALOGUE:
            raise PrepareError(f"{name}: a dialogue of {len(turns):,} turns; part it, at most {PAIRS_A_DIALOGUE:,} go")
        judged = clean_dialogue(Dialogue(name, turns), config, tally, place)
        rows.append(
            {
                "contexts": [pair.context for pair, _ in judged],
                "replies": [pair.reply for pair, _ in judged],
                "reasons": [reason for _, reason in judged],
                "numbers": [place * PAIRS_A_DIALOGUE + k for k in range(len(judged))],
                "pair_keys": [0 if reason else pair_key(pair) for pair, reason in judged],
                "reply_keys": [0 if reason else hash64(fold(pair.reply)) for pair, reason in judged],
                "split": split_of(name, config.split),
                "tally": None,
            }
        )
    if rows:
        count_seen(tally, sum(map(len, columns[3])), sum(len(row["replies"]) for row in rows))
        rows[0]["tally"] = tally.to_json()
    return pa.array(rows, type=CLEANED)
