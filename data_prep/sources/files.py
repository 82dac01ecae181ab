"""Files: what they are called, how they begin and what they hold; and what was met on the way."""

from __future__ import annotations

import io
import json
import lzma
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from data_prep.errors import PrepareError
from data_prep.sources.encodings import BEGINNING, MARKS, MENDING, detect, wide_encoding

BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError)
"""What a damaged archive raises, or one that is packed in a way that nobody here knows."""
HEAD = 1 << 16  # bytes looked at to recognise a format
_CHUNK = 1 << 16  # bytes that are unpacked at a time
# As the file systems of fsspec call what tells one version of a file from another.
_CHANGES = (
    "size",
    "mtime",
    "created",
    "ETag",
    "etag",
    "LastModified",
    "last_modified",
    "Last-Modified",
    "updated",
    "md5",
)


@dataclass
class Notes:
    """What a reader met on its way and people should hear of."""

    passed_over: dict[str, str] = field(default_factory=dict)
    """File → why it was not read."""
    counts: Counter[str] = field(default_factory=Counter)
    """What was counted and left out, in words."""
    warnings: list[str] = field(default_factory=list)
    """What people should know before they trust the result (an order of day and month that stays in doubt)."""
    names: set[str] = field(default_factory=set)
    """Further names of speakers (a nick taken later, the name of an account), which no turn is said under."""

    @contextmanager
    def apart(self) -> Iterator[Notes]:
        """What is met meanwhile, and only that; what was met before comes back at the end."""
        before = replace(self)
        self.passed_over, self.counts, self.warnings, self.names = {}, Counter(), [], set()
        yield self
        self.passed_over, self.counts, self.warnings = before.passed_over, before.counts, before.warnings
        self.names = before.names

    def add(self, passed_over: dict[str, str], counts: dict[str, int], warnings: list[str], names: list[str]) -> None:
        """What was met elsewhere."""
        self.passed_over.update(passed_over)
        self.counts.update(counts)
        self.warnings += [warning for warning in warnings if warning not in self.warnings]
        self.names.update(names)


class _Telling(io.RawIOBase):
    """What is packed, where a reader who meets damage half-way learns in which file."""

    def __init__(self, packed: BinaryIO, told: Callable[[Exception], PrepareError]) -> None:
        self._packed, self._told = packed, told

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._packed.seekable()

    def tell(self) -> int:
        return self._packed.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._packed.read(len(buffer))
        except BROKEN as error:
            raise self._told(error) from error
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._packed.seek(offset, whence)
        except BROKEN as error:
            raise self._told(error) from error

    def close(self) -> None:
        self._packed.close()
        super().close()


@dataclass(frozen=True)
class File:
    """A file among the inputs.

    ``path`` is where it is, for messages: a path, ``ARCHIVE.zip/member`` or a URL. ``name`` is its path below the
    input it was found in, with forward slashes: dialogue ids begin with it.
    """

    path: str
    name: str
    opener: Callable[[], BinaryIO] | None = field(default=None, compare=False, repr=False)
    archive: File | None = field(default=None, repr=False)
    """The zip that it is in, or the file that it is packed in."""
    unpacked: int = 0
    """Bytes of what is packed."""

    def open(self) -> BinaryIO:
        """The bytes, from the beginning. Of what is packed, damage shows only as it is read, and is told then.

        Raises:
            PrepareError: it cannot be opened.
        """
        try:
            if self.opener is None:
                return Path(self.path).open("rb")
            opened = self.opener()
            if self.archive is None:
                return opened
            return cast(BinaryIO, io.BufferedReader(_Telling(opened, self._unreadable), _CHUNK))
        except (*BROKEN, RuntimeError) as error:  # a member of an archive may be locked
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> PrepareError:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        return PrepareError(f"{self.path}: cannot be read ({why}); check it and run again")

    @cached_property
    def head(self) -> bytes:
        """The first bytes, enough to recognise a format by."""
        try:
            with self.open() as opened:
                return opened.read(HEAD)
        except BROKEN as error:
            raise self._unreadable(error) from error

    @cached_property
    def encoding(self) -> str:
        """By its mark, else UTF-8 where nearly all of the file is, else detected by its letters."""
        return detect(self.head, self.open)

    @cached_property
    def looks_like_text(self) -> bool:
        """Not a picture, an archive or the like: hardly a control byte, and no NUL near its beginning.

        Further on NULs are dirt, as a crash leaves in a log; what is no text mostly has one in its first numbers.
        """
        if any(self.head.startswith(mark) for mark, name in MARKS if name != "utf-8-sig"):
            return True
        if wide_encoding(self.head) is not None:
            return True
        if b"\0" in self.head[:BEGINNING] or self.head.startswith(b"%PDF"):
            return False
        head = self.head.replace(b"\0", b"")
        controls = sum(byte < 32 and byte not in (2, 3, 9, 10, 12, 13, 15, 22, 27, 29, 31) for byte in head)
        return bool(head) and controls * 50 <= len(head)

    @cached_property
    def head_text(self) -> str:
        """The head decoded, line ends as ``\\n``; the last character may be cut."""
        text = self.head.decode(self.encoding, errors="replace").removeprefix("\ufeff")
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")

    @cached_property
    def first_lines(self) -> list[str]:
        """Lines of the head, the last one left out where it may be cut."""
        lines = self.head_text.split("\n")
        return lines[:-1] if len(self.head) == HEAD and len(lines) > 1 else lines

    def stamp(self) -> tuple[int, str]:
        """Its size in bytes, and what changes when it does."""
        if self.archive is not None:
            return self.unpacked, self.archive.stamp()[1]
        if "://" in self.path:
            system, path = fsspec.url_to_fs(self.path)
            info = system.info(path)
            return int(info.get("size") or 0), str([info.get(key) for key in _CHANGES])
        stat = Path(self.path).stat()
        return stat.st_size, f"{stat.st_size} {stat.st_mtime_ns}"

    def lines(self) -> Iterator[tuple[int, str]]:
        """(Number from 1, line without its end, and without NULs, which a writer leaves that was cut off)."""
        try:
            with io.TextIOWrapper(self.open(), encoding=self.encoding, errors=MENDING) as opened:
                for number, line in enumerate(opened, 1):
                    line = line.removeprefix("\ufeff") if number == 1 else line
                    yield number, (line.replace("\0", "") if "\0" in line else line).rstrip("\n")
        except (*BROKEN, UnicodeError) as error:
            raise self._unreadable(error) from error

    def text(self) -> str:
        """All of it, decoded; line ends as ``\\n``."""
        return "\n".join(line for _, line in self.lines())

    def json(self) -> Any:
        """The whole file as one JSON value.

        Raises:
            PrepareError: it is none; it names the line.
        """
        try:
            return json.loads(self.text())
        except (ValueError, RecursionError) as error:
            raise PrepareError(f"{self.path}: not valid JSON ({error}); mend the file and run again") from error


def valid(text: str) -> str:
    """Text that UTF-8 can hold: half a surrogate pair (JSON or a file's name may have one) becomes U+FFFD.

    >>> valid("a\\ud83d")
    'a\ufffd'
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
