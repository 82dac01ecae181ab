"""Conversations on disk: a log that each turn goes into as it is made, and files that people save and load.

A log is JSON lines. Each says how much of the conversation before it stays and what comes after that, so that it can
only grow: a process that is killed loses nothing that was said. Files are private (mode 0600).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatbot.chat.talk import Exchange, Talk
from chatbot.errors import ChatbotError
from chatbot.replies import Alternative
from data_prep.text import printable

_LARGEST = 64 << 20  # bytes of a file that is taken for a conversation
_MOST_TYPED = 1 << 20  # bytes of the history of the prompt
_TITLE = "# A conversation with"


def state_folder() -> Path:
    """Where logs and the history of the prompt are kept: the user's state directory, as XDG has it."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "chatbot"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "chatbot"


class Log:
    """The log of one conversation; the file is made with the first turn.

    Only the process that made it writes to it: a conversation that goes on from another has a log of its own, which
    begins with all that was said before.
    """

    def __init__(self, path: Path, bot: Path) -> None:
        self.path = path
        self._bot = bot
        self._written = Talk()
        self._begun = False

    @classmethod
    def new(cls, bot: Path) -> Log:
        """A log for a conversation that begins now."""
        return cls(_logs() / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.jsonl", bot.resolve())

    @property
    def holds_something(self) -> bool:
        """Whether there is something in it that one could go on from."""
        return bool(self._written.exchanges)

    def note(self, talk: Talk) -> None:
        """Write down where the conversation stands, and see to it that it is on the disk.

        Raises:
            OSError: the disk refuses.
        """
        now = talk.exchanges
        drop = _dropped(self._written.exchanges, now)
        before = self._written.exchanges[drop:]
        keep = next(
            (k for k, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now))
        )
        line = {"keep": keep, "add": [_as_json(one) for one in now[keep:]], "persona": talk.persona}
        line |= {"drop": drop} if drop else {}
        first = [] if self._begun else [{"bot": str(self._bot), "began": time.strftime("%Y-%m-%d %H:%M:%S")}]
        _private(self.path.parent)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write("".join(f"{json.dumps(one, ensure_ascii=True)}\n" for one in (*first, line)).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        self._begun, self._written = True, talk


def _dropped(before: Sequence[Exchange], now: Sequence[Exchange]) -> int:
    """How many of the oldest exchanges are gone, as of a very long conversation; 0 where they are not the same."""
    if not before or not now or before[0] == now[0]:
        return 0
    return next((place for place, one in enumerate(before) if one == now[0]), 0)


def latest(bot: Path) -> Talk | None:
    """The last conversation with a bot in which anything was said, or None."""
    logs = [(path.stat().st_mtime_ns, path) for path in _logs().glob("*.jsonl")] if _logs().is_dir() else []
    for _, path in sorted(logs, reverse=True):
        with closing(_lines(path)) as lines:
            first = next(lines, {})
        if first.get("bot") == str(bot.resolve()) and (talk := _logged(path)).exchanges:
            return talk
    return None


def _logs() -> Path:
    return state_folder() / "conversations"


def typed_before() -> Path:
    """The file of what was typed at the prompt, private, and cut to its later half where it has grown large.

    Raises:
        OSError: the disk refuses.
    """
    path = state_folder() / "typed"
    _private(path.parent)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    if path.stat().st_size > _MOST_TYPED:
        kept = path.read_bytes()[-_MOST_TYPED // 2 :]
        _replace(path, kept[kept.find(b"\n\n") + 1 :].decode("utf-8", "replace"))
    return path


def _private(folder: Path) -> None:
    """Make a folder, and those above it that are ours, for nobody else to look into."""
    for place in (folder.parent, folder):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)


def save(path: Path, talk: Talk, bot: str) -> None:
    """Write a conversation for people (.md) or programs (.jsonl), whole or not at all.

    Raises:
        ChatbotError: the name ends otherwise, what is there is no conversation, or the disk refuses.
    """
    if path.suffix not in (".jsonl", ".md"):
        raise ChatbotError(f"{path}: a conversation is saved as .jsonl, which /load reads, or as .md")
    if path.exists() and not _is_ours(path):
        raise ChatbotError(f"{path}: is there already and no conversation; give another name")
    text = _jsonl(talk) if path.suffix == ".jsonl" else _markdown(talk, bot)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be written ({error.strerror})") from error


def _is_ours(path: Path) -> bool:
    """Whether a file is one that `save` wrote, and may write again."""
    if not path.is_file():
        return False
    if path.suffix == ".md":
        with path.open("rb") as file:
            return file.read(len(_TITLE)) == _TITLE.encode()
    try:
        return bool(load(path).exchanges)
    except ChatbotError:
        return False


def _replace(path: Path, text: str) -> None:
    """Write a private file, whole or not at all."""
    beside = path.with_name(f".{path.name}.partial")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def load(path: Path) -> Talk:
    """Read a conversation that `save` wrote as .jsonl, or a log: what was said until it ended, however that was.

    Raises:
        ChatbotError: it cannot be read, or is none.
    """
    wanted = "expected a .jsonl file that /save wrote"
    try:
        if path.exists() and not path.is_file():
            raise ChatbotError(f"{path}: is no file; {wanted}")
        with closing(_lines(path)) as lines:
            log = "began" in next(lines, {})
        if not log and path.stat().st_size > _LARGEST:
            raise ChatbotError(f"{path}: is too large for a conversation; {wanted}")
        talk = _logged(path) if log else _saved(path)
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}); {wanted}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ChatbotError(f"{path}: is no conversation; {wanted}") from error
    if not talk.exchanges:
        raise ChatbotError(f"{path}: holds no turn; {wanted}")
    return talk


def _logged(path: Path) -> Talk:
    """What a log ends with; a line that is none is passed over."""
    talk = Talk()
    for line in _lines(path):
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            added = tuple(_exchange(one) for one in line["add"])
            stays = talk.exchanges[line.get("drop", 0) :][: line["keep"]]
            talk = Talk((*stays, *added), str(line.get("persona", "")))
    return talk


def _saved(path: Path) -> Talk:
    lines = list(_lines(path, strict=True))
    persona = next((str(line["persona"]) for line in lines if "persona" in line), "")
    return Talk(tuple(_exchange(line) for line in lines if "bot" in line), persona)


def _jsonl(talk: Talk) -> str:
    records: list[dict[str, Any]] = [{"persona": talk.persona}] if talk.persona else []
    records += [_as_json(one) for one in talk.exchanges]
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)


def _markdown(talk: Talk, bot: str) -> str:
    lines = [f"{_TITLE} {printable(bot)}", ""]
    if talk.persona:
        lines += [f"*{printable(talk.persona)}*", ""]
    for one in talk.exchanges:
        if one.you:
            lines += [f"**you:** {printable(one.you)}", ""]
        lines += [f"**bot:** {printable(one.bot)}", ""]
    return "\n".join(lines)


def _lines(path: Path, *, strict: bool = False) -> Generator[dict[str, Any], None, None]:
    """The objects of a file of JSON lines; a last line that a killed process did not finish is passed over."""
    with path.open("rb") as file:
        for raw in file:
            try:
                value = json.loads(raw)
            except (ValueError, RecursionError):
                if strict:
                    raise
                continue
            if isinstance(value, dict):
                yield value


def _as_json(one: Exchange) -> dict[str, Any]:
    usual = {"score": None, "ids": (), "options": (), "heard": (), "persona": ""}
    return {name: value for name, value in asdict(one).items() if name not in usual or value != usual[name]}


def _exchange(record: dict[str, Any]) -> Exchange:
    score = record.get("score")
    return Exchange(
        str(record.get("you", "")),
        str(record["bot"]),
        None if score is None else float(score),
        tuple(int(i) for i in record.get("ids", ())),
        tuple(
            Alternative(str(other["text"]), float(other["score"]), tuple(int(i) for i in other.get("ids", ())))
            for other in record.get("options", ())
        ),
        tuple(str(text) for text in record.get("heard", ())),
        str(record.get("persona", "")),
    )
