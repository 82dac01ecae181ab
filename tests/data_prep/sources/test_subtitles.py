import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.options import SourceConfig
from data_prep.sources.subtitles import FORMAT

SAMPLE = """1
00:00:01,000 --> 00:00:03,000
{\\an8}[door slams]

2
00:00:03,500 --> 00:00:05,000
<i>I never thought
you would come back,</i>

3
00:00:05,100 --> 00:00:06,900
not after all this.

4
00:00:07,000 --> 00:00:08,000
- Well, I did.
- I see that.

5
00:00:09,000 --> 00:00:10,000
\u266a la la la \u266a

6
00:00:10,000 --> 00:00:12,000
JOHN (angrily): Get out!

7
00:00:12,100 --> 00:00:13,000
(sighs) I was going...

8
00:00:13,100 --> 00:00:14,000
...to stay.

9
00:00:30,000 --> 00:00:32,000
Good morning.

10
00:00:32,500 --> 00:00:33,000
Morning! Coffee?

11
00:00:36,000 --> 00:00:37,000
Subtitles by ann
"""


def opened(content, name="talk.txt"):
    data = content if isinstance(content, bytes) else content.encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(content):
    notes = Notes()
    return list(FORMAT.read(opened(content), notes, SourceConfig())), notes


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def cues(*texts, gap=0.5):
    """SubRip of cues that last a second each."""
    blocks = []
    for place, text in enumerate(texts):
        start = round(place * (1 + gap) * 1000)
        clocks = [f"00:{ms // 60000:02}:{ms // 1000 % 60:02},{ms % 1000:03}" for ms in (start, start + 1000)]
        blocks.append(f"{place + 1}\n{clocks[0]} --> {clocks[1]}\n{text}\n")
    return "\n".join(blocks)


@pytest.mark.parametrize("text", [SAMPLE, "\ufeff" + SAMPLE.replace("\n", "\r\n"), SAMPLE.rstrip("\n")])
def test_a_film(text):
    assert FORMAT.recognises(opened(text))
    dialogues, notes = read(text)
    assert [d.id for d in dialogues] == ["talk.txt:00:00:03", "talk.txt:00:00:30"]
    assert [spoken(d) for d in dialogues] == [
        [
            ("A", "<i>I never thought\nyou would come back,</i>\nnot after all this."),
            ("B", "Well, I did."),
            ("A", "I see that."),
            ("JOHN", "Get out!"),
            ("A", "I was going...\n...to stay."),
        ],
        [("A", "Good morning."), ("B", "Morning! Coffee?")],
    ]
    assert [turn.time for turn in dialogues[0].turns] == [3.5, 7.0, 7.0, 10.0, 12.1]
    assert notes.counts == {
        "sounds described in subtitles, left out": 2,
        "songs in subtitles, left out": 1,
        "subtitles about subtitles, left out": 1,
    }


@pytest.mark.parametrize(
    ("texts", "turns"),
    [
        (["Tea?", "No."], ["Tea?", "No."]),
        (["I would like", "Some tea."], ["I would like\nSome tea."]),
        (["I would like--", "Tea?"], ["I would like--", "Tea?"]),
        (["I would like", "- Tea?"], ["I would like", "Tea?"]),
        (["I wonder...", "Tea?"], ["I wonder...", "Tea?"]),
        (["Tea?\n- No."], ["Tea?", "No."]),
        (["<i>- Tea?</i>\n\u2014No."], ["<i>Tea?</i>", "No."]),
        (["ANN: Tea?", "BO: No."], ["Tea?", "No."]),
        (["It is -5 degrees.\n-5!"], ["It is -5 degrees.\n-5!"]),
        (["(LAUGHS\nLOUDLY)", "Tea? (none left)", "No."], ["Tea? (none left)", "No."]),
        (["# La la la", "#1 is tea."], ["#1 is tea."]),
        (["Well. www.OpenSubtitles.org", "Tea."], ["Tea."]),
        (["", "Tea."], ["Tea."]),
    ],
)
def test_turns_of_cues(texts, turns):
    dialogues, _ = read(cues(*texts, "So.", "So.", "So.", "So."))
    assert [text for _, text in spoken(dialogues[0])][:-4] == turns


def test_unknown_speakers_alternate():
    dialogues, _ = read(cues("Tea?", "No.", "ANN: Well.", "Fine.", "Bye."))
    assert [speaker for speaker, _ in spoken(dialogues[0])] == ["A", "B", "ANN", "A", "B"]


def test_where_sentences_have_no_marks_each_cue_is_a_turn():
    dialogues, _ = read(cues("你好", "你好吗", "很好", "再见"))
    assert len(dialogues[0].turns) == 4


def test_a_pause_and_a_clock_that_begins_anew_part_dialogues():
    assert [len(d.turns) for d in read(cues("Tea?", "No.", gap=4.9))[0]] == [2]
    assert [len(d.turns) for d in read(cues("Tea?", "No.", gap=5.1))[0]] == [1, 1]
    twice = cues("Tea?", "No.", "Oh.", gap=4) + "\n" + cues("Tea?", "No.")
    assert [d.id for d in read(twice)[0]] == ["talk.txt:00:00:00", "talk.txt:00:00:00~2"]


def test_a_lost_blank_line_and_one_too_many():
    text = "1\n00:00:01,000 --> 00:00:02,000\nTea?\n2\n00:00:02,000 --> 00:00:03,000\nNo,\n\nthanks.\n"
    assert spoken(read(text)[0][0]) == [("A", "Tea?"), ("B", "No,\nthanks.")]


MEETING = """WEBVTT - made by a machine

NOTE nothing
to see

STYLE
::cue {}

a-1
00:01.000 --> 00:03.000 align:start
Ann Lee: Good morning.

a-2
00:03.500 --> 00:05.000
Bo: Morning,

a-3
00:05.500 --> 00:06.000
all.

a-4
00:20.000 --> 00:21.000
Ann Lee: Then let us see.
"""


@pytest.mark.parametrize(
    "text",
    [MEETING, MEETING.replace("Ann Lee: ", "<v Ann Lee>").replace("Bo: ", "<v.loud Bo>").replace("all.", "all.</v>")],
)
def test_a_meeting_names_its_speakers(text):
    assert FORMAT.recognises(opened(text))
    dialogues, _ = read(text)
    assert [spoken(d) for d in dialogues] == [
        [("Ann Lee", "Good morning."), ("Bo", "Morning,\nall."), ("Ann Lee", "Then let us see.")]
    ]


def test_rolling_captions_are_read_once():
    text = (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n \nwell<00:00:01.500><c> I</c>\n\n"
        "00:00:02.000 --> 00:00:02.010\nwell I\n \n\n"
        "00:00:02.010 --> 00:00:03.000\nwell I\nlike<00:00:02.500><c> tea</c>\n\n"
    )
    assert spoken(read(text)[0][0]) == [("A", "well I\nlike tea")]


@pytest.mark.parametrize(
    "text",
    ["Ann: hi\nBo: hello\n", "1\n2\n3\n", "a --> b\nb --> c\n", "WEBVTT\n\nnothing\n", "[12:00] <ann> hi --> ho\n", ""],
)
def test_what_is_none(text):
    assert not FORMAT.recognises(opened(text))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SAMPLE)), st.integers(0, 40))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(junk, place, taken):
    data = SAMPLE.encode()
    for content in (junk, data[:place] + junk + data[place + taken :]):
        file = opened(content)
        assert FORMAT.recognises(file) in (True, False)
        with suppress(PrepareError):
            assert all(
                isinstance(turn.text, str) for d in FORMAT.read(file, Notes(), SourceConfig()) for turn in d.turns
            )


def test_two_names_in_one_cue_are_two_turns():
    (dialogue,), _ = read(cues("ANN: Tea, then?\nBOB: Yes,\nplease.", "They say\nit rains."))
    assert spoken(dialogue)[:2] == [("ANN", "Tea, then?"), ("BOB", "Yes,\nplease.")]
    named = ("Ann: Hello.", "Bob: Hello, Ann.", "Ann: Shall we?\nBob: We have one\nthing: the date.", "Bob: Bye.")
    (dialogue,), _ = read(cues(*named))
    assert spoken(dialogue)[2:] == [("Ann", "Shall we?"), ("Bob", "We have one\nthing: the date."), ("Bob", "Bye.")]
    (dialogue,), _ = read(cues("<v Ann>Hi.</v>\n<v Bob>Hello.</v>"))
    assert spoken(dialogue) == [("Ann", "Hi."), ("Bob", "Hello.")]
