"""What is kept of conversations: nothing that was said is lost, and nobody else reads it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.chat.kept import Log, latest, load, save, state_folder, typed_before
from chatbot.chat.session import Session
from chatbot.chat.talk import Exchange, Talk
from chatbot.errors import ChatbotError
from chatbot.replies import Alternative
from chatbot.search.config import SearchConfig
from tests.fakes import Parrot, save_tiny_bot

OPTIONS = st.lists(st.builds(Alternative, st.text(), st.floats(-9, 0), st.tuples(st.integers(0, 9))), max_size=2)
EXCHANGES = st.builds(
    Exchange,
    st.text(),
    st.text(),
    st.none() | st.floats(-9, 0),
    st.tuples(st.integers(0, 9)),
    OPTIONS.map(tuple),
    st.lists(st.text(), max_size=2).map(tuple),
)
TALKS = st.builds(Talk, st.lists(EXCHANGES, max_size=4).map(tuple), st.text())
posix = pytest.mark.skipif(os.name == "nt", reason="file modes and signals are POSIX")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "state"))
    return tmp_path


@given(st.lists(TALKS, min_size=1, max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_log_ends_where_the_conversation_ended(home: Path, talks: list[Talk]) -> None:
    path = home / "log.jsonl"
    path.unlink(missing_ok=True)
    log = Log(path, home)
    for talk in talks:
        log.note(talk)
    last = talks[-1]
    if not last.exchanges:
        with pytest.raises(ChatbotError, match="holds no turn"):
            load(path)
        return
    assert load(path) == last
    with path.open("ab") as file:
        file.write(b'{"keep": 0, "add": [{"you": "half a')  # killed while it wrote
    assert load(path) == last


@given(TALKS.filter(lambda talk: bool(talk.exchanges)))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_can_be_loaded(home: Path, talk: Talk) -> None:
    save(home / "talk.jsonl", talk, "bot")
    assert load(home / "talk.jsonl") == talk
    save(home / "talk.md", talk, "bot")
    text = (home / "talk.md").read_text(encoding="utf-8")
    assert text.count("**bot:**") >= len(talk.exchanges)
    assert not set(text) & set("\x1b\x00\x9b")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no turn"),
        (b"hello\n", "is no conversation"),
        (b"[1, 2]\n", "holds no turn"),
        (b'{"you": "a"}\n', "holds no turn"),
        (b'{"bot": "a", "score": "high"}\n', "is no conversation"),
        (b"\xff\xfe\x00", "is no conversation"),
        (b"[" * 100_000, "is no conversation"),
    ],
)
def test_what_is_no_conversation_is_refused(home: Path, content: bytes, says: str) -> None:
    (home / "x.jsonl").write_bytes(content)
    with pytest.raises(ChatbotError, match=says):
        load(home / "x.jsonl")


@posix
def test_files_are_private(home: Path) -> None:
    log = Log.new(home)
    log.note(Talk((Exchange("hi", "hello"),)))
    save(home / "talk.jsonl", Talk((Exchange("hi", "hello"),)), "bot")
    for path in (log.path, home / "talk.jsonl", typed_before()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state_folder().stat().st_mode) == 0o700


def test_a_log_in_which_all_was_taken_back_holds_nothing(home: Path) -> None:
    log = Log.new(home / "bot")
    held = [log.holds_something]
    for talk in (Talk((Exchange("hello", "yes"),)), Talk(persona="nobody")):
        log.note(talk)
        held.append(log.holds_something)
    assert held == [False, True, False]


def test_the_latest_log_of_a_bot_is_found(home: Path) -> None:
    bots = [home / "one", home / "two"]
    assert latest(bots[0]) is None
    for number, bot in enumerate((bots[0], bots[1], bots[0])):
        log = Log(state_folder() / "conversations" / f"{number}.jsonl", bot.resolve())
        log.note(Talk((Exchange(str(number), "yes"),)))
        os.utime(log.path, (number, number))
    talks = [latest(bot) for bot in bots]
    assert [talk.exchanges[0].you for talk in talks if talk] == ["2", "1"]
    newest = Log(state_folder() / "conversations" / "3.jsonl", bots[0].resolve())
    newest.note(Talk((Exchange("gone", "soon"),)))
    newest.note(Talk(persona="nobody"))
    os.utime(newest.path, (9, 9))
    talk = latest(bots[0])
    assert talk is not None
    assert talk.exchanges[0].you == "2", "one that ended with nothing said is passed over"


def test_two_that_go_on_from_one_conversation_lose_nothing_of_each_other(home: Path) -> None:
    first = Session(Parrot(SearchConfig()), Log(state_folder() / "conversations" / "0.jsonl", home))
    list(first.handle("hi"))
    both = []
    for number in (1, 2):
        talk = Session(Parrot(SearchConfig()), Log(state_folder() / "conversations" / f"{number}.jsonl", home))
        talk.begin_with(first.talk)
        both.append(talk)
    for line in ("a", "b"):
        for number, talk in enumerate(both, 1):
            list(talk.handle(f"{line}{number}"))
    for number in (1, 2):
        kept = load(state_folder() / "conversations" / f"{number}.jsonl")
        assert [one.you for one in kept.exchanges] == ["hi", f"a{number}", f"b{number}"]


def test_of_a_very_long_conversation_a_turn_is_still_one_turn_on_the_disk(home: Path) -> None:
    talk = Session(Parrot(SearchConfig(beam=1)), Log(home / "log.jsonl", home))
    sizes = []
    for number in range(1_060):
        list(talk.handle(f"line {number}"))
        sizes.append((home / "log.jsonl").stat().st_size)
    steps = [after - before for before, after in pairwise(sizes)]
    assert max(steps) < 300
    assert load(home / "log.jsonl") == talk.talk
    assert talk.talk.exchanges[0].you == "line 60"


@pytest.mark.parametrize(("name", "there"), [("a.md", "# Notes\n"), ("a.jsonl", '{"question": "?"}\n'), ("b.md", "")])
def test_a_file_of_somebody_elses_is_not_written_over(home: Path, name: str, there: str) -> None:
    (home / name).write_text(there)
    with pytest.raises(ChatbotError, match="is there already and no conversation"):
        save(home / name, Talk((Exchange("hi", "hello"),)), "bot")
    assert (home / name).read_text() == there


@posix
def test_what_is_no_file_is_refused_at_once(home: Path) -> None:
    os.mkfifo(home / "pipe.jsonl")
    with pytest.raises(ChatbotError, match="is no file"):
        load(home / "pipe.jsonl")


def test_history_that_has_grown_large_is_cut(home: Path) -> None:
    path = typed_before()
    path.write_text("".join(f"\n# 2026-01-01\n+line {number} {'x' * 90}\n" for number in range(20_000)))
    typed_before()
    assert 100_000 < path.stat().st_size < 1 << 20
    assert path.read_text().startswith("\n# 2026")
    assert path.read_text().endswith(f"+line 19999 {'x' * 90}\n")


def test_a_disk_that_refuses_is_told_once_and_the_talk_goes_on(home: Path) -> None:
    (home / "file").write_text("")
    talk = Session(Parrot(SearchConfig()), Log(home / "file" / "log.jsonl", home))
    first = [answer.kind for answer in talk.handle("hi")]
    second = [answer.kind for answer in talk.handle("hi again")]
    assert first[-2:] == ["reply", "error"]
    assert second[-1] == "reply"
    assert len(talk.talk.exchanges) == 2


@posix
def test_kill_9_loses_no_turn_that_was_made(home: Path) -> None:
    bot = save_tiny_bot(home / "bot")
    code = (
        "import sys, time; from pathlib import Path; from chatbot.chat.kept import Log\n"
        "from chatbot.chat.session import Session; from chatbot.search.config import SearchConfig\n"
        "from tests.fakes import Parrot\n"
        "talk = Session(Parrot(SearchConfig()), Log.new(Path(sys.argv[1])))\n"
        "for line in ('one', 'two', 'three'):\n"
        "    list(talk.handle(line))\n"
        "steps = talk.handle('four, never whole'); next(steps); print('now', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(bot)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL)
    resumed = subprocess.run(
        [sys.executable, "-m", "chatbot", "chat", str(bot), "--continue", "--message", "five"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert resumed.stdout.strip()
    talk = latest(bot)
    assert talk is not None
    assert [one.you for one in talk.exchanges] == ["one", "two", "three", "five"]
    for log in (state_folder() / "conversations").iterdir():
        assert all(json.loads(line) for line in log.read_text().splitlines())
