"""The prepared folder: written beside and renamed into place, opened with its version checked.

PREPARED/
  train/ valid/ test/ dropped/   Parquet: dialogue, context, reply (dropped: also reason)
  ids/{train,valid,test}.arrow   token ids, an Arrow stream that is memory-mapped for training
  tokenizer.model                SentencePiece (absent where the corpus is too small to train on)
  prepare.yaml                   what was asked
  report.md report.json          what was done, for people and for programs
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from data_prep.errors import PrepareError

FORMAT = 1
SPLITS = ("train", "valid", "test")
_OURS = {*SPLITS, "dropped", "ids", "tokenizer.model", "prepare.yaml", "report.json", "report.md"}
TOKENIZER, SETTINGS, REPORT, REPORT_TEXT = "tokenizer.model", "prepare.yaml", "report.json", "report.md"


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


def check_output(path: Path) -> None:
    """Refuse an output place that holds something other than an earlier prepared folder.

    Raises:
        PrepareError: ``path`` is a file, or a folder with other things in it.
    """
    if path.exists() and not path.is_dir():
        raise PrepareError(f"{path}: is a file; expected a folder to write to; give another --output")
    if path.parent == path or path.is_mount():
        raise PrepareError(f"{path}: cannot be replaced as a whole; give a folder inside it as --output")
    strangers = sorted({p.name for p in path.iterdir()} - _OURS) if path.is_dir() else []
    if strangers or (path.is_dir() and any(path.iterdir()) and not is_prepared(path)):
        named = f" ({strangers[0]})" if strangers else ""
        raise PrepareError(
            f"{path}: holds files that `chatbot prepare` did not write{named}; give another --output, or empty it"
        )


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A folder beside ``path`` to write in; at the end it takes the place of ``path`` by a rename.

    An earlier prepared folder stays whole until the new one is. Killed in between the two renames, the earlier
    one stands beside as ``.NAME.prepared-before`` and is put back by the next call. On an error nothing is left.
    """
    partial = path.with_name(f".{path.name}.being-prepared")
    old = path.with_name(f".{path.name}.prepared-before")
    with alone(path):
        if old.exists():
            if path.exists():
                shutil.rmtree(old)
            else:
                old.rename(path)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            yield partial
            _sync(partial)
            check_output(path)
            if path.exists():
                path.rename(old)
            partial.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            error.filename = error.filename or str(path)  # a write that fails does not say where by itself
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)


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
        raise PrepareError(f"{path}: another chatbot is writing here; wait for it, or give another --output") from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _sync(folder: Path) -> None:
    """Make sure the bytes are on the disk before the rename says so."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
