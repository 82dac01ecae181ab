"""BOT.partial, the folder of a running training: what may be begun, gone on with, overwritten.

    BOT.partial/
      last.ckpt    Lightning's checkpoint: everything that goes on
      best.ckpt    weights of the best validation so far
      fit.yaml     the settings, resolved
      curve.jsonl  a line a validation

Each is written beside and renamed, so that a kill at any moment leaves the former or the new one whole.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from chatbot import bundle, swap
from chatbot.errors import ConfigError, FitError
from data_prep.store import Prepared

LAST, BEST, SETTINGS, CURVE = "last.ckpt", "best.ckpt", "fit.yaml", "curve.jsonl"
_TEMPORARY = ".tmp"
_SAMPLED = 1 << 20  # bytes at either end of the ids that the fingerprint reads


@dataclass(frozen=True)
class Workplace:
    """Where a training works and where its bot goes."""

    output: Path
    start: Literal["fresh", "resume"]

    @classmethod
    def claim(cls, output: Path, *, resume: bool, overwrite: bool) -> Workplace:
        """Decide whether training begins or goes on. Touches nothing yet.

        Raises:
            BundleError: ``output`` holds something that is no bot.
            ConfigError: both are asked for.
            FitError: something stands in the way that ``resume`` or ``overwrite`` would have to decide about.
        """
        if resume and overwrite:
            raise ConfigError("--resume goes on and --overwrite begins again; give one of them")
        bundle.check_output(output)
        place = cls(output.resolve(), "fresh")
        place._check_partial()
        bot, begun = swap.standing(place.output) is not None and _is_bot(place.output), place.last.is_file()
        if resume and begun:
            return cls(place.output, "resume")
        if resume and bot:
            raise FitError(f"{output}: its training is complete, nothing is left to resume; --overwrite begins again")
        if begun and not overwrite:
            raise FitError(
                f"{place.partial}: a training was begun here; add --resume to go on or --overwrite to begin again"
            )
        if bot and not overwrite:
            raise FitError(
                f"{output}: a bot stands here; add --overwrite to train another in its place, or give another --output"
            )
        return place

    @property
    def partial(self) -> Path:
        """The working folder."""
        return self.output.with_name(f"{self.output.name}.partial")

    @property
    def last(self) -> Path:
        """Lightning's checkpoint, from which training goes on."""
        return self.partial / LAST

    @property
    def best(self) -> Path:
        """The best weights so far."""
        return self.partial / BEST

    def begin(self) -> None:
        """Make the working folder; an earlier training in it goes, unless this one goes on from it."""
        if self.start == "fresh" and self.partial.exists():
            shutil.rmtree(self.partial)
        self.partial.mkdir(parents=True, exist_ok=True)
        for left in self.partial.glob(f"*{_TEMPORARY}"):
            left.unlink()

    def write(self, name: str, content: bytes | memoryview) -> None:
        """Write a file of the working folder, beside at first, then renamed.

        Where the disk refuses, what was there stays and nothing half lies about.

        Raises:
            OSError: the disk refuses.
        """
        beside = self.partial / f"{name}{_TEMPORARY}"
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.partial / name)
        except BaseException as error:
            beside.unlink(missing_ok=True)
            if isinstance(error, OSError):
                error.filename = error.filename or str(self.partial / name)  # a failing write does not say where
            raise

    def discard(self) -> None:
        """Remove the working folder; the checkpoint goes first, so that a kill leaves nothing that seems unfinished."""
        self.last.unlink(missing_ok=True)
        shutil.rmtree(self.partial, ignore_errors=True)

    def size(self) -> int:
        """Bytes of the working folder."""
        return sum(file.stat().st_size for file in self.partial.iterdir())

    def _check_partial(self) -> None:
        if self.partial.exists() and not self.partial.is_dir():
            raise FitError(f"{self.partial}: is a file, but training works in a folder of that name; move it away")
        if self.partial.is_dir():
            ours = {LAST, BEST, SETTINGS, CURVE}
            strange = sorted(f.name for f in self.partial.iterdir() if f.name.removesuffix(_TEMPORARY) not in ours)
            if strange:
                raise FitError(
                    f"{self.partial}: holds {strange[0]!r}, which no training put there; move it away or "
                    "give another --output"
                )


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint, loaded without running anything in it.

    Raises:
        FitError: it is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch thinks of a damaged file, we say in our own words
            loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise FitError(f"{path}: damaged checkpoint; --overwrite begins again") from error
    return loaded


def fingerprint(prepared: Prepared) -> str:
    """What tells one prepared folder from another: its tokenizer, and size and both ends of its token ids."""
    digest = hashlib.sha256(prepared.tokenizer or b"")
    for split in ("train", "valid"):
        path = prepared.ids(split)
        size = path.stat().st_size
        with path.open("rb") as file:
            digest.update(size.to_bytes(8, "little") + file.read(_SAMPLED))
            file.seek(max(0, size - _SAMPLED))
            digest.update(file.read(_SAMPLED))
    return digest.hexdigest()


def _is_bot(output: Path) -> bool:
    standing = swap.standing(output)
    return standing is not None and (standing / bundle.CONFIG).is_file()
