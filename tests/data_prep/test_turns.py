"""turns.parquet holds all that a dialogue is: what is prepared from it is what is prepared from its source."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data_prep.config import PrepareConfig
from data_prep.pipeline import prepare
from data_prep.split import SplitConfig

READ = PrepareConfig(stop_after="read", workers=1)
PAIRS = PrepareConfig(stop_after="pairs", workers=1, split=SplitConfig(valid=0.2, test=0.2))
A = ["Is the tea ready by now?", "Shall we walk in the rain?", "Who sang that song?", "Where is the soup?"]
B = ["It is on the table.", "Take the red umbrella.", "My aunt did, years ago.", "I ate it all myself."]


def openai(folder: Path) -> Path:
    """Chats with system lines, some of them told how to reply."""
    rows = []
    for number in range(40):
        said = [f"{A[number % 4]} {number}", f"{B[number % 4]} {number}", f"Number {number}, then?", f"Yes, {number}."]
        talk = [{"role": "user" if k % 2 == 0 else "assistant", "content": text} for k, text in enumerate(said)]
        told = {"role": "system", "content": f"You live in house {number}."}
        rows.append(json.dumps({"messages": [told, *talk] if number % 3 else talk}))
    (folder / "talk.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder / "talk.jsonl"


def telegram(folder: Path) -> Path:
    """A chat whose replies point past what stands before them."""
    messages = []
    for number in range(120):
        who, texts = ("Ann", A) if number % 3 else ("Bo", B)
        message = {"id": number, "type": "message", "from": who, "from_id": f"user{who}", "date_unixtime": 600 * number}
        message["text"] = f"{texts[number % 4]} {number}"
        if number % 5 == 4:
            message["reply_to_message_id"] = number - 3
        messages.append({**message, "date_unixtime": str(message["date_unixtime"])})
    chat = {"name": "Us", "type": "personal_chat", "id": 7, "messages": messages}
    (folder / "result.json").write_text(json.dumps(chat), encoding="utf-8")
    return folder / "result.json"


def cornell(folder: Path) -> Path:
    """Films, which are divided as wholes where there are twenty of them."""
    lines, talks = [], []
    for film in range(24):
        for scene in range(2):
            ids = [f"L{film * 100 + scene * 10 + k}" for k in range(4)]
            for k, name in enumerate(ids):
                text = f"{(A, B)[k % 2][(film + k) % 4]} {film} {scene}"
                lines.append(f"{name} +++$+++ u{k % 2} +++$+++ m{film} +++$+++ {'AB'[k % 2]} +++$+++ {text}")
            talks.append(f"u0 +++$+++ u1 +++$+++ m{film} +++$+++ {ids}")
    (folder / "movies").mkdir()
    (folder / "movies" / "movie_lines.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "movies" / "movie_conversations.txt").write_text("\n".join(talks), encoding="utf-8")
    return folder / "movies"


@pytest.mark.parametrize("source", [openai, telegram, cornell])
def test_what_is_read_again_gives_the_same_pairs(tmp_path, source):
    given = source(tmp_path)
    prepare([given], tmp_path / "direct", PAIRS)
    prepare([given], tmp_path / "turns", READ)
    prepare([tmp_path / "turns" / "turns.parquet"], tmp_path / "again", PAIRS)
    for split in ("train", "valid", "test", "dropped"):
        direct, again = (pq.read_table(tmp_path / folder / split).to_pylist() for folder in ("direct", "again"))
        assert direct == again
    assert len(pq.read_table(tmp_path / "direct" / "train")) > 20


def test_what_the_turns_tell_beside_the_text(tmp_path):
    for source in (openai, telegram):
        prepare([source(tmp_path)], tmp_path / "turns", READ)
        rows = pq.read_table(tmp_path / "turns" / "turns.parquet").to_pylist()
        if source is telegram:
            assert any(row["answers"] not in (None, row["turn"] - 1) for row in rows)
        else:
            told = {"speaker": "assistant", "text": "You live in house 1."}
            assert [row["personas"] for row in rows[:6]] == [[], [], [], [], [told], []]
            assert {row["group"] for row in rows} == {"talk.jsonl"}


def test_rows_that_were_taken_out_leave_the_rest_as_it_was(tmp_path):
    prepare([telegram(tmp_path)], tmp_path / "turns", READ)
    table = pq.read_table(tmp_path / "turns" / "turns.parquet")
    kept = [place for place, row in enumerate(table.to_pylist()) if row["turn"] != 0]
    pq.write_table(table.take(kept), tmp_path / "turns.parquet")
    prepare([tmp_path / "turns.parquet"], tmp_path / "again", READ)
    before, after = table.take(kept).to_pylist(), pq.read_table(tmp_path / "again" / "turns.parquet").to_pylist()
    assert [row["text"] for row in after] == [row["text"] for row in before]
    assert [row["answers"] for row in after] == [
        (row["answers"] or 0) - 1 if row["answers"] else None for row in before
    ]


def test_hidden_turns_tell_nobody_in_any_column(tmp_path):
    given = openai(tmp_path).rename(tmp_path / "Annabel.jsonl")
    given.write_text(given.read_text("utf-8").replace("assistant", "assistant Annabel"), encoding="utf-8")
    talk = [{"role": "user", "content": A[0]}, {"role": "bot", "content": B[0]}]
    told = {"messages": [{"role": "system", "content": "You are Annabel, of annabel@example.com."}, *talk]}
    given.write_text(f"{given.read_text('utf-8')}\n{json.dumps(told)}", encoding="utf-8")
    prepare([given], tmp_path / "turns", PrepareConfig(stop_after="read", workers=1, anonymise=True))
    text = json.dumps(pq.read_table(tmp_path / "turns").to_pylist(), default=str)
    assert "nnabel" not in text
    assert "group 1" in text


def test_turns_below_the_input_are_no_input_beside_raw_files(tmp_path):
    (tmp_path / "in").mkdir()
    prepare([openai(tmp_path / "in")], tmp_path / "in" / "turns", READ)
    report = prepare([tmp_path / "in"], tmp_path / "out", READ)
    assert report.dialogues == 40
    assert "--stop-after read" in report.notes.passed_over["turns/turns.parquet"]
    shutil.move(tmp_path / "in" / "turns", tmp_path / "alone" / "turns")
    assert prepare([tmp_path / "alone"], tmp_path / "out", READ).dialogues == 40
