"""How a conversation looks: its colours, and answers as styled lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chatbot.chat.lines import told
from chatbot.chat.pictures import column_of_text, folded, width
from chatbot.chat.talking import Answer
from data_prep.text import printable

Styled = list[tuple[str, str]]
"""Texts, each with the name of its style before it."""
THEMES: dict[str, dict[str, str]] = {
    "dark": {"you": "bold ansibrightblue", "bot": "bold ansibrightgreen", "dim": "ansigray", "wrong": "ansibrightred"},
    "light": {"you": "bold ansiblue", "bot": "bold ansigreen", "dim": "ansibrightblack", "wrong": "ansired"},
    "mono": {"you": "bold", "bot": "bold", "dim": "", "wrong": "underline"},
}


@dataclass(frozen=True)
class Looks:
    """How the conversation is drawn."""

    title: str = ""
    """Who is talked to."""
    theme: str = "dark"
    """A name of `THEMES`."""
    greeting: str = ""
    """What is said first."""


def drawn(answer: Answer, columns: int) -> Iterator[Styled]:
    """An answer as styled lines, made printable first: no escape sequence reaches the terminal."""
    if answer.kind == "reply":
        yield from named("bot", answer.text, columns)
        return
    style = {"error": "class:wrong", "look": "", "gates": ""}.get(answer.kind, "class:dim")
    for line in told(answer, columns):
        fits = width(printable(line)) <= columns  # what is set in columns keeps its spaces
        parts = [printable(line)] if fits else folded(printable(line), columns, column_of_text(line))
        yield from ([(style, part)] for part in parts)


def named(who: str, text: str, columns: int) -> Iterator[Styled]:
    """What somebody said, after the name; its lines stay lines, and long ones break between words."""
    head = f"{who}: "
    for place, line in enumerate(text.split("\n")):
        first, *others = folded(f"{'' if place else head}{printable(line)}", columns)
        yield [("", first)] if place else [(f"class:{who}", head), ("", first[len(head) :])]
        yield from ([("", other)] for other in others)
