"""A folder that is written whole or not at all, and takes the place of an earlier one in one move.

The new folder is written beside, flushed to the disk, and only then things move: old aside, new in, old
deleted. A process that is killed between the two moves leaves both whole beside; `standing` then names the
new one, and the next `write` tidies up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path


def write(path: Path, contents: Mapping[str, bytes], keep: Collection[str] = ()) -> None:
    """Write a folder of the given files; an earlier folder at ``path`` goes with all that is in it but ``keep``.

    Who may read the folder and each of its files stays as it was. ``path`` is resolved, so that a link to it stays a
    link. Raises OSError where the disk refuses, and leaves what stood there as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _settle(path)
    _write_new(_new(path), contents, path, keep)
    _swap(path)


def write_file(path: Path, content: bytes) -> None:
    """Write a single file, whole or not at all; raises OSError where the disk refuses."""
    beside = path.with_name(f".{path.name}.partial")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def standing(path: Path) -> Path | None:
    """The folder to read for ``path`` (resolved): itself, or what a killed `write` left beside, or None."""
    if path.is_dir():
        return path
    if path.name and _old(path).is_dir():
        return _new(path) if _new(path).is_dir() else _old(path)
    return None


def _write_new(folder: Path, contents: Mapping[str, bytes], earlier: Path, keep: Collection[str]) -> None:
    """Write a whole folder and flush it; where that fails, none of it stays."""
    folder.mkdir()
    try:
        for name, content in contents.items():
            with (folder / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if (earlier / name).is_file():
                shutil.copymode(earlier / name, folder / name)
        for name in keep:
            _copy(earlier / name, folder / name)
        if earlier.is_dir():
            shutil.copymode(earlier, folder)
        _flush(folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            error.filename = error.filename or str(folder)  # a failing write does not say where
        raise


def _copy(entry: Path, to: Path) -> None:
    """A file, a folder with all in it, or a link as it is."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.copytree(entry, to, symlinks=True)
    else:
        shutil.copy2(entry, to, follow_symlinks=False)


def _swap(path: Path) -> None:
    """Put the new folder in the place of the old one; where that fails, the old one is put back.

    The old folder stands aside only from when the new one is whole: so a folder aside with nothing at
    ``path`` always means that the new one, if it is there, may be used.
    """
    new, old = _new(path), _old(path)
    moved = path.exists()
    try:
        if moved:
            path.rename(old)
        new.rename(path)
    except OSError:
        if moved and old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(new, ignore_errors=True)
        raise
    _flush(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _settle(path: Path) -> None:
    """Finish the swap that a killed process began, and clear away what others left half written."""
    new, old = _new(path), _old(path)
    if not path.exists() and old.is_dir():
        (new if new.is_dir() else old).rename(path)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _new(path: Path) -> Path:
    """Where the new folder is written, beside ``path``."""
    return path.with_name(f".{path.name}.chatbot-new")


def _old(path: Path) -> Path:
    """Where the old folder stands while the new one takes its place."""
    return path.with_name(f".{path.name}.chatbot-old")


def _flush(folder: Path) -> None:
    """Make the names in a folder as lasting as the files; Windows knows no such thing."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
