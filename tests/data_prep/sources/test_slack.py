import gc
import io
import json
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.inputs import find
from data_prep.sources.options import SourceConfig
from data_prep.sources.slack import gather

EXPORTS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "exports" / "slack"

USERS = [
    {"id": "U1", "name": "ann", "real_name": "Ann Lee", "is_bot": False, "profile": {"display_name": "Ann"}},
    {"id": "U2", "name": "bo", "real_name": "Bo", "profile": {"display_name": "", "real_name": "Bo"}},
    {"id": "U3", "name": "helper", "is_bot": True, "profile": {"display_name": "Helper"}},
    {"id": "U4", "name": "ann4", "profile": {"display_name": "Ann"}},
]
CHANNELS = [
    {"id": "C1", "name": "general", "created": 1, "members": ["U1", "U2"]},
    {"id": "C2", "name": "news", "created": 1, "members": []},
]
DAY = 1672920000  # 2023-01-05 12:00


def said(seconds, user, text, **more):
    return {"type": "message", "user": user, "text": text, "ts": f"{DAY + seconds}.000100", **more}


ROOT = f"{DAY + 60}.000100"
FIRST = [
    said(0, "U1", "<@U1> has joined the channel", subtype="channel_join"),
    said(30, "U1", "Hello <@U2>, see <#C2|> and <#C1|general>: <http://a.b|the page> &lt;3 &amp;lt;"),
    said(60, "U2", "A question", thread_ts=ROOT, reply_count=2),
    said(70, "U1", "Meanwhile"),
    said(80, "U4", "In the thread\nat once", thread_ts=ROOT),
    said(90, "U3", "I am a robot"),
    said(91, None, "Deployed", subtype="bot_message", bot_id="B1"),
    said(92, "U1", "/giphy", bot_id="B2"),
    said(93, "U1", "set the topic", subtype="channel_topic"),
    said(94, "U1", "", files=[{"id": "F1"}]),
    said(95, "U1", "<@U1> uploaded a file: <http://a.b/f|f.txt>", subtype="file_share", upload=True),
    said(96, "U1", "<@U1> uploaded a file: <http://a.b/f|f.txt> and commented: My notes", subtype="file_share"),
    said(97, None, "<@U2> commented on <@U1>’s file <http://a.b/f|f.txt>: Good", subtype="file_comment")
    | {"comment": {"user": "U2", "comment": "Good"}},
    said(98, "U9", "From outside", user_profile={"display_name": "", "real_name": "Cy"}),
    said(99, "U9", "and <@U9>, <@U8>, <!here>, <mailto:a@b.c|a@b.c>"),
]
NEXT = [
    said(90000, "U2", "A late reply", thread_ts=ROOT, subtype="thread_broadcast"),
    said(90060, "U1", "A new day", subtype="me_message"),
    said(90070, "U1", "Reply without its root", thread_ts="1.0"),
    "no message",
]


def file(name, value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def export(root="x.zip/", **more):
    files = {
        "channels.json": CHANNELS,
        "integration_logs.json": [{"user_id": "U1", "change_type": "added"}],
        "users.json": USERS,
        "general/2023-01-05.json": FIRST,
        "general/2023-01-06.json": NEXT,
        "general/2023-01-07.json": [],
        **more,
    }
    return [file(root + name, value) for name, value in sorted(files.items())]


def read(files, **config):
    notes = Notes()
    readings, rest = gather(files, notes, SourceConfig(**config))
    return [dialogue for reading in readings for dialogue in reading.dialogues()], notes, readings, rest


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_channels_are_cut_by_silence_and_threads_are_dialogues_of_their_own():
    dialogues, notes, readings, rest = read(export())
    assert rest == []
    assert [reading.format for reading in readings] == ["slack"]
    assert readings[0].files == (
        "x.zip/general/2023-01-05.json",
        "x.zip/general/2023-01-06.json",
        "x.zip/general/2023-01-07.json",
        "x.zip/users.json",
        "x.zip/channels.json",
    )
    assert {dialogue.id: spoken(dialogue) for dialogue in dialogues} == {
        "x.zip/general:2023-01-05 12:00": [
            ("Ann", "Hello @Bo, see #news and #general: the page <3 &lt;"),
            ("Bo", "A question"),
            ("Ann", "Meanwhile"),
            ("Ann", "My notes"),
            ("Bo", "Good"),
            ("Cy", "From outside"),
            ("Cy", "and @Cy, @U8, @here, a@b.c"),
        ],
        "x.zip/general:2023-01-06 13:01": [("Ann", "A new day")],
        "x.zip/general:thread 1.0": [("Ann", "Reply without its root")],
        f"x.zip/general:thread {ROOT}": [
            ("Bo", "A question"),
            ("Ann (U4)", "In the thread\nat once"),
            ("Bo", "A late reply"),
        ],
    }
    assert {dialogue.group for dialogue in dialogues} == {"x.zip/general"}
    assert dialogues[0].turns[0].time == DAY + 30.0001
    assert notes.counts == {
        "Slack notices (joined, left, topic changed), left out": 2,
        "Slack messages of bots, left out": 3,
        "Slack messages without text, left out": 2,
    }
    assert list(notes.passed_over) == ["x.zip/integration_logs.json"]


def test_an_opened_export_and_several_exports():
    other = [file("y/random/2023-01-05.json", [said(0, "U1", "Hi")])]
    alone = [file("2023-01-05.json", [said(0, "U1", "Hi")]), file("users.json", USERS)]
    dialogues, _, readings, rest = read(export(root="") + other)
    assert rest == []
    assert len(readings) == 2
    assert {dialogue.group for dialogue in dialogues} == {"general", "y/random"}
    assert spoken(dialogues[-1]) == [("U1", "Hi")]
    dialogues, _, _, rest = read(alone)
    assert [dialogue.id for dialogue in dialogues] == ["channel:2023-01-05 12:00"]
    assert spoken(dialogues[0]) == [("Ann", "Hi")]
    assert rest == []


def test_other_files_remain():
    others = [
        file("x.zip/notes.txt", b"Ann: Hi\nBo: Hello\n"),
        file("x.zip/dialogues.json", [{"turns": ["Hi", "Hello"]}]),
        file("x.zip/general/notes.json", [{"turns": ["Hi", "Hello"]}]),
        file("users.json", USERS),
        file("z/result.json", {"messages": []}),
        file("z/list.json", [1, {"ts": 1}]),
        file("z/empty.json", b""),
    ]
    *_, rest = read(export() + others)
    assert rest == others
    assert read(others)[3] == others


def test_a_broken_day_is_told():
    broken = export(**{"general/2023-01-08.json": b'[{"type": '})
    with pytest.raises(PrepareError, match=r"/in/x.zip/general/2023-01-08.json.*line 1") as caught:
        read(broken)
    assert "\n" not in str(caught.value)
    with pytest.raises(PrepareError, match="an object with 'a'"):
        read(export(**{"general/2023-01-08.json": {"a": 1}}))


KEYS = st.sampled_from(["user", "text", "ts", "thread_ts", "subtype", "bot_id", "user_profile", "comment", "id"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8) | VALUES)
def test_any_value_in_any_place(value):
    if isinstance(value, dict):
        value = {"text": "x <@U1> <x|y>", **value, "type": "message"}
    tables = {"users.json": [USERS[0], value], "channels.json": [CHANNELS[0], value]}
    read(export(**tables, **{"general/2023-01-08.json": [value]}))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.integers())
def test_arbitrary_bytes_raise_nothing_else(data):
    if isinstance(data, int):
        rng = random.Random(data)
        mutated = bytearray(json.dumps(FIRST).encode())
        for _ in range(rng.randrange(1, 9)):
            mutated[rng.randrange(len(mutated))] = rng.randrange(256)
        data = bytes(mutated)
    for name in ("general/2023-01-05.json", "users.json", "channels.json"):
        with suppress(PrepareError):
            read(export(**{name: data}))


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
def test_a_small_export_as_a_careful_reader_would_write_it_down():
    dialogues, notes, _, rest = read(find([str(EXPORTS / "slack_export.zip")]))
    gc.collect()  # members of zips that are still open
    assert rest == []
    assert {dialogue.id: spoken(dialogue) for dialogue in dialogues} == {
        "slack_export.zip/example-channel:2023-04-13 19:23": [("Example User", "Example message")],
        "slack_export.zip/general:2023-04-13 19:15": [
            ("Example User", "Hello, world!"),
            ("Example User", "Example in general"),
        ],
        "slack_export.zip/random:2023-04-13 19:24": [("Example User", "Example random message")],
    }
    assert notes.counts == {"Slack notices (joined, left, topic changed), left out": 1}


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
def test_an_export_with_robots_and_files_as_a_careful_reader_would_write_it_down():
    dialogues, notes, _, rest = read(find([str(EXPORTS / "testarchive.zip")]), silence=90)
    gc.collect()
    assert rest == []
    by_id = {dialogue.id.removeprefix("testarchive.zip/"): dialogue for dialogue in dialogues}
    talk = spoken(by_id["enrique:2016-01-15 08:17"])
    assert [name for name, _ in talk] == ["abilinski", "hamza", "abilinski", "hamza", "hamza", "hamza"]
    assert talk[1][1] == 'Nope. Just "install" the executor.'
    assert talk[3][1] == "Here's an example: https://github.com/hfaran/progressive/blob/master/setup.py"
    talk = spoken(by_id["enrique:2016-03-17 21:52"])
    assert talk == [
        ("hamza", "We do GA"),
        ("hamza", "@doubledeez: This is a pretty good intro: https://www.youtube.com/watch?v=zwYV11a__HQ"),
        ("doubledeez", ":+1:"),
    ]
    talk = spoken(by_id["traveling-sailor:2016-03-27 19:14"])  # a comment on a file: the comment, not the notice
    assert talk[0][0] == "doubledeez"
    assert talk[0][1].startswith("```'cities': {")
    speakers = {turn.speaker for dialogue in dialogues for turn in dialogue.turns}
    assert speakers == {"abilinski", "hamza", "doubledeez", "heroeshannibal"}
    texts = [turn.text for dialogue in dialogues for turn in dialogue.turns]
    assert not any("<@" in text or "<http" in text or "&lt;" in text or "uploaded a file" in text for text in texts)
    assert notes.counts == {
        "Slack messages of bots, left out": 94,
        "Slack notices (joined, left, topic changed), left out": 11,
        "Slack messages without text, left out": 3,
    }
    assert len(texts) == sum(1 for text in texts if text)
