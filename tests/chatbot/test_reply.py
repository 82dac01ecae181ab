from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot import reply as reply_module
from chatbot.errors import BundleError, ChatbotError, ConfigError
from chatbot.replies import Alternative, Reply
from chatbot.reply import CHUNK_LINES, Format, ReplyCommand, answer_all, read_asked, run
from chatbot.search.config import SearchConfig
from tests.fakes import Echo, ToldBot, save_tiny_bot

ROOT = Path(__file__).resolve().parents[2]


def answered(responder: Any, given_bytes: bytes, *, form: Format = "auto", alternatives: int = 0) -> list[Any]:
    out = io.BytesIO()
    lines = io.BytesIO(given_bytes)
    answer_all(responder, SearchConfig(), lines, out, name="talk.txt", form=form, alternatives=alternatives)
    raw = out.getvalue().decode("utf-8")
    return [json.loads(line) for line in raw.split("\n")[:-1]]


def complaint(given_bytes: bytes, form: Format = "auto") -> str:
    with pytest.raises(ChatbotError) as raised:
        answered(Echo(), given_bytes, form=form)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_lines_become_objects_in_order() -> None:
    assert answered(Echo(), b"\xef\xbb\xbfHi\r\n\nCaf\xc3\xa9?\nlast") == [
        {"context": ["Hi"], "reply": "Hi", "score": -1.0, "alternatives": []},
        {"context": [""], "reply": "", "score": None, "alternatives": []},
        {"context": ["Café?"], "reply": "Café?", "score": -1.0, "alternatives": []},
        {"context": ["last"], "reply": "last", "score": -1.0, "alternatives": []},
    ]


def test_objects_carry_whole_contexts() -> None:
    bot = ToldBot("One.", "Two.")
    rows = answered(bot, b'{"context": ["a", "b"]}\n{"reply": "ignored", "context": ["c"]}\n', alternatives=1)
    assert bot.heard == [("a", "b"), ("c",)]
    assert [row["context"] for row in rows] == [["a", "b"], ["c"]]
    assert rows[0]["alternatives"] == [{"reply": "One. (2)", "score": -2.0}]


def test_what_else_stands_in_an_object_comes_back_behind_ours() -> None:
    (row,) = answered(Echo(), '{"id": 7, "score": "theirs", "context": ["a"], "tags": {"x": [null, "é"]}}\n'.encode())
    assert row == {
        "context": ["a"],
        "reply": "a",
        "score": -1.0,
        "alternatives": [],
        "id": 7,
        "tags": {"x": [None, "é"]},
    }
    assert list(row) == ["context", "reply", "score", "alternatives", "id", "tags"]


def test_numbers_that_no_float_holds_come_back_as_they_were_written() -> None:
    (row,) = answered(
        Echo(), b'{"context": ["a"], "id": 12345678901234567890.5, "far": 1e400, "near": 0.10, "big": 9e22}\n'
    )
    assert (row["id"], row["far"], row["near"], row["big"]) == ("12345678901234567890.5", "1e400", 0.1, 9e22)
    wild = b'{"context": ["a"], "far": 1e9999999999999999999, "near": 1e-9999999999999999999, "x": [NaN, -Infinity]}\n'
    (row,) = answered(Echo(), wild)
    assert (row["far"], row["near"]) == ("1e9999999999999999999", "1e-9999999999999999999")
    assert row["x"] == ["NaN", "-Infinity"], "which JSON has not"
    (row,) = answered(Echo(), b'{"context": ["a"], "id": 123456789012345678901234567890}\n')
    assert row["id"] == 123456789012345678901234567890


def test_what_else_stands_in_an_object_counts_towards_the_size_of_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_module, "CHUNK_BYTES", 100)
    bot = Echo()
    answered(bot, (b'{"context": ["a"], "more": "' + b"x" * 60 + b'"}\n') * 4)
    assert bot.batches == [2, 2]


def test_every_line_in_gives_one_line_out() -> None:
    assert [row["reply"] for row in answered(Echo(), b'{"context": ["a"]}\n\n{"context": []}\n')] == [
        "a",
        "",
        "",
    ]
    assert answered(Echo(), b"") == []
    assert [row["reply"] for row in answered(Echo(), b"\n\n{x\n", form="lines")] == ["", "", "{x"]


def test_broken_json_is_named_with_its_file_and_line_and_what_was_expected() -> None:
    good = b'{"context": ["a"]}\n' * 6
    message = complaint(good + b'{"context": ["a"\n')
    assert message.startswith("talk.txt, line 7: broken JSON")
    assert '{"context": ["oldest turn", "newest turn"]}' in message
    for wrong in (
        b'"text"',
        b"[1]",
        b'{"context": "a"}',
        b'{"context": [1]}',
        b'{"turns": []}',
        b"[" * 100_000,
    ):
        assert complaint(good + wrong).startswith("talk.txt, line 7: ")
    assert "--format lines" in complaint(b"{smiles} hello\n")


def test_what_is_not_utf8_is_named_with_its_file_and_line() -> None:
    assert complaint(b"hello\ncaf\xe9\n").startswith("talk.txt, line 2: not UTF-8 (byte 0xe9)")
    assert complaint("hello".encode("utf-16")).startswith("talk.txt, line 1: not UTF-8")


def test_lines_before_a_bad_one_are_answered() -> None:
    out = io.BytesIO()
    with pytest.raises(ChatbotError, match="line 3"):
        answer_all(Echo(), SearchConfig(), [b"one\n", b"two\n", b"\xff\n"], out)
    assert out.getvalue().count(b"\n") == 2


def test_input_is_read_in_chunks_and_order_is_kept() -> None:
    read = 0

    def lines() -> Iterator[bytes]:
        nonlocal read
        for number in range(2 * CHUNK_LINES + 10):
            read += 1
            yield f"{number}\n".encode()

    class Watching(io.BytesIO):
        def write(self, data: Any) -> int:
            waiting.append(read - len(waiting))
            return super().write(data)

    waiting: list[int] = []
    bot, out = Echo(), Watching()
    answer_all(bot, SearchConfig(), lines(), out)
    assert bot.batches == [CHUNK_LINES, CHUNK_LINES, 10]
    assert max(waiting) <= CHUNK_LINES
    assert [json.loads(line)["reply"] for line in out.getvalue().splitlines()] == [str(n) for n in range(2058)]


def test_long_lines_make_smaller_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_module, "CHUNK_BYTES", 100)
    bot = Echo()
    answered(bot, (b"x" * 60 + b"\n") * 5)
    assert bot.batches == [2, 2, 1]


@given(st.lists(st.lists(st.text(st.characters(codec=None)), max_size=3), max_size=5))
def test_any_text_survives_the_way_there_and_back(contexts: list[list[str]]) -> None:
    lines = "".join(json.dumps({"context": context}) + "\n" for context in contexts).encode()
    assert [asked.context for asked in read_asked([*io.BytesIO(lines)], "x", "jsonl")] == contexts
    assert [row["context"] for row in answered(Echo(), lines, form="jsonl")] == contexts


def test_nothing_in_the_output_can_move_a_terminal_or_break_a_line() -> None:
    wicked = "\x1b[2J\x9b1m\u2028\u202e\x7f\ufeff\u200f"
    out = io.BytesIO()
    bot = ToldBot(Reply(wicked, -1.0, (), (Alternative(wicked, -1.0),)))
    answer_all(bot, SearchConfig(), [wicked.encode()], out, alternatives=1)
    raw = out.getvalue().decode()
    assert raw.isprintable() or raw[:-1].isprintable()
    assert json.loads(raw)["reply"] == json.loads(raw)["context"][0] == wicked


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bot(tmp_path_factory.mktemp("reply") / "bot")


def test_from_file_to_file_with_a_real_bot(bot: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello\n\nhow are you?\n", encoding="utf-8")
    run(ReplyCommand(bot, tmp_path / "in.txt", tmp_path / "new" / "out.jsonl", alternatives=2, search={"beam": 4}))
    rows = [json.loads(line) for line in (tmp_path / "new" / "out.jsonl").read_bytes().splitlines()]
    assert [bool(row["reply"]) for row in rows] == [True, False, True]
    assert len(rows[0]["alternatives"]) <= 2
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["out.jsonl"]


def test_what_is_read_is_not_written_over(bot: Path, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("hello\n")
    with pytest.raises(ConfigError, match="is the file that is read"):
        run(ReplyCommand(bot, tmp_path / "q.txt", tmp_path / "." / "q.txt"))
    assert (tmp_path / "q.txt").read_text() == "hello\n"


def test_an_output_is_whole_or_untouched(bot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("earlier", encoding="utf-8")
    (tmp_path / "in.txt").write_bytes(b"hello\n\xff\n")
    with pytest.raises(ChatbotError, match=r"in\.txt, line 2"):
        run(ReplyCommand(bot, tmp_path / "in.txt", out))
    assert out.read_text(encoding="utf-8") == "earlier"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.txt", "out.jsonl"]


def test_mistakes_are_said_in_one_line(bot: Path, tmp_path: Path) -> None:
    lines = tmp_path / "in.txt"
    lines.write_text("hello\n", encoding="utf-8")
    for command, kind, message in [
        (ReplyCommand(bot, tmp_path / "absent.txt"), ChatbotError, r"absent\.txt: cannot be read"),
        (ReplyCommand(bot, tmp_path), ChatbotError, "cannot be read"),
        (ReplyCommand(tmp_path / "nobody", lines), BundleError, "nobody: no such folder"),
        (ReplyCommand(bot, lines, tmp_path), ChatbotError, "is a folder"),
        (ReplyCommand(bot, lines, search={"beam": 0}), ConfigError, "beam"),
        (ReplyCommand(bot, lines, alternatives=-1), ConfigError, "--alternatives -1"),
        (
            ReplyCommand(bot, lines, alternatives=2, search={"beam": 2}),
            ConfigError,
            "ask for fewer, or for a wider search, as with --beam 3",
        ),
    ]:
        with pytest.raises(kind, match=message):
            run(command)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_a_device_is_written_to_and_not_replaced(bot: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello\n", encoding="utf-8")
    run(ReplyCommand(bot, tmp_path / "in.txt", Path("/dev/null")))
    assert not Path("/dev/null").is_file()
    with pytest.raises(OSError, match="No space left"):
        run(ReplyCommand(bot, tmp_path / "in.txt", Path("/dev/full")))


def test_a_reader_that_goes_away_is_no_accident(bot: Path) -> None:
    code = "import pathlib, sys, chatbot.reply as r; r.run(r.ReplyCommand(pathlib.Path(sys.argv[1])))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(bot)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    _, errors = process.communicate(b"hello\n" * 50)
    assert (process.returncode, errors) == (0, b"")
