import io
import json
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.messenger import FORMAT, gather, mended
from data_prep.sources.options import SourceConfig

EXPORTS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "exports"


def message(minute, sender, content=None, **more):
    said = {} if content is None else {"content": content}
    return {"sender_name": sender, "timestamp_ms": 1672920000000 + 60000 * minute, **said, **more}


CHAT = {
    "participants": [{"name": "Ann"}, {"name": "Zo\u00c3\u00ab"}],
    "messages": [
        message(9, "Ann", "Caf\u00c3\u00a9 \u00f0\u009f\u0098\u0080"),
        message(8, "Ann", "Reacted \u00e2\u009d\u00a4 to your message "),
        message(7, "Zo\u00c3\u00ab", photos=[{"uri": "a.jpg"}]),
        message(6, "Ann", "Ann sent an attachment."),
        message(6, "Zo\u00c3\u00ab", "You sent an attachment."),
        message(5, "Ann", "second", is_geoblocked_for_viewer=False),
        message(5, "Ann", "first"),
        message(4, "Ann", "gone", is_unsent=True),
        message(3, "Ann", "The video chat ended.", call_duration=12),
        message(2, "Zo\u00c3\u00ab", "Say hi to your new Facebook friend, Ann."),
        message(1, "Zo\u00c3\u00ab", "Tea?\nNow?"),
        "no message",
    ],
    "title": "Ann",
    "thread_path": "inbox/ann_1",
}


def opened(value, name="message_1.json"):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(value):
    notes = Notes()
    return list(FORMAT.read(opened(value), notes, SourceConfig())), notes


def test_a_chat_newest_first_and_encoded_twice():
    (dialogue,), notes = read(CHAT)
    assert FORMAT.chat
    assert FORMAT.recognises(opened(CHAT))
    assert (dialogue.id, dialogue.group) == ("message_1.json", "inbox/ann_1")
    assert [(turn.speaker, turn.text) for turn in dialogue.turns] == [
        ("Zoë", "Tea?\nNow?"),
        ("Ann", "first"),
        ("Ann", "second"),
        ("Ann", "Café 😀"),
    ]
    assert dialogue.turns[0].time == datetime(2023, 1, 5, 12, 1, tzinfo=UTC).timestamp()
    assert notes.counts == {
        "Messenger notices and reactions, left out": 5,
        "Messenger messages without text (photos, stickers), left out": 2,
    }


@pytest.mark.parametrize(
    ("sender", "content"),
    [
        ("Ann", "Liked a message"),
        ("Ann", "Hat mit 😂 auf deine Nachricht reagiert "),
        ("Ann", "Reaccionó con ❤️ a tu mensaje"),
        ("Ann", "A réagi avec 👍 à votre message"),
        ("Ann Lee", "Ann Lee liked a message"),
        ("Ann Lee", "Ann Lee named the group Tea (at 5)."),
        ("Ann Lee", "Ann Lee set the nickname for Bo to B."),
        ("Ann Lee", "Ann Lee added Bo to the group."),
        ("Ann Lee", "Ann Lee left the group."),
        ("Ann Lee", "Ann Lee missed your call."),
        ("Ann Lee", "Ann Lee hat einen Anhang gesendet."),
        ("Bo", "You sent a photo."),
        ("Bo", "You unsent a message"),
        ("Bo", "Vous avez envoyé une pièce jointe."),
        ("Bo", "You are now connected on Messenger"),
        ("Bo", "You missed a call from Ann."),
    ],
)
def test_notices(sender, content):
    _, notes = read({"messages": [message(1, sender, content)]})
    assert notes.counts["Messenger notices and reactions, left out"] == 1


@pytest.mark.parametrize(
    "content",
    [
        "You sent an attachment, but I cannot open it.",
        "Reacted badly to your message",
        "I liked a message of yours",
        "Reacted",
        "You left the group.",
        "You called me?",
        "Ann has left the group.",
        "Annabel sent a photo.",
        "Max hat ein Foto geschickt.",
    ],
)
def test_what_people_say_is_no_notice(content):
    (dialogue,), notes = read({"messages": [message(1, "Ann", content)]})
    assert dialogue.turns[0].text == content
    assert notes.counts == {}


def test_encrypted_chats_have_other_keys():
    value = {
        "participants": ["Ann", "Zoë"],
        "threadName": "Ann_1",
        "messages": [
            {"senderName": "Zoë", "text": "Café?", "timestamp": 1672920060000, "type": "text", "isUnsent": False},
            {"senderName": "Ann", "text": "Yes", "timestamp": 1672920120000, "type": "text", "isUnsent": False},
            {"senderName": "Ann", "text": "", "timestamp": 1672920130000, "type": "media", "media": [{"uri": "a"}]},
            {"senderName": "Ann", "text": "x", "timestamp": 1672920140000, "type": "text", "isUnsent": True},
        ],
    }
    (dialogue,), notes = read(value)
    assert FORMAT.recognises(opened(value))
    assert dialogue.group == "Ann_1"
    assert [(turn.speaker, turn.text) for turn in dialogue.turns] == [("Zoë", "Café?"), ("Ann", "Yes")]
    assert dialogue.turns[0].time == 1672920060
    assert notes.counts.total() == 2


def test_only_what_was_encoded_twice_is_mended():
    assert mended("Ã©") == "é"
    assert mended("é") == "é"
    assert mended("❤ Ã©") == "❤ Ã©"
    assert mended("plain") == "plain"


def test_the_files_of_one_folder_are_one_chat():
    def part(name, messages, people=("Ann", "Bo")):
        participants = [{"name": person} for person in people]
        return opened({"participants": participants, "messages": messages, "thread_path": "inbox/ann_1"}, name)

    newer = part("ann/message_1.json", [message(9, "Bo", "d"), message(8, "Ann", "c")])
    older = part("ann/message_2.json", [message(2, "Bo", "b"), message(1, "Ann", "a")])
    alone = part("bo/message_1.json", [message(1, "Ann", "alone")])
    stranger = part("ann/message_3.json", [message(1, "Cy", "stranger")], people=("Cy",))
    text = opened(b"Ann: Hi\n", "ann/notes.txt")
    notes = Notes()
    readings, rest = gather([newer, older, alone, stranger, text], notes, SourceConfig(silence=5))
    assert rest == [alone, stranger, text]
    assert [(reading.format, reading.files) for reading in readings] == [
        ("messenger", ("ann/message_1.json", "ann/message_2.json"))
    ]
    dialogues = list(readings[0].dialogues())
    assert [[turn.text for turn in dialogue.turns] for dialogue in dialogues] == [["a", "b"], ["c", "d"]]
    assert dialogues[0].id == "ann/message_1.json:2023-01-05 12:01"
    assert {dialogue.group for dialogue in dialogues} == {"inbox/ann_1"}


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"messages": [{"type": "message", "date": "2023-01-05T12:00:00", "from": "Ann", "text": "Hi"}]},
        {"messages": []},
        [CHAT],
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
    assert "/in/message_1.json" in str(caught.value)
    assert "\n" not in str(caught.value)


KEYS = st.sampled_from(["sender_name", "timestamp_ms", "content", "type", "text", "timestamp", "senderName", "title"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8) | VALUES)
def test_any_value_in_any_place(value):
    if isinstance(value, dict):
        value = {"content": "x", **value}
    for whole in ({"messages": [value], "title": value, "participants": value}, {"messages": value}, value):
        FORMAT.recognises(opened(whole))
        gather([opened(whole)], Notes(), SourceConfig())
        with suppress(PrepareError):
            read(whole)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.integers())
def test_arbitrary_bytes_raise_nothing_else(data):
    if isinstance(data, int):
        rng = random.Random(data)
        mutated = bytearray(json.dumps(CHAT).encode())
        for _ in range(rng.randrange(1, 9)):
            mutated[rng.randrange(len(mutated))] = rng.randrange(256)
        data = bytes(mutated)
    FORMAT.recognises(opened(data))
    with suppress(PrepareError):
        read(data)


def found(path):
    file = File(str(path), path.name)
    assert FORMAT.recognises(file)
    notes = Notes()
    (dialogue,) = FORMAT.read(file, notes, SourceConfig())
    return [
        {
            "timestamp": datetime.fromtimestamp(turn.time, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "author": turn.speaker,
            "message": " ".join(turn.text.split()),
        }
        for turn in dialogue.turns
    ], notes


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
def test_instagram_is_read_as_its_target():
    target = json.loads((EXPORTS / "instagram" / "target.json").read_text(encoding="utf-8"))
    expected = sorted(target, key=lambda message: message["timestamp"])
    assert found(EXPORTS / "instagram" / "test_export.json")[0] == expected


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
def test_facebook_as_a_careful_reader_would_write_it_down():
    messages, notes = found(EXPORTS / "facebook" / "facebook_chat.json")
    assert [(each["author"], each["message"]) for each in messages] == [
        ("User 1", "Hi! Im interested in your bag. Im offering $50. Let me know if you are interested. Thanks!"),
        ("User 2", "Goodmorning! $50 is too low."),
        ("User 1", "How much do you want?"),
        ("User 2", "Online is at least $100"),
        ("User 2", "Here is $129"),
        ("User 1", "Im not interested in this bag. Im interested in the blue one!"),
        ("User 1", "I thought you were selling the blue one!"),
        ("User 2", "No Im sorry it was my mistake, the blue one is not for sale"),
        ("User 1", "Oh no worries! Bye"),
        ("User 2", "Bye!"),
    ]
    assert messages[0]["timestamp"] == "2023-02-04T22:17:02"
    assert messages[-1]["timestamp"] == "2023-02-05T11:46:11"
    assert notes.counts == {"Messenger messages without text (photos, stickers), left out": 1}
