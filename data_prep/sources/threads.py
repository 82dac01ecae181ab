"""Messages that say which message they answer: their threads, and an order in which nothing is answered too early."""

from __future__ import annotations

from typing import Any

from data_prep.sources.chats import Message


def parents_first(messages: list[Message]) -> list[Message]:
    """In their order, but where an answer stands above what it answers: by their depth in the thread."""
    places = {message.id: place for place, message in enumerate(messages)}
    if all(places.get(message.answers, -1) <= place for place, message in enumerate(messages)):
        return messages
    depths: dict[Any, int] = {}
    for message in messages:
        path: list[Any] = []
        own: Any = message.id
        while own in places and own not in depths and len(path) <= len(messages):
            path.append(own)
            own = messages[places[own]].answers
        above = depths.get(own, -1)
        for step, passed in enumerate(reversed(path), 1):
            depths[passed] = above + step
    return sorted(messages, key=lambda message: depths.get(message.id, 0))


def roots(messages: list[Message]) -> list[Any]:
    """Of each message, the id of the one that began its thread."""
    parents = {message.id: message.answers for message in messages}
    known: dict[Any, Any] = {}
    for message in messages:
        path: list[Any] = []
        own: Any = message.id
        while own not in known and parents.get(own) is not None and parents[own] in parents:
            path.append(own)
            own = parents[own]
            if len(path) > len(parents):  # a ring
                break
        known.update(dict.fromkeys([*path, own], known.get(own, own)))
    return [known[message.id] for message in messages]
