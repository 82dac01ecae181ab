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
from data_prep.sources.clock import Dates, header, iso_time, unix_time
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig
from data_prep.sources.whatsapp import FORMAT, split_name

EXPORTS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "exports" / "whatsapp"

ANDROID = """23/01/23, 15:17 - Messages and calls are end-to-end encrypted. Tap to learn more.
23/01/23, 15:18 - Ann created group "Trip: Rome"
23/01/23, 15:19 - Ann: Shall we go?
on Friday, or
later: you say
23/01/23, 15:20 - Bo Lee: Friday: yes
23/01/23, 15:21 - Ann: <Media omitted>
23/01/23, 15:22 - +49 170 1234567: This message was deleted
"""


def opened(text):
    data = text if isinstance(text, bytes) else text.encode()
    return File("/in/chat.txt", "chat.txt", lambda: io.BytesIO(data))


def read(text, **config):
    notes = Notes()
    (dialogue,) = FORMAT.read(opened(text), notes, SourceConfig(**config))
    return dialogue, notes


def said(text, **config):
    return [(turn.speaker, turn.text) for turn in read(text, **config)[0].turns]


def times(text, **config):
    return [
        None if turn.time is None else datetime.fromtimestamp(turn.time, UTC).strftime("%Y-%m-%d %H:%M:%S")
        for turn in read(text, **config)[0].turns
    ]


def test_messages_of_android_go_on_over_lines_and_notices_are_left_out():
    dialogue, notes = read(ANDROID)
    assert FORMAT.chat
    assert FORMAT.recognises(opened(ANDROID))
    assert dialogue.id == "chat.txt"
    assert said(ANDROID) == [
        ("Ann", "Shall we go?\non Friday, or\nlater: you say"),
        ("Bo Lee", "Friday: yes"),
        ("Ann", "<Media omitted>"),
        ("+49 170 1234567", "This message was deleted"),
    ]
    assert times(ANDROID)[0] == "2023-01-23 15:19:00"
    assert notes.counts == {"WhatsApp system lines, left out": 2}
    assert notes.warnings == []


def test_notices_of_an_iphone_begin_with_a_mark_and_stand_under_the_name_of_the_chat():
    text = (
        "[23.01.23, 15:48:11] Rome: ‎Messages and calls are end-to-end encrypted. No one outside reads them.\n"
        "[23.01.23, 15:48:12] Rome: ‎Ann created this group\n"
        "[23.01.23, 15:48:13] Ann: Hi\n"
        "‎[23.01.23, 15:48:14] ~ Bo: ‎image omitted\n"
        "‎[23.01.23, 15:48:15] ~ Bo: Look at this ‎<attached: 0001-PHOTO.jpg>\n"
        "[23.01.23, 15:48:16] \u202a+49\xa0170 12\u202c: Nice ‎<This message was edited>\n"
        "[23.01.23, 15:48:17] Rome: ‎You're now an admin\n"
        "[23.01.23, 15:48:18] Ann: ‎POLL:\n‎When?\n‎OPTION: Monday (1 vote)\n"
        "[23.01.23, 15:48:19] Ann: ‎This message was deleted.\n"
        "[23.01.23, 15:48:20] Bo: ‎<Anhang: 0002-PHOTO.jpg>\n"
    )
    assert FORMAT.recognises(opened(text))
    assert said(text) == [
        ("Ann", "Hi"),
        ("~ Bo", "image omitted"),
        ("~ Bo", "Look at this"),
        ("+49 170 12", "Nice"),
        ("Ann", "This message was deleted."),
    ]
    assert read(text)[1].counts == {"WhatsApp system lines, left out": 4, "WhatsApp messages without text, left out": 1}


@pytest.mark.parametrize(
    "notice",
    [
        "Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
        "Messages to this chat and calls are now secured with end-to-end encryption. Tap for more info.",
        "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats, nicht einmal WhatsApp",
        "Los mensajes y las llamadas están cifrados de extremo a extremo. Nadie, ni siquiera WhatsApp, puede leerlos",
        "Les messages et les appels sont chiffrés de bout en bout. Aucun tiers, pas même WhatsApp, ne peut les lire",
        "As mensagens e as chamadas são protegidas com a criptografia de ponta a ponta. Nem mesmo o WhatsApp pode ler",
        "Сообщения и звонки защищены сквозным шифрованием. Никто, даже WhatsApp, не может прочитать их",
        "Mesajlar ve aramalar uçtan uca şifrelidir. WhatsApp da dahil olmak üzere hiç kimse okuyamaz",
        "消息和通话都进行端到端加密。对话之外的任何人，甚至包括 WhatsApp 都无法读取",
        "Your security code with Bo changed. Tap to learn more.",
    ],
)
def test_the_notice_of_encryption_is_known_without_the_mark(notice):
    text = f"[23.01.23, 15:48:11] Ann: {notice}\n[23.01.23, 15:48:12] Ann: Hi\n"
    assert said(text) == [("Ann", "Hi")]


def test_people_may_speak_of_encryption():
    text = ANDROID + "23/01/23, 15:30 - Ann: Are messages end-to-end encrypted in WhatsApp?\n"
    assert said(text)[-1][1].startswith("Are messages")


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("Ann: Hi", ("Ann", "Hi")),
        ("Ann:.", ("Ann", ".")),
        ("Ann:", ("Ann", "")),
        ("Ann Lee: at 3:15: go", ("Ann Lee", "at 3:15: go")),
        ('Ann "Bee" Lee: Hi', ('Ann "Bee" Lee', "Hi")),
        ('Ann changed the subject from "a: b" to "c"', None),
        ("Ann hat den Betreff von „A“ zu „B: C“ geändert.", None),
        ("Missed voice call at 12:30", None),
        ("Join at https://example.org", None),
        ("You were added", None),
        (": nobody", None),
        ("", None),
        ("x" * 200 + ": long", None),
    ],
)
def test_a_name_ends_at_its_colon(rest, expected):
    assert split_name(rest) == expected


def test_a_name_may_hold_a_colon():
    lines = [("Dr: Who", "Hi"), ("Ann", "note: tea"), ("Dr: Who", "Yes"), ("Ann", "Hm"), ("Dr: Who", "See: there")]
    text = "".join(f"23/01/23, 15:{k} - {name}: {words}\n" for k, (name, words) in enumerate(lines, 10))
    assert said(text) == lines


@pytest.mark.parametrize(
    ("head", "time"),
    [
        ("23/01/23, 15:19 - ", "2023-01-23 15:19:00"),
        ("1/23/23, 3:19 PM - ", "2023-01-23 15:19:00"),
        ("1/23/23, 3:19\u202fPM - ", "2023-01-23 15:19:00"),
        ("1/23/23, 3:19_pm - ", "2023-01-23 15:19:00"),
        ("23.01.23, 15:19 - ", "2023-01-23 15:19:00"),
        ("23-01-2023 15:19 - ", "2023-01-23 15:19:00"),
        ("2023-01-23, 15:19 - ", "2023-01-23 15:19:00"),
        ("2023/01/23 15:19 – ", "2023-01-23 15:19:00"),
        ("23/01/2023 às 15:19 - ", "2023-01-23 15:19:00"),
        ("23.01.23 um 15:19 Uhr - ", "2023-01-23 15:19:00"),
        ("23.01.23 г., 15:19 ч. - ", "2023-01-23 15:19:00"),
        ("23/01/23 15.19 - ", "2023-01-23 15:19:00"),
        ("2023-01-23 15 h 19 - ", "2023-01-23 15:19:00"),
        ("23/1/2023 3:19 p.\xa0m. - ", "2023-01-23 15:19:00"),
        ("1/23/2023, 00:08 a. m. - ", "2023-01-23 00:08:00"),
        ("1/23/2023, 12:08 am - ", "2023-01-23 00:08:00"),
        ("1/23/2023, 12:08 pm - ", "2023-01-23 12:08:00"),
        ("2023/1/23 下午3:19 - ", "2023-01-23 15:19:00"),
        ("2023/1/23 中午12:19 - ", "2023-01-23 12:19:00"),
        ("2023. 1. 23. 오후 3:19 - ", "2023-01-23 15:19:00"),
        ("23. 1. 23. PM 3:19 - ", "2023-01-23 15:19:00"),
        ("2023年1月23日 15:19 - ", "2023-01-23 15:19:00"),
        ("٢٣\u200f/١\u200f/٢٠٢٣، ٣:١٩ م - ", "2023-01-23 15:19:00"),
        ("23/1/2566 15:19 - ", "2023-01-23 15:19:00"),
        ("15:19, 23/1/2023 - ", "2023-01-23 15:19:00"),
        ("23/1/2023, 24:05 - ", "2023-01-23 00:05:00"),
        ("[23.01.23, 15:19:11] ", "2023-01-23 15:19:11"),
        ("\u200e[1/23/23, 3:19:11 PM] ", "2023-01-23 15:19:11"),
        ("[2023/1/23 15:19] ", "2023-01-23 15:19:00"),
        ("23/01/2016, 10:14:06: ", "2016-01-23 10:14:06"),
        ("99/99/99, 10:00 - ", None),
    ],
)
def test_dates_of_all_lands(head, time):
    text = f"{head}Ann: Hi\n"
    assert FORMAT.recognises(opened(text))
    assert said(text) == [("Ann", "Hi")]
    assert times(text) == [time]


@pytest.mark.parametrize("line", ["", "12:30 - 13:00 lunch", "1.2.3.4 - - x", "1/1/23, 25:00 - Ann: Hi", "[" * 50])
def test_no_date(line):
    assert header(line) is None


def lines(*dates, time="10:00"):
    return "".join(f"{day}, {time} - Ann: message {place}\n" for place, day in enumerate(dates))


def days(text, **config):
    return [time[:10] for time in times(text, **config)]


def test_the_whole_file_says_which_number_is_the_day():
    assert days(lines("5/6/24", "6/6/24", "13/6/24")) == ["2024-06-05", "2024-06-06", "2024-06-13"]
    assert days(lines("6/5/24", "6/6/24", "6/13/24")) == ["2024-06-05", "2024-06-06", "2024-06-13"]
    # No number is above 12: time goes forward.
    assert days(lines("1/5/24", "2/5/24", "1/6/24")) == ["2024-05-01", "2024-05-02", "2024-06-01"]
    assert days(lines("5/1/24", "5/2/24", "6/1/24")) == ["2024-05-01", "2024-05-02", "2024-06-01"]
    assert days(lines("23-12-30", "23-12-31", "24-01-01")) == ["2023-12-30", "2023-12-31", "2024-01-01"]


def test_a_date_in_doubt_is_told():
    _, notes = read(lines("5/6/24"))
    assert days(lines("5/6/24")) == ["2024-06-05"]
    assert days(lines("5/6/24", time="10:00 AM")) == ["2024-05-06"]
    assert days(lines("5.6.24", time="10:00 AM")) == ["2024-06-05"]
    assert notes.warnings == [
        "/in/chat.txt: dates such as 5/6/24 are read day first, which nothing in the file tells; "
        "if that is wrong, give --source.dates month-first"
    ]
    assert read(lines("5/5/24"))[1].warnings == []
    assert read(lines("2024-05-06"))[1].warnings == []


def test_the_user_decides_what_is_in_doubt():
    assert days(lines("5/6/24"), dates="month-first") == ["2024-05-06"]
    assert days(lines("5/6/24", time="10:00 AM"), dates="day-first") == ["2024-06-05"]
    assert read(lines("5/6/24"), dates="month-first")[1].warnings == []
    # It decides against the order of time, but not against the calendar.
    assert days(lines("1/5/24", "1/6/24"), dates="day-first") == ["2024-05-01", "2024-06-01"]
    assert days(lines("1/23/24", "2/5/24"), dates="day-first") == ["2024-01-23", "2024-02-05"]


def test_a_single_date_that_fits_no_order_is_read_the_other_way():
    days_read = days(lines("5/6/24", "13/6/24", "14/6/24", "15/6/24", "6/20/24"))
    assert days_read == ["2024-06-05", "2024-06-13", "2024-06-14", "2024-06-15", "2024-06-20"]


def test_messages_are_in_order_of_time_but_for_the_hour_that_comes_twice():
    text = lines("29/10/23", time="02:50") + lines("29/10/23", time="02:10")
    assert [turn.text for turn in read(text)[0].turns] == ["message 0", "message 0"]
    assert times(text)[0].endswith("02:50:00")
    assert times(lines("29/10/23", "28/10/23"))[0].startswith("2023-10-28")


@pytest.mark.parametrize(
    "pasted",
    [
        "[23.01.23, 15:48:11] Zed: what he said",
        "2023-01-23 15:48 - root: started",
        "23.01.2023 15:48 - the meeting",
        "1/24/23, 15:48 - Zed: of another phone",
        "[1/24/23, 3:48 PM] Zed: another program",
    ],
)
def test_a_date_of_another_style_begins_no_message(pasted):
    """People paste what others wrote, logs, and plans with dates."""
    for count in (2, 30):
        talk = [
            f"1/{k + 1}/23, {k % 11 + 1}:19 {'AP'[k % 2]}M - {'Ann' if k % 2 else 'Bo'}: Hi {k}" for k in range(count)
        ]
        at = count - 1
        text = "\n".join([*talk[:at], f"{talk[at]}\n{pasted}\nand more"]) + "\n"
        *_, last = said(text)
        assert len(said(text)) == count
        assert last[1] == f"Hi {at}\n{pasted}\nand more"


def test_a_file_of_two_phones_has_two_styles():
    one = "".join(f"1/{k % 28 + 1}/23, 3:19 PM - Ann: Hi {k}\n" for k in range(100))
    two = "".join(f"[{k % 28 + 1}.02.23, 15:48:11] Bo: Hello {k}\n" for k in range(30))
    assert len(said(one + two)) == 130


def test_captions_stay_and_what_stands_for_files_goes():
    text = (
        "1/23/23, 3:19 AM - Ann: IMG-20230123-WA0001.jpg (file attached)\nThe sea\n"
        "1/23/23, 3:20 AM - Bo: <Media omitted>\nAnd the hills\n"
        "1/23/23, 3:21 AM - Bo: IMG-20230123-WA0002.jpg (bestand bijgevoegd)\n"
        "1/23/23, 3:22 AM - Bo: \n"
        "1/23/23, 3:23 AM - Bo: <grin> yes <This message was edited>\n"
        "1/23/23, 3:24 AM - Bo: <grin>\n"
        + "".join(f"1/23/23, 3:{k} AM - Ann: <Datoteka izostavljena>\n" for k in range(30, 33))
    )
    assert said(text) == [("Ann", "The sea"), ("Bo", "And the hills"), ("Bo", "<grin> yes"), ("Bo", "<grin>")]
    assert read(text)[1].counts["WhatsApp messages without text, left out"] == 5


def test_a_program_that_marks_every_text_says_nothing_by_it():
    text = "".join(f"[23.01.23, 15:{k}:00] {'AB'[k % 2]}: ‎words {k}\n" for k in range(10, 40))
    assert len(said(text)) == 30


def test_dirt_of_files():
    dirty = "\ufeffsent from my phone\r\n" + ANDROID.replace("\n", "\r\n").rstrip()
    assert FORMAT.recognises(opened(dirty))
    assert said(dirty) == said(ANDROID)
    assert read(dirty)[1].counts["lines before the first WhatsApp message, left out"] == 1
    assert FORMAT.recognises(opened(ANDROID.encode("utf-16")))
    assert said(ANDROID.encode("utf-16")) == said(ANDROID)
    assert list(FORMAT.read(opened(""), Notes(), SourceConfig())) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann: Hi\nBo: Hello\n",
        "[12:30] <ann> hi: there\n[12:31] <bo> hello\n",
        "[2019-12-24, 12:23] Jane Doe: Hello John!\n[2019-12-24, 12:24] John: Hi\n",
        "[2019-12-24 12:23:11] Jane Doe: Hello John!\n",
        "[2023-01-05 12:23:11] production.ERROR: failed\n[2023-01-05 12:23:12] production.INFO: done\n",
        "2023-01-05 12:23:11 - root - INFO - started: x\n2023-01-05 12:23:12 - root - INFO - done: x\n",
        "2023-01-05 12:23:11,120 - root: x\n",
        "1\n00:00:01,000 --> 00:00:02,000\nHi: there\n",
        "date,time,name\n23/01/23,15:19,Ann\n",
        "# Changes\n\n23/01/23, 15:19 - Ann: fixed\n\n" + "A line of prose.\n" * 20,
        '{"messages": []}',
    ],
)
def test_other_formats_are_left_alone(text):
    assert not FORMAT.recognises(opened(text))


def mutated(seed):
    rng = random.Random(seed)
    data = bytearray((ANDROID + "[5/6/24, 3:19:11 PM] Ann: ‎x\n").encode())
    for _ in range(rng.randrange(1, 30)):
        place = rng.randrange(len(data))
        data[place : place + rng.randrange(3)] = bytes(rng.randrange(256) for _ in range(rng.randrange(3)))
    return bytes(data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode) | st.integers().map(mutated))
def test_arbitrary_bytes_raise_nothing_else(data):
    FORMAT.recognises(opened(data))
    with suppress(PrepareError):
        list(FORMAT.read(opened(data), Notes(), SourceConfig()))


@settings(deadline=None)
@given(st.text(max_size=60), st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans()))
def test_times_never_raise(text, value):
    if found := header(text):
        Dates([found[0]]).time(found[0])
    iso_time(value)
    unix_time(value, 1e-3)


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
@pytest.mark.parametrize(
    "path", sorted(EXPORTS.glob("test_*.txt")) if EXPORTS.is_dir() else [], ids=lambda path: path.name
)
def test_exports_are_read_as_their_target(path):
    file = File(str(path), path.name)
    assert FORMAT.recognises(file)
    notes = Notes()
    (dialogue,) = FORMAT.read(file, notes, SourceConfig())
    found = [
        {
            "timestamp": datetime.fromtimestamp(turn.time, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "author": turn.speaker,
            "message": " ".join(turn.text.split()),
        }
        for turn in dialogue.turns
        if any(map(str.isalnum, turn.text))
    ]
    target = json.loads((EXPORTS / "target.json").read_text(encoding="utf-8"))
    assert found == sorted(target, key=lambda message: message["timestamp"])
    assert notes.counts == {"WhatsApp system lines, left out": 2}
    assert notes.warnings == []


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the corpora are not on this machine")
def test_nine_styles_in_one_file():
    path = EXPORTS / "nine_date_styles.txt"
    file = File(str(path), path.name)
    notes = Notes()
    assert FORMAT.recognises(file)
    (dialogue,) = FORMAT.read(file, notes, SourceConfig())
    found = [
        (datetime.fromtimestamp(turn.time, UTC).strftime("%Y-%m-%d %H:%M:%S"), turn.speaker, turn.text)
        for turn in dialogue.turns
    ]
    assert found == [
        ("2021-01-24 12:41:03", "~ User name 2", "Of course!"),
        ("2021-11-08 09:41:32", "User name", "Message 123"),
        ("2022-07-19 23:32:00", "User 1", "Hello"),
        ("2022-07-20 11:32:00", "User 2", "Goodbye"),
        ("2023-01-23 03:19:00", "User 2", "Bye!"),
        ("2023-01-23 03:22:00", "User 1", "And let me know if anything changes"),
        ("2023-04-20 09:42:00", "User 3", "<Media omitted>"),
        ("2023-05-04 16:13:23", "~ User 2", "See you!"),
        ("2023-05-05 15:48:11", "James", "Hi here"),
        ("2023-06-29 00:16:00", "User 4", "This message was deleted"),
    ]
    assert notes.counts == {}
    assert notes.warnings == []
