"""A conversation without a terminal: a pipe or a file, a line in, a line out; or a single message."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import BinaryIO, TextIO

from chatbot.chat import pictures
from chatbot.chat.commands import is_command
from chatbot.chat.session import Session
from chatbot.chat.talking import Answer
from chatbot.replies import Gates, Look
from data_prep.text import printable

_COLUMNS = 100  # of what is drawn where there is no screen


def talk_in_lines(
    session: Session, lines: Iterable[bytes], out: BinaryIO, notes: TextIO, *, as_json: bool = False, others: int = 0
) -> bool:
    """Answer each line with one line on ``out``: empty where there was nothing to answer, or where it failed.

    Commands work; what they say goes to ``notes``, and gives no line. Bytes that are not UTF-8 are replaced.

    Args:
        session: decides.
        lines: what is typed, as bytes.
        out: where replies go.
        notes: where all goes that is meant for people.
        as_json: an object a line, with ``you``, ``bot``, ``score`` and ``alternatives``.
        others: alternatives in it at most.

    Returns:
        Whether all that was asked for could be done.
    """
    well = True
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        for answer in session.handle(line):
            if answer.kind == "quit":
                return well
            well = well and answer.kind != "error"
            if answer.kind in ("reply", "silence") or (answer.kind == "error" and not is_command(line)):
                text = _record(session, line, answer, others) if as_json else _said(answer)
                out.write(f"{text}\n".encode("utf-8", "replace"))
                out.flush()
            if answer.kind != "reply":
                notes.write("".join(f"{printable(note)}\n" for note in told(answer, _COLUMNS)))
                notes.flush()
    return well


def told(answer: Answer, columns: int) -> list[str]:
    """What an answer tells the person, as lines."""
    if isinstance(answer.drawn, Look):
        return pictures.why(answer.drawn, columns)
    if isinstance(answer.drawn, Gates):
        return pictures.gates(answer.drawn, columns)
    if answer.kind == "edit":
        return [f"/edit TEXT says it otherwise; it was: {answer.text}"]
    return answer.text.splitlines() if answer.kind != "part" else []


def _said(answer: Answer) -> str:
    return printable(answer.text) if answer.kind == "reply" else ""


def _record(session: Session, line: str, answer: Answer, others: int) -> str:
    """A reply as JSON; nothing in it can move a terminal or break the line."""
    last = session.talk.last if answer.kind == "reply" else None
    options = [one for one in last.options if one.text != last.bot] if last else []
    record = {
        "you": last.you if last else line,
        "bot": answer.text if last else "",
        "score": None if answer.score is None else round(answer.score, 6),
        "alternatives": [{"bot": one.text, "score": round(one.score, 6)} for one in options[:others]],
    }
    return json.dumps(record, ensure_ascii=True)
