"""What only the whole corpus can tell: repeats, replies that stand too often, pairs that would leak between splits.

The dataframe engine sees 64-bit hashes of folded text and row numbers, never the texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from daft import DataFrame, col

from data_prep.errors import PrepareError
from data_prep.split import TRAIN

REPEATED = "repeats an earlier pair"
LEAKING = "stands in another split"
CAPPED = "reply stands too often"
REASONS = (REPEATED, LEAKING, CAPPED)


@dataclass(frozen=True)
class DedupeConfig:
    """How much repetition is left in."""

    same_reply: int | None = 50
    """At most this many pairs with one same reply, case and marks aside; null for no limit."""

    def __post_init__(self) -> None:
        if self.same_reply is not None and self.same_reply < 1:
            raise PrepareError(f"dedupe.same_reply is {self.same_reply}; expected at least 1, or null for no limit")


@dataclass(frozen=True)
class Repeats:
    """Pairs to drop: ``numbers`` ascending (int64), ``reasons`` the index into ``REASONS`` of each (int8)."""

    numbers: np.ndarray
    reasons: np.ndarray
    kept_in_train: int
    """Pairs that stay in training."""


def find_repeats(keys: DataFrame, config: DedupeConfig) -> Repeats:
    """Which of the pairs that the judges kept must go.

    Of the pairs with one same folded text the first in the corpus stays, wherever it stands: so no folded pair is
    in two splits. Of the pairs with one same folded reply, ``same_reply`` stay, chosen by hash and not by place.

    Args:
        keys: a row a pair that was kept: number (int64), pair_key, reply_key (uint64), split (int8).
        config: the limits.
    """
    # The split travels in the lowest bits of the number, so that one minimum tells both.
    keys = keys.with_column("tagged", col("number") * 4 + col("split")).collect()
    first = keys.groupby("pair_key").agg(col("tagged").min().alias("earliest"), col("tagged").count().alias("uses"))
    joined = keys.join(first.where("uses > 1"), on="pair_key")
    again = joined.where("tagged != earliest").select("tagged", "earliest").to_arrow()
    tagged = again["tagged"].to_numpy()
    leaking = (tagged & 3) != (again["earliest"].to_numpy() & 3)
    numbers = [tagged >> 2]
    reasons = [np.where(leaking, REASONS.index(LEAKING), REASONS.index(REPEATED)).astype(np.int8)]
    if config.same_reply is not None:
        capped = _capped(keys, numbers[0], config.same_reply)
        numbers.append(capped)
        reasons.append(np.full(len(capped), REASONS.index(CAPPED), dtype=np.int8))
    dropped, why = np.concatenate(numbers), np.concatenate(reasons)
    order = np.argsort(dropped)
    train = keys.where(f"split = {TRAIN}").select("number").to_arrow()["number"].to_numpy()
    return Repeats(dropped[order], why[order], kept_in_train=int((~np.isin(train, dropped)).sum()))


def _capped(keys: DataFrame, gone: np.ndarray, most: int) -> np.ndarray:
    """Numbers of the pairs above ``most`` of one reply, among those not ``gone``."""
    often = keys.groupby("reply_key").agg(col("number").count().alias("uses")).where(f"uses > {most}")
    rows = keys.join(often, on="reply_key").select("number", "reply_key", "pair_key").to_arrow()
    rows = rows.filter(pa.array(~np.isin(rows["number"].to_numpy(), gone)))
    reply, pair, number = (rows[name].to_numpy() for name in ("reply_key", "pair_key", "number"))
    order = np.lexsort((pair, reply))
    starts = np.flatnonzero(np.r_[True, reply[order][1:] != reply[order][:-1]]) if len(order) else np.zeros(0, int)
    sizes = np.diff(np.r_[starts, len(order)])
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    above: np.ndarray = number[order][rank >= most]
    return above
