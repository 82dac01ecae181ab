"""What was typed before, over all conversations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

_LONG = 10_000  # characters of a line that is not kept


class Typed(FileHistory):
    """A history in a file; pages that were pasted are not kept, and a disk that refuses is told of once.

    Args:
        path: the file.
        tell: is told what is wrong.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        super().__init__(str(path))
        self._tell: Callable[[str], None] | None = tell

    def store_string(self, string: str) -> None:
        """Keep a line."""
        if len(string) > _LONG or self._tell is None:
            return
        try:
            super().store_string(string)
        except OSError as error:
            self._tell(f"{self.filename!s}: {error.strerror}; from here on what is typed is not kept.")
            self._tell = None


def history(path: Path | None, tell: Callable[[str], None]) -> History:
    """A history in a file, or in memory where there is none."""
    return InMemoryHistory() if path is None else Typed(path, tell)
