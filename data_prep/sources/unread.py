"""Why a file was not read, and what to do about it."""

from __future__ import annotations

from data_prep.sources.files import File
from data_prep.sources.inputs import office
from data_prep.sources.options import SourceConfig
from data_prep.sources.tables import columns_of

_MAGIC = {
    b"7z\xbc\xaf": "an archive: unpack it",
    b"Rar!": "an archive: unpack it",
    b"BZh": "an archive: unpack it",
    b"\xfd7zXZ": "an archive: unpack it",
    b"\x28\xb5\x2f\xfd": "an archive: unpack it",
    b"%PDF": "a PDF: save it as plain text",
    b"\xd0\xcf\x11\xe0": "a document of an old office program: save it as CSV or plain text",
    b"SQLite format 3": "a database: export its messages as CSV",
}
_TAR = slice(257, 262)
_TELEGRAM = ("message default clearfix", "Exported Data", "tgico")
_MOST_COLUMNS = 12


def why_not(file: File, config: SourceConfig) -> str:
    """In a few words, for the report."""
    if not file.head:
        return "empty"
    known = next((what for magic, what in _MAGIC.items() if file.head.startswith(magic)), None) or office(file)
    if known or file.head[_TAR] == b"ustar":
        return known or "an archive: unpack it"
    if not file.looks_like_text:
        return "not text"
    text = file.head_text[:20_000].lower()
    if "<html" in text or "<!doctype html" in text:
        telegram = any(sign.lower() in text for sign in _TELEGRAM)
        return f"a web page: {'export the chat' if telegram else 'save it'} as {'JSON' if telegram else 'text'}"
    return _table(file, config) or "no format recognised"


def _table(file: File, config: SourceConfig) -> str | None:
    """The columns of what is evidently a table, and how to say what they hold."""
    columns = columns_of(file)
    if columns is None:
        return None
    there = ", ".join(columns[:_MOST_COLUMNS]) + (" …" if len(columns) > _MOST_COLUMNS else "")
    for role, column in vars(config.columns).items():
        if column is not None and column not in columns:
            return f"a table without the column {column!r} of --source.columns.{role}; there are {there}"
    return f"a table whose columns ({there}) do not tell what is said; name them with --source.columns.text and so on"
