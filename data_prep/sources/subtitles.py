"""Subtitles: SubRip (``.srt``) and WebVTT (``.vtt``), of films and of recorded meetings.

Subtitles say when something is said, and seldom who says it. A turn is a cue, or several where a sentence runs on:
the first has no final mark, or the next begins with a small letter. Dashes at the beginnings of lines part two
speakers in one cue. A name in capitals before a colon, a voice tag of WebVTT (``<v Ann>``), and any name before a
colon where most cues have one (as in recordings of meetings) say who speaks; the others alternate between A and B,
for next to each other stand mostly different people. What describes sounds, songs and makers of subtitles is no talk:
it is counted and left out. A pause parts dialogues.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from data_prep.records import Dialogue, Turn
from data_prep.sources.files import File, Notes
from data_prep.sources.formats import Format
from data_prep.sources.options import SourceConfig
from data_prep.sources.transcript import named

SCENE_GAP = 5.0
"""Seconds without a word that part the dialogues of a film. Answers come within a second or two in talk of all
languages (Stivers et al. 2009), and film has still fewer pauses; where nobody speaks for longer, a scene has ended or
the next words answer nothing that was said."""
MEETING_GAP = 60.0
"""The same where the speakers are named: people at a meeting think and look for papers, and it has no scenes."""
_SHARE = 0.5  # of the cues show a habit
_LOOKED_AT = 200  # cues
_TOUCH = 2.0  # seconds between cues within which a sentence runs on


_CLOCK = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[,.:](\d{1,3})"
_TIMES = re.compile(rf"\s*{_CLOCK}[ \t]*-{{1,2}}>[ \t]*{_CLOCK}(?:[ \t].*)?")
_NUMBER = re.compile(r"\s*\d{1,7}\s*")
_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)\b")
_TAG = re.compile(r"<[^<>]{0,100}>")
_CONTROL = re.compile(
    r"\{\\[^{}]{0,100}\}|<(?:\d{1,3}:)?\d\d:\d\d[.,]\d{1,3}>|</?(?:c|lang|ruby|rt)(?:[ .][^<>]{0,60})?>|</v>"
)
_VOICE = re.compile(r"<v(?:\.[\w.]{1,60})?[ \t]+([^<>]{1,60})>")
_LEADING_NAME = re.compile(r"([^\W\d_][^\n:]{0,39}):\s+", re.DOTALL)
_DASH = re.compile(r"\s*(<[^<>]{1,20}>)?\s*(?:[-‐‑–—]|>>)\s*(?=[^\s\d-])")
_BRACKETS = re.compile(
    r"\[[^\[\]]{0,300}\]|^[ \t]*\([^()]{0,300}\)(?![ \t]*[,.;])|^[ \t]*（[^（）]{0,300}）", re.MULTILINE
)
_MANNER = re.compile(r"^([^\W\d_][^\n:()]{0,39})[ \t]\([^()]{1,60}\):", re.MULTILINE)  # ANN (softly): Hi
_SONG = re.compile(r"\s*(?:[♪♫]|#\s)")
_CLOSING = " \t\n\"'”’»"
_FINAL = tuple(".!?…。！？♪-–—:)]")
_MAKERS = re.compile(
    r"opensubtitles|addic7ed|subscene|yify|\b(?:sub(?:title)?s?|captions?|captioning|encoded|ripp?ed) by\b"
    r"|subtitles? downloaded|\bsync(?:h|ed|hronized|hronised)?,? (?:by\b|(?:and|&) correct)|advertise your product|^\W{0,9}https?://\S+\W{0,9}$",
    re.IGNORECASE,
)


class _Cue(NamedTuple):
    start: float
    end: float
    text: str


class _Habits(NamedTuple):
    """How a file is written."""

    named: bool
    """Most cues name their speaker."""
    marked: bool
    """Sentences end in marks: Chinese and Thai subtitles, and those made by machines, go without."""
    names: frozenset[str]
    """Those that cues begin with, where most have one."""


class _Part(NamedTuple):
    """What one speaker says within a cue."""

    speaker: str
    """Empty where the cue does not say."""
    text: str
    new: bool
    """A dash says that another speaks."""


def recognises(file: File) -> bool:
    """The first lines are a cue with its times, or say WEBVTT and a cue follows."""
    if not file.looks_like_text or "->" not in file.head_text:
        return False
    lines = [line for line in file.first_lines if line.strip()]
    first = len(lines) if lines and lines[0].startswith("WEBVTT") else 3
    return any(map(_TIMES.fullmatch, lines[:first]))


def read(file: File, notes: Notes, config: SourceConfig) -> Iterator[Dialogue]:
    """Dialogues between pauses; the id of each is the second in which it begins."""
    cues = list(_cues(file))
    if "<c>" in file.head_text:
        cues = _unrolled(cues)
    habits = _habits(cues)
    met: Counter[str] = Counter()
    turns: list[Turn] = []
    last: _Cue | None = None
    for cue in cues:
        parts = _parts(cue.text, habits, notes)
        if not parts:
            continue
        if last and _apart(last, cue, MEETING_GAP if habits.named else SCENE_GAP):
            yield _dialogue(file, turns, met)
            turns = []
        for part in parts:
            _add(turns, part, cue, last, habits)
            last = cue
    if turns:
        yield _dialogue(file, turns, met)


def _cues(file: File) -> Iterator[_Cue]:
    times: re.Match[str] | None = None
    lines: list[str] = []
    for _, line in file.lines():
        match = _TIMES.fullmatch(line)
        if match is None:
            lines.append(line)
            continue
        if lines and (_NUMBER.fullmatch(lines[-1]) or (len(lines) > 1 and lines[-1].strip() and not lines[-2].strip())):
            lines.pop()  # what the next cue is called
        if times is not None:
            yield _cue(times, lines)
        times, lines = match, []
    if times is not None:
        yield _cue(times, lines)


def _cue(times: re.Match[str], lines: list[str]) -> _Cue:
    """Blank lines within a cue are dirt; behind one, a WebVTT file may also have notes and styles."""
    text: list[str] = []
    for place, line in enumerate(lines):
        if place and not lines[place - 1].strip() and _BLOCK.match(line):
            break
        if line.strip():
            text.append(line)
    numbers = times.groups()
    return _Cue(_seconds(numbers[:4]), _seconds(numbers[4:]), _CONTROL.sub("", "\n".join(text)))


def _seconds(clock: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in clock)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _unrolled(cues: list[_Cue]) -> list[_Cue]:
    """Captions made by machines roll: each cue shows the line before once more."""
    fresh: list[_Cue] = []
    shown: list[str] = []
    for cue in cues:
        lines = [line.strip() for line in cue.text.split("\n")]
        if new := [line for line in lines if line and line not in shown]:
            fresh.append(cue._replace(text="\n".join(new)))
        shown = lines
    return fresh


def _habits(cues: list[_Cue]) -> _Habits:
    texts = [cue.text for cue in cues[:_LOOKED_AT]]
    names = [name for text in texts if (name := _voice(text) or (named(text.replace("\n", " ")) or ("",))[0])]
    come_back = len(set(names)) < len(names)
    ends = sum(_end(text).endswith(_FINAL) for text in texts)
    most = len(names) >= _SHARE * len(texts) and come_back
    return _Habits(most, ends >= _SHARE * len(texts), frozenset(names if most else ()))


def _voice(text: str) -> str:
    match = _VOICE.search(text)
    return match[1].strip() if match else ""


def _parts(text: str, habits: _Habits, notes: Notes) -> list[_Part]:
    """What is said in a cue; nothing where it describes a sound, shows a song, or tells who made the subtitles."""
    plain = _TAG.sub("", text)
    if _MAKERS.search(plain):
        notes.counts["subtitles about subtitles, left out"] += 1
        return []
    if not plain.strip():
        return []
    if _SONG.match(plain):
        notes.counts["songs in subtitles, left out"] += 1
        return []
    text = _MANNER.sub(r"\1:", text)
    heard = _BRACKETS.sub("", text)
    if heard != text:
        notes.counts["sounds described in subtitles, left out"] += 1
        if not any(c.isalnum() for c in _TAG.sub("", heard)):
            return []
    return [part for segment, new in _segments(heard, habits) if (part := _part(segment, new, habits)).text.strip()]


def _segments(text: str, habits: _Habits) -> Iterator[tuple[str, bool]]:
    """Lines of one speaker, and whether a dash parts them from those before; a name at the front of a line does too."""
    lines: list[str] = []
    new = False
    for line in text.split("\n"):
        dash = _DASH.match(line)
        if dash:
            if lines:
                yield "\n".join(lines), new
            lines, new = [], True
            line = (dash[1] or "") + line[dash.end() :]
        elif lines and _begins_with_name(line.strip(), habits):
            yield "\n".join(lines), new
            lines, new = [], False
        if line.strip():
            lines.append(line.strip())
    if lines:
        yield "\n".join(lines), new


def _begins_with_name(line: str, habits: _Habits) -> bool:
    """Whether a line below another names its speaker; one that nobody is called by may be a word before a colon."""
    name = _LEADING_NAME.match(f"{line} ")
    return bool(_VOICE.match(line) or (name and (name[1].isupper() or name[1].strip() in habits.names)))


def _part(text: str, new: bool, habits: _Habits) -> _Part:
    if voice := _voice(text):
        return _Part(voice, _VOICE.sub("", text), new)
    match = _LEADING_NAME.match(text)
    if match and (match[1].isupper() or (habits.named and named(text.replace("\n", " ")))):
        return _Part(match[1].strip(), text[match.end() :], new)
    return _Part("", text, new)


def _apart(last: _Cue, cue: _Cue, gap: float) -> bool:
    """A long pause, or the clock begins anew."""
    return cue.start - last.end > gap or cue.start < last.start - SCENE_GAP


def _add(turns: list[Turn], part: _Part, cue: _Cue, last: _Cue | None, habits: _Habits) -> None:
    before = turns[-1] if turns else None
    if before and last and _runs_on(before, part, cue.start - last.end, habits):
        turns[-1] = before._replace(text=f"{before.text}\n{part.text}")
        return
    speaker = part.speaker
    if not speaker and habits.named and before:
        speaker = before.speaker
    elif not speaker:
        speaker = "B" if before and before.speaker == "A" else "A"
    turns.append(Turn(speaker, part.text, cue.start))


def _runs_on(before: Turn, part: _Part, pause: float, habits: _Habits) -> bool:
    """Whether a sentence goes on from one cue to the next."""
    if part.new or (part.speaker and part.speaker != before.speaker):
        return False
    start, end = _TAG.sub("", part.text).lstrip(), _end(before.text)
    if end.endswith(("...", "…")) or start.startswith(("...", "…")):
        return start.lstrip(". …")[:1].islower()
    return start[:1].islower() or (habits.marked and pause <= _TOUCH and not end.endswith(_FINAL))


def _end(text: str) -> str:
    return _TAG.sub("", text).rstrip(_CLOSING)


def _dialogue(file: File, turns: list[Turn], met: Counter[str]) -> Dialogue:
    minutes, seconds = divmod(int(turns[0].time or 0), 60)
    name = f"{file.name}:{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    met[name] += 1
    return Dialogue(name if met[name] == 1 else f"{name}~{met[name]}", tuple(turns))


FORMAT = Format("subtitles", recognises, read)
