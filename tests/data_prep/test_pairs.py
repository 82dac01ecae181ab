import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.pairs import PairConfig, cut, merge_runs
from data_prep.records import Dialogue, Turn

turns = st.lists(st.builds(Turn, st.sampled_from("ABC"), st.text("ab ", max_size=6)), max_size=12).map(tuple)


def talk(*texts):
    return Dialogue("d", tuple(Turn("AB"[k % 2], text) for k, text in enumerate(texts)))


def test_a_speakers_run_is_one_turn():
    merged = merge_runs((Turn("A", "Hi."), Turn("A", "You there?"), Turn("B", "Yes.")))
    assert [turn.text for turn in merged] == ["Hi. You there?", "Yes."]


def test_a_placeholder_inside_a_run_is_not_part_of_it():
    assert merge_runs((Turn("A", "Look!"), Turn("A", "<Media omitted>")))[0].text == "Look!"


def test_a_placeholder_alone_stays_for_the_judge():
    assert merge_runs((Turn("A", "<Media omitted>"), Turn("A", "")))[0].text == "<Media omitted>"


@given(turns)
def test_after_merging_neighbours_differ(given_turns):
    speakers = [turn.speaker for turn in merge_runs(given_turns)]
    assert all(a != b for a, b in itertools.pairwise(speakers))


@given(turns)
def test_merging_twice_is_merging_once(given_turns):
    once = merge_runs(given_turns)
    assert merge_runs(tuple(once)) == once


def test_the_window_holds_the_last_turns():
    pairs = list(cut(talk("1", "2", "3", "4"), PairConfig(context_turns=2)))
    assert [(pair.context, pair.reply) for pair in pairs] == [
        (("1",), "2"),
        (("1", "2"), "3"),
        (("2", "3"), "4"),
    ]


def test_old_turns_give_way_to_the_word_limit_and_the_last_never_does():
    pairs = list(cut(talk("a b c", "d e f g", "h i"), PairConfig(context_turns=3, context_words=5)))
    assert pairs[0].context == ("a b c",)
    assert pairs[1].context == ("d e f g",)


def test_empty_and_placeholder_turns_are_no_context_but_may_be_judged():
    pairs = list(cut(talk("a", "", "b", "c"), PairConfig(context_turns=3)))
    assert [pair.context for pair in pairs] == [("a",), ("a", ""), ("a", "b")]


@given(turns)
def test_a_pair_for_each_turn_but_the_first(given_turns):
    merged = merge_runs(given_turns)
    assert len(list(cut(Dialogue("d", given_turns), PairConfig()))) == max(0, len(merged) - 1)


def test_only_what_i_say_becomes_a_reply():
    pairs = list(cut(talk("1", "2", "3", "4"), PairConfig(context_turns=2, me="B")))
    assert [(pair.context, pair.reply) for pair in pairs] == [(("1",), "2"), (("2", "3"), "4")]


def test_a_window_of_nothing_is_refused_by_name():
    with pytest.raises(PrepareError, match=r"pairs\.context_turns is 0"):
        PairConfig(context_turns=0)
