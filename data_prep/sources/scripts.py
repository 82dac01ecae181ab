"""A whole dialogue in one text: ``Ann: Hi`` and ``Bo: Hello`` on lines of their own, or ``### Human: ... ### Bot:``."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARK = re.compile(r"(?:^|\n|(?=###))[^\S\n]*(?:#{2,4}[^\S\n]*)?(?P<name>#?\w[^\n:#]{0,38}#?)[^\S\n]*:(?=\s|$)")
_LONGEST_NAME = 4  # words
_SHARE = 0.8  # of the texts that must be dialogues
_LOOKED_AT = 4_000  # characters of a text


def spoken(text: str) -> list[tuple[str, str]]:
    """(Speaker, what that one says) of each turn; empty where the text does not begin with a name.

    >>> spoken("Ann: Hi\\nthere\\r\\nBo: Hello: you")
    [('Ann', 'Hi\\nthere'), ('Bo', 'Hello: you')]
    >>> spoken("### Human: Hi### Assistant: Hello")
    [('Human', 'Hi'), ('Assistant', 'Hello')]
    >>> spoken("see: nothing\\nfollows"), spoken("Then Ann: no")
    ([('see', 'nothing\\nfollows')], [('Then Ann', 'no')])
    """
    text = text.strip().replace("\r\n", "\n")
    marks = [mark for mark in _MARK.finditer(text) if len(mark["name"].split()) <= _LONGEST_NAME]
    if not marks or marks[0].start() > 0:
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        (mark["name"].strip("#").strip(), text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)
    ]


def are_scripts(texts: Sequence[str]) -> bool:
    """Whether most texts are dialogues: two turns or more, whose speakers come back."""
    talks = [found for text in texts if len(found := spoken(text[:_LOOKED_AT])) > 1]
    turns = sum(map(len, talks))
    names = sum(len({speaker for speaker, _ in talk}) for talk in talks)
    known = len({speaker for talk in talks for speaker, _ in talk})
    return bool(talks) and len(talks) >= _SHARE * len(texts) and (names < turns or known < turns)
