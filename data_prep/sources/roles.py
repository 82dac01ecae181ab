"""Messages whose speaker is a role: who says something, and who only instructs or computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data_prep.sources import names
from data_prep.sources.files import Notes

ROLES = ("role", "from")
"""Fields whose value may be a system that instructs; a speaker is always somebody."""
NOT_SAID = "messages of system and tools, left out"
PERSONAS = "system messages, kept as personas"


def instructed(said: Sequence[tuple[str, str]], notes: Notes) -> tuple[list[int], tuple[tuple[str, str], ...]]:
    """The places of what is said, and personas: how those who reply by their role were told to, before they did.

    A persona stands before each reply: what they are told later would stand before those that did not know it.

    Args:
        said: role and text of each message.
        notes: where it is counted what is no talk.
    """
    out = left_out(role for role, _ in said if role)
    kept = [place for place, (role, _) in enumerate(said) if role.lower() not in out]
    first = next((place for place in kept if said[place][0].lower() in names.REPLIES), 0)
    told = [text for role, text in said[:first] if role.lower() in out & names.TELLS and text.strip()]
    personas = tuple((said[first][0], text) for text in told)
    for name, count in ((PERSONAS, len(personas)), (NOT_SAID, len(said) - len(kept) - len(personas))):
        if count:
            notes.counts[name] += count
    return kept, personas


def left_out(speakers: Iterable[str]) -> frozenset[str]:
    """Roles of a dialogue, in lower case, that instruct or compute and say nothing.

    A system that speaks after the user, where nobody else replies, is who replies.

    >>> sorted(left_out(["system", "user", "assistant"])), "system" in left_out(["USER", "SYSTEM", "USER"])
    (['developer', 'function', 'system', 'tool'], False)
    """
    roles = [speaker.lower() for speaker in speakers]
    people = [role for role in roles if role not in names.INSTRUCTIONS]
    if "system" in roles and len(set(people)) == 1 and "system" in roles[roles.index(people[0]) :]:
        return names.INSTRUCTIONS - {"system"}
    return names.INSTRUCTIONS
