from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chat.commands import COMMANDS, MAX_BEAM, CommandError, as_text, help_text, is_command, parse


@pytest.mark.parametrize(
    ("line", "near"), [("/rest", "/reset"), ("/exi", "/help"), ("/q", "/quit"), ("/Gredy", "/greedy")]
)
def test_an_unknown_command_names_the_near_ones(line: str, near: str) -> None:
    with pytest.raises(CommandError, match=f"is no command: .*{near}.* two slashes"):
        parse(line)


@pytest.mark.parametrize("line", ["/beam", "/beam 0", "/beam -1", "/beam five", "/beam 1_0", "/beam ٣", "/beam 5 5"])
def test_a_bad_width_names_the_right_ones(line: str) -> None:
    with pytest.raises(
        CommandError, match=f"a whole number from 1 to {MAX_BEAM}|one whole number from 1 to {MAX_BEAM}"
    ):
        parse(line)


@pytest.mark.parametrize("line", [f"/beam {MAX_BEAM + 1}", "/beam " + "9" * 5000, "/quit now", "/" + "x" * 100_000])
def test_a_complaint_stays_short(line: str) -> None:
    with pytest.raises(CommandError) as complaint:
        parse(line)
    assert len(str(complaint.value)) < 200


def test_help_lists_every_command_once() -> None:
    lines = help_text().splitlines()
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
