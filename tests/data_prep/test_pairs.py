import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.columns import count
from data_prep.errors import PrepareError
from data_prep.pairs import NONE, PairConfig, Turns, cut, merge_runs
from data_prep.rules import is_placeholder

said = st.lists(st.tuples(st.integers(0, 2), st.text("ab ", max_size=6)), max_size=12)


def columns(turns, answers=None, dialogue=None):
    speakers, texts = ([turn[k] for turn in turns] for k in (0, 1))
    return Turns(
        np.zeros(len(turns), np.int64) if dialogue is None else np.array(dialogue),
        np.array(speakers, np.int64),
        pa.array(texts, pa.large_string()),
        np.full(len(turns), NONE) if answers is None else np.array(answers),
    )


def talk(*texts, **more):
    return columns([(k % 2, text) for k, text in enumerate(texts)], **more)


def pairs(turns, config, me=None):
    texts = turns.texts.to_pylist()
    hollow = np.array([not text or is_placeholder(text) for text in texts], bool)
    window = cut(turns, count(turns.texts).words, hollow, config, me)
    return [
        (tuple(texts[row] for row in reversed(context) if row != NONE), texts[reply])
        for context, reply in zip(window.context.tolist(), window.reply.tolist(), strict=True)
    ]


def test_a_speakers_run_is_one_turn():
    merged = merge_runs(columns([(0, "Hi."), (0, "You there?"), (1, "Yes.")]))
    assert merged.texts.to_pylist() == ["Hi. You there?", "Yes."]


def test_a_placeholder_inside_a_run_is_not_part_of_it():
    assert merge_runs(columns([(0, "Look!"), (0, "<Media omitted>")])).texts.to_pylist() == ["Look!"]


@pytest.mark.parametrize(
    ("texts", "left_out"),
    [
        (("Look!", "image omitted", "Live location shared"), 2),
        (("image omitted", "", "image omitted"), 1),
        (("Look!", ""), 0),
        (("", "image omitted"), 1),
        (("", ""), 0),
    ],
)
def test_placeholders_that_leave_a_run_are_counted(texts, left_out):
    merged = merge_runs(columns([(0, text) for text in texts]))
    assert merged.left_out == merge_runs(merged).left_out == left_out


def test_a_placeholder_alone_stays_for_the_judge():
    assert merge_runs(columns([(0, "<Media omitted>"), (0, "")])).texts.to_pylist() == ["<Media omitted>"]


def test_a_run_does_not_reach_into_the_next_dialogue():
    assert len(merge_runs(columns([(0, "Hi."), (0, "Hi.")], dialogue=[0, 1])).texts) == 2


def test_halves_that_meet_in_a_run_are_repaired_again():
    assert merge_runs(columns([(0, "I"), (0, "'m here")])).texts.to_pylist() == ["I'm here"]


@given(said)
def test_after_merging_neighbours_differ(turns):
    speakers = merge_runs(columns(turns)).speaker.tolist()
    assert all(a != b for a, b in itertools.pairwise(speakers))


@given(said)
def test_merging_twice_is_merging_once(turns):
    once = merge_runs(columns(turns))
    assert merge_runs(once).texts == once.texts


def test_the_window_holds_the_last_turns():
    assert pairs(talk("1", "2", "3", "4"), PairConfig(context_turns=2)) == [
        (("1",), "2"),
        (("1", "2"), "3"),
        (("2", "3"), "4"),
    ]


def test_old_turns_give_way_to_the_word_limit_and_the_last_never_does():
    found = pairs(talk("a b c", "d e f g", "h i"), PairConfig(context_turns=3, context_words=5))
    assert [context for context, _ in found] == [("a b c",), ("d e f g",)]


def test_what_stands_before_a_turn_that_does_not_fit_is_left_out_too():
    found = pairs(talk("a", "b b b b b b", "c", "d"), PairConfig(context_turns=3, context_words=4))
    assert found[-1] == (("c",), "d")


def test_empty_and_placeholder_turns_are_no_context_but_may_be_judged():
    found = pairs(talk("a", "", "b", "c"), PairConfig(context_turns=3))
    assert [context for context, _ in found] == [("a",), ("a", ""), ("a", "b")]


@given(said)
def test_a_pair_for_each_turn_but_the_first(turns):
    merged = merge_runs(columns(turns))
    assert len(pairs(merged, PairConfig())) == max(0, len(merged.texts) - 1)


def test_only_what_i_say_becomes_a_reply():
    found = pairs(talk("1", "2", "3", "4"), PairConfig(context_turns=2), me=1)
    assert found == [(("1",), "2"), (("2", "3"), "4")]


def test_a_reply_follows_its_link_and_so_does_what_stood_before_it():
    turns = columns([(0, "q1"), (1, "q2"), (2, "a1"), (1, "a2")], answers=[NONE, NONE, 0, 2])
    assert pairs(turns, PairConfig(context_turns=3)) == [
        (("q1",), "q2"),
        (("q1",), "a1"),
        (("q1", "a1"), "a2"),
    ]


def test_a_link_begins_a_run_of_its_own_and_nobody_answers_oneself():
    turns = columns([(0, "q"), (1, "first"), (1, "to q"), (1, "more")], answers=[NONE, NONE, 0, NONE])
    merged = merge_runs(turns)
    assert merged.texts.to_pylist() == ["q", "first", "to q more"]
    assert pairs(merged, PairConfig(context_turns=1)) == [(("q",), "first"), (("q",), "to q more")]
    alone = columns([(0, "a"), (1, "b"), (0, "again")], answers=[NONE, NONE, 0])
    assert pairs(alone, PairConfig()) == [(("a",), "b")]


@pytest.mark.parametrize("name", ["context_turns", "context_words"])
def test_a_window_of_nothing_is_refused_by_name(name):
    with pytest.raises(PrepareError, match=rf"pairs\.{name} is 0"):
        PairConfig(**{name: 0})
