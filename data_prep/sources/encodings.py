"""Which encoding reads a file: by its mark, by its zeros, as UTF-8 where most of it is, else by its letters."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import BinaryIO

import ftfy.bad_codecs  # noqa: F401  registers the sloppy codecs, which have no holes
from charset_normalizer import from_bytes

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MENDING = "as-windows-1252"
"""Error handler: bytes that the encoding does not know are read one by one as CP1252, holes filled."""

_CHUNK = 1 << 20
_SAMPLE = 1 << 16  # bytes of lines beyond ASCII that are shown to the detector
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_CANDIDATES = [
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("koi8_r", "iso8859_2", "mac_roman", "cp437", "cp850", "cp866", "tis_620"),
    *("shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "gb18030", "big5"),
]
_LEAST_COHERENCE = 0.1  # by which another code page must look more like a language than CP1252 does
_UTF8_SHARE = 0.9  # of the lines beyond ASCII that must be UTF-8 for the rest to count as damage


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("sloppy-windows-1252"), error.end


codecs.register_error(MENDING, _as_windows_1252)


BEGINNING = 512
"""Bytes in which wide letters, and nearly all that is no text, have a NUL; further on it is dirt."""


def detect(head: bytes, reopen: Callable[[], BinaryIO]) -> str:
    """Name of the codec to read a file with (``errors=MENDING`` reads what it leaves).

    Args:
        head: how the file begins.
        reopen: opens it anew, to look at all of it.
    """
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    wide = wide_encoding(head)
    if wide:
        return wide
    with reopen() as opened:
        if _is_utf8(opened):
            return "utf-8"
    with reopen() as opened:
        good, bad, sample = _sample(opened)
    return "utf-8" if good >= _UTF8_SHARE * (good + bad) else _legacy(sample)


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, told by where its zero bytes stand; None for anything else."""
    if b"\0" not in head[:BEGINNING]:
        return None
    head = head[: len(head) // 4 * 4]
    for name in _WIDE:
        try:
            text = head.decode(name)
        except UnicodeDecodeError:
            text = head[:-2].decode(name, "ignore") if name.startswith("utf-16") else ""
        spaces = sum(text.count(space) for space in " \n")
        controls = sum((c < " " and c not in "\t\n\r\f\x1b") or c == "\ufffd" for c in text)
        if text and not controls and spaces * 100 >= len(text):
            return name
    return None


def _is_utf8(opened: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := opened.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _sample(opened: BinaryIO) -> tuple[int, int, bytes]:
    """Lines beyond ASCII that are UTF-8 and that are not, and the beginning of those that are not."""
    good, bad = 0, 0
    kept: list[bytes] = []
    room = _SAMPLE
    while line := opened.readline(_CHUNK):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            if room > 0:
                kept.append(line[:room])
                room -= len(line)
    return good, bad, b"".join(kept)


def _legacy(sample: bytes) -> str:
    matches = list(from_bytes(sample, cp_isolation=_CANDIDATES, language_threshold=0.0))
    western = next((m for m in matches if "cp1252" in m.could_be_from_charset), None)
    best = matches[0] if matches else None
    if best is None or best is western:
        return "sloppy-windows-1252"
    if western is not None and best.coherence < western.coherence + _LEAST_COHERENCE:
        return "sloppy-windows-1252"
    name = best.encoding
    return f"sloppy-windows-{name[2:]}" if name.startswith("cp125") and name != "cp1255" else name
