"""The prepared folder: written beside and renamed into place, opened with its version checked.

PREPARED/
  train/ valid/ test/ dropped/   Parquet: dialogue, context, reply (dropped: also reason)
  ids/{train,valid,test}.arrow   token ids, an Arrow stream that is memory-mapped for training
  tokenizer.model                SentencePiece (absent where the corpus is too small to train on)
  prepare.yaml                   what was asked
  report.md report.html          what was done, for people
  report.json                    and for programs; written last

or, after ``--stop-after read``, turns.parquet alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import fsspec
import yaml
from filelock import FileLock, Timeout

from data_prep.errors import PrepareError
from data_prep.ours import stranger
from data_prep.place import PARTIAL, Place

FORMAT = 2
SPLITS = ("train", "valid", "test")
TOKENIZER, SETTINGS, REPORT, REPORT_TEXT = "tokenizer.model", "prepare.yaml", "report.json", "report.md"
REPORT_PAGE = "report.html"
WORK = "work"


@dataclass(frozen=True)
class Prepared:
    """An opened prepared folder."""

    path: Path
    report: dict[str, Any]
    settings: dict[str, Any]
    tokenizer: bytes | None

    def split(self, name: str) -> Path:
        """Folder of the Parquet files of ``train``, ``valid``, ``test`` or ``dropped``."""
        return self.path / name

    def ids(self, name: str) -> Path:
        """Token ids of a split: Arrow stream of ``context`` (turns of pieces), ``reply``, ``words``."""
        return self.path / "ids" / f"{name}.arrow"


def is_prepared(path: Path) -> bool:
    """Whether ``path`` looks like a folder that `chatbot prepare` wrote."""
    return (path / REPORT).is_file() and (path / SETTINGS).is_file() and (path / "train").is_dir()


def open_prepared(path: Path) -> Prepared:
    """Open a prepared folder.

    Raises:
        PrepareError: it is absent, not a prepared folder, of another version, or incomplete.
    """
    if path.is_file():
        raise PrepareError(
            f"{path}: a file; prepare it first: `chatbot prepare {path} --output DIR`, then give DIR here"
        )
    if not path.is_dir():
        raise PrepareError(f"{path}: no such folder; expected one written by `chatbot prepare INPUT --output {path}`")
    if not is_prepared(path):
        raise PrepareError(
            f"{path}: not a prepared folder (no {REPORT} and train/ in it); "
            f"make one with `chatbot prepare INPUT --output DIR`"
        )
    try:
        report = json.loads((path / REPORT).read_text(encoding="utf-8"))
        settings = yaml.safe_load((path / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PrepareError(f"{path}: damaged prepared folder ({error}); run `chatbot prepare` again") from error
    version = report.get("format") if isinstance(report, dict) else None
    if version != FORMAT:
        raise PrepareError(
            f"{path / REPORT}: prepared-folder format {version}, this version reads {FORMAT}; "
            "run `chatbot prepare` again"
        )
    if not isinstance(settings, dict):
        raise PrepareError(f"{path / SETTINGS}: expected settings; run `chatbot prepare` again")
    tokenizer = path / TOKENIZER
    prepared = Prepared(path, report, settings, tokenizer.read_bytes() if tokenizer.is_file() else None)
    missing = [str(p) for p in _expected(prepared) if not p.exists()]
    if missing:
        raise PrepareError(f"{missing[0]}: missing from the prepared folder; run `chatbot prepare` again")
    return prepared


def _expected(prepared: Prepared) -> list[Path]:
    expected = [prepared.split(name) for name in (*SPLITS, "dropped")]
    if prepared.report.get("vocabulary"):
        expected += [prepared.path / TOKENIZER, *(prepared.ids(name) for name in SPLITS)]
    return expected


def check_output(output: Path | str) -> Place:
    """The output as a place; refused where it holds something other than what an earlier run wrote.

    Raises:
        PrepareError: it is a file, or a folder with other things in it.
    """
    output = str(output).removeprefix("file://")
    if "://" in output:
        return _check_remote(output.rstrip("/"))
    path = Path(output).resolve()  # a link stays a link
    if path.exists() and not path.is_dir():
        raise PrepareError(f"{path}: is a file; expected a folder to write to; give another --output")
    if blocked := next((parent for parent in path.parents if parent.exists() and not parent.is_dir()), None):
        raise PrepareError(f"{path}: {blocked} is a file, in which no folder can be made; give another --output")
    if path.parent == path or path.is_mount():
        raise PrepareError(f"{path}: cannot be replaced as a whole; give a folder inside it as --output")
    place = Place(str(path))
    _refuse(place, stranger(place, prepared=is_prepared(path)))
    return place


def _check_remote(output: str) -> Place:
    place = Place(output)
    try:
        found = stranger(place, prepared=place.exists(REPORT)) if place.exists() else None
    except (OSError, ValueError, ImportError, TypeError) as error:
        raise PrepareError(f"{output}: cannot be reached ({error}); check the URL and run again") from error
    _refuse(place, found)
    return place


def _refuse(place: Place, found: str | None) -> None:
    if found is not None:
        raise PrepareError(
            f"{place.root}: holds files that `chatbot prepare` did not write ({found}); "
            "give another --output, or empty it"
        )


@contextmanager
def writing(output: Place, fingerprint: str = "") -> Iterator[Place]:
    """A folder beside ``output`` to write in; at the end it takes the place of ``output``.

    On this machine's disk that is a rename, and an earlier folder stays whole until then: killed in between the two
    renames, it stands beside as ``.NAME.prepared-before`` and is put back by the next call. Elsewhere the files are
    moved one by one, the report last. What a killed run left is found again if the fingerprint is the same, and
    removed otherwise: each fingerprint has a folder of its own, so that what a worker of a killed run still writes is
    never taken for the work of this one. On an error nothing is left.
    """
    path = output.local
    if path is None:
        yield from _writing_remote(output, fingerprint)
        return
    partial = path.with_name(f".{path.name}.being-prepared")
    old = path.with_name(f".{path.name}.prepared-before")
    with alone(path):
        if old.exists():
            if path.exists():
                shutil.rmtree(old)
            else:
                old.rename(path)
        try:
            folder = _take_up(Place(str(partial)), fingerprint)
            new = Path(folder.root)
            yield folder
            shutil.rmtree(new / WORK, ignore_errors=True)
            _sync(new)
            check_output(path)
            if path.exists():
                path.rename(old)
            new.rename(path)
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
        except Exception as error:
            shutil.rmtree(partial, ignore_errors=True)
            if isinstance(error, OSError):
                error.filename = error.filename or str(path)  # a write that fails does not say where by itself
            raise


def _take_up(beside: Place, fingerprint: str) -> Place:
    """The folder of what runs with this fingerprint do, of which only their work is left; those of others are gone."""
    mine = blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    folder = beside / mine
    for name in beside.names(""):
        if name != mine:
            with suppress(OSError):  # where one of its workers is still writing; it is of no use to this run
                _remove(beside / name)
    for name in folder.names(""):
        if name != WORK:
            _remove(folder / name)
    if folder.local is not None:
        folder.local.mkdir(parents=True, exist_ok=True)
    return folder


def _remove(place: Place) -> None:
    system, path = fsspec.url_to_fs(place.root)
    system.rm(path, recursive=True)


def _writing_remote(output: Place, fingerprint: str) -> Iterator[Place]:
    beside = Place(f"{output.root}.being-prepared")
    folder = _take_up(beside, fingerprint)
    yield folder
    if output.exists():
        _remove(output)
    system, root = fsspec.url_to_fs(folder.root)
    target = fsspec.url_to_fs(output.root)[1]
    files = [path for path in system.find(root) if not path[len(root) :].startswith(f"/{WORK}/")]
    for path in sorted(files, key=lambda path: path.endswith(f"/{REPORT}")):
        below = path[len(root) :]
        system.makedirs(f"{target}{below}".rsplit("/", 1)[0], exist_ok=True)
        system.mv(path, f"{target}{below}")
    _remove(beside)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the only right to write ``path``; the system takes it back when the process ends, however it ends.

    Raises:
        PrepareError: another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        _check_writable(lock.lock_file)  # as /proc is not
        raise PrepareError(f"{path}: another chatbot is writing here; wait for it, or give another --output") from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _check_writable(lock: str) -> None:
    try:
        Path(lock).touch()
    except OSError as error:
        folder, why = Path(lock).parent, error.strerror or error
        raise PrepareError(f"{folder}: nothing can be written here ({why}); give another --output") from error


def _sync(folder: Path) -> None:
    """Make sure the bytes are on the disk before the rename says so; what a worker that died was writing goes."""
    for file in sorted(folder.rglob("*")):
        if file.name.endswith(PARTIAL):
            file.unlink()
        elif file.is_file():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
