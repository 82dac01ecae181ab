"""A bot in a process of its own, which loads while the person types, and can be stopped in the middle of a reply."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from chatbot.chat.talking import StoppedError
from chatbot.errors import ChatbotError
from chatbot.replies import Gates, Look, Reply

if TYPE_CHECKING:
    from chatbot.search.config import SearchConfig

_BLINK = 0.05  # seconds between two looks at whether to stop


class _Worker:
    """The process, and what it has answered. A thread listens, so that one knows when the bot is there."""

    def __init__(self, first: Any) -> None:
        # Its own session: Ctrl-C in the terminal is the prompt's. The path of this process: not that of the folder that
        # one happens to be in, where a file may be called as a module is.
        code = f"import sys; sys.path[:] = {sys.path!r}; from chatbot.chat.worker import main; main()"
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it had to say would stand in the middle of the prompt
            start_new_session=True,
        )
        self.facts: dict[str, Any] | None = None
        self.failure = ""
        """Why there is no bot."""
        self.settled = threading.Event()
        """Set once the bot is there, or never will be."""
        self.answers: Queue[tuple[str, Any]] = Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        with suppress(OSError):  # that it ended at once is told by the listener
            self.send(first)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                kind, value = pickle.load(self._process.stdout)  # noqa: S301 - from our own child
            except (EOFError, pickle.UnpicklingError, OSError):
                code = self._process.wait()
                why = "it was killed, perhaps for its memory" if code == -9 else f"exit code {code}"
                self.failure = (
                    self.failure or f"the process that held the bot ended ({why}); the next line starts another"
                )
                self.answers.put(("gone", None))
                self.settled.set()
                return
            if kind == "ready":
                self.facts = value
                self.settled.set()
            elif kind == "failed":
                self.failure = value
            else:
                self.answers.put((kind, value))

    def send(self, request: Any) -> None:
        """Raises OSError where nobody is there."""
        assert self._process.stdin is not None
        pickle.dump(request, self._process.stdin)
        self._process.stdin.flush()

    @property
    def lives(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def end(self) -> None:
        """Whatever it does."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not yet read cannot be written any more
                if pipe is not None:
                    pipe.close()


class Remote:
    """Starts the process at once; whoever asks waits until it is ready. One that died is started anew when asked again.

    Args:
        path: the bot.
        device: where it reckons.
        changes: how the search differs from the bot's own settings.
    """

    def __init__(self, path: Path, device: str, changes: dict[str, Any]) -> None:
        self._first = (path, device, changes)
        self._stopped, self._left = threading.Event(), threading.Event()
        self._asking = threading.Lock()  # one at a time
        self._facts: dict[str, Any] | None = None
        self._worker = _Worker(self._first)

    def stop(self) -> None:
        """Break off what is asked now: whoever waits for it gets `StoppedError`."""
        self._stopped.set()

    def leave(self) -> None:
        """Let nobody wait any more, not even for the bot to load."""
        self._left.set()
        self._stopped.set()

    @property
    def ready(self) -> bool:
        """Whether the bot is loaded."""
        return self._worker.facts is not None

    @property
    def facts(self) -> dict[str, Any]:
        """What the bot is and how it searches; waits until it was loaded once.

        Raises:
            ChatbotError: it cannot be loaded.
        """
        if self._facts is None:
            self._facts = self._loaded(self._worker, self._left)
        return self._facts

    def _loaded(self, worker: _Worker, broken_off: threading.Event) -> dict[str, Any]:
        while not worker.settled.wait(_BLINK):
            if broken_off.is_set():
                raise StoppedError
        if worker.facts is None:
            raise ChatbotError(worker.failure)
        return worker.facts

    def _ask(self, method: str, *arguments: Any) -> Iterator[Any]:
        """The parts of an answer as they come. One that is not heard out is cut off: the process starts anew."""
        with self._asking:
            self._stopped.clear()
            if self._worker.failure or not self._worker.lives:  # it holds no conversation, so another does as well
                self._worker.end()
                self._worker = _Worker(self._first)
            worker = self._worker
            self._loaded(worker, self._stopped)
            whole = False
            try:
                worker.send((method, arguments))
                while True:
                    kind, value = self._next(worker)
                    if kind == "part":
                        yield value
                        continue
                    whole = True
                    if kind in ("wrong", "gone"):
                        raise ChatbotError(value or worker.failure)
                    return
            except OSError as error:
                worker.settled.wait(1)
                raise ChatbotError(
                    worker.failure or f"the process that holds the bot does not listen ({error})"
                ) from error
            finally:
                if not whole and not worker.failure and not self._left.is_set():
                    worker.end()
                    self._worker = _Worker(self._first)

    def _next(self, worker: _Worker) -> tuple[str, Any]:
        while True:
            if self._stopped.is_set():
                raise StoppedError
            try:
                return worker.answers.get(timeout=_BLINK)
            except Empty:
                continue

    def stream(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Iterator[Reply]:
        """As `chatbot.responder.Responder.stream`."""
        yield from self._ask("stream", tuple(history), settings, persona)

    def reply(self, history: Sequence[str], settings: SearchConfig, persona: str = "") -> Reply:
        """As `chatbot.responder.Responder.reply`."""
        (reply,) = self._ask("reply", tuple(history), settings, persona)
        return reply  # type: ignore[no-any-return]

    def look(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Look:
        """As `chatbot.responder.Responder.look`."""
        (found,) = self._ask("look", tuple(history), tuple(ids), persona)
        return found  # type: ignore[no-any-return]

    def gates(self, history: Sequence[str], ids: Sequence[int], persona: str = "") -> Gates:
        """As `chatbot.responder.Responder.gates`."""
        (found,) = self._ask("gates", tuple(history), tuple(ids), persona)
        return found  # type: ignore[no-any-return]

    def source(self, history: Sequence[str], persona: str = "") -> tuple[str, ...]:
        """As `chatbot.responder.Responder.source`."""
        (found,) = self._ask("source", tuple(history), persona)
        return found  # type: ignore[no-any-return]

    def memory(self) -> int:
        """Bytes that the process holds."""
        (found,) = self._ask("memory")
        return found  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the process."""
        self.leave()
        self._worker.end()
