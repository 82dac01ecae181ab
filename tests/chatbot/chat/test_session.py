from __future__ import annotations

import subprocess
import sys

import pytest

from chatbot.chat.session import MAX_TURNS, Session
from chatbot.replies import NOTHING_SAID, Reply
from chatbot.search.config import SearchConfig
from tests.fakes import ToldBot


def transcript(session: Session, *lines: str) -> list[str]:
    return [f"{(answer := session.handle(line)).kind}: {answer.text}" for line in lines]


def test_a_conversation() -> None:
    bot = ToldBot("Hello you.", "I am well.", "From the start, then.")
    session = Session(bot, SearchConfig())
    assert transcript(session, "Hi", "How are you?", "/reset", "Hi again", "/quit") == [
        "reply: Hello you.",
        "reply: I am well.",
        "note: The conversation starts again.",
        "reply: From the start, then.",
        "quit: ",
    ]
    assert bot.heard == [
        ("Hi",),
        ("Hi", "Hello you.", "How are you?"),
        ("Hi again",),
    ]


def test_beam_and_greedy_change_how_the_next_reply_is_searched_for() -> None:
    bot = ToldBot("one", "two", "three")
    session = Session(bot, SearchConfig(length_penalty=0.5), alternatives=2)
    assert transcript(session, "a", "/beam 7", "b", "/greedy", "c") == [
        "reply: one",
        "note: From now on: the best of a beam of 7.",
        "reply: two",
        "note: From now on: greedy replies.",
        "reply: three",
    ]
    assert [settings.beam for settings in bot.settings] == [5, 7, 1]
    assert {settings.length_penalty for settings in bot.settings} == {0.5}


def test_a_beam_takes_the_place_of_samples() -> None:
    session = Session(ToldBot("one"), SearchConfig(temperature=0.8, top_p=0.9, samples=10, beam=10, groups=5))
    assert transcript(session, "/beam 4") == ["note: From now on: the best of a beam of 4."]
    assert session.settings == SearchConfig(beam=4)


def test_commands_never_reach_the_bot_and_mistakes_change_nothing() -> None:
    bot = ToldBot()
    session = Session(bot, SearchConfig(beam=3))
    kinds = [session.handle(line).kind for line in ("/help", "/bem 5", "/beam x", "/", "/ beam 2", "", "  \t ")]
    assert kinds == ["note", "error", "error", "error", "note", "silence", "silence"]
    assert bot.heard == []
    assert session.settings.beam == 2


def test_two_slashes_say_one() -> None:
    bot = ToldBot("It is a folder.")
    Session(bot, SearchConfig()).handle("//home?")
    assert bot.heard == [("/home?",)]


def test_alternatives_are_as_many_as_were_asked_for() -> None:
    answers = [Session(ToldBot("yes"), SearchConfig(beam=5), alternatives=n).handle("?") for n in (0, 1, 9)]
    assert [[other.text for other in answer.alternatives] for answer in answers] == [
        [],
        ["yes (2)"],
        ["yes (2)", "yes (3)"],
    ]


def test_what_cannot_be_read_is_said_so_and_forgotten() -> None:
    session = Session(ToldBot(NOTHING_SAID, "Now I hear you."), SearchConfig())
    assert session.handle("\u200b\u200b").kind == "silence"
    assert session.history == ()
    session.handle("hello")
    assert session.history == ("hello", "Now I hear you.")


def test_a_reply_that_is_interrupted_leaves_the_history_as_it_was() -> None:
    def interrupted() -> Reply:
        raise KeyboardInterrupt

    session = Session(ToldBot("Hello.", interrupted, "As I said."), SearchConfig())
    session.handle("Hi")
    with pytest.raises(KeyboardInterrupt):
        session.handle("A long story")
    assert session.history == ("Hi", "Hello.")


def test_a_long_conversation_is_bounded() -> None:
    session = Session(ToldBot(*("ok" for _ in range(100))), SearchConfig())
    for number in range(100):
        session.handle(str(number))
    assert session.history[-2:] == ("99", "ok")
    assert len(session.history) == MAX_TURNS


def test_neither_torch_nor_a_terminal_is_needed() -> None:
    code = "import sys, chatbot.chat.session; print('torch' in sys.modules, 'prompt_toolkit' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
