"""The process that holds the bot while a person talks: it loads torch and the weights, the prompt need not wait.

Requests come in on stdin, answers go out on stdout, both pickled, by nobody but the chat that started it.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any, BinaryIO

from chatbot.errors import ChatbotError


def main() -> None:
    """Load the bot that the first request names, then answer until stdin ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that prints may get between the answers
    asked: Queue[Any] = Queue()
    threading.Thread(target=_listen, args=(requests, asked), daemon=True).start()
    path, device, changes = asked.get()
    try:
        serve(path, device, changes, asked, answers)
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # nobody listens any more
    except Exception as error:  # noqa: BLE001 - the prompt tells it to the person, whatever it is
        send(answers, "failed", told(error))
    finally:
        os._exit(0)  # the other thread holds stdin, which Python would want back


def _listen(requests: BinaryIO, asked: Queue[Any]) -> None:
    """Take requests in; where whoever asks is gone, so is this process, in the middle of a search too."""
    while True:
        try:
            asked.put(pickle.load(requests))  # noqa: S301 - from our own parent
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)


def serve(path: Path, device: str, changes: dict[str, Any], asked: Queue[Any], answers: BinaryIO) -> None:
    """Open the bot and answer requests (method, arguments): any number of ("part", value), then ("done", None)."""
    from chatbot.chat.inside import Inside

    inside = Inside(path, device, changes)
    send(answers, "ready", inside.facts)
    while True:
        method, arguments = asked.get()
        try:
            for part in parts(getattr(inside, method)(*arguments)):
                send(answers, "part", part)
            send(answers, "done", None)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - one request that fails is no reason to load the bot again
            send(answers, "wrong", told(error))


def told(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, ChatbotError | ValueError | OSError):
        return str(error)
    return f"{type(error).__name__}: {error} (a fault of ours)"


def parts(value: Any) -> Iterator[Any]:
    """What a method gave, piece by piece where it gives pieces."""
    if isinstance(value, Iterator):
        yield from value
    else:
        yield value


def send(answers: BinaryIO, kind: str, value: Any) -> None:
    """One answer."""
    pickle.dump((kind, value), answers)
    answers.flush()


if __name__ == "__main__":
    main()
