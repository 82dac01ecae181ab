"""What the tab key offers: commands, settings, presets, files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from chatbot.chat.commands import COMMANDS
from chatbot.search.config import SearchConfig
from chatbot.search.presets import PRESETS

_TAKES = {spec.name: spec.takes for spec in COMMANDS}


class Completions(Completer):
    """Completes lines that begin with a slash, and nothing that is said."""

    def __init__(self) -> None:
        self._files = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """What the line may go on with."""
        typed = document.text_before_cursor
        if not typed.startswith("/"):
            return
        name, space, rest = typed[1:].partition(" ")
        if not space:
            for spec in COMMANDS:
                if spec.name.startswith(name.lower()):
                    yield Completion(f"/{spec.name}", start_position=-len(typed), display_meta=spec.does)
            return
        takes = _TAKES.get(name.lower())
        if takes == "setting" and " " not in rest:
            yield from _of((setting.name for setting in fields(SearchConfig)), rest)
        elif takes == "preset":
            yield from _of(PRESETS, rest)
        elif takes == "picture" and not rest.startswith("--save "):
            yield from _of(["--save "], rest)
        elif takes in ("file", "picture"):
            begun = rest.removeprefix("--save ")
            yield from self._files.get_completions(Document(begun, len(begun)), complete_event)


def _of(names: object, begun: str) -> Iterator[Completion]:
    for name in names:  # type: ignore[attr-defined]
        if name.startswith(begun):
            yield Completion(name, start_position=-len(begun))
