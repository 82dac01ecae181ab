"""A folder on any file system that fsspec knows: this machine's disk, a bucket, a cluster's store."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

PARTIAL = ".partial"
"""How the name of a file ends that is being written."""


@dataclass(frozen=True)
class Place:
    """A folder by its URL or path; cheap to send to another process."""

    root: str

    @property
    def local(self) -> Path | None:
        """Its path, if it is on this machine's own disk."""
        return None if "://" in self.root else Path(self.root)

    def __truediv__(self, name: str) -> Place:
        return Place(f"{self.root.rstrip('/')}/{name}")

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Write a file that is there whole or not at all."""
        target = self / name
        if target.local is not None:
            # A name of its own: a worker given up for dead may still be writing the same file.
            beside = target.local.with_name(f"{target.local.name}.{secrets.token_hex(4)}{PARTIAL}")
            beside.parent.mkdir(parents=True, exist_ok=True)
            try:
                with beside.open("wb") as opened:
                    yield opened
                beside.replace(target.local)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            return
        system, path = fsspec.url_to_fs(target.root)
        system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        with system.open(path, "wb") as opened:  # object stores show a file once it is closed
            yield opened

    @contextmanager
    def reading(self, name: str) -> Iterator[Any]:
        """Read a file."""
        target = self / name
        if target.local is not None:
            with target.local.open("rb") as local:
                yield local
            return
        system, path = fsspec.url_to_fs(target.root)
        with system.open(path, "rb") as opened:
            yield opened

    def exists(self, name: str = "") -> bool:
        """Whether there is such a file or folder."""
        target = self / name if name else self
        if target.local is not None:
            return target.local.exists()
        system, path = fsspec.url_to_fs(target.root)
        return bool(system.exists(path))

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder below, in order; none where it is absent."""
        target = self / folder
        if target.local is not None:
            return sorted(p.name for p in target.local.iterdir()) if target.local.is_dir() else []
        system, path = fsspec.url_to_fs(target.root)
        return sorted(p.rsplit("/", 1)[-1] for p in system.ls(path, detail=False)) if system.isdir(path) else []

    def below(self) -> Iterator[str]:
        """Paths of all that is in it at any depth, those of folders with a slash at the end; the nearest first."""
        if self.local is None:
            system, root = fsspec.url_to_fs(self.root)
            yield from (path[len(root) :].lstrip("/") for path in sorted(system.find(root)))
            return
        for folder, folders, files in os.walk(self.local):
            above = os.path.relpath(folder, self.local).replace(os.sep, "/")
            folders.sort()
            for name in (*sorted(files), *(f"{name}/" for name in folders)):
                yield name if above == "." else f"{above}/{name}"

    def write_json(self, name: str, value: Any) -> None:
        """A value as JSON, whole or not at all."""
        with self.writing(name) as opened:
            opened.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def read_json(self, name: str) -> Any:
        """The value of a JSON file."""
        with self.reading(name) as opened:
            return json.loads(opened.read().decode("utf-8", "surrogatepass"))

    def write_table(self, name: str, table: pa.Table, compression: str = "lz4", dictionary: bool = False) -> None:
        """A table as Parquet, whole or not at all.

        Args:
            name: of the file.
            table: its rows.
            compression: as pyarrow has it.
            dictionary: whether values that come again are stored once; of texts that seldom do, it makes files larger
                and takes as long as the rest of the writing.
        """
        with self.writing(name) as opened:
            pq.write_table(table, opened, compression=compression, use_dictionary=dictionary)

    def read_table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """The table of a Parquet file, or some of its columns."""
        with self.reading(name) as opened:
            return pq.read_table(opened, columns=columns)
