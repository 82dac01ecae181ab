"""JSON read a value at a time: the elements of one array, or values one after another (a line each, or over lines).

An array of gigabytes is never held as a whole; of a file of which only the head is known, as much is decoded as is
there.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from data_prep.errors import PrepareError
from data_prep.sources.encodings import MENDING
from data_prep.sources.files import BROKEN, File

DEEPEST = 100
"""Containers within containers that are looked into; talk lies far above."""

_CHUNK = 1 << 20
_DECODER = json.JSONDecoder(strict=False)  # raw control characters inside strings are common dirt
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]|"', re.DOTALL)
_SPACE = re.compile(r"[\s\ufeff\x1e]*")
_CLOSES = {"{": "}", "[": "]"}
# So near to the end of what is read, an error may come from the cut.
_MARGIN = 16


def decode(text: str) -> Any:
    """A JSON text; control characters inside its strings are let pass.

    Raises:
        ValueError: it is none.
        RecursionError: containers within containers, thousands deep.
    """
    return _DECODER.decode(text)


@lru_cache(maxsize=4)
def beginning(text: str) -> tuple[Any, ...]:
    """The values that a text begins with; of the last one, where it is cut, what is there. Do not change them.

    >>> beginning('{"a": 1} {"b": [{"c": "yes"}, {"d": "no')
    ({'a': 1}, {'b': [{'c': 'yes'}, {}]})
    >>> beginning("prose")
    ()
    """
    found: list[Any] = []
    place = _after_space(text, 0)
    while place < len(text) and text[place] in "[{":
        try:
            value, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            found += _mended(text[place:])
            break
        found.append(value)
        place = _after_space(text, place)
    return tuple(found)


def _mended(text: str) -> list[Any]:
    """The value that a cut text begins with, its open containers closed; empty where it is no JSON."""
    stack: list[str] = []
    safe, open_then = 0, ""
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == '"':  # a string that is cut
            break
        if token in _CLOSES:
            stack.append(token)
            if len(stack) > DEEPEST:
                return []
        elif token in ("}", "]") and (not stack or _CLOSES[stack.pop()] != token):
            return []
        if token == ",":
            safe, open_then = match.start(), "".join(stack)
        elif token in "{}[]":
            safe, open_then = match.end(), "".join(stack)
    closed = text[:safe] + "".join(_CLOSES[bracket] for bracket in reversed(open_then))
    try:
        return [_DECODER.decode(closed)] if safe else []
    except json.JSONDecodeError as error:
        return _mended(text[: error.pos]) if 0 < error.pos < safe else []  # broken, not cut: what stands before
    except (ValueError, RecursionError):
        return []


def is_one_array(file: File) -> bool:
    """Whether the values of a file are the elements of one array, not arrays on lines of their own."""
    text = file.head_text
    start = _after_space(text, 0)
    if not text.startswith("[", start):
        return False
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return True
    return not text.startswith(("[", "{"), _after_space(text, end))


def values(file: File) -> Iterator[tuple[int, int, Any]]:
    """(Number from 1, line it begins on, value), decoded as they are asked for.

    Raises:
        PrepareError: what follows is not JSON; it names the line.
    """
    try:
        with io.TextIOWrapper(file.open(), encoding=file.encoding, errors=MENDING) as opened:
            stream = _Stream(file, opened)
            yield from _elements(stream) if is_one_array(file) else _one_after_another(stream)
    except (*BROKEN, UnicodeError) as error:
        raise PrepareError(f"{file.path}: cannot be read ({error}); check it and run again") from error


def _elements(stream: _Stream) -> Iterator[tuple[int, int, Any]]:
    stream.peek()
    stream.place += 1
    number = 0
    while stream.peek() != "]":
        if number and stream.peek() != ",":
            raise stream.error("expected a comma or the end of the array")
        stream.place += bool(number)
        number += 1
        yield number, *stream.value()
    stream.place += 1
    if stream.peek():
        raise stream.error("something follows the end of the array")


def _one_after_another(stream: _Stream) -> Iterator[tuple[int, int, Any]]:
    number = 0
    while stream.peek():
        number += 1
        yield number, *stream.value()


class _Stream:
    """Text of a file of which only the part not yet decoded is held."""

    def __init__(self, file: File, opened: io.TextIOWrapper) -> None:
        self._file, self._opened = file, opened
        self._text, self.place, self._line, self._counted = "", 0, 1, 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is no space, now at ``place``; empty at the end."""
        while True:
            self.place = _after_space(self._text, self.place)
            if self.place < len(self._text):
                return self._text[self.place]
            if self._ended:
                return ""
            self._more()

    def value(self) -> tuple[int, Any]:
        """The line of the next value, and the value."""
        self.peek()
        line = self._line_now(self.place)
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self.place)
            except RecursionError as error:
                raise self.error("containers within containers, thousands deep") from error
            except json.JSONDecodeError as error:
                if self._ended or not self._may_be_cut(error):
                    raise self.error(error.msg, error.pos) from error
            except ValueError as error:  # a number of thousands of digits
                raise self.error(str(error)) from error
            else:
                if self._ended or end < len(self._text) or isinstance(value, (dict, list, str)):
                    self.place = end
                    return line, value
            self._more()

    def error(self, why: str, place: int | None = None) -> PrepareError:
        """What is wrong at ``place`` of the text held, or where the stream stands."""
        line = self._line_now(self.place if place is None else place)
        return PrepareError(f"{self._file.path}, line {line}: not valid JSON ({why}); mend the file and run again")

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        return error.pos + _MARGIN >= len(self._text) or error.msg.startswith("Unterminated string")

    def _line_now(self, place: int) -> int:
        if place > self._counted:
            self._line += self._text.count("\n", self._counted, place)
            self._counted = place
        return self._line

    def _more(self) -> None:
        """Drop what is decoded and read on: as much again as is held, so that a long value costs its length."""
        self._line_now(self.place)
        kept = self._text[self.place :]
        read = self._opened.read(max(_CHUNK, len(kept)))
        self._ended = not read
        self._text, self.place, self._counted = kept + read.replace("\0", ""), 0, max(0, self._counted - self.place)


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
