"""Corpora of the Hugging Face hub (``hf://ORG/NAME``), streamed, and folders that ``save_to_disk`` wrote.

Their columns are told as those of Parquet files are. Nothing of a corpus is run: ``datasets`` loads data alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from data_prep.errors import PrepareError
from data_prep.sources import arrow_rows
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Reading
from data_prep.sources.options import SourceConfig

SCHEME = "hf://"
FORMAT_NAME = "hub"

_BATCH = 1_000  # rows
_OTHER_SPLIT = "another split than --source.hub_split"
_LAST = re.compile(r"[^/\\]*$")


def readings(given: str, notes: Notes, config: SourceConfig) -> list[Reading]:
    """The reading of an input that begins with ``hf://``; the hub is asked when it is read.

    Raises:
        PrepareError: no corpus is named.
    """
    name, _, revision = given.removeprefix(SCHEME).removeprefix("datasets/").strip("/").partition("@")
    if not re.fullmatch(r"\w[\w.-]*(?:/\w[\w.-]*)?", name):
        raise PrepareError(f"{given}: no corpus of the Hugging Face hub; expected hf://ORG/NAME; check the name")
    batches = partial(_streamed, given, name, revision or None, config)
    label = f"{given}:{config.hub_split}"
    return [
        Reading(
            FORMAT_NAME,
            (given,),
            partial(arrow_rows.dialogues, label, batches, given, notes, config, again=False),
        )
    ]


def load(name: str, revision: str | None, config: SourceConfig) -> Any:
    """A corpus of the hub as an iterable of its rows. The one place where the network is asked."""
    from datasets import load_dataset  # slow to import, and of no use to who reads files

    return load_dataset(name, config.hub_config, split=config.hub_split, revision=revision, streaming=True)


def _streamed(
    given: str, name: str, revision: str | None, config: SourceConfig, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError

    network = HfHubHTTPError.__bases__  # the errors of whichever HTTP library it uses
    try:
        corpus = load(name, revision, config)
        if columns:
            corpus = corpus.select_columns(columns)
        for table in corpus.with_format("arrow").iter(batch_size=_BATCH):
            yield from table.combine_chunks().to_batches()
    except (OSError, ValueError, RuntimeError, pa.ArrowException, DatasetsError, *network) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        check = "check the name, --source.hub_split, --source.hub_config and the network"
        raise PrepareError(f"{given}: the hub gives no such corpus ({reason}); {check}") from error


def gather(files: list[File], notes: Notes, config: SourceConfig) -> tuple[list[Reading], list[File]]:
    """Each folder that ``save_to_disk`` wrote, and all other files; of several splits the one that is asked for.

    Raises:
        PrepareError: a split that is asked for, or a file of its data, is not there.
    """
    by_path = {file.path: file for file in files}
    splits = {_folder(file.path): there for file in files if (there := _splits(file))}
    used: set[str] = set()
    found: list[Reading] = []
    for file in files:
        names = _data_files(file)
        if names is None:
            continue
        folder = _folder(file.path)
        data = [by_path[folder + name] for name in names if folder + name in by_path]
        if len(data) < len(names):
            raise PrepareError(f"{file.path}: a file of its data is not there; save the corpus to disk again")
        used.update((file.path, folder + "dataset_info.json", *(each.path for each in data)))
        if _is_wanted(folder, splits, config):
            found += [_reading(data, notes, config)] if data else []
        else:
            notes.passed_over.update(dict.fromkeys((each.name for each in data), _OTHER_SPLIT))
    used.update(folder + "dataset_dict.json" for folder in splits)
    return found, [file for file in files if file.path not in used]


def _is_wanted(folder: str, splits: dict[str, list[str]], config: SourceConfig) -> bool:
    """Whether a folder is the split that is asked for, or no split of a greater whole.

    Raises:
        PrepareError: the whole has no such split.
    """
    above, name = _folder(folder[:-1]), folder[len(_folder(folder[:-1])) : -1]
    if name not in splits.get(above, ()):
        return True
    if config.hub_split not in splits[above]:
        known = f"expected one of {', '.join(splits[above])}"
        raise PrepareError(f"{above}: no split {config.hub_split!r}; {known}; give --source.hub_split")
    return name == config.hub_split


def _folder(path: str) -> str:
    return _LAST.sub("", path, count=1)


def _reading(data: list[File], notes: Notes, config: SourceConfig) -> Reading:
    first = data[0]
    dialogues = partial(arrow_rows.dialogues, first.name, partial(_saved, data), first.path, notes, config)
    return Reading(FORMAT_NAME, tuple(file.name for file in data), dialogues)


def _saved(data: list[File], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for file in data:
        with file.open() as opened, pa.ipc.open_stream(opened) as stream:
            for batch in stream:
                yield batch.select(columns) if columns else batch


def _data_files(file: File) -> list[str] | None:
    """What a ``state.json`` names; None where the file is none."""
    if b'"_data_files"' not in file.head:
        return None
    state = _object(file)
    listed = state.get("_data_files")
    if not isinstance(listed, list) or "_fingerprint" not in state:
        return None
    names = [each.get("filename") if isinstance(each, dict) else None for each in listed]
    return [name for name in names if isinstance(name, str)] if all(isinstance(n, str) for n in names) else None


def _splits(file: File) -> list[str]:
    """What a ``dataset_dict.json`` names."""
    if b'"splits"' not in file.head or len(file.head) > 1 << 12:
        return []
    splits = _object(file).get("splits")
    return splits if isinstance(splits, list) and all(isinstance(split, str) for split in splits) else []


def _object(file: File) -> dict[str, Any]:
    try:
        value = json.loads(file.head)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
