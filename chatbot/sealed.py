"""Bytes of a bot's files: read, checked, and written so that a change shows."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatbot.errors import BundleError


def read(path: Path) -> bytes:
    """All bytes of a file; a missing one and an unreadable one are named."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BundleError(damaged(path, "it is missing")) from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from error


def json_object(path: Path, raw: bytes) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(damaged(path, f"no JSON ({first_line(error)})")) from error
    if not isinstance(value, dict):
        raise BundleError(damaged(path, "expected a JSON object"))
    return value


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """JSON for people and programs; a lone surrogate is written as JSON's escape of it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def finite(value: Any) -> Any:
    """NaN and infinity, which JSON does not know, as null: a curve that diverged must not cost the bot."""
    if isinstance(value, Mapping):
        return {str(name): finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def signed(body: Mapping[str, Any]) -> bytes:
    """config.json: the body and the SHA-256 of its own JSON, so that a change here is noticed too."""
    return json_bytes({**body, "checksum": sha256(json_bytes(body))})


def sha256(content: bytes) -> str:
    """The hash as it stands in config.json."""
    return hashlib.sha256(content).hexdigest()


def first_line(error: Exception) -> str:
    """The first line of somebody else's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def damaged(path: Path, what: str) -> str:
    """One line that names the file, what is wrong with it, and the way out."""
    return f"{path}: damaged bot, {what}: copy the folder again, or make it anew with `chatbot fit`"
