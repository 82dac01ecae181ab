import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.files import File, Notes
from data_prep.sources.irc import FORMAT
from data_prep.sources.irc_lines import parse
from data_prep.sources.options import SourceConfig
from data_prep.sources.silence import cut_by_silence

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "irc_ubuntu"

SAMPLE = """=== cy [~cy@example.org]  has joined #tea
[09:14] <ann> does anyone know a good green tea?
[09:14] <bo> hi all
[09:15] <@cy> ann: try sencha
=== cy is now known as cy_away
[09:16] <ann> cy_away, thanks!
[09:17]  * bo makes tea
=== mode/#tea [+o ann]  by ChanServ
[09:18] <cy_away> bo: for me too
=== cy_away yawns
"""


def opened(content, name="talk.txt"):
    data = content if isinstance(content, bytes) else content.encode()
    return File(f"/in/{name}", name, lambda: io.BytesIO(data))


def read(content):
    notes = Notes()
    return list(FORMAT.read(opened(content), notes, SourceConfig())), notes


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_a_log_is_one_stream_with_times_links_and_one_name_a_person():
    (dialogue,), notes = read(SAMPLE)
    assert FORMAT.recognises(opened(SAMPLE))
    assert FORMAT.chat
    assert dialogue.id == "talk.txt"
    assert [tuple(turn) for turn in dialogue.turns] == [
        ("ann", "does anyone know a good green tea?", 33240.0, None),
        ("bo", "hi all", 33240.0, None),
        ("cy", "try sencha", 33300.0, 0),
        ("ann", "thanks!", 33360.0, 2),
        ("bo", "*makes tea*", 33420.0, None),
        ("cy", "for me too", 33480.0, 4),
        ("cy", "*yawns*", 33480.0, None),
    ]
    assert notes.counts == {"IRC system lines, left out": 3}


IRSSI = """--- Log opened Sun Dec 31 23:58:00 2023
23:58 -!- ann [ann@example.org] has joined #tea
23:58 -!- Irssi: #tea: Total of 2 nicks
23:58 <@ann> good night
23:59 < bo> bo: sleep well
23:59  * bo waves
--- Day changed Mon Jan 01 2024
00:01 -!- ann is now known as ann_
00:01 <+ann_> bo, you too
00:02 -ChanServ- be kind
00:02 -!- bo [bo@example.org] has quit [Quit: zzz]
--- Log closed Mon Jan 01 00:03:00 2024
"""
WEECHAT = """2023-12-31 23:58:00\t-->\tann (ann@example.org) has joined #tea
2023-12-31 23:58:00\t@ann\tgood night
2023-12-31 23:59:00\tbo\tbo: sleep well
2023-12-31 23:59:00\t *\tbo waves
2024-01-01 00:01:00\t--\tann is now known as ann_
2024-01-01 00:01:00\tann_\tbo, you too
2024-01-01 00:02:00\t<--\tbo (bo@example.org) has quit (zzz)
"""
XCHAT = """**** BEGIN LOGGING AT Sun Dec 31 23:58:00 2023

Dec 31 23:58:00 *\tNow talking on #tea
Dec 31 23:58:00 *\tann (~ann@example.org) has joined
Dec 31 23:58:00 <ann>\tgood night
Dec 31 23:59:00 <bo>\tbo: sleep well
Dec 31 23:59:00 *\tbo waves
Jan 01 00:01:00 *\tann is now known as ann_
Jan 01 00:01:00 <ann_>\tbo, you too
Jan 01 00:02:00 *\tbo has quit (zzz)
**** ENDING LOGGING AT Mon Jan  1 00:03:00 2024
"""


@pytest.mark.parametrize("log", [IRSSI, WEECHAT, XCHAT, "\ufeff" + XCHAT.replace("\n", "\r\n")])
def test_clients_with_dates_give_the_same_messages(log):
    assert FORMAT.recognises(opened(log))
    (dialogue,), _ = read(log)
    assert [tuple(turn) for turn in dialogue.turns] == [
        ("ann", "good night", 1704067080.0, None),
        ("bo", "bo: sleep well", 1704067140.0, None),
        ("bo", "*waves*", 1704067140.0, None),
        ("ann", "you too", 1704067260.0, 2),
    ]


ZNC = """[23:58:00] *** Joins: ann (ann@example.org)
[23:58:00] <ann> good night
[23:59:00] <bo> sleep well
[23:59:00] * bo waves
[00:01:00] *** ann is now known as ann_
[00:01:00] <ann_> bo: you too
[00:02:00] *** Quits: bo (bo@example.org) (zzz)
"""
EGGDROP = """[23:58] ann (ann@example.org) joined #tea.
[23:58] <ann> good night
[23:59] <bo> sleep well
[23:59] Action: bo waves
[00:01] Nick change: ann -> ann_
[00:01] <ann_> bo: you too
[00:02] #tea: mode change '+o bo' by ann_!ann@example.org
"""


@pytest.mark.parametrize("log", [ZNC, EGGDROP])
def test_without_dates_the_clock_passes_midnight(log):
    assert FORMAT.recognises(opened(log))
    (dialogue,), _ = read(log)
    assert [tuple(turn) for turn in dialogue.turns] == [
        ("ann", "good night", 86280.0, None),
        ("bo", "sleep well", 86340.0, None),
        ("bo", "*waves*", 86340.0, None),
        ("ann", "you too", 86460.0, 2),
    ]


def test_twelve_hours_without_am_and_pm_pass_noon():
    times = [turn.time for turn in read("[11:59] <ann> hi\n[12:30] <bo> hi\n[01:00] <ann> tea?\n")[0][0].turns]
    assert [later - times[0] for later in times] == [0, 31 * 60, 61 * 60]
    zero = [turn.time for turn in read("[11:59] <ann> hi\n[00:30] <bo> hi\n[01:00] <ann> tea?\n")[0][0].turns]
    assert [later - zero[0] for later in zero] == [0, 31 * 60, 61 * 60]


def test_a_clock_with_an_hour_00_and_an_hour_12_has_24():
    """Of the two, a clock of 12 hours has one."""
    log = "[09:00] <ann> hi\n[12:30] <bo> tea?\n[00:10] <ann> late\n[09:00] <bo> morning\n[01:00] <ann> night\n"
    times = [turn.time for turn in read(log)[0][0].turns]
    assert [(later - times[0]) / 3600 for later in times] == pytest.approx([0, 3.5, 15 + 1 / 6, 24, 40])


def test_a_clock_that_was_set_back_is_no_new_day():
    times = [turn.time for turn in read("[03:00] <ann> hi\n[02:01] <bo> hi\n")[0][0].turns]
    assert times == [10800.0, 7260.0]


def test_a_day_in_another_language_is_still_a_day():
    log = "--- Day changed Di Jan 02 2024\n[09:00] <ann> hi\n--- Day changed mié ene 03 2024\n[10:00] <bo> hi\n"
    times = [turn.time for turn in read(log)[0][0].turns]
    assert times[1] - times[0] == 25 * 3600


def test_a_year_that_begins_between_lines_of_months():
    times = [turn.time for turn in read("Dec 31 23:00:00 <ann>\thi\nJan 01 00:00:00 <bo>\thi\n")[0][0].turns]
    assert times[1] - times[0] == 3600


def test_silence_cuts_a_log():
    (dialogue,), _ = read("[09:00] <ann> hi\n[09:01] <bo> hi\n[11:00] <ann> tea?\n[11:01] <bo> bo: ann: yes\n")
    assert [len(part.turns) for part in cut_by_silence(dialogue, 30)] == [2, 2]


def test_an_address_is_taken_off_only_where_it_links():
    log = "[09:00] <ann> well, dave: hello\n[09:00] <ann> dave: hello?\n[09:01] <dave> Ann: hi\n[09:01] <ann> DAVE:\n"
    (dialogue,), notes = read(log)
    assert [(turn.text, turn.answers) for turn in dialogue.turns] == [
        ("well, dave: hello", None),
        ("dave: hello?", None),
        ("hi", 1),
    ]
    assert notes.counts == {"IRC messages without text, left out": 1}


def test_a_message_to_several_and_links_in_addresses():
    log = "[09:00] <ann> hi\n[09:00] <bo> hi\n[09:01] <cy> bo, ann: see http://example.org\n[09:02] <ann> cy://x\n"
    assert [(turn.text, turn.answers) for turn in read(log)[0][0].turns[2:]] == [
        ("see http://example.org", 1),
        ("cy://x", None),
    ]


def test_what_was_said_to_a_third_is_passed_over():
    log = "[09:00] <ann> which?\n[09:00] <bo> hi\n[09:01] <cy> ann: green\n[09:01] <cy> bo: hi\n[09:02] <ann> cy: ok\n"
    assert read(log)[0][0].turns[-1].answers == 2


def test_a_stand_in_nick_gives_the_old_name_back():
    log = "[09:00] <ann> hi\n=== ann_ [x@y]  has joined #t\n=== ann_ is now known as ann\n[09:05] <ann> me again\n"
    assert {turn.speaker for turn in read(log)[0][0].turns} == {"ann"}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("=== ..[topic/#tea:ann] : green tea", "system"),
        ("* ann left the building", "acts"),
        ("* ann has left #tea", "system"),
        ("12:00 --> ann (a@b) has joined #tea", "system"),
        ("[12:00] <Ann Lee> from a bridge", "says"),
        ("[12:00] <[ab] c> a nick that was torn", "says"),
        ("<Ann Lee> no time", "other"),
        ("[12:00] something else", "other"),
        ("2023-01-05 12:00:00\t3.5\t7", "other"),
        ("2023-01-05 12:00:00\tno second tab", "other"),
    ],
)
def test_single_lines(line, kind):
    assert parse(line).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "<p> one\n<p> two\n<i> three</i>\n<p> four\n",
        "1000 1000 -\n1001 1002 -\n",
        "2023-01-05 12:00:00 ERROR disk full\n2023-01-05 12:00:01 INFO ok\n",
        "2023-01-05 12:00:00\ta1\t7\n2023-01-05 12:00:01\tb1\t8\n2023-01-05 12:00:02\ta1\t9\n",
        "Ann: hi\nBo: hello\n",
        "",
    ],
)
def test_what_is_no_log(text):
    assert not FORMAT.recognises(opened(text))


def test_a_log_without_times_is_recognised_if_it_is_nothing_else():
    assert FORMAT.recognises(opened("<ann> hi\n<bo> hello\n* bo waves\n<ann> tea?\n"))
    assert [turn.time for turn in read("<ann> hi\n<bo> hello\n")[0][0].turns] == [None, None]


@pytest.mark.skipif(not SHARED.exists(), reason="the corpus is not here")
def test_ubuntu_logs():
    logs = sorted(SHARED.rglob("*.raw.txt"))
    assert len(logs) == 61
    for path in logs:
        assert FORMAT.recognises(File(str(path), path.name)), path.name
        assert not FORMAT.recognises(File(str(path).replace(".raw.", ".annotation."), "a"))
    notes = Notes()
    (dialogue,) = FORMAT.read(File(str(logs[0]), "x"), notes, SourceConfig())
    assert len(dialogue.turns) > 1000
    assert sum(turn.answers is not None for turn in dialogue.turns) > 200


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


def test_an_at_sign_addresses_as_a_colon_does():
    lines = ["<ann> hello", "<bo> @ann hi", "<bo> @nobody hi", "<ann> @bo", "<ann> @Bo: yes", "<bo> me @ann"]
    (dialogue,), _ = read("".join(f"[09:1{k}] {line}\n" for k, line in enumerate(lines)))
    assert [(turn.text, turn.answers) for turn in dialogue.turns] == [
        *(("hello", None), ("hi", 0), ("@nobody hi", None), ("@bo", None), ("yes", 2), ("me @ann", None)),
    ]
