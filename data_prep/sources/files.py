"""Files as they are found: on disk, inside zips or at a URL; what they are called and how they begin."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from data_prep.errors import PrepareError
from data_prep.sources.encodings import MARKS, MENDING, detect, wide_encoding

HEAD = 1 << 16  # bytes looked at to recognise a format
_ARCHIVE = b"PK\x03\x04"
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
    """The zip that it is in."""
    unpacked: int = 0
    """Bytes of a member of a zip."""

    def open(self) -> BinaryIO:
        """The bytes, from the beginning.

        Raises:
            PrepareError: it cannot be opened.
        """
        try:
            return self.opener() if self.opener else Path(self.path).open("rb")
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
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
        except (OSError, zipfile.BadZipFile, RuntimeError) as error:  # a member of an archive may be locked or broken
            raise self._unreadable(error) from error

    @cached_property
    def encoding(self) -> str:
        """By its mark, else UTF-8 where nearly all of the file is, else detected by its letters."""
        return detect(self.head, self.open)

    @cached_property
    def looks_like_text(self) -> bool:
        """Not a picture, an archive or the like: no NUL (but in UTF-16 and 32) and hardly a control byte."""
        if any(self.head.startswith(mark) for mark, name in MARKS if name != "utf-8-sig"):
            return True
        if b"\0" in self.head:
            return wide_encoding(self.head) is not None
        controls = sum(byte < 32 and byte not in (2, 3, 9, 10, 12, 13, 15, 22, 27, 29, 31) for byte in self.head)
        return bool(self.head) and controls * 50 <= len(self.head)

    @cached_property
    def head_text(self) -> str:
        """The head decoded, line ends as ``\\n``; the last character may be cut."""
        text = self.head.decode(self.encoding, errors="replace").removeprefix("\ufeff")
        return text.replace("\r\n", "\n").replace("\r", "\n")

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
        """(Number from 1, line without its end)."""
        try:
            with io.TextIOWrapper(self.open(), encoding=self.encoding, errors=MENDING) as opened:
                for number, line in enumerate(opened, 1):
                    yield number, (line.removeprefix("\ufeff") if number == 1 else line).rstrip("\n")
        except (OSError, zipfile.BadZipFile, UnicodeError) as error:
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


def find(inputs: list[str], output: Path | None = None) -> list[File]:
    """All files of the inputs: folders walked in order of name, zips opened in place, hidden files left alone.

    Args:
        inputs: paths, or URLs of any file system that fsspec knows (``s3://bucket/folder``).
        output: the folder that will be replaced, if it is on this machine.

    Raises:
        PrepareError: an input is absent, or is a single empty file, or a folder without a file; or it lies in the
            folder ``output``, which would be replaced.
    """
    files: list[File] = []
    for given in inputs:
        given = given.removeprefix("file://")
        found = _remote(given) if "://" in given else _local(Path(given), output)
        for file in found:
            members = _members(file)
            files += [file] if members is None else members
    return _named_apart(files)


def _local(given: Path, output: Path | None) -> list[File]:
    if output is not None and given.resolve().is_relative_to(output):
        raise PrepareError(f"{given}: lies in the output folder, which is replaced; give another --output")
    if given.is_file():
        if given.stat().st_size == 0:
            raise PrepareError(f"{given}: the file is empty; expected dialogues; give another INPUT")
        return [File(str(given), valid(given.name))]
    if given.is_dir():
        found = sorted(p for p in given.rglob("*") if p.is_file() and not _hidden(p.relative_to(given).as_posix()))
        ours = _prepared(found) - {given}
        found = [p for p in found if not ours.intersection(p.parents)]
        found = [p for p in found if output is None or not p.resolve().is_relative_to(output)]
        if not found:
            raise PrepareError(f"{given}: the folder holds no file; expected dialogues; give another INPUT")
        return [File(str(p), valid(p.relative_to(given).as_posix())) for p in found]
    if given.exists():
        raise PrepareError(f"{given}: neither a regular file nor a folder; save what it gives to a file first")
    raise PrepareError(f"{given}: no such file or folder; check the path and run again")


def _prepared(files: list[Path]) -> set[Path]:
    """Folders that `chatbot prepare` wrote: what is in them is no input of its own."""
    names = set(files)
    settings = [path.parent for path in files if path.name == "prepare.yaml"]
    return {folder for folder in settings if folder / "report.json" in names and (folder / "train").is_dir()}


def _remote(given: str) -> list[File]:
    try:
        system, root = fsspec.url_to_fs(given)
        found = [root] if system.isfile(root) else sorted(system.find(root))
    except (OSError, ValueError, ImportError, TypeError) as error:
        raise PrepareError(f"{given}: cannot be reached ({error}); check the URL and run again") from error
    files = []
    for path in found:
        below = path[len(root) :].strip("/") or path.rsplit("/", 1)[-1]
        if not _hidden(below):
            opener = cast("Callable[[], BinaryIO]", partial(system.open, path, "rb"))
            files.append(File(system.unstrip_protocol(path), valid(below), opener))
    if not files:
        raise PrepareError(f"{given}: no such file or folder, or nothing in it; check the URL and run again")
    return files


def _members(file: File) -> list[File] | None:
    """The files in an archive, or None where the file is none."""
    if not file.head.startswith(_ARCHIVE):
        return None
    try:
        with file.open() as opened, zipfile.ZipFile(opened) as archive:
            members = [(place, info) for place, info in enumerate(archive.infolist()) if info.file_size]
    except (zipfile.BadZipFile, OSError) as error:
        raise PrepareError(f"{file.path}: a broken zip ({error}); export it again") from error
    return [
        File(
            f"{file.path}/{info.filename}",
            valid(f"{file.name}/{info.filename}"),
            partial(_open_member, file, place),
            file,
            info.file_size,
        )
        for place, info in sorted(members, key=lambda member: (member[1].filename, member[0]))
        if not (info.is_dir() or _hidden(info.filename) or info.filename.startswith("__MACOSX/"))
    ]


def _open_member(file: File, place: int) -> BinaryIO:
    archive = _archive(file)
    return cast(BinaryIO, archive.open(archive.infolist()[place]))  # by place: two members may have one name


@lru_cache(maxsize=8)  # an export of a workplace has thousands of members, and reading the list of them takes time
def _archive(file: File) -> zipfile.ZipFile:
    return zipfile.ZipFile(file.open() if file.opener else file.path)


def _named_apart(files: list[File]) -> list[File]:
    """The same names from several inputs get a number: a dialogue's id begins with its file's name."""
    met: Counter[str] = Counter()
    apart = []
    for file in files:
        met[file.name] += 1
        apart.append(file if met[file.name] == 1 else replace(file, name=f"{file.name}~{met[file.name]}"))
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


def _hidden(relative: str) -> bool:
    return any(part.startswith(".") for part in relative.split("/"))
