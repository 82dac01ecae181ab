from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chatbot.search.phrases import BannedPhrases
from chatbot.search.steps import LOWEST

EOS = 0
PIECES = [
    "",
    " a",
    "s",
    "ss",
    " ",
    ".",
    " ass",
    "ume",
    " kill",
    " you",
    " as",
    "a",
    "damn.",
    " class",
    "ば",
    "か",
    "Damn",
    "!",
    "…",
    " ¡",
    "é",
]
SURFACES = [piece.casefold().encode() for piece in PIECES]


def forbidden(phrases: list[str], *pieces: str, max_length: int = 99) -> set[str]:
    """The pieces that may not follow these; the end shows as ``""``."""
    left = torch.zeros(1, len(PIECES))
    ids = torch.tensor([[PIECES.index(piece) for piece in pieces]], dtype=torch.long)
    BannedPhrases(phrases, SURFACES, EOS, max_length)(ids, left, torch.zeros(1, dtype=torch.long))
    return {PIECES[i] for i in (left[0] == LOWEST).nonzero()[:, 0].tolist()}


CLOSING = {"", " a", " ", ".", " ass", " kill", " you", " as", " class", "!", "…", " ¡"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], set()),
        ([" ass"], CLOSING),
        ([" a", "ss"], CLOSING),
        ([" a", "s", "s"], CLOSING),
        ([" as", "s"], CLOSING),
        ([" ", "a", "s", "s"], CLOSING),
        (["a", "ss"], CLOSING),  # the first word of a reply
        ([".", "a", "ss"], CLOSING),
        ([" ass", "ume"], set()),
        ([" class"], set()),
        ([" as"], set()),
        ([" kill", " ass"], CLOSING),
    ],
)
def test_only_what_closes_the_word_is_forbidden(said: list[str], expected: set[str]) -> None:
    assert forbidden(["ass"], *said) == expected


def test_phrases_of_several_words_case_and_spaces() -> None:
    assert forbidden(["KILL  you"], " kill", " you") == CLOSING
    assert forbidden(["kill you"], " kill", " ", " you") == CLOSING
    assert forbidden(["kill you"], " kill") == set()
    assert forbidden(["damn"], " kill", " ") == {"damn."}
    assert forbidden(["damn"], " ", "Damn") == CLOSING


def test_a_mark_of_any_script_closes_a_word_and_opens_one() -> None:
    assert "…" in forbidden(["ass"], " ass")
    assert "é" not in forbidden(["ass"], " ass")
    assert forbidden(["ass"], " ¡", "a", "ss") == CLOSING
    assert forbidden(["ass"], "é", "a", "ss") == set()
    assert forbidden(["as\u0301"], " as") == set()
    assert "" in forbidden(["ae\u0301"], " a", "é"), "composed or not, a letter is a letter"


def test_what_is_said_last_is_closed_by_the_length() -> None:
    assert forbidden(["ass"], " a", max_length=2) == {"ss", " ass"}
    assert forbidden(["ass"], " a", max_length=3) == set()
    assert forbidden(["ass"], max_length=1) == {" ass"}


def test_scripts_without_spaces_are_closed_by_their_last_letter() -> None:
    assert forbidden(["ばか"], "ば") == {"か"}
    assert forbidden(["ばか"], "か", "ば") == {"か"}


@given(st.lists(st.sampled_from(range(1, len(PIECES))), max_size=6), st.sampled_from(["ass", "as", "kill you", "damn"]))
def test_it_is_what_a_search_of_the_text_finds(ids: list[int], phrase: str) -> None:
    """A text is built piece by piece as it is let: it never holds the phrase, and nothing else is kept out."""
    one = BannedPhrases([phrase], SURFACES, EOS, 99)
    said: list[int] = []
    found = re.compile(rf"(?<!\w){re.escape(phrase)}(?=\W)")

    def text(pieces: list[int]) -> str:
        return " ".join(f" {b''.join(SURFACES[i] for i in pieces).decode('utf-8', 'replace')}".split(" ")).casefold()

    for piece in [*ids, EOS]:
        left = torch.zeros(1, len(PIECES))
        one(torch.tensor([said], dtype=torch.long).view(1, -1), left, torch.zeros(1, dtype=torch.long))
        before, after = (re.sub(" +", " ", text(some)) for some in (said, [*said, piece]))
        closed = found.search(after + ("|" if piece == EOS else ""))
        if left[0, piece] == LOWEST:
            assert closed, f"{phrase!r} is not closed in {after!r}"
            return
        assert not closed, f"{phrase!r} stands in {after!r}, after {before!r}"
        said.append(piece)


def test_marks_are_banned_wherever_they_stand() -> None:
    assert "!" in forbidden(["!"], " a")
    assert "." in forbidden(["."], " kill", " you")
    assert forbidden(["!!"], " a", "!") >= {"!"}
    assert "!" not in forbidden(["!!"], " a")


def test_capitals_that_bytes_spell_are_those_of_the_phrase() -> None:
    spelt = [b"", *(bytes([byte]) for byte in "Élan".encode()), b" "]  # as byte pieces are: no fold sees the capital
    left = torch.zeros(1, len(spelt))
    BannedPhrases(["élan"], spelt, EOS, 99)(torch.tensor([[1, 2, 3, 4, 5]]), left, torch.zeros(1, dtype=torch.long))
    assert left[0, EOS] == LOWEST
    assert left[0, -1] == LOWEST
