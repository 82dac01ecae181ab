"""A chat that never ends, cut into conversations where nobody wrote for a while."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

from data_prep.records import Dialogue, Turn

_SHORTEST, _LONGEST = 5.0, 12 * 60.0  # minutes: no rhythm makes a pause of seconds, or a night, mean the opposite
_ENOUGH = 50  # gaps that show a rhythm
_USUAL = 30.0


def cut_by_silence(chat: Dialogue, silence: float | Literal["auto"]) -> Iterator[Dialogue]:
    """Dialogues of a stream of messages; one without times stays whole.

    The id of each names the minute in which it begins, so that an export with older messages moves nothing.
    A turn that answers one of an earlier dialogue loses that link.

    Args:
        chat: messages in the order of the file, at least some with a time (seconds).
        silence: minutes, or "auto" for ``rhythm``.
    """
    times = [turn.time for turn in chat.turns]
    if all(time is None for time in times):
        yield chat
        return
    limit = 60 * (rhythm(times) if silence == "auto" else silence)
    met: Counter[str] = Counter()
    start = 0
    for place in range(1, len(times) + 1):
        if place < len(times) and not _silent(times, place, limit):
            continue
        name = f"{chat.id}:{_minute(times[start:place])}"
        met[name] += 1
        number = f"~{met[name]}" if met[name] > 1 else ""
        turns = tuple(_moved(turn, start) for turn in chat.turns[start:place])
        yield Dialogue(name + number, turns, chat.group, chat.personas)
        start = place


def rhythm(times: list[float | None]) -> float:
    """Minutes of silence that part this chat's conversations: the emptiest stretch between quick and slow gaps.

    Gaps within a conversation and gaps between conversations make two hills on a logarithmic scale. The valley is
    found as the threshold with the largest variance between the two classes (Otsu 1979), held between five minutes
    and half a day. Too few messages show no rhythm: then it is half an hour.

    >>> round(rhythm([60.0 * k for k in range(30)] + [90_000 + 60.0 * k for k in range(30)]))
    38
    """
    known = [time for time in times if time is not None]
    gaps = sorted(math.log(b - a) for a, b in pairwise(known) if b - a >= 1)
    if len(gaps) < _ENOUGH or gaps[-1] - gaps[0] < math.log(10):
        return _USUAL
    total, best, minutes = sum(gaps), -1.0, _USUAL
    below = 0.0
    for count in range(1, len(gaps)):
        below += gaps[count - 1]
        above = total - below
        left, right = below / count, above / (len(gaps) - count)
        between = count * (len(gaps) - count) * (left - right) ** 2
        if between > best:
            best, minutes = between, math.exp((gaps[count - 1] + gaps[count]) / 2) / 60
    return min(_LONGEST, max(_SHORTEST, minutes))


def _silent(times: list[float | None], place: int, limit: float) -> bool:
    before, after = times[place - 1], times[place]
    return before is not None and after is not None and after - before > limit


def _minute(times: list[float | None]) -> str:
    first = next((time for time in times if time is not None), None)
    if first is None or not -62e9 < first < 253e9:
        return "start"
    return datetime.fromtimestamp(first, UTC).strftime("%Y-%m-%d %H:%M")


def _moved(turn: Turn, start: int) -> Turn:
    if turn.answers is None or start == 0:
        return turn
    return turn._replace(answers=turn.answers - start if turn.answers >= start else None)
