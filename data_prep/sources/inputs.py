"""The files of the inputs, as they are found: on disk, inside zips, packed by gzip, or at a URL."""

from __future__ import annotations

import gzip
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from data_prep.errors import PrepareError
from data_prep.sources.files import BROKEN, File, valid

_ARCHIVE, _PACKED = b"PK\x03\x04", b"\x1f\x8b"
_OFFICE = {"xl": "a spreadsheet: save it as CSV", "word": "a Word document: save it as plain text"}
_OFFICE_XML = "[Content_Types].xml"


def find(inputs: list[str], output: Path | None = None) -> list[File]:
    """All files of the inputs: folders walked in order of name, zips and .gz opened in place, hidden files left alone.

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
        if not given.strip():
            raise PrepareError(
                'an INPUT is "", which names nothing; expected a file, folder or URL (`.` is this folder)'
            )
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
        if _is_ours(given):
            raise PrepareError(
                f"{given}: a prepared folder, whose dropped/ is no talk to learn from; "
                f"give the raw files that it was made from, or train on it: `chatbot fit {given}`"
            )
        found = sorted(p for p in given.rglob("*") if p.is_file() and not _hidden(p.relative_to(given).as_posix()))
        ours = _prepared(found)
        found = [p for p in found if not ours.intersection(p.parents)]
        found = [p for p in found if output is None or not p.resolve().is_relative_to(output)]
        if not found:
            raise PrepareError(f"{given}: the folder holds no file; expected dialogues; give another INPUT")
        return [File(str(p), valid(p.relative_to(given).as_posix())) for p in found]
    if given.exists():
        raise PrepareError(f"{given}: neither a regular file nor a folder; save what it gives to a file first")
    raise PrepareError(f"{given}: no such file or folder; check the path and run again")


def _is_ours(folder: Path) -> bool:
    return (folder / "prepare.yaml").is_file() and (folder / "report.json").is_file() and (folder / "train").is_dir()


def _prepared(files: list[Path]) -> set[Path]:
    """Folders that `chatbot prepare` wrote: what is in them is no input of its own."""
    return {path.parent for path in files if path.name == "prepare.yaml" and _is_ours(path.parent)}


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
    if file.head.startswith(_PACKED):
        name = file.name.removesuffix(".gz")
        return [File(file.path, name, partial(_unpacked, file), file, file.stamp()[0])]
    if not file.head.startswith(_ARCHIVE) or office(file):
        return None
    try:
        with file.open() as opened, zipfile.ZipFile(opened) as archive:
            members = [(place, info) for place, info in enumerate(archive.infolist()) if info.file_size]
    except (*BROKEN, ValueError) as error:
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


def office(file: File) -> str | None:
    """What to do with a document of an office program, which is a zip of XML; None where the file is none."""
    if not file.head.startswith(_ARCHIVE) or _OFFICE_XML.encode() not in file.head[:4096]:
        return None
    try:
        with file.open() as opened, zipfile.ZipFile(opened) as archive:
            folders = {name.partition("/")[0] for name in archive.namelist()}
    except (*BROKEN, ValueError):
        return None
    return next((what for folder, what in _OFFICE.items() if folder in folders), None)


class _Unpacked(gzip.GzipFile):
    """Closes the packed file with itself."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        super().__init__(fileobj=packed, mode="rb")

    def close(self) -> None:
        super().close()
        self._packed.close()


def _unpacked(file: File) -> BinaryIO:
    return cast(BinaryIO, _Unpacked(file.open()))


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


def _hidden(relative: str) -> bool:
    return any(part.startswith(".") for part in relative.split("/"))
