"""What a bot looked at and how open its gates were, as lines of text, and as a PNG."""

from __future__ import annotations

import math
import re

from rich.cells import cell_len

from chatbot.replies import Gates, Look
from data_prep.text import printable

_SHADES = " ░▒▓█"
_LABEL = 14  # columns of a piece's name at most
_CELL = 6  # columns of a gate
_SURE = 9  # columns of a percentage and the spaces around it
_LEAST = 8  # pieces of the context, or columns for their names, however narrow the screen


def width(text: str) -> int:
    """Columns that a text takes; wide characters take two."""
    return cell_len(text)


def why(look: Look, columns: int) -> list[str]:
    """A row for each piece of the reply: how sure the bot was, where it looked, and at what most.

    A shade stands for a piece of the context, the last as many as there is room for, under the first letter of the
    piece; a row's darkest is its largest.
    """
    label = min(_LABEL, columns // 4, max(map(width, map(shown, look.reply)), default=0))
    spelt = max(_LEAST, columns // 3)
    room = max(_LEAST, min(len(look.source), columns - label - _SURE - spelt - 2))
    first = max(0, len(look.source) - room)
    initials = "".join(map(initial, look.source[first:]))
    lines = [f"{'':{label}}   sure  {initials}  looked at most{f', of the last {room}' if first else ''}"]
    for piece, weights, log_prob in zip(look.reply, look.attention, look.log_probs, strict=True):
        strip = "".join(shade(weight, max(weights)) for weight in weights[first:])
        most = sorted(range(len(weights)), key=lambda place: -weights[place])[:3]
        names = " ".join(shown(look.source[place]) for place in most if weights[place] >= 0.1)
        lines.append(f"{padded(shown(piece), label)}  {100 * math.exp(log_prob):3.0f} %  {strip}  {names}")
    return [cut(line, columns) for line in lines]


def gates(found: Gates, columns: int) -> list[str]:
    """A row for each piece of the reply: how open each gate of each layer was, a mean over its units, in percent.

    Layers that do not fit side by side stand one below the other.
    """
    if not found.names:
        return ["This bot's memory has no gates."]
    label = min(_LABEL, max(map(width, map(shown, found.reply)), default=0))
    beside = max(1, (columns - label - 1) // (_CELL * len(found.names)))
    lines = []
    for first in range(0, len(found.layers), beside):
        layers = range(first, min(first + beside, len(found.layers)))
        head = "".join(f"{layer + 1}{name[0]}".rjust(_CELL) for layer in layers for name in found.names)
        lines.append(cut(f"{'':{label}}{head}", columns))
        for place, piece in enumerate(found.reply):
            values = [value for layer in layers for value in found.layers[layer][place]]
            cells = "".join(f" {shade(value, 1.0)}{100 * value:4.0f}" for value in values)
            lines.append(cut(f"{padded(shown(piece), label)}{cells}", columns))
    key = ", ".join(f"{name[0]} {name}" for name in found.names)
    return [*lines, f"layer and gate ({key}), % open"]


def shown(piece: str) -> str:
    """A piece for people: a visible space, nothing that a terminal would obey."""
    return printable(piece.replace("▁", "_"))


def initial(piece: str) -> str:
    """One column for a piece: the first letter of its word, or a dot where that is wide or not to be seen."""
    name = shown(piece)
    letter = name[1:2] if name.startswith("_") and len(name) > 1 else name[:1]
    return letter if width(letter) == 1 else "·"


def shade(value: float, most: float) -> str:
    """A value between 0 and the most as one of five shades."""
    return _SHADES[min(4, max(0, round(4 * value / most)))] if most > 0 else " "


def padded(text: str, columns: int) -> str:
    """A text cut or filled up to so many columns; wide characters take two."""
    text = cut(text, columns)
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """A text of so many columns at most."""
    taken = 0
    for place, character in enumerate(text):
        taken += width(character)
        if taken > columns:
            return text[:place]
    return text


def ending(text: str, columns: int) -> str:
    """A text of so many columns at most, of a longer one its end: of a path that tells most.

    >>> ending("/home/me/bot", 20), ending("/home/me/bot", 5), ending("話す", 3)
    ('/home/me/bot', '…/bot', '…す')
    """
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[1:]
    return f"…{text}"


def folded(line: str, columns: int, hang: int = 0) -> list[str]:
    """A line in so many columns: broken between words, and within those that are too long for any line.

    From the second on lines begin with ``hang`` spaces, if that leaves most of the columns.
    """
    begin = line[: min(len(line) - len(line.lstrip(" ")), columns // 2)]
    margin = " " * (hang if hang <= columns // 2 else 0)
    lines = [begin]
    for word in line[len(begin) :].lstrip(" ").split(" "):
        bare = lines[-1] in (begin, margin)
        joined = f"{lines[-1]}{word}" if bare else f"{lines[-1]} {word}"
        if width(joined) <= columns:
            lines[-1] = joined
            continue
        if not bare:
            lines.append(margin)
        while width(lines[-1] + word) > columns:
            taken = cut(word, columns - width(lines[-1]))
            lines[-1] += taken
            word = word[len(taken) :]
            lines.append(margin)
        lines[-1] += word
    return lines


def column_of_text(line: str) -> int:
    """Where the last column of a line begins that is set apart by two spaces or more; 0 where there is none.

    >>> column_of_text("  1    -2.28  I love music.")
    14
    """
    apart = list(re.finditer(r"(?<=\S) {2,}(?=\S)", line))
    return apart[-1].end() if apart else 0
