import json

import pyarrow.parquet as pq
import pytest

from data_prep.config import PrepareConfig
from data_prep.dedupe import DedupeConfig
from data_prep.errors import PrepareError
from data_prep.pipeline import prepare
from data_prep.text import fold

LONG = "the quick brown fox jumps over the lazy dog near the old stone bridge every single day"


def write(path, dialogues):
    path.write_text("\n".join(json.dumps({"turns": turns}) for turns in dialogues) + "\n", encoding="utf-8")
    return path


def rows(folder):
    return pq.read_table(folder).to_pylist()


@pytest.fixture
def prepared(tmp_path):
    train = [
        ["Where is it?", "On the table."],
        ["where is IT", "on the table!", "Thanks."],
        [f"I said {LONG}", "Yes."],
        ["What else?", "Nothing else."],
        ["word " * 300, "Too long."],
    ]
    valid = [
        ["Where is it?", "On the table.", "Thanks."],
        ["Where is it?", "On the table."],
        [LONG, "Yes."],
        ["word " * 300, "[deleted]"],
        ["Echo.", "echo!"],
    ]
    inputs = write(tmp_path / "train.jsonl", train), write(tmp_path / "valid.jsonl", valid)
    config = PrepareConfig(valid=str(inputs[1]), dedupe=DedupeConfig(same_reply=1), workers=1)
    report = prepare([inputs[0]], tmp_path / "out", config)
    return tmp_path / "out", report


def test_a_given_split_stays_whole_and_its_faults_are_flagged(prepared):
    folder, report = prepared
    valid = rows(folder / "valid")
    assert len(valid) == report.splits["valid"] == 6
    assert [row["flag"] for row in valid] == [None, None, None, None, "placeholder", "reply echoes its context"]


def test_what_training_shares_with_it_leaves_training_near_or_exact(prepared):
    folder, _ = prepared
    train, valid = ([(fold(r["context"][-1]), fold(r["reply"])) for r in rows(folder / s)] for s in ("train", "valid"))
    assert train == [("what else", "nothing else")]
    assert not set(train) & set(valid)
    reasons = [row["reason"] for row in rows(folder / "dropped")]
    assert reasons.count("stands in another split") == 3
    assert reasons.count("nearly stands in another split") == 1


def test_nothing_else_is_held_out_where_a_split_is_given(prepared):
    assert rows(prepared[0] / "test") == []


def test_the_leak_is_counted_on_the_raw_text(prepared):
    folder, _ = prepared
    leak = json.loads((folder / "report.json").read_text(encoding="utf-8"))["leaks"]["valid"]
    assert (leak["dialogues"], leak["all_dialogues"]) == (2, 5)
    assert (leak["pairs"], leak["all_pairs"]) == (3, 6)
    assert [name.split(":")[-1] for name in leak["names"]] == ["1", "2"]
    assert "2 of 5 whole dialogues and 3 of 6 pairs" in (folder / "report.md").read_text(encoding="utf-8")


def test_the_books_balance(prepared):
    report = prepared[1]
    assert report.seen == report.kept + sum(report.dropped.values())


def test_a_split_that_is_not_there_is_named(tmp_path):
    train = write(tmp_path / "train.jsonl", [["a", "b"]])
    with pytest.raises(PrepareError, match=r"nowhere\.jsonl"):
        prepare([train], tmp_path / "out", PrepareConfig(valid=str(tmp_path / "nowhere.jsonl")))


@pytest.mark.parametrize(
    ("test", "shared"),
    [
        ([["Tea?", "Yes.", "Good."]], "2 of the 2 pairs"),
        ([["TEA", "yes!", "Ha."]], "1 of the 2 pairs"),
        ([["A?", "B."]], ""),
    ],
)
def test_what_two_given_splits_share_is_counted(tmp_path, test, shared):
    inputs = write(tmp_path / "train.jsonl", [["What else?", "Nothing else."]])
    valid = write(tmp_path / "valid.jsonl", [["Tea?", "Yes.", "Good."], ["Cake?", "No."]])
    given = write(tmp_path / "test.jsonl", test)
    config = PrepareConfig(valid=str(valid), test=str(given), workers=1, stop_after="pairs")
    report = prepare([inputs], tmp_path / "out", config)
    warnings = [warning for warning in report.warnings if "--test stand in --valid too" in warning]
    assert [warning.startswith(shared) for warning in warnings] == [True] * bool(shared)
