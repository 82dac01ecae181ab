"""How replies are looked for, as people type it and as they are told of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.chat.commands import Command, CommandError, path_of, short, words_of
from chatbot.search.config import SAMPLING, SearchConfig
from chatbot.search.presets import PRESETS

if TYPE_CHECKING:
    from chatbot.chat.talking import Speed

NAMES = tuple(setting.name for setting in fields(SearchConfig))
_NONE = ("none", "null", "off")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_NO_LIMIT = ("no_repeat_ngram", "no_context_ngram", "top_k")
BEAMED = frozenset(("beam", "groups", "diversity", "exact", "patience"))
"""What is asked of a beam, which takes the place of samples."""


def changed(now: SearchConfig, command: Command) -> SearchConfig | None:
    """The settings after /set, /preset or /seed; None where they are only asked for.

    Raises:
        CommandError: there is no such setting, preset or value; it names the right ones.
    """
    if command.name == "settings" or (command.name in ("set", "preset") and not command.words):
        return None
    if command.name == "preset":
        name = command.words[0].lower()
        if name not in PRESETS or len(command.words) > 1:
            raise CommandError(f"no preset {short(command.text)}; there are {', '.join(PRESETS)}")
        return SearchConfig(**PRESETS[name].settings)
    if command.name == "seed":
        return _with(now, {"seed": command.number})
    name, *values = command.words
    typed = command.text.partition(name)[2].strip()
    name = name.lower().replace("-", "_")
    if name not in NAMES:
        close = get_close_matches(name[:40], NAMES, n=1, cutoff=0.5)
        there = f"did you mean {close[0]}?" if close else f"there are {', '.join(NAMES)}"
        raise CommandError(f"no setting {short(name)}: {there}")
    if not values:
        none = ", or none" if name in ("banned", "start") or "None" in _kind(name) else ""
        raise CommandError(f"/set {name} VALUE: it is {as_typed(getattr(now, name))}; give another value{none}")
    if name == "banned":
        return _with(now, {name: () if typed.lower() in _NONE else words_of("/set banned", typed)})
    if name == "start":
        return _with(now, {name: "" if typed.lower() in _NONE else typed})
    if len(values) > 1:
        raise CommandError(f"/set {name} takes one value; given: {short(typed)}")
    return _with(now, {name: _value(name, values[0])})


def _with(now: SearchConfig, change: Mapping[str, Any]) -> SearchConfig:
    """Settings with a change, and with what would contradict it put out of its way."""
    more = dict(change)
    usual = SearchConfig()
    if not BEAMED.isdisjoint(change) or change.get("temperature", 1) is None:
        more = {name: getattr(usual, name) for name in SAMPLING} | more
    if "beam" in change and "groups" not in change:
        more |= {"groups": 1}
    try:
        return replace(now, **more)
    except (TypeError, ValueError) as error:
        raise CommandError(short(str(error), 200)) from error


def _kind(name: str) -> str:
    """The type of a setting, as it is annotated."""
    return next(str(setting.type) for setting in fields(SearchConfig) if setting.name == name)


def _value(name: str, typed: str) -> Any:
    """What was typed, as the setting takes it."""
    kind = _kind(name)
    word = typed.lower()
    if kind == "bool" and word in _TRUE + _FALSE:
        return word in _TRUE
    if "None" in kind and (word in _NONE or (typed == "0" and name in _NO_LIMIT)):
        return None
    if "int" in kind and re.fullmatch(r"[+-]?[0-9]{1,20}", typed):
        return int(typed)
    if "float" in kind:
        with suppress(ValueError):
            return float(typed)
    return typed  # which the setting refuses by name


def shown(now: SearchConfig) -> str:
    """How replies are looked for, in words, and what else differs from what is usual."""
    usual, told = SearchConfig(), ("beam", "groups", "temperature", "samples")
    differ = [name for name in NAMES if name not in told and getattr(now, name) != getattr(usual, name)]
    name = preset_of(now)
    first = f"Replies come from {way(now)}" + (f" (preset {name})" if name else "")
    return "; ".join([first, *(f"{name} {as_typed(getattr(now, name))}" for name in differ)])


def all_shown(now: SearchConfig) -> str:
    """Every setting with its value."""
    return "\n".join([*(f"{name} {as_typed(getattr(now, name))}" for name in NAMES), "docs/decoding.md tells of each."])


def presets() -> str:
    """Every preset and what it is for."""
    width = max(map(len, PRESETS))
    return "\n".join(f"{name:<{width}}  {preset.purpose}" for name, preset in PRESETS.items())


def preset_of(now: SearchConfig) -> str | None:
    """The preset that has these very settings."""
    return next((name for name, preset in PRESETS.items() if SearchConfig(**preset.settings) == now), None)


def way(now: SearchConfig) -> str:
    """The kind of search in a few words."""
    if now.temperature is not None:
        drawn = "one sample" if now.samples == 1 else f"the best of {now.samples} samples"
        return f"{drawn} at temperature {now.temperature:g}"
    if now.beam == 1:
        return "greedy search"
    return f"a beam of {now.beam}" + (f" in {now.groups} groups" if now.groups > 1 else "")


def as_typed(value: Any) -> str:
    """A value as one would type it."""
    if value in (None, (), ""):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return shlex.join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def stats(facts: Mapping[str, Any], memory: int, speed: Speed) -> str:
    """Speed of the last reply, and what the bot takes."""
    lines = [
        f"{facts['name']}: {facts['parameters']:,} parameters, {facts['bytes'] / 1e6:,.0f} MB on disk, weights of "
        f"{facts['form']} while searching",
        f"memory of its process: {memory / 1e6:,.0f} MB; loading took {facts['seconds']:.1f} s",
    ]
    if speed.pieces:
        lines.append(
            f"last reply: first piece after {1000 * speed.first:.0f} ms, whole after {1000 * speed.whole:.0f} ms, "
            f"{speed.pieces / max(speed.whole, 1e-9):,.0f} pieces/s"
        )
    return "\n".join(lines)


def picture_file(command: Command) -> Path | None:
    """The file of ``--save FILE.png``, or None where nothing follows the command.

    Raises:
        CommandError: something else follows it.
    """
    if not command.words:
        return None
    if len(command.words) != 2 or command.words[0] != "--save" or not command.words[1].lower().endswith(".png"):
        raise CommandError(f"/{command.name} takes --save FILE.png or nothing; given: {short(command.text)}")
    return path_of(command.words[1])
