"""How far along: a bar on stderr where somebody looks at it, silence elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Item = TypeVar("Item")


class Stages:
    """Names the stage under way; in a terminal also draws how far it has come."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def track(self, items: Iterable[Item], stage: str, total: int | None = None) -> Iterator[Item]:
        """Hand the items through, counting them."""
        task = self._progress.add_task(stage, total=total)
        for item in items:
            yield item
            self._progress.advance(task)
        self._progress.update(task, total=self._progress.tasks[task].completed)

    @contextmanager
    def doing(self, stage: str) -> Iterator[None]:
        """A stage whose end cannot be told beforehand."""
        task = self._progress.add_task(stage, total=None)
        yield
        self._progress.update(task, total=1, completed=1)


@contextmanager
def stages() -> Iterator[Stages]:
    """Progress of a command, on stderr."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Stages(progress)
