from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chat.commands import COMMANDS, CommandError, as_text, is_command, parse
from chatbot.chat.help import help_text


@pytest.mark.parametrize(
    ("line", "near"), [("/rest", "/reset"), ("/exi", "/edit"), ("/q", "/quit"), ("/Perzona", "/persona")]
)
def test_an_unknown_command_names_the_near_ones(line: str, near: str) -> None:
    with pytest.raises(CommandError, match=f"is no command: .*{near}.* two slashes"):
        parse(line)


@pytest.mark.parametrize("line", ["/undo -1", "/undo five", "/undo 1_0", "/undo ٣", "/undo 5 5", "/undo 1.5"])
def test_a_number_that_is_none_is_named(line: str) -> None:
    with pytest.raises(CommandError, match=r"/undo \[N\] takes one whole number; given: "):
        parse(line)


@pytest.mark.parametrize(
    "line", ["/undo " + "9" * 5000, "/say", '/save "' + "x" * 5000, "/quit now", "/" + "x" * 100_000]
)
def test_a_complaint_stays_short(line: str) -> None:
    with pytest.raises(CommandError) as complaint:
        parse(line)
    assert len(str(complaint.value)) < 200


def test_help_lists_every_command_once() -> None:
    for columns in (30, 80, 200):
        lines = [line for line in help_text(columns).splitlines() if not line.startswith("    ")]
        assert [line.split()[0] for line in lines] == [*(f"/{spec.name}" for spec in COMMANDS), "//text"]
    lines = help_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines] == [*(f"/{spec.name}" for spec in COMMANDS), "//text"]


@given(st.text())
def test_any_line_is_a_command_or_text_and_two_slashes_make_it_text(line: str) -> None:
    assert not is_command("/" + "/" + line)
    assert as_text("//" + line) == "/" + line
    if is_command(line):
        with contextlib.suppress(CommandError):
            parse(line)
    elif not line.lstrip().startswith("//"):
        assert as_text(line) == line
