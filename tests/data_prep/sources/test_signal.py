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
from data_prep.sources.signal import FORMAT

EXPORTS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "exports" / "signal"

# As signal-export writes it: two spaces end each text, quotes and reactions have lines of their own.
MARKDOWN = """[2023-01-05 12:23:10] Me: How is everyone?··

[2023-01-05 12:24:00] Aya: Fine:
two lines··
(- Me: 👍, Jim: 😀 -)

[2023-01-05 12:25:00] Jim:·

> How is everyone?

Not so fine.··

[2023-01-05 12:26:00] Aya:   ![photo.jpg](./media/photo.jpg)··

[2023-01-05 12:27:00] Me: Look   [notes.pdf](./media/notes.pdf)··

[2023-01-05 12:28:00] Me: Missed voice call··

[2023-01-05 12:29:00] Aya: (This message was deleted)

[2023-01-05 12:30:00] Jim:···
(( 😺 ))
[2023-01-05 12:31:00] Jim:·

> Nobody said this
> in two lines

[see](https://example.org) > all that··
""".replace("·", " ")


def opened(text):
    data = text if isinstance(text, bytes) else text.encode()
    return File("/in/chat.md", "chat.md", lambda: io.BytesIO(data))


def read(text):
    notes = Notes()
    (dialogue,) = FORMAT.read(opened(text), notes, SourceConfig())
    return dialogue, notes


def test_markdown_of_signal_export():
    dialogue, notes = read(MARKDOWN)
    assert FORMAT.chat
    assert FORMAT.recognises(opened(MARKDOWN))
    assert dialogue.id == "chat.md"
    assert [(turn.speaker, turn.text, turn.answers) for turn in dialogue.turns] == [
        ("Me", "How is everyone?", None),
        ("Aya", "Fine:\ntwo lines", None),
        ("Jim", "Not so fine.", 0),
        ("Me", "Look", None),
        ("Aya", "This message was deleted", None),
        ("Jim", "[see](https://example.org) > all that", None),
    ]
    assert dialogue.turns[0].time == datetime(2023, 1, 5, 12, 23, 10, tzinfo=UTC).timestamp()
    assert notes.counts == {"Signal messages without text, left out": 2, "Signal calls, left out": 1}


def test_older_exports_have_a_comma_and_no_seconds():
    text = "\ufeff[2019-12-24, 12:23] Jane Doe: > is larger\r\n"
    text += "[2019-12-31, 23:59] J: a\r\n\r\nb\r\n[2019-13-41, 12:23] J: c"
    assert FORMAT.recognises(opened(text))
    dialogue, _ = read(text)
    assert [(turn.speaker, turn.text) for turn in dialogue.turns] == [
        ("Jane Doe", "> is larger"),
        ("J", "a\n\nb"),
        ("J", "c"),
    ]
    assert dialogue.turns[0].time == datetime(2019, 12, 24, 12, 23, tzinfo=UTC).timestamp()
    assert dialogue.turns[2].time is None


def test_lines_before_the_first_message_are_counted():
    _, notes = read("a title\n\n" + MARKDOWN)
    assert notes.counts["lines before the first Signal message, left out"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[2019-12-24] Jane: no time\n",
        "[24.12.19, 12:23:11] Jane: WhatsApp\n",
        "[2019-12-24, 12:23:11] Jane: WhatsApp in Sweden\n",
        "[2019-12-24 12:23:11] Jane: \u200eMeddelanden\n",
        "[2019-12-24 12:23:11] ERROR: no such file\n[2019-12-24 12:23:12] app.INFO: done\n",
        "[12:23] <jane> hello: there\n",
        "[1, 2]",
        "Jane: Hi\nJohn: Hello\n",
        "[2019-12-24 12:23] Jane: Hi\n" + "prose\n" * 40,
    ],
)
def test_other_formats_are_left_alone(text):
    assert not FORMAT.recognises(opened(text))


def mutated(seed):
    rng = random.Random(seed)
    data = bytearray(MARKDOWN.encode())
    for _ in range(rng.randrange(1, 30)):
        place = rng.randrange(len(data))
        data[place : place + rng.randrange(3)] = bytes(rng.randrange(256) for _ in range(rng.randrange(3)))
    return bytes(data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.integers().map(mutated))
def test_arbitrary_bytes_raise_nothing_else(data):
    FORMAT.recognises(opened(data))
    with suppress(PrepareError):
        list(FORMAT.read(opened(data), Notes(), SourceConfig()))


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
def test_the_export_is_read_as_its_target():
    path = EXPORTS / "test_export.txt"
    file = File(str(path), path.name)
    assert FORMAT.recognises(file)
    (dialogue,) = FORMAT.read(file, Notes(), SourceConfig())
    found = [
        {
            "timestamp": datetime.fromtimestamp(turn.time, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "author": turn.speaker,
            "message": " ".join(turn.text.split()),
        }
        for turn in dialogue.turns
    ]
    target = json.loads((EXPORTS / "target.json").read_text(encoding="utf-8"))
    assert found == sorted(target, key=lambda message: message["timestamp"])
