from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.errors import ChatbotError
from chatbot.tokenizer import BOS, EOS, OWN, PAD, PERSONA, SEP, UNK, Tokenizer, join

SPECIAL = {PAD, UNK, BOS, EOS, SEP}
ANY_FIXTURE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY_FIXTURE
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_survives_but_for_its_spaces_and_gives_no_special_id(small_tokenizer: bytes, text: str) -> None:
    tokenizer = Tokenizer(small_tokenizer)
    ids = tokenizer.encode(text)
    assert not SPECIAL & set(ids)
    assert "".join(tokenizer.decode(ids).split()) == "".join(text.replace("▁", " ").split())


@pytest.mark.parametrize("typed", ["<sep>", "</s>", "<s>", "<unk>", "<pad>", "a<sep>b", "<0x0A>"])
def test_typed_marks_are_text(small_tokenizer: bytes, typed: str) -> None:
    tokenizer = Tokenizer(small_tokenizer)
    ids = tokenizer.encode(typed)
    assert not SPECIAL & set(ids)
    assert tokenizer.decode(ids) == typed


def test_a_lone_surrogate_is_no_error(small_tokenizer: bytes) -> None:
    tokenizer = Tokenizer(small_tokenizer)
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a?b"


def test_decoding_passes_special_ids_over_and_refuses_unknown_ones(small_tokenizer: bytes) -> None:
    tokenizer = Tokenizer(small_tokenizer)
    tea = tokenizer.encode("tea")
    assert tokenizer.decode([BOS, *tea, EOS, PAD]) == "tea"
    assert tokenizer.decode([]) == ""
    with pytest.raises(ValueError, match="ids must lie in"):
        tokenizer.decode([tokenizer.vocab_size])


def test_control_ids_hold_all_that_must_not_be_said_and_not_the_end(small_tokenizer: bytes) -> None:
    tokenizer = Tokenizer(small_tokenizer)
    control = set(tokenizer.control_ids())
    pieces = {tokenizer.piece(i) for i in control}
    assert {PAD, UNK, BOS, SEP} <= control
    assert EOS not in control
    assert {"<0x00>", "<0x07>", "<0x1B>", "<0x7F>"} <= pieces
    assert not {"<0x20>", "<0x41>", "<0xC3>", "<0x9B>"} & pieces
    assert not control & set(tokenizer.encode("Do you like tea, grün or £5?"))


@pytest.mark.parametrize("model", [b"", b"no model at all", bytes(range(256))])
def test_what_is_no_model_is_refused_in_one_line(model: bytes) -> None:
    with pytest.raises(ChatbotError, match="chatbot prepare") as caught:
        Tokenizer(model)
    assert "\n" not in str(caught.value)


def test_joining_keeps_the_last_turns() -> None:
    turns = [[7], [8, 9], [10]]
    assert join(turns, 1) == [10, EOS]
    assert join(turns, 3) == [7, SEP, 8, 9, OWN, 10, EOS], "two speak in turn"
    assert join(turns, 3, roles=[0, 0, 0]) == [7, SEP, 8, 9, SEP, 10, EOS]
    assert join(turns, 1, roles=[2, 1, 0]) == [7, PERSONA, 10, EOS], "a persona is not counted among the turns"
    assert join(turns, 3, most=3) == [OWN, 10, EOS], "the oldest ids go first"
    assert join(turns, 9) == join(turns, 3)
    assert join([[]], 1) == [EOS]
    for bad in (([], 1), (turns, 0), ([[7]], 1, [2])):
        with pytest.raises(ValueError, match="at least one turn"):
            join(*bad)
