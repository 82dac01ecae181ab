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
from data_prep.sources.options import SourceConfig
from data_prep.sources.telegram import FORMAT

EXPORTS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "exports" / "telegram"


def message(number, text, **more):
    return {
        "id": number,
        "type": "message",
        "date": f"2023-01-05T12:{number:02}:00",
        "from": "Ann",
        "from_id": "user1",
        "text": text,
        **more,
    }


CHAT = {
    "name": "Tea",
    "type": "private_group",
    "id": 77,
    "messages": [
        {"id": 1, "type": "service", "date": "2023-01-05T12:01:00", "actor": "Ann", "action": "create", "text": ""},
        message(2, "Tea?\nNow?"),
        message(3, ["Yes, ", {"type": "bold", "text": "please"}, "!"], **{"from": "Bo", "from_id": "user2"}),
        message(4, "", photo="photos/1.jpg"),
        message(5, "", media_type="sticker", sticker_emoji="😀"),
        message(6, "", poll={"question": "When?"}),
        message(7, "Which?", reply_to_message_id=3, date_unixtime="1672920420"),
        message(8, "News", forwarded_from="A channel", reply_to_message_id=4),
        message(9, "Gone", **{"from": None, "from_id": "user3"}),
        message(10, "From elsewhere", reply_to_message_id=2, reply_to_peer_id="channel9"),
        message(11, "Early", date="2023-01-01T00:00:00", reply_to_message_id=2),
        message(12, [{"type": "bold", "text": "See:"}, {"type": "link", "text": "https://example.org"}, ". ("]),
        message(13, ["(", {"type": "link", "text": "a.b"}, {"type": "custom_emoji", "text": "😀"}, 5, {"x": 1}]),
        message(14, "Another Ann", from_id="user4"),
        "no message",
    ],
}


def opened(value):
    data = value if isinstance(value, bytes) else json.dumps(value, indent=1, ensure_ascii=False).encode()
    return File("/in/result.json", "result.json", lambda: io.BytesIO(data))


def read(value):
    notes = Notes()
    return list(FORMAT.read(opened(value), notes, SourceConfig())), notes


def test_one_chat():
    (dialogue,), notes = read(CHAT)
    assert FORMAT.chat
    assert FORMAT.recognises(opened(CHAT))
    assert (dialogue.id, dialogue.group) == ("result.json", "result.json")
    assert [(turn.speaker, turn.text, turn.answers) for turn in dialogue.turns] == [
        ("Ann", "Early", None),
        ("Ann", "Tea?\nNow?", None),
        ("Bo", "Yes, please!", None),
        ("Ann", "Which?", 2),
        ("Ann", "News", None),
        ("user3", "Gone", None),
        ("Ann", "From elsewhere", None),
        ("Ann", "See: https://example.org. (", None),
        ("Ann", "(a.b😀", None),
        ("Ann (user4)", "Another Ann", None),
    ]
    assert dialogue.turns[1].time == datetime(2023, 1, 5, 12, 2, tzinfo=UTC).timestamp()
    assert dialogue.turns[3].time == 1672920420
    assert notes.counts == {
        "Telegram service messages, left out": 1,
        "Telegram messages without text (photos, stickers, polls), left out": 3,
    }


def test_all_chats_of_an_account():
    other = {"name": "Bo", "id": 5, "messages": [message(1, "Hi")]}
    account = {
        "about": "Here is the data",
        "personal_information": {},
        "contacts": {"list": []},
        "chats": {"about": "", "list": [{"messages": []}, CHAT, other, {**other}, {"messages": [message(1, "x")]}, 3]},
    }
    dialogues, _ = read(account)
    assert FORMAT.recognises(opened(account))
    names = ["result.json:77", "result.json:5", "result.json:5~4", "result.json:5~5"]
    assert [dialogue.id for dialogue in dialogues][:3] == names[:3]
    assert len({dialogue.id for dialogue in dialogues}) == 4
    assert all(dialogue.group == dialogue.id for dialogue in dialogues)


def test_an_account_with_more_contacts_than_the_head_holds():
    contacts = [{"first_name": "Ann", "phone_number": str(number)} for number in range(3000)]
    account = {
        "about": "",
        "personal_information": {"first_name": "Bo"},
        "contacts": {"about": "", "list": contacts},
        "chats": {"list": [CHAT]},
    }
    assert FORMAT.recognises(opened(account))
    assert len(read(account)[0]) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"messages": [{"sender_name": "Ann", "timestamp_ms": 1, "content": "Hi"}]},
        {"messages": [{"id": "1", "type": "Default", "timestamp": "2023", "content": "", "author": {"name": "a"}}]},
        {"ok": True, "messages": [{"type": "message", "ts": "1.0", "text": "Hi"}]},
        {"messages": []},
        {"conversations": [{"from": "human", "value": "Hi"}]},
        [CHAT],
        {},
        b"Ann: Hi\nBo: Hello\n",
        b"",
        b"{" * 70000,
        b'{"messages": ' + b"[" * 70000,
    ],
)
def test_other_formats_are_left_alone(value):
    assert not FORMAT.recognises(opened(value))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"chats": []}, "an object with 'chats'"),
        ({}, "nothing in it"),
        ([], "a list"),
        (b'{"messages": [', "line 1"),
    ],
)
def test_what_is_no_export_is_told(value, words):
    with pytest.raises(PrepareError, match=words) as caught:
        read(value)
    assert "/in/result.json" in str(caught.value)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from(["type", "text", "date", "date_unixtime", "from", "from_id", "id", "reply_to_message_id"])
VALUES = st.recursive(
    SCALARS | st.just("message"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8) | VALUES)
def test_any_value_in_any_place(value):
    if isinstance(value, dict):
        value = {**value, "type": "message"}
    for whole in ({"messages": [value]}, {"messages": value}, {"chats": {"list": [{"messages": [value]}, value]}}):
        with suppress(PrepareError):
            FORMAT.recognises(opened(whole))
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
@pytest.mark.parametrize("name", ["test_single_export.json", "test_batch_export.json"])
def test_exports_are_read_as_their_target(name):
    target = json.loads((EXPORTS / "target.json").read_text(encoding="utf-8"))
    assert found(EXPORTS / name)[0] == sorted(target, key=lambda message: message["timestamp"])


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
def test_a_channel_with_markup_and_files():
    messages, notes = found(EXPORTS / "result.json")
    assert [(each["timestamp"], each["message"]) for each in messages] == [
        ("2020-11-12T12:54:07", "test text post"),
        ("2020-11-12T12:57:40", "photo with text"),
        ("2020-11-12T12:58:18", "italic bold underline strikethrough monospace"),
        ("2020-11-12T13:43:23", "italic in text italic on whole line"),
        ("2020-11-12T14:11:35", "bold in text bold below normal text bold with one line gap normal text"),
        ("2020-11-12T14:34:47", "multiline bold text"),
        ("2020-11-12T14:45:43", "monospace with one baktick multiline monospace"),
        ("2020-11-12T14:48:48", "text link example.com example@example.com"),
        ("2020-11-12T15:05:32", "bold italic"),
        ("2021-07-12T13:17:15", "тестирование utf-8."),
        ("2021-07-14T18:40:10", "test file other than sound"),
        ("2021-07-14T18:52:46", "multiple photos"),
        ("2021-07-14T19:20:23", "test text file"),
    ]
    assert {each["author"] for each in messages} == {"test"}
    assert notes.counts == {
        "Telegram service messages, left out": 1,
        "Telegram messages without text (photos, stickers, polls), left out": 5,
    }


def test_chats_that_were_left_are_read_too():
    """Of an account: each group that the person is no longer in, in a list of its own."""
    left = {**CHAT, "name": "Past", "id": 78, "messages": [message(1, "Farewell.")]}
    chats = {"about": "", "list": [CHAT]}
    account = {
        "about": "",
        "personal_information": {},
        "contacts": {},
        "left_chats": {"about": "", "list": [left, CHAT]},
    }
    for value, ids in ({**account, "chats": chats}, ["77", "78", "77~3"]), (account, ["78", "77"]):
        assert FORMAT.recognises(opened(value))
        found = list(FORMAT.read(opened(value), Notes(), SourceConfig()))
        assert [d.id for d in found] == [f"result.json:{label}" for label in ids]
        assert any(turn.text == "Farewell." for d in found for turn in d.turns)


def test_an_account_whose_name_comes_later_is_one_speaker():
    """A deleted account, or one whose card was lost, has no name in some of its messages."""
    without = {"from": None, "from_id": "user3"}
    named = {"from": "Cy", "from_id": "user3"}
    for later in (message(2, "Two", **named), message(2, "", photo="a.jpg", **named)):
        chat = {**CHAT, "messages": [message(1, "One", **without), later, message(3, "Three", **without)]}
        (found,) = FORMAT.read(opened(chat), Notes(), SourceConfig())
        assert {turn.speaker for turn in found.turns} == {"Cy"}
