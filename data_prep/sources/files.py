"""Files as they are found: what they are called, how they begin, and which encoding reads them."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from data_prep.errors import PrepareError

HEAD = 1 << 16  # bytes looked at to recognise a format
_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass
class Notes:
    """What a reader met on its way and people should hear of."""

    passed_over: dict[str, str] = field(default_factory=dict)
    """File → why it was not read."""
    counts: Counter[str] = field(default_factory=Counter)
    """What was counted and left out, in words."""


@dataclass(frozen=True)
class File:
    """A file among the inputs; ``name`` is its path below the input it was found in, with forward slashes."""

    path: Path
    name: str

    @cached_property
    def head(self) -> bytes:
        """The first bytes, enough to recognise a format by."""
        try:
            with self.path.open("rb") as opened:
                return opened.read(HEAD)
        except OSError as error:
            raise PrepareError(f"{self.path}: cannot be read ({error.strerror}); check it and run again") from error

    @cached_property
    def encoding(self) -> str:
        """By its mark, else UTF-8 where the whole file is, else CP1252 with its holes filled."""
        for mark, name in _MARKS:
            if self.head.startswith(mark):
                return name
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            with self.path.open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            import ftfy.bad_codecs  # noqa: F401  registers the codec

            return "sloppy-windows-1252"
        return "utf-8"

    @cached_property
    def looks_like_text(self) -> bool:
        """Not a picture, an archive or the like: no NUL and hardly a control byte at the beginning."""
        if any(self.head.startswith(mark) for mark, name in _MARKS if name != "utf-8-sig"):
            return True
        controls = sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in self.head)
        return bool(self.head) and b"\0" not in self.head and controls * 50 <= len(self.head)

    @cached_property
    def first_lines(self) -> list[str]:
        """Lines of the head, the last one left out where it may be cut."""
        text = self.head.decode(self.encoding, errors="replace")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return lines[:-1] if len(self.head) == HEAD and len(lines) > 1 else lines

    def lines(self) -> Iterator[tuple[int, str]]:
        """(Number from 1, line without its end)."""
        try:
            with self.path.open(encoding=self.encoding, errors="replace") as opened:
                for number, line in enumerate(opened, 1):
                    yield number, line.rstrip("\n")
        except OSError as error:
            raise PrepareError(f"{self.path}: cannot be read ({error.strerror}); check it and run again") from error


def find(inputs: list[Path], output: Path | None = None) -> list[File]:
    """All files of the inputs, folders walked in order of name; hidden files are left alone.

    Raises:
        PrepareError: an input is absent, or is a single empty file, or a folder without a file; or it lies in the
            folder ``output``, which would be replaced.
    """
    files: list[File] = []
    for given in inputs:
        if output is not None and given.resolve().is_relative_to(output):
            raise PrepareError(f"{given}: lies in the output folder, which is replaced; give another --output")
        if given.is_file():
            if given.stat().st_size == 0:
                raise PrepareError(f"{given}: the file is empty; expected dialogues; give another INPUT")
            files.append(File(given, valid(given.name)))
        elif given.is_dir():
            found = sorted(p for p in given.rglob("*") if p.is_file() and not _hidden(p.relative_to(given)))
            found = [p for p in found if output is None or not p.resolve().is_relative_to(output)]
            if not found:
                raise PrepareError(f"{given}: the folder holds no file; expected dialogues; give another INPUT")
            files += [File(p, valid(p.relative_to(given).as_posix())) for p in found]
        elif given.exists():
            raise PrepareError(f"{given}: neither a regular file nor a folder; save what it gives to a file first")
        else:
            raise PrepareError(f"{given}: no such file or folder; check the path and run again")
    return _named_apart(files)


def _named_apart(files: list[File]) -> list[File]:
    """The same names from several inputs get a number: a dialogue's id begins with its file's name."""
    met: Counter[str] = Counter()
    apart = []
    for file in files:
        met[file.name] += 1
        apart.append(file if met[file.name] == 1 else File(file.path, f"{file.name}~{met[file.name]}"))
    return apart


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


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)
