"""Keys and colours. What is said and answered is decided in `session`; here it is asked for and drawn.

The prompt stays at the bottom and takes keys at all times; a reply grows above it, and what was said scrolls up. All of
it is printable text: no escape sequence of a model or a file reaches the terminal. ``NO_COLOR`` is honoured.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import is_searching
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style

from chatbot.chat.complete import Completions
from chatbot.chat.pictures import cut, ending, width
from chatbot.chat.session import Session
from chatbot.chat.settings import way
from chatbot.chat.styled import THEMES, Looks, Styled, drawn, named
from chatbot.chat.talking import HINT, STOPPED, Answer, StoppedError
from chatbot.chat.typed import history
from data_prep.text import printable

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TICK = 0.1  # seconds
_LAST_WORDS = 2.0  # seconds in which the terminal may answer what it was asked; unread, that lands in the shell
_BELOW = 4  # rows that a growing reply leaves to the prompt


class Terminal:
    """A conversation at a prompt.

    Args:
        session: decides.
        looks: how it is drawn.
        typed: the file of what was typed before; None: only what is typed now is called back.
        stop: breaks off the reply that is under way.
        leave: lets nobody wait for the bot any more.
        keys: stands in for the keyboard, in tests.
        screen: stands in for the screen, in tests.
    """

    def __init__(
        self,
        session: Session,
        looks: Looks,
        typed: Path | None,
        stop: Callable[[], None],
        leave: Callable[[], None],
        keys: Input | None = None,
        screen: Output | None = None,
    ) -> None:
        self._session, self._looks, self._stop, self._leave = session, looks, stop, leave
        colours = THEMES["mono" if os.environ.get("NO_COLOR") else looks.theme]
        self._style = Style.from_dict({**colours, "bottom-toolbar": f"noreverse {colours['dim']}"})
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._busy = False
        self._growing = ""  # the reply so far, while it comes
        self._warned = False  # Ctrl-C was pressed, and nothing since
        self._ticks = 0
        self._held: list[StyleAndTextTuples] | None = None  # what is to be drawn once the editor is left
        self._prompt: PromptSession[str] = PromptSession(
            message=self._message,
            history=history(typed, self._say),
            auto_suggest=AutoSuggestFromHistory(),
            completer=Completions(),
            complete_while_typing=False,
            key_bindings=self._bindings(),
            bottom_toolbar=self._bottom,
            style=self._style,
            erase_when_done=True,
            input=keys,
            output=screen,
        )
        self._prompt.default_buffer.accept_handler = self._take
        self._prompt.default_buffer.on_text_changed += self._forget_warning

    def run(self) -> None:
        """Talk until the person leaves."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        with suppress(NotImplementedError, RuntimeError):  # not on Windows, nor outside the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._end)
        loading = asyncio.create_task(asyncio.to_thread(lambda: self._session.settings))
        asking = asyncio.create_task(self._ask_all())
        tasks = {asyncio.create_task(self._answer_all()), asking}
        if self._looks.greeting:
            self._say(self._looks.greeting)
        with patch_stdout():
            done, waiting = await asyncio.wait({loading, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            self._prompt.app.invalidate()
            if done == {loading} and loading.exception() is None:
                done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self._leave()
        self._end()
        await asyncio.wait({asking}, timeout=_LAST_WORDS)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for task in done:
            task.result()

    def _end(self) -> None:
        if self._prompt.app.is_running:
            self._prompt.app.exit(exception=EOFError)

    async def _ask_all(self) -> None:
        """Take lines until the person leaves.

        It is one prompt for all of them, whose terminal never leaves raw mode: a key that falls between two prompts is
        echoed where it should not be, or lost.
        """
        with suppress(EOFError):
            await self._prompt.prompt_async()

    async def _answer_all(self) -> None:
        """Answer the lines in turn until one of them ends it."""
        while True:
            line = await self._waiting.get()
            if line.strip():
                self._print(_joined(named("you", line, self._columns())))
            spinning = asyncio.create_task(self._spin())
            try:
                leaves = await self._answer(line)
            finally:
                spinning.cancel()
                self._busy, self._growing = False, ""
                self._prompt.app.invalidate()
            if leaves:
                self._end()
                return

    async def _spin(self) -> None:
        """Show that something is on its way."""
        self._busy = True
        while True:
            self._ticks += 1
            self._prompt.app.invalidate()
            await asyncio.sleep(_TICK)

    async def _answer(self, line: str) -> bool:
        """Draw what follows a line; whether that is the end."""
        self._session.columns = self._columns()
        steps = self._session.handle(line)
        while True:
            try:
                answer = await asyncio.to_thread(next, steps, None)
            except StoppedError:
                self._say(STOPPED)
                return False
            except Exception as error:  # noqa: BLE001 - one line that goes wrong is no reason to end the talk
                self._draw(Answer("error", f"{type(error).__name__}: {error} (a fault of ours)"))
                return False
            if answer is None:
                return False
            if answer.kind == "quit":
                return True
            self._growing = answer.text if answer.kind == "part" else ""
            self._draw(answer)

    def _draw(self, answer: Answer) -> None:
        """An answer above the prompt, or in it."""
        buffer = self._prompt.default_buffer
        if answer.kind == "part":
            self._prompt.app.invalidate()
        elif answer.kind == "edit" and not buffer.text:
            buffer.text = f"/edit {answer.text}"
            buffer.cursor_position = len(buffer.text)
        elif lines := list(drawn(answer, self._columns())):  # at once: the prompt is drawn anew after each
            self._print(_joined(lines))

    # ------------------------------------------------------------------------------------------------ drawing

    def _message(self) -> StyleAndTextTuples:
        """What stands before the line that is typed: above it the reply that is on its way."""
        begun: StyleAndTextTuples = []
        if self._growing:
            size = self._prompt.app.output.get_size()
            rows = list(named("bot", self._growing, size.columns))
            begun = [*_joined(rows[-max(1, size.rows - _BELOW) :]), ("", "\n")]
        elif self._busy:
            what = "" if self._session.ready else " the bot is still loading"
            begun = [("class:bot", "bot: "), ("class:dim", f"{_SPINNER[self._ticks % len(_SPINNER)]}{what}\n")]
        return [*begun, ("class:you", "you: ")]

    def _bottom(self) -> FormattedText:
        """Who is talked to, how, and how fast; the most important first, as far as there is room."""
        parts = [ending(printable(self._looks.title), max(2, self._columns() // 2))]
        if self._session.ready:
            parts.append(self._session.preset or way(self._session.settings))
            if self._session.speed.pieces:
                parts.append(f"{1000 * self._session.speed.whole:.0f} ms")
        else:
            parts.append("loading")
        if self._waiting.qsize():
            parts.append(f"{self._waiting.qsize()} waiting")
        line, *others = map(printable, [*parts, "/help"])
        for part in others:
            line = f"{line} · {part}" if width(f"{line} · {part}") <= self._columns() else line
        return FormattedText([("", cut(line, self._columns()))])

    def _columns(self) -> int:
        return self._prompt.app.output.get_size().columns

    def _say(self, text: str) -> None:
        self._draw(Answer("note", text))

    def _print(self, fragments: StyleAndTextTuples) -> None:
        """One styled text above the prompt, which makes room and is drawn anew below; not over somebody's editor."""
        app = self._prompt.app
        if self._held is not None:
            self._held.append(fragments)
            return
        app.renderer.erase()
        print_formatted_text(app.output, FormattedText([*fragments, ("", "\n")]), self._style)
        app.output.flush()
        if app.is_running:
            app.renderer.request_absolute_cursor_position()
            app.invalidate()

    # ------------------------------------------------------------------------------------------------ keys

    def _bindings(self) -> KeyBindings:
        """Ctrl-C, Alt-Enter and the editor; all other keys are those of every prompt."""
        keys = KeyBindings()

        @keys.add("c-c", filter=~is_searching)
        def interrupt(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            if self._warned and not buffer.text:
                self._end()
                return
            if self._busy:
                self._stop()  # what is said of that has the hint
                self._warned = True
            else:
                buffer.reset()
                self._warned = True
                self._say(HINT)

        @keys.add("escape", "enter")
        def another_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        @keys.add("enter", filter=~is_searching)
        def say(event: KeyPressEvent) -> None:
            event.current_buffer.validate_and_handle()

        @keys.add("c-x", "c-e")
        def edit(event: KeyPressEvent) -> None:
            self._held = []
            event.current_buffer.open_in_editor(validate_and_handle=False).add_done_callback(self._edited)

        return keys

    def _take(self, buffer: Buffer) -> bool:
        """A line was entered; the prompt stays, and is empty again."""
        self._waiting.put_nowait(buffer.text)
        return False

    def _edited(self, editing: object) -> None:
        """What came while somebody was in the editor is drawn now."""
        held, self._held = self._held or [], None
        for fragments in held:
            self._print(fragments)

    def _forget_warning(self, _: object) -> None:
        if self._prompt.default_buffer.text:
            self._warned = False


def _joined(lines: Iterable[Styled]) -> StyleAndTextTuples:
    """Styled lines as one styled text."""
    parts: StyleAndTextTuples = [part for line in lines for part in (("", "\n"), *line)]
    return parts[1:]
