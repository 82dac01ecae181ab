import io
import json
import random
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.discord import FORMAT
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig

ANN = {"id": "1", "name": "ann", "discriminator": "0000", "nickname": "Ann", "isBot": False}
BO = {"id": "2", "name": "bo", "discriminator": "0000", "nickname": None, "isBot": False}
OTHER_ANN = {"id": "3", "name": "ann3", "nickname": "Ann", "isBot": False}
BOT = {"id": "4", "name": "helper", "nickname": "Helper", "isBot": True}


def message(number, author, content, kind="Default", **more):
    return {
        "id": str(number),
        "type": kind,
        "timestamp": f"2023-01-05T14:{number:02}:00.25+02:00",
        "isPinned": False,
        "content": content,
        "author": author,
        "attachments": [],
        "mentions": [],
        **more,
    }


CHANNEL = {
    "guild": {"id": "9", "name": "Tea house", "iconUrl": ""},
    "channel": {"id": "8", "type": "GuildTextChat", "name": "general", "topic": None},
    "messages": [
        message(1, ANN, "Joined the server.", "GuildMemberJoin"),
        message(2, ANN, "Tea?\nNow?"),
        message(3, BO, "Yes", "Reply", reference={"messageId": "2", "channelId": "8"}),
        message(4, BOT, "Welcome!"),
        message(5, BO, "", attachments=[{"id": "1", "fileName": "a.png"}]),
        message(6, OTHER_ANN, "<@2> and <@!77>: <a:wave:123> :)", "19", mentions=[BO], reference={"messageId": "5"}),
        message(7, BO, "Pinned a message.", "ChannelPinnedMessage", reference={"messageId": "2"}),
        message(0, BO, "Early", reference={"messageId": "3"}),
        "no message",
    ],
    "messageCount": 8,
}


def opened(value):
    data = value if isinstance(value, bytes) else json.dumps(value, indent=2).encode()
    return File("/in/general.json", "general.json", lambda: io.BytesIO(data))


def read(value):
    notes = Notes()
    return list(FORMAT.read(opened(value), notes, SourceConfig())), notes


def test_a_channel():
    (dialogue,), notes = read(CHANNEL)
    assert FORMAT.chat
    assert FORMAT.recognises(opened(CHANNEL))
    assert (dialogue.id, dialogue.group) == ("general.json", "Tea house/general/8")
    assert [(turn.speaker, turn.text, turn.answers) for turn in dialogue.turns] == [
        ("bo", "Early", None),
        ("Ann", "Tea?\nNow?", None),
        ("bo", "Yes", 1),
        ("Ann (3)", "@bo and @77: :wave: :)", None),
    ]
    assert dialogue.turns[1].time == datetime(2023, 1, 5, 12, 2, 0, 250000, tzinfo=UTC).timestamp()
    assert notes.counts == {
        "Discord notices (joined, pinned, called), left out": 2,
        "Discord messages of bots, left out": 1,
        "Discord messages without text, left out": 1,
    }


def test_nobody_wrote():
    dialogues, _ = read({"messages": [message(1, BOT, "Hi")]})
    assert dialogues == []


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"role": "user", "content": "Hi", "type": "x", "timestamp": "2023"}]},
        {"messages": [{"type": "message", "date": "2023-01-05T12:00:00", "from": "Ann", "text": "Hi"}]},
        {"messages": [{"sender_name": "Ann", "timestamp_ms": 1, "content": "Hi"}]},
        {"messages": [message(1, {"name": "Ann"}, "Hi", timestamp=3)]},
        {"messages": []},
        [CHANNEL],
        b"Ann: Hi\nBo: Hello\n",
        b"",
    ],
)
def test_other_formats_are_left_alone(value):
    assert not FORMAT.recognises(opened(value))


@pytest.mark.parametrize(("value", "words"), [({"messages": 3}, "'messages'"), ([], "a list"), (b"{", "line 1")])
def test_what_is_no_export_is_told(value, words):
    with pytest.raises(PrepareError, match=words) as caught:
        read(value)
    assert "/in/general.json" in str(caught.value)
    assert "\n" not in str(caught.value)


KEYS = st.sampled_from(["type", "content", "timestamp", "author", "name", "id", "isBot", "mentions", "reference"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("Default"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8) | VALUES)
def test_any_value_in_any_place(value):
    if isinstance(value, dict):
        value = {**value, "type": "Default", "content": "x"}
    for whole in ({"messages": [value], "guild": value, "channel": value}, {"messages": value}, value):
        FORMAT.recognises(opened(whole))
        with suppress(PrepareError):
            read(whole)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.integers())
def test_arbitrary_bytes_raise_nothing_else(data):
    if isinstance(data, int):
        rng = random.Random(data)
        mutated = bytearray(json.dumps(CHANNEL).encode())
        for _ in range(rng.randrange(1, 9)):
            mutated[rng.randrange(len(mutated))] = rng.randrange(256)
        data = bytes(mutated)
    FORMAT.recognises(opened(data))
    with suppress(PrepareError):
        read(data)
