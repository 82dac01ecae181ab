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


def cut_by_silence(chat: Dialogue, silence: float | Literal["auto"], *, take_up: bool = True) -> Iterator[Dialogue]:
    """Dialogues of a stream of messages; one without times stays whole.

    A turn that expressly answers somebody's in another dialogue, however old, joins that one at its end, and so does
    what the two go on to say: the pair is worth having, and one dialogue is on one side of a split. When somebody else
    speaks, without saying what it answers, a dialogue begins anew, for the turn before it is no longer there.

    The id of each names the minute in which it begins, so that an export with older messages moves nothing.

    Args:
        chat: messages in the order of the file, at least some with a time (seconds).
        silence: minutes, or "auto" for ``rhythm``.
        take_up: whether links reach over silence; without, a turn that answers one of another dialogue loses its link.
    """
    times = [turn.time for turn in chat.turns]
    if all(time is None for time in times):
        yield chat
        return
    limit = 60 * (rhythm(times) if silence == "auto" else silence)
    starts = [place for place in range(len(times)) if place == 0 or _silent(times, place, limit)]
    pieces = _pieces(chat.turns, starts, take_up)
    met: Counter[str] = Counter()
    names = [_name(chat.id, times[start:], met) for start in starts]
    names += [_name(chat.id, [times[place] for place in piece], met) for piece in pieces[len(starts) :]]
    for name, piece in sorted(zip(names, pieces, strict=True), key=lambda named: named[1]):
        if piece:
            yield Dialogue(name, _linked(chat.turns, piece), chat.group, chat.personas)


def _pieces(turns: tuple[Turn, ...], starts: list[int], take_up: bool) -> list[list[int]]:
    """Places of the turns of each dialogue: of the stretches between silences, then of those that begin within one."""
    pieces: list[list[int]] = [[] for _ in starts]
    begun = {place: stretch for stretch, place in enumerate(starts)}
    home: list[int] = []  # of each turn
    own = here = 0  # what the stretch itself talks of, and the dialogue that is spoken in
    talkers: set[str] = set()  # those who go on with the latter where it is another
    for place, turn in enumerate(turns):
        if place in begun:
            own = here = begun[place]
        answered = _answered(turns, place) if take_up else None
        if answered is not None and home[answered] != here:
            here, talkers = home[answered], {turns[answered].speaker}
        elif here != own and answered is None and turn.speaker not in talkers:
            if pieces[own]:
                own = len(pieces)
                pieces.append([])
            here = own
        talkers.add(turn.speaker)
        pieces[here].append(place)
        home.append(here)
    return pieces


def _answered(turns: tuple[Turn, ...], place: int) -> int | None:
    """Somebody else's turn that this one expressly answers."""
    answered = turns[place].answers
    if answered is None or answered >= place or turns[answered].speaker == turns[place].speaker:
        return None
    return answered


def _linked(turns: tuple[Turn, ...], piece: list[int]) -> tuple[Turn, ...]:
    """The turns of a dialogue, whose links point to places in it."""
    if piece[0] == 0 and len(piece) == piece[-1] + 1:
        return turns[: len(piece)]
    within = {place: number for number, place in enumerate(piece)}
    found = (turns[place] for place in piece)
    return tuple(turn if turn.answers is None else turn._replace(answers=within.get(turn.answers)) for turn in found)


def _name(chat: str, times: list[float | None], met: Counter[str]) -> str:
    name = f"{chat}:{_minute(times)}"
    met[name] += 1
    return f"{name}~{met[name]}" if met[name] > 1 else name


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
