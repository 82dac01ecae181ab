"""Silence parts conversations, and an express answer takes an old one up again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data_prep.records import Dialogue, Turn
from data_prep.sources.silence import cut_by_silence

DAY = 24 * 60.0


def cut(*said: tuple[float, str, str] | tuple[float, str, str, int], **more: bool) -> dict[str, list[str]]:
    """Id → texts, each answer with the text that it points to; said: minute, speaker, text, place that it answers."""
    turns = tuple(Turn(s[1], s[2], 60 * s[0], s[3] if len(s) > 3 else None) for s in said)
    return {
        part.id: [t.text if t.answers is None else f"{t.text}>{part.turns[t.answers].text}" for t in part.turns]
        for part in cut_by_silence(Dialogue("c", turns), 30, **more)
    }


def test_a_late_answer_joins_what_it_answers() -> None:
    chat = ((0, "Ann", "tea?"), (1, "Cy", "hm"), (DAY, "Cy", "morning"), (DAY + 1, "Bo", "yes", 0))
    assert cut(*chat) == {"c:1970-01-01 00:00": ["tea?", "hm", "yes>tea?"], "c:1970-01-02 00:00": ["morning"]}
    assert cut(*chat, take_up=False) == {"c:1970-01-01 00:00": ["tea?", "hm"], "c:1970-01-02 00:00": ["morning", "yes"]}


def test_what_the_two_go_on_to_say_follows_and_others_begin_anew() -> None:
    chat = (
        *((0, "Ann", "tea?"), (DAY, "Cy", "morning"), (DAY + 1, "Bo", "yes", 0), (DAY + 2, "Bo", "at five")),
        *((DAY + 3, "Ann", "good"), (DAY + 4, "Cy", "cake?"), (DAY + 5, "Ann", "sure"), (2 * DAY, "Dee", "me too", 2)),
    )
    assert cut(*chat) == {
        "c:1970-01-01 00:00": ["tea?", "yes>tea?", "at five", "good", "me too>yes"],
        "c:1970-01-02 00:00": ["morning"],
        "c:1970-01-02 00:04": ["cake?", "sure"],
    }


def test_a_stretch_that_begins_with_an_answer_keeps_its_id_for_the_rest() -> None:
    chat = ((0, "Ann", "tea?"), (DAY, "Bo", "yes", 0), (DAY + 2, "Cy", "cake?"), (3 * DAY, "Bo", "again", 1))
    assert cut(*chat) == {
        "c:1970-01-01 00:00": ["tea?", "yes>tea?"],
        "c:1970-01-02 00:00": ["cake?"],
        "c:1970-01-04 00:00": ["again"],  # nobody answers oneself
    }


SAID = st.tuples(st.integers(0, 90), st.sampled_from("abc"), st.none() | st.integers(1, 6))


@given(st.lists(SAID, min_size=1, max_size=14))
def test_no_turn_is_lost_and_the_ids_of_stretches_do_not_change(said: list[tuple[int, str, int | None]]) -> None:
    turns, now = [], 0.0
    for place, (gap, speaker, back) in enumerate(said):
        now += 60 * gap
        turns.append(Turn(speaker, str(place), now, None if back is None or back > place else place - back))
    chat = Dialogue("c", tuple(turns))
    before, after = list(cut_by_silence(chat, 30, take_up=False)), list(cut_by_silence(chat, 30))
    assert sorted(int(t.text) for part in after for t in part.turns) == list(range(len(turns)))
    assert len({part.id for part in after}) == len(after)
    for part in after:
        assert [int(t.text) for t in part.turns] == sorted(int(t.text) for t in part.turns)
        for turn in part.turns:
            answered = turns[int(turn.text)].answers
            if answered is not None and turns[answered].speaker != turn.speaker:
                assert turn.answers is not None
                assert part.turns[turn.answers].text == str(answered)
    starts = {part.turns[0].text: part.id for part in before}
    assert all(starts.get(part.turns[0].text, part.id) == part.id for part in after)
