"""The markup that Slack keeps messages in: what stands between ``<`` and ``>``, and the three entities."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_ANGLE = re.compile(r"<([^<>\n]{1,4000})>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # the last one last: "&amp;lt;" is written "&lt;"


def plain(text: str, name: Callable[[str, str], str], channels: Mapping[str, str]) -> str:
    """Text as people see it: mentions and links by name, entities decoded.

    Args:
        text: as exported.
        name: (account, what the mention calls it) to the name that is shown.
        channels: id to name.

    >>> plain("<@U1>: see <#C1|general>, <http://a.b|the page> &lt;3", lambda account, _: "Ann", {})
    '@Ann: see #general, the page <3'
    >>> plain("<!here> <mailto:a@b.c|a@b.c> <https://a.b> <#C2>", lambda account, _: "", {"C2": "news"})
    '@here a@b.c https://a.b #news'
    """
    text = _ANGLE.sub(lambda match: _shown(match[1], name, channels), text)
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.strip()


def _shown(inside: str, name: Callable[[str, str], str], channels: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return f"@{name(rest, label)}"
    if kind == "#":
        return f"#{label or channels.get(rest) or rest}"
    if kind == "!":
        # <!here>, <!subteam^S1|@team>, <!date^1700000000^{date}|14 November>
        return label or f"@{rest.partition('^')[0]}"
    return label or target.removeprefix("mailto:").removeprefix("tel:")
