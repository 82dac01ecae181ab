"""How far along: a bar on stderr where somebody looks at it, silence elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Rows(ProgressColumn):
    """Rows done, of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        """As in ``1,200,000/20,000,000 rows, 95,000/s``."""
        if task.total == 1 or not (task.completed or task.total):  # a stage that is not about rows, or has none yet
            return Text("")
        total = f"/{task.total:,.0f}" if task.total else ""
        speed = task.finished_speed or task.speed
        return Text(f"{task.completed:,.0f}{total} rows" + (f", {speed:,.0f}/s" if speed else ""))


class Stages:
    """Names the stage under way; in a terminal also draws how far it has come."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def rows(self, stage: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A stage over rows; what is yielded is told how many more are done."""
        task = self._progress.add_task(stage, total=total)
        yield lambda done: self._progress.advance(task, done)
        self._progress.update(task, total=self._progress.tasks[task].completed)

    @contextmanager
    def doing(self, stage: str) -> Iterator[Callable[[str], None]]:
        """A stage whose end cannot be told beforehand; what is yielded renames it."""
        task = self._progress.add_task(stage, total=None)
        yield lambda name: self._progress.update(task, description=name)
        self._progress.update(task, total=1, completed=1)


@contextmanager
def stages() -> Iterator[Stages]:
    """Progress of a command, on stderr."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Rows(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Stages(progress)
