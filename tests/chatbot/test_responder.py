from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chatbot import bundle
from chatbot.errors import ConfigError
from chatbot.hearing import MAX_PIECES
from chatbot.replies import NOTHING_SAID, Reply
from chatbot.responder import BATCH_POSITIONS, SPEECHLESS, Responder, _batches, search_settings
from chatbot.search.config import SearchConfig
from chatbot.search.filters import allowed
from chatbot.search.presets import DEFAULT, PRESETS
from chatbot.search.steps import DEAD, Hypothesis
from chatbot.speech import Audible, blank_ids
from chatbot.threads import FEW_ROWS
from chatbot.tokenizer import EOS, OWN, PERSONA, SEP
from data_prep.text import printable
from tests.chatbot.conftest import threads
from tests.fakes import save_tiny_bot

SHORT = SearchConfig(beam=1, max_length=8)
BEAM = SearchConfig(beam=4, max_length=8)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> bundle.Bundle:
    return bundle.load(save_tiny_bot(tmp_path_factory.mktemp("responder") / "bot"))


@pytest.fixture(scope="module")
def responder(bot: bundle.Bundle) -> Responder:
    return Responder(bot)


def is_sound(reply: Reply, bot: bundle.Bundle) -> bool:
    """Silence, or a readable text on one line: no special id, no control character, a real score."""
    if reply == NOTHING_SAID:
        return True
    texts = [reply.text, *(other.text for other in reply.alternatives)]
    assert all(text.strip() and printable(text) == text for text in texts)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for text in texts for c in text)
    assert len(set(texts)) == len(texts)
    assert not set(reply.ids) & {*bot.tokenizer.control_ids(), EOS}
    scores = [reply.score, *(other.score for other in reply.alternatives)]
    return all(score is not None and math.isfinite(score) and score > DEAD for score in scores)


@pytest.mark.parametrize("how", [SHORT, BEAM])
@given(history=st.lists(st.text(st.characters(codec=None)), max_size=4))
@example(history=[])
@example(history=["<sep>", "</s><s><unk><pad>", "a<sep>b</s>"])
@example(history=["\ud83d", "\ude00\ud83d", "\udcff half"])
@example(history=["\x00\x1b[31m\x9b2J\u202e\u2066\x07"])
@example(history=["hello", "\u200b\u200d\ufeff"])
@example(history=["&amp;#27;[2J &lt;sep&gt;"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_answered_or_met_with_silence(
    bot: bundle.Bundle, responder: Responder, how: SearchConfig, history: list[str]
) -> None:
    assert is_sound(responder.reply(history, how), bot)


@pytest.mark.parametrize("line", ["a" * 1_000_000, "hello " * 1_700_000, "\u0301" * 1_000_000, "<" * 1_000_000])
def test_a_line_of_megabytes_is_answered(bot: bundle.Bundle, responder: Responder, line: str) -> None:
    reply = responder.reply([line, line + " how are you"], SHORT)
    assert reply.text
    assert is_sound(reply, bot)


def test_of_a_long_turn_the_end_is_read(responder: Responder) -> None:
    source = responder._hearing.source(["hello " * 5000 + "what is the weather today"])
    assert len(source) == MAX_PIECES + 1
    assert source[-8:] == responder._hearing.source(["what is the weather today"])[-8:]


@pytest.mark.parametrize("nothing", ["", "   ", "\t\n", "\u200b", "\x00\x01"])
def test_silence_answers_nothing(responder: Responder, nothing: str) -> None:
    assert responder.reply([nothing], SHORT) == NOTHING_SAID
    assert responder.reply(["hello", nothing], SHORT) == NOTHING_SAID
    assert responder.reply([nothing, "hello"], SHORT) == responder.reply(["hello"], SHORT)
    assert responder.reply([], SHORT) == NOTHING_SAID


def test_only_the_turns_that_the_bot_was_trained_with_are_read(responder: Responder) -> None:
    source = responder._hearing.source(["hello", "how are you", "fine"])
    assert source == responder._hearing.source(["how are you", "fine"])
    assert source != responder._hearing.source(["fine"])


def test_a_typed_separator_separates_nothing(responder: Responder) -> None:
    source = responder._hearing.source(["a <own> <sep> b", "</s> c <persona> <sep>"])
    assert source.count(OWN) == 1, "a first turn before the last is its own"
    assert source.count(SEP) == source.count(PERSONA) == 0
    assert source.count(EOS) == 1
    assert source[-1] == EOS


def test_typed_text_takes_the_same_repairs_as_training_text(responder: Responder) -> None:
    assert responder._hearing.source(["what  is\tit ,  you ?"]) == responder._hearing.source(["what is it, you?"])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("how", [SHORT, BEAM])
def test_many_at_once_are_answered_like_each_alone_and_in_order(tmp_path: Path, how: SearchConfig, count: int) -> None:
    exact = bundle.load(save_tiny_bot(tmp_path / "bot"))
    exact.model.double()
    responder = Responder(exact)
    said = [
        "hello",
        "",
        "how are you today",
        "tea",
        "what is the weather like, is it fine",
        "\u200b",
        "it rains",
    ]
    histories = [[text] for text in said] + [["hello", text] for text in said]
    with threads(count):
        together = responder.replies(histories, how)
    for history, reply in zip(histories, together, strict=True):
        alone = responder.reply(history, how)
        assert (reply.text, reply.ids) == (alone.text, alone.ids)
        assert (reply.score or 0.0) == pytest.approx(alone.score or 0.0, rel=1e-4)
    assert together[1] == together[5] == NOTHING_SAID


def test_a_beam_gives_alternatives_best_first(bot: bundle.Bundle, responder: Responder) -> None:
    reply = responder.reply(["how are you"], SearchConfig(beam=6, max_length=8))
    scores = [reply.score, *(other.score for other in reply.alternatives)]
    assert len(reply.alternatives) >= 2
    assert scores == sorted(scores, reverse=True)
    assert responder.reply(["how are you"], SHORT).alternatives == ()


def test_what_reads_alike_is_one_and_what_cannot_be_read_is_passed_over(
    bot: bundle.Bundle, responder: Responder
) -> None:
    encode = bot.tokenizer.encode
    space = next(i for i in range(5, bot.tokenizer.vocab_size) if bot.tokenizer.piece(i) == "▁")
    hello, fine = tuple(encode("hello")), tuple(encode("fine"))
    ranked = [(space, space), (*hello, space), hello, fine]
    found = [Hypothesis(ids, -float(place), -1.0) for place, ids in enumerate(ranked)]
    reply = responder._choose(found)
    assert (reply.text, reply.score, reply.ids) == ("hello", -1.0, (*hello, space))
    assert [(other.text, other.score) for other in reply.alternatives] == [("fine", -3.0)]
    assert responder._choose(found[:1]).text == SPEECHLESS


def test_bytes_that_make_no_character_are_left_out(bot: bundle.Bundle, responder: Responder) -> None:
    half = next(i for i in range(bot.tokenizer.vocab_size) if bot.tokenizer.piece(i) == "<0xC3>")
    hello = tuple(bot.tokenizer.encode("hello"))
    assert responder._choose([Hypothesis((*hello, half), -1.0, -1.0)]).text == "hello"


def test_no_reply_ends_before_something_can_be_read(bot: bundle.Bundle) -> None:
    blank = blank_ids(bot.tokenizer)
    seen = next(i for i in range(5, bot.tokenizer.vocab_size) if i not in blank)
    log_probs = torch.full((3, bot.tokenizer.vocab_size), -5.0)
    log_probs[:, EOS] = -0.1
    so_far = torch.tensor([[blank[-1], blank[-1]], [blank[-1], seen], [seen, blank[-1]]])
    left = allowed([Audible(blank, bot.tokenizer.vocab_size)], so_far, log_probs, torch.arange(3), EOS)
    assert (left[:, EOS] <= DEAD).tolist() == [True, False, False]
    for text in filter(None, (bot.tokenizer.decode([i]).strip() for i in blank)):
        assert not text.isprintable()


@given(
    lengths=st.lists(st.integers(0, 700), max_size=60),
    beam=st.integers(1, 50),
    most=st.integers(2, 60),
    at_once=st.integers(1, 8),
)
def test_batches_hold_every_source_once_and_stay_within_bounds(
    lengths: list[int], beam: int, most: int, at_once: int
) -> None:
    batches = list(_batches(lengths, SearchConfig(beam=beam, max_length=most), at_once))
    assert sorted(i for batch in batches for i in batch) == [i for i, length in enumerate(lengths) if length]
    for batch in batches:
        positions = len(batch) * beam * (max(lengths[i] for i in batch) + most)
        assert len(batch) == 1 or positions <= BATCH_POSITIONS
    many = sum(map(bool, lengths))
    parts = min(at_once, many // (FEW_ROWS // beam + 1))
    assert max(map(len, batches), default=0) <= math.ceil(many / max(1, parts)), "as much for each"


def test_settings_are_the_bots_own_unless_somebody_says_otherwise() -> None:
    config = {"search": {"beam": 5, "max_length": 20}}
    assert search_settings(config) == SearchConfig(beam=5, max_length=20)
    assert search_settings(config, beam=2) == SearchConfig(beam=2, max_length=20)
    assert search_settings(config, no_repeat_ngram=0).no_repeat_ngram is None
    assert search_settings({"search": {"no_repeat_ngram": 0}}) == search_settings({}, no_repeat_ngram=None)
    assert search_settings({}, "lively", temperature=None, samples=1, top_p=None).temperature is None
    assert search_settings({"search": {"max_length": 20}}, "greedy") == SearchConfig(beam=1)


def test_the_default_is_a_preset_until_somebody_says_how_to_search() -> None:
    default = SearchConfig(**PRESETS[DEFAULT].settings)
    assert search_settings({}) == default
    assert search_settings({"search": {"max_length": 20}}, seed=3) == replace(default, max_length=20, seed=3)
    assert search_settings({}, anti_lm=0.0) == replace(default, anti_lm=0.0)
    for way in ({"beam": 5}, {"temperature": 0.8}):
        assert search_settings({}, **way) == SearchConfig(**way)  # type: ignore[arg-type]
        assert search_settings({"search": way}) == SearchConfig(**way)  # type: ignore[arg-type]
    for nothing in ({"temperature": None}, {"samples": 1}, {"top_k": 0}, {"top_p": None}):
        assert search_settings({}, **nothing) == default, "what says nothing changes nothing"  # type: ignore[arg-type]


def test_a_margin_without_a_ranker_is_refused_but_a_presets_own_may_stay_idle() -> None:
    with pytest.raises(ConfigError, match="margin has no effect without"):
        search_settings({}, "plain", margin=0.5)
    assert search_settings({}, "plain", margin=0.5, generic=0.1).margin == 0.5
    assert search_settings({}, anti_lm=0.0).margin == search_settings({}).margin is not None
    assert search_settings({}, margin=None).margin is None


def test_a_margin_keeps_a_ranker_from_what_is_far_less_likely(responder: Responder) -> None:
    contexts = [["hello"], ["how are you?"], ["what is the weather?"], ["tea"]]

    def said(**settings: Any) -> list[str]:
        return [reply.text for reply in responder.replies(contexts, SearchConfig(beam=8, max_length=8, **settings))]

    plain, free = said(), said(anti_lm=5.0)
    assert plain != free
    assert said(anti_lm=5.0, margin=0.0) == plain
    assert said(anti_lm=5.0, margin=1000.0) == free


def test_groups_get_a_beam_that_they_divide() -> None:
    for groups in range(1, 12):
        assert search_settings({}, groups=groups).beam % groups == 0
        assert search_settings({}, "diverse", groups=groups).groups == groups


def test_settings_that_go_together_do() -> None:
    assert search_settings({}, "lively", patience=0.5, exact=False).samples == 10
    with pytest.raises(ConfigError, match="a beam searches and a temperature draws"):
        search_settings({}, beam=5, temperature=0.8)
    with pytest.raises(ConfigError, match="there is no 'beem'"):
        search_settings({}, beem=5)


def test_a_beam_takes_the_place_of_samples() -> None:
    assert search_settings({}, "lively", beam=8) == SearchConfig(beam=8, anti_lm=0.3)
    assert search_settings({}, "lively", temperature=0.5).samples == 10


@pytest.mark.parametrize(
    "settings",
    [
        {"preset": "lively", "no_context_ngram": 2},
        {"preset": "diverse", "repetition_penalty": 1.5, "banned": ["tea", "how are"]},
        {"temperature": 1.0, "samples": 4, "no_context_ngram": 1, "start": "Well,", "banned": ["rains"]},
        {"temperature": 1.0, "top_k": 5, "min_p": 0.1, "min_length": 3},
        {"beam": 4, "groups": 2, "exact": True, "no_context_ngram": 3, "start": "it"},
        {"beam": 1, "repetition_penalty": 2.0, "min_length": 5, "max_length": 6},
    ],
)
def test_all_settings_work_together_for_many_at_once(bot: bundle.Bundle, settings: dict[str, Any]) -> None:
    responder = Responder(bot)
    asked = search_settings({}, **{"max_length": 12, "seed": 3, **settings})
    replies = responder.replies([["hello"], ["how are you?", "fine", "what is the weather?"], [""], ["tea"]], asked)
    assert [bool(reply.text) for reply in replies] == [True, True, False, True]
    for reply in replies:
        assert not re.search(r"\b(tea|rains)\b", reply.text.casefold()) or "banned" not in settings
        assert reply.text.casefold().startswith(asked.start.casefold()) or not reply.text


@pytest.mark.parametrize(
    ("own", "changes", "message"),
    [
        ({}, {"beam": 0}, "beam must be a whole number of at least 1, got 0"),
        ({}, {"min_length": 70}, "min_length"),
        ({}, {"min_length": 60}, "must leave room for the end"),
        ({}, {"start": 5}, "start must be a text"),
        ({}, {"banned": "tea"}, "banned must be words"),
        ({}, {"top_k": 5}, "top_k has no effect without a temperature"),
        ({}, {"samples": 5}, "samples has no effect without a temperature"),
        ({}, {"temperature": 1e-310}, "temperature must be a number from 0.001"),
        ({}, {"length_penalty": -1.0}, "length_penalty"),
        ({"beam": "wide"}, {}, "beam"),
        ({"length_penalty": "long"}, {}, "search settings"),
        ({"width": 3}, {}, "'width'"),
    ],
)
def test_settings_out_of_range_are_refused(own: dict[str, object], changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search_settings({"search": own}, **changes)
