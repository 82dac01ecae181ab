"""`chatbot reply`: a line or a JSON object in, a JSON object out, as many as come.

Every line of the input gives one line of the output, in order; an empty one has nothing to be answered, and
gives an empty reply with a score of null. Input is read in chunks, so its size does not matter.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from chatbot.errors import ChatbotError, ConfigError

if TYPE_CHECKING:
    from chatbot.replies import Reply
    from chatbot.responder import Responder
    from chatbot.search.config import SearchConfig

CHUNK_LINES = 1_024
CHUNK_BYTES = 1 << 24
"""Lines are answered when so many, or so many bytes of them, were read."""

_WANTED = '{"context": ["oldest turn", "newest turn"]}'
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
Format = Literal["auto", "lines", "jsonl"]


class Asked(NamedTuple):
    """A line of the input."""

    line: str
    context: list[str]
    """What is answered, the oldest turn first."""
    further: bool = False
    """Whether the line is an object with more in it than that."""


@dataclass(frozen=True)
class ReplyCommand:
    """Answer lines, or conversations in JSONL, with a bot.

    For each line of the input a JSON object on stdout: "context", "reply", "score" and "alternatives", and behind them
    what else stood in the object that is answered, such as an "id"; names of ours are ours.
    """

    bot: Path
    """Folder that `chatbot fit` wrote."""
    input: Path | None = None
    """File of lines, each a text or an object {"context": ["older turn", "newer turn"]}; without it stdin."""
    output: Path | None = None
    """File to write to, complete or not at all; without it stdout."""
    format: Format = "auto"
    """A line is a text (`lines`) or an object (`jsonl`); `auto`: objects if the first line starts with {."""
    alternatives: int = 0
    """Further replies to give with each, at most; needs a beam that is wider than that."""
    device: str = "cpu"
    """Where to compute: cpu, or cuda."""
    search: dict[str, Any] = field(default_factory=dict)
    """Settings of the search that are not as the bot was saved, and perhaps a preset."""


def run(command: ReplyCommand) -> None:
    """Carry out the command. A reader that goes away (``| head``) ends it quietly.

    Raises:
        ChatbotError: the bot, a setting or a line is not as expected; the lines before it are answered.
    """
    if command.alternatives < 0:
        raise ConfigError(f"--alternatives {command.alternatives}: expected 0 or more")
    if command.input and command.output and command.input.resolve() == command.output.resolve():
        raise ConfigError(f"--output {command.output}: is the file that is read; give another, or it would be lost")
    with _opened(command.input) as lines:
        responder, settings = _open_bot(command)
        name = str(command.input or "stdin")
        try:
            with _written(command.output) as out:
                answer_all(
                    responder,
                    settings,
                    lines,
                    out,
                    name=name,
                    form=command.format,
                    alternatives=command.alternatives,
                    counting=sys.stderr.isatty() and (command.output is not None or not sys.stdout.isatty()),
                )
        except BrokenPipeError:
            _silence_stdout()


def answer_all(
    responder: Responder,
    settings: SearchConfig,
    lines: Iterable[bytes],
    out: BinaryIO,
    *,
    name: str = "stdin",
    form: Format = "auto",
    alternatives: int = 0,
    counting: bool = False,
) -> None:
    """Answer every line, chunk by chunk; ``name`` is the file that a complaint speaks of.

    ``counting`` says on stderr how far it is: where somebody watches that, and the replies go elsewhere.
    """
    done = 0
    for asked in _chunks(read_asked(lines, name, form)):
        replies = responder.replies([each.context for each in asked], settings)
        for each, reply in zip(asked, replies, strict=True):
            out.write(_encode(each, reply, alternatives))
        out.flush()
        done += len(asked)
        if counting:
            sys.stderr.write(f"\r{done:,} replies")
            sys.stderr.flush()
    if counting:
        sys.stderr.write("\r\x1b[K")


def read_asked(lines: Iterable[bytes], name: str, form: Format = "auto") -> Iterator[Asked]:
    """What each line asks: the line itself, or the list in its JSON object.

    Raises:
        ChatbotError: a line that is not UTF-8, or not the expected JSON, with its file and number.
    """
    for number, raw in enumerate(lines, start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            now = "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "CP1252"
            raise ChatbotError(
                f"{name}, line {number}: not UTF-8 (byte 0x{raw[error.start]:02x}); "
                f"save it as UTF-8, for example with iconv -f {now} -t UTF-8"
            ) from error
        if form == "auto" and line.strip():
            form = "jsonl" if line.lstrip().startswith("{") else "lines"
        yield _asked(line, f"{name}, line {number}") if form == "jsonl" else Asked(line, [line])


def _asked(line: str, where: str) -> Asked:
    """An object of a JSONL file; an empty line has no texts."""
    if not line.strip():
        return Asked(line, [])
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = str(error).partition(":")[0] or "nested too deeply"
        raise ChatbotError(
            f"{where}: broken JSON ({what}); expected {_WANTED}, or --format lines for plain text"
        ) from error
    context = value.get("context") if isinstance(value, dict) else None
    if not (isinstance(context, list) and all(isinstance(text, str) for text in context)):
        found = 'no list of strings under "context"' if isinstance(value, dict) else "no JSON object"
        raise ChatbotError(f"{where}: {found}; expected {_WANTED}")
    return Asked(line, context, len(value) > 1)


def _chunks(lines: Iterator[Asked]) -> Iterator[list[Asked]]:
    """Lists of what is answered together; what stood before a bad line comes before its error."""
    chunk: list[Asked] = []
    size = 0
    complaint: ChatbotError | None = None
    while complaint is None:
        try:
            asked = next(lines, None)
        except ChatbotError as error:
            asked, complaint = None, error
        if asked is not None:
            chunk.append(asked)
            size += len(asked.line)
        if chunk and (asked is None or len(chunk) == CHUNK_LINES or size > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        if asked is None and complaint is None:
            return
    raise complaint


def _encode(asked: Asked, reply: Reply, alternatives: int) -> bytes:
    """A line of the output. What cannot be seen is escaped: no terminal obeys it, no reader splits at it."""
    others = [{"reply": other.text, "score": round(other.score, 6)} for other in reply.alternatives[:alternatives]]
    score = None if reply.score is None else round(reply.score, 6)
    ours = {"context": asked.context, "reply": reply.text, "score": score, "alternatives": others}
    theirs: dict[str, Any] = {}
    if asked.further:  # read again, as objects are larger than their lines
        theirs = json.loads(asked.line, parse_float=_number, parse_constant=str)
    text = json.dumps({**ours, **theirs, **ours}, ensure_ascii=False)  # ours first, and ours where names clash
    text = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def _number(text: str) -> float | str:
    """A number as written, as a text where no float can hold it: infinity is no JSON.

    >>> _number("0.5"), _number("1e400"), _number("12345678901234567890.5")
    (0.5, '1e400', '12345678901234567890.5')
    """
    number = float(text)
    if not math.isfinite(number):
        return text
    try:
        return number if Decimal(repr(number)) == Decimal(text) else text
    except InvalidOperation:  # an exponent beyond all reason
        return text


def _open_bot(command: ReplyCommand) -> tuple[Responder, SearchConfig]:
    """The bot and how it searches. Torch is imported here, so that help and mistakes in flags are quick."""
    from chatbot import bundle
    from chatbot.responder import Responder, search_settings

    bot = bundle.load(command.bot, command.device)
    settings = search_settings(bot.config, **command.search)
    if command.alternatives >= settings.rows and command.alternatives:
        flag = "beam" if settings.temperature is None else "samples"
        raise ConfigError(
            f"--alternatives {command.alternatives}: {flag} is {settings.rows}, which finds {settings.rows - 1} "
            f"besides the reply; ask for fewer, or for a wider search, as with --{flag} {command.alternatives + 1}"
        )
    return Responder(bot), settings


@contextmanager
def _opened(path: Path | None) -> Iterator[Iterable[bytes]]:
    """The lines of a file or of stdin, as bytes."""
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ChatbotError(
            f"{path}: cannot be read ({error.strerror}); expected a file with a line for each reply"
        ) from error
    with file:
        yield file


@contextmanager
def _written(path: Path | None) -> Iterator[BinaryIO]:
    """Stdout, or a file that is written beside and renamed once it is whole; a device is written to."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = path.resolve()
    if path.is_dir():
        raise ChatbotError(f"{path}: is a folder; expected a file to write to: give another --output")
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            yield device
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")  # of its own, should two write the same
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChatbotError(
            f"{path.parent}: no folder can be made here ({error.strerror}); give another --output"
        ) from error
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _silence_stdout() -> None:
    """Nobody reads stdout any more: what is still in its buffer goes nowhere, without a complaint at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
