"""What a bot looked at and how open its gates were, as lines of text, and as a PNG."""

from __future__ import annotations

import math

from rich.cells import cell_len

from chatbot.replies import Gates, Look
from data_prep.text import printable

_SHADES = " ░▒▓█"
_LABEL = 14  # columns of a piece's name at most
_CELL = 6  # columns of a gate
_NARROW = 56  # columns below which what was looked at is not spelt out


def width(text: str) -> int:
    """Columns that a text takes; wide characters take two."""
    return cell_len(text)


def why(look: Look, columns: int) -> list[str]:
    """A row for each piece of the reply: how sure the bot was, where it looked, and at what most.

    A shade stands for a piece of the context, the last as many as there is room for; a row's darkest is its largest.
    """
    label = min(_LABEL, max(map(width, map(shown, look.reply)), default=0))
    room = max(8, min(len(look.source), columns - label - 8 - (0 if columns < _NARROW else columns // 3)))
    first = max(0, len(look.source) - room)
    head = f"{'':{label}}  sure  looked at, of {len(look.source)} pieces{f' the last {room}' if first else ''}"
    lines = [cut(head, columns)]
    for piece, weights, log_prob in zip(look.reply, look.attention, look.log_probs, strict=True):
        strip = "".join(shade(weight, max(weights)) for weight in weights[first:])
        most = sorted(range(len(weights)), key=lambda place: -weights[place])[:3]
        spelt = " ".join(shown(look.source[place]) for place in most if weights[place] >= 0.1)
        row = f"{padded(shown(piece), label)}  {100 * math.exp(log_prob):3.0f} %  {strip}"
        lines.append(cut(row if columns < _NARROW else f"{row}  {spelt}", columns))
    return lines


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


def folded(line: str, columns: int) -> list[str]:
    """A line in so many columns: broken between words, and within those that are too long for any line."""
    begin = line[: min(len(line) - len(line.lstrip(" ")), columns // 2)]
    lines = [""]
    for place, word in enumerate(line.lstrip(" ").split(" ")):
        joined = f"{lines[-1]} {word}" if lines[-1] else begin + word if not place else word
        if width(joined) <= columns:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        while width(word) > columns:
            lines[-1] = cut(word, columns)
            word = word[len(lines[-1]) :]
            lines.append("")
        lines[-1] = word
    return lines
