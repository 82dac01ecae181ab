"""What can go wrong in preparing data, told to people."""

from __future__ import annotations


class PrepareError(Exception):
    """The user's mistake, in one line: what was given, what was expected, where, what to do next."""
