"""How far it is, on stderr, where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from data_prep.text import printable

Watch = Callable[[int], None]


class Progress:
    """Bars that go away when they are done; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def __call__(self, what: str, total: int) -> Iterator[Watch]:
        """While something is done: who is told how much more of it is."""
        if not sys.stderr.isatty():
            yield lambda more: None
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Bar(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(printable(what), total=total)
            yield lambda more: bar.advance(task, more)
