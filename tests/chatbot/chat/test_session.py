"""What a line asks for, as transcripts: no terminal, no model."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.chat.commands import COMMANDS
from chatbot.chat.lines import told
from chatbot.chat.session import Session
from chatbot.chat.talking import StoppedError
from chatbot.errors import ChatbotError
from chatbot.replies import Reply
from chatbot.search.config import SearchConfig
from chatbot.search.presets import PRESETS
from tests.fakes import Parrot

TRANSCRIPT = Path(__file__).with_name("transcript.txt")


def session(**search: object) -> Session:
    return Session(Parrot(SearchConfig(**{"beam": 3, **search})))  # type: ignore[arg-type]


def answers(talk: Session, line: str) -> list[str]:
    """What follows a line, but for replies that still grow."""
    return [
        f"{answer.kind}: {text}"
        for answer in talk.handle(line)
        if answer.kind != "part"
        for text in told(answer, 80) or [answer.text]
    ]


def said(talk: Session) -> list[tuple[str, str]]:
    return [(one.you, one.bot) for one in talk.talk.exchanges]


def recorded() -> Iterator[tuple[str, list[str]]]:
    for block in re.split("^> ", TRANSCRIPT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        line, *follows = block.rstrip("\n").split("\n")
        yield line, follows


def test_a_recorded_conversation_that_uses_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    talk = session()
    lines = list(recorded())
    assert len(lines) >= 40
    assert {line[1:].split()[0] for line, _ in lines if line.startswith("/")} >= {spec.name for spec in COMMANDS}
    for line, follows in lines:
        talk.speed.first = talk.speed.whole = 0.01  # of a real clock nothing can be recorded
        assert (line, answers(talk, line)) == (line, follows)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/undo x", "takes one whole number; given: x"),
        ("/redo -1", "takes one whole number"),
        ("/retry now", "/retry takes no value; given: now"),
        ("/retry", "nothing was said yet"),
        ("/edit", "nothing was said yet"),
        ("/alternatives", "nothing was said yet"),
        ("/alternatives many", "takes one whole number"),
        ("/say", "/say TEXT"),
        ("/set beam", "it is 3; give another value"),
        ("/set beam 0", "beam must be a whole number of at least 1, got 0"),
        ("/set baem 5", "did you mean beam?"),
        ("/set top_p 0.9", "top_p has no effect without a temperature"),
        ("/set temperature hot", "temperature must be a number from 0.001"),
        ("/set beam 2 3", "takes one value"),
        ("/set no_repeat_ngram", "it is 3; give another value, or none"),
        ("/preset bold", f"no preset bold; there are {', '.join(PRESETS)}"),
        ("/seed x", "takes one whole number"),
        ("/settings x", "takes no value"),
        ("/why", "nothing was said yet"),
        ("/why --save a.jpg", "nothing was said yet"),
        ("/gates", "nothing was said yet"),
        ("/context x", "takes no value"),
        ("/stats x", "takes no value"),
        ("/save", "/save FILE"),
        ("/save talk.jsonl", "nothing was said yet"),
        ('/save "a', "No closing quotation"),
        ("/load", "/load FILE.jsonl"),
        ("/load nowhere.jsonl", "cannot be read"),
        ("/reset x", "takes no value"),
        ("/quit x", "takes no value"),
        ("/help x", "/help x: no such command"),
        ("/persna", "did you mean /persona"),
        ("/", "/help lists them"),
        ("/undo 0", "takes a number from 1"),
        ("/set beam [[[[[[[", "beam must be a whole number"),
        (f"/set beam {'[' * 100_000}", "beam must be a whole number"),
        ("/set exact perhaps", "exact must be true or false"),
        ("/set exact none", "exact must be true or false"),
        ("/set patience 2", "patience must be a number above 0"),
        ("/set temperature nan", "temperature must be a number from 0.001"),
        ("/set seed 2024-01-01", "seed must be a whole number"),
        ("/set beam 1:30", "beam must be a whole number"),
        ("/load ~nosuchuser/x.jsonl", "there is nobody of that name"),
        ("/save ~nosuchuser/x.md", "there is nobody of that name"),
        ('/load "a\0b.jsonl"', "no file can be called so"),
        (f"/load {'x' * 100_000}", "no file can be called so"),
    ],
)
def test_a_wrong_use_is_told_in_one_line_and_changes_nothing(line: str, says: str) -> None:
    talk = session()
    (only,) = answers(talk, line)
    assert only.startswith("error: ")
    assert says in only
    assert said(talk) == []
    assert talk.settings == SearchConfig(beam=3)


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("exact on", "exact", True),
        ("exact off", "exact", False),
        ("beam 010", "beam", 10),
        ("length_penalty 8e-1", "length_penalty", 0.8),
        ("no_repeat_ngram 0", "no_repeat_ngram", None),
        ("no-repeat-ngram none", "no_repeat_ngram", None),
        ("banned none of that", "banned", ("none", "of", "that")),
        ('banned damn "shut up"', "banned", ("damn", "shut up")),
        ("banned none", "banned", ()),
        ("start None of us", "start", "None of us"),
        ("start Don't", "start", "Don't"),
        ("start none", "start", ""),
    ],
)
def test_values_are_taken_as_people_type_them(typed: str, name: str, value: object) -> None:
    talk = session()
    answers(talk, f"/set {typed}")
    assert getattr(talk.settings, name) == value


def test_what_is_asked_of_a_beam_takes_the_place_of_samples() -> None:
    for setting in ("beam 4", "groups 1", "diversity 1", "exact true", "patience 1"):
        talk = session()
        answers(talk, "/set temperature 0.8")
        answers(talk, f"/set {setting}")
        assert talk.settings.temperature is None, setting


def test_alternatives_are_as_many_as_were_asked_for_whatever_was_found_before() -> None:
    talk = session(beam=2)
    answers(talk, "hi")
    answers(talk, "/say I like soup.")
    assert len(answers(talk, "/alternatives")) == 6
    answers(talk, "/undo")
    answers(talk, "/set beam 10")
    assert len(answers(talk, "/alternatives 10")) == 11
    answers(talk, "2")
    assert len(answers(talk, "/alternatives 10")) == 11, "what was not picked is still there"
    answers(talk, "hello")
    answers(talk, "/alternatives 2")
    answers(talk, "2")
    assert [answers(talk, "/retry")[0] for _ in range(2)] == ["reply: hello", "reply: hello 2"]


def test_a_conversation_that_goes_on_can_be_undone() -> None:
    first, talk = session(), session()
    for line in ("a", "b"):
        answers(first, line)
    talk.begin_with(first.talk)
    answers(talk, "/undo")
    assert said(talk) == [("a", "a")]
    answers(talk, "/undo 5")
    assert said(talk) == []


def test_a_look_inside_is_at_who_the_bot_was_then() -> None:
    talk = session()
    for line in ("/persona I am a cook.", "hi", "/persona I am a king."):
        answers(talk, line)
    assert [*map(answers(talk, "/context")[0].count, ("cook", "king"))] == [1, 0]
    assert "I am a king." in answers(talk, "/context")[1]
    assert "I am a cook." in "".join(answers(talk, "/why"))


def test_a_seed_makes_retries_come_out_the_same() -> None:
    told_twice = []
    for _ in range(2):
        talk = session(beam=1)
        for line in ("hi", "/retry", "/seed 7", "/retry"):
            answers(talk, line)
        told_twice.append([answers(talk, "/seed 7"), answers(talk, "/retry")])
    assert told_twice[0] == told_twice[1]
    answers(talk, f"/seed {2**62}")
    assert answers(talk, "/retry")[0].startswith(("reply", "note"))


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    talk = session()
    answers(talk, "hi")
    for command in ("why", "gates"):
        (only,) = answers(talk, f"/{command} --save {tmp_path / 'file' / 'x.png'}")
        assert only.startswith("error: ")
        assert "cannot be written" in only
    assert answers(talk, f"/why --save {tmp_path / 'x.png'}") == [f"note: The picture is in {tmp_path / 'x.png'}"]


def test_a_tab_or_a_line_end_parts_a_command_from_its_text() -> None:
    talk = session()
    answers(talk, "hi")
    assert answers(talk, "/say\tGood evening.") == ["reply: Good evening."]
    assert answers(talk, "/edit\nhello") == ["reply: hello"]


def test_pictures_are_png_files_and_nothing_else() -> None:
    talk = session()
    answers(talk, "hi")
    for line in ("/why --save a.jpg", "/why a.png", "/gates --save", "/gates --save a.png b.png"):
        (only,) = answers(talk, line)
        assert only.startswith("error: "), line
        assert "--save FILE.png" in only


def test_two_slashes_say_one() -> None:
    talk = session()
    answers(talk, "//home?")
    assert said(talk) == [("/home?", "/home?")]


def test_what_cannot_be_read_is_said_so_and_forgotten() -> None:
    talk = session()
    assert answers(talk, "\u200b\u200b") == ["silence: There is nothing in that line that can be read as text."]
    assert said(talk) == []


def test_the_bot_hears_the_history_and_who_it_is() -> None:
    talk = session()
    for line in ("a", "/persona I like tea.", "b"):
        answers(talk, line)
    assert isinstance(talk.bot, Parrot)
    assert [(history, persona) for history, _, persona in talk.bot.asked] == [
        (("a",), ""),
        (("a", "a", "b"), "I like tea."),
    ]


@pytest.mark.parametrize("breaks", [KeyboardInterrupt, ChatbotError, ValueError])
def test_a_reply_that_breaks_off_leaves_the_conversation_as_it_was(breaks: type[BaseException]) -> None:
    class Broken(Parrot):
        def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
            yield Reply("he", None)
            if len(history) > 1:
                raise breaks("no more")
            yield Reply("hello", -1.0, (1,))

    talk = Session(Broken(SearchConfig()))
    answers(talk, "hi")
    if breaks is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            answers(talk, "and then?")
    else:
        assert answers(talk, "and then?") == ["error: no more"]
    assert said(talk) == [("hi", "hello")]


MOVES = st.sampled_from(["hi", "what?", "/retry", "/edit other", "/say mine", "/reset", "/persona me", "/alternatives"])


@given(st.lists(MOVES | st.sampled_from(["1", "2", "3"]), max_size=12), st.integers(0, 15))
@settings(deadline=None)
def test_undo_and_redo_of_as_many_is_where_one_was(lines: list[str], times: int) -> None:
    talk = session()
    for line in lines:
        answers(talk, line)
    here, back = talk.talk, min(times, len(talk._time.past))
    answers(talk, f"/undo {times}")
    answers(talk, f"/redo {times}")
    assert talk.talk == here
    for _ in range(back):
        answers(talk, "/undo")
    answers(talk, f"/redo {back}")
    assert talk.talk == here


@given(st.integers(1, 4), st.integers(1, 20), st.booleans())
@settings(deadline=None)
def test_retry_never_says_the_same_twice_in_a_row(beam: int, times: int, seeded: bool) -> None:
    talk = session(beam=beam, seed=7 if seeded else None)
    answers(talk, "hi")
    texts = [talk.talk.exchanges[-1].bot]
    for _ in range(times):
        answers(talk, "/retry")
        texts.append(talk.talk.exchanges[-1].bot)
    assert all(one != other for one, other in pairwise(texts)), texts
    assert len(set(texts[:beam])) == min(beam, times + 1), "what the search found comes first"
    assert len(talk.talk.exchanges) == 1


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
@settings(deadline=None)
def test_an_alternative_that_is_picked_is_what_the_search_would_have_given(wanted: int, pick: int, beam: int) -> None:
    talk = session(beam=beam)
    answers(talk, "hi")
    listed = answers(talk, f"/alternatives {wanted}")[:-1]
    assert len(listed) == wanted
    found = Parrot(SearchConfig()).reply(["hi"], SearchConfig(beam=max(wanted, beam)))
    told_texts = [found.text, *(other.text for other in found.alternatives)][:wanted]
    picked = answers(talk, str(pick))
    if pick <= wanted:
        assert picked == [f"reply: {told_texts[pick - 1]}"]
        assert said(talk) == [("hi", told_texts[pick - 1])]
    else:
        assert picked[0].startswith("error: there is no reply")


@given(
    st.text(max_size=60)
    | st.sampled_from([f"/{spec.name} " for spec in COMMANDS]).flatmap(
        lambda c: st.text(max_size=20).map(lambda t: c + t)
    )
)
@settings(deadline=None, max_examples=500)
def test_any_line_is_answered(line: str) -> None:
    if line.lstrip().lower().startswith(("/save", "/load")):
        return  # they do write where they are told to
    talk = session()
    answers(talk, "hi")
    answers(talk, line)


def test_lines_that_say_nothing_leave_nothing_behind() -> None:
    talk = session()
    answers(talk, "hi")
    odd = [
        "/nonsense",
        "/set beam 0",
        "/undo x",
        "\u200b",
        "/alternatives",
        "/context",
        "/why",
        "/settings",
        "/load no",
    ]
    assert isinstance(talk.bot, Parrot)
    held = []
    tracemalloc.start()
    try:
        for _ in range(2):
            for _ in range(100):
                for line in odd:
                    answers(talk, line)
            answers(talk, "/nonsense" + "\0" * 1_000_000)
            talk.bot.asked.clear()
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 20_000


def test_a_beam_takes_the_place_of_samples_and_back() -> None:
    talk = session()
    for line in ("/preset lively", "/set beam 4"):
        answers(talk, line)
    assert talk.settings == SearchConfig(beam=4, anti_lm=0.3)
    answers(talk, "/set temperature 0.7")
    answers(talk, "/set top_k 9")
    assert (talk.settings.temperature, talk.settings.top_k) == (0.7, 9)
    answers(talk, "/set temperature none")
    assert talk.settings == SearchConfig(beam=4, anti_lm=0.3)


def test_a_long_conversation_is_bounded() -> None:
    talk = session()
    for number in range(1100):
        answers(talk, str(number) + "?")
    assert len(talk.talk.exchanges) == 1000
    assert len(talk._time.past) == 1000


def test_neither_torch_nor_a_terminal_is_needed() -> None:
    code = "import sys, chatbot.chat.session; print('torch' in sys.modules, 'prompt_toolkit' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_what_was_stopped_can_be_tried_again() -> None:
    class Stopping(Parrot):
        stops = True

        def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
            if history[-1] == "a long one" and self.stops:
                raise StoppedError
            yield from super().stream(history, settings, persona)

    bot = Stopping(SearchConfig())
    talk = Session(bot)
    answers(talk, "before")
    with pytest.raises(StoppedError):
        answers(talk, "a long one")
    bot.stops = False
    assert answers(talk, "/retry") == ["reply: a long one"]
    assert said(talk) == [("before", "before"), ("a long one", "a long one")]
    assert answers(talk, "/retry") == ["reply: a long one 1"]


def test_another_reply_is_looked_for_as_the_settings_now_say() -> None:
    talk = session()
    answers(talk, "How are you?")
    answers(talk, "/set start Well,")
    seen: list[SearchConfig] = []
    plain = talk.bot.reply

    def watched(history: Sequence[str], settings: SearchConfig, persona: str = "") -> Reply:
        seen.append(settings)
        return plain(history, settings, persona)

    talk.bot.reply = watched  # type: ignore[method-assign]
    answers(talk, "/retry")
    answers(talk, "/retry")
    assert [settings.start for settings in seen] == ["Well,"], "once, and then what that found"


def test_a_slip_does_not_end_the_choosing() -> None:
    talk = session()
    answers(talk, "How are you?")
    answers(talk, "/alternatives")
    answers(talk, "/alternatives x")
    answers(talk, "99")
    assert answers(talk, "2") == ["reply: How are you? 1"]


def test_what_stands_is_marked_among_the_alternatives() -> None:
    talk = session()
    answers(talk, "How are you?")
    answers(talk, "/retry")
    *lines, advice = answers(talk, "/alternatives 3")
    assert [line for line in lines if "*" in line] == ["note:   2*   -2.00  How are you? 1"]
    assert advice == "note: A number says it instead of that with the *; anything else goes on."
    answers(talk, "/say Splendid.")
    assert not [line for line in answers(talk, "/alternatives 3") if "*" in line]


def test_a_loaded_conversation_is_gone_back_in_turn_by_turn(tmp_path: Path) -> None:
    talk = session()
    for line in ("one", "two", f"/save {tmp_path / 'talk.jsonl'}"):
        answers(talk, line)
    other = session()
    answers(other, "earlier")
    answers(other, f"/load {tmp_path / 'talk.jsonl'}")
    assert [text for text, _ in said(other)] == ["one", "two"]
    answers(other, "/undo")
    assert [text for text, _ in said(other)] == ["one"]
    answers(other, "/undo 2")
    assert [text for text, _ in said(other)] == ["earlier"]
