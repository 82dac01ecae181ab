"""What `chatbot fit` says to people, all of it on stderr."""

from __future__ import annotations

import sys
from functools import cache

from rich.console import Console
from rich.text import Text

from data_prep.text import printable


@cache
def console() -> Console:
    """The one console: a progress bar stays below whatever is printed through it. NO_COLOR is honoured.

    A terminal gets lines that end between words; in a file a line stays one.
    """
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(text: str, style: str = "") -> None:
    """Print a line; whatever a corpus or a model has put into it, the terminal sees text."""
    console().print(Text("\n".join(printable(line) for line in text.splitlines()), style=style))


def duration(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> duration(75), duration(3 * 3600 + 62)
    ('1:15', '3:01:02')
    """
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
