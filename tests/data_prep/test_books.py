"""The books: they balance, name nobody who is hidden, and nothing of where things lie on this machine."""

import json
import shutil

import pytest

from data_prep.anonymise import HIDDEN, Anonymiser
from data_prep.clean import new_tally
from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pipeline import prepare
from data_prep.report import Report
from data_prep.rules import trace
from data_prep.vocabulary import VocabularyConfig


@pytest.mark.parametrize("anonymise", [False, True])
def test_no_path_is_in_the_settings(tmp_path, transcript, anonymise):
    prepare([transcript], tmp_path / "first", PrepareConfig(workers=1, vocabulary=VocabularyConfig(size=400)))
    lists = {}
    for name in ("banned", "names"):
        (tmp_path / f"{name}.txt").write_text("Zorro\n", encoding="utf-8")
        lists[name] = str(tmp_path / f"{name}.txt")
    shutil.copy(tmp_path / "first" / "tokenizer.model", tmp_path / "tokenizer.model")
    for model in ("first", "tokenizer.model"):
        config = PrepareConfig(
            workers=1,
            anonymise=anonymise,
            vocabulary=VocabularyConfig(model=str(tmp_path / model)),
            banned=lists["banned"],
            names=lists["names"] if anonymise else None,
        )
        prepare([transcript], tmp_path / "out", config)
        for file in ("prepare.yaml", "report.json", "report.md", "report.html"):
            assert str(tmp_path) not in (tmp_path / "out" / file).read_text("utf-8")
        assert f"model: {model}" in (tmp_path / "out" / "prepare.yaml").read_text("utf-8")


def test_text_that_would_not_settle_was_seen_before_it_was_changed(tmp_path):
    nested = "good " + "&" * 10 + "#38;" * 20 + " hi"
    assert any("settle" in name for name, _, _ in trace(nested))
    (tmp_path / "talk.jsonl").write_text(
        json.dumps({"turns": [nested, "Yes, it is so.", "Good to know that."]}), encoding="utf-8"
    )
    prepare([tmp_path / "talk.jsonl"], tmp_path / "out", PrepareConfig(workers=1, stop_after="pairs"))
    repairs = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["repairs"]
    assert repairs["marks that would not settle"]["changed"] == 1
    assert all(entry["seen"] == 3 for entry in repairs.values())


def test_the_books_say_in_how_many_turns_something_was_hidden(tmp_path):
    said = [
        ("Ann Berg", "Hi, this is Ann Berg, write to ann@example.com or to bo@example.com"),
        ("Ann Berg", "Ann, yes"),
        ("Bo Lee", "[name] Ann wrote that already, call 0171 / 765 43 21"),
        ("Ann Berg", "I will, and see https://example.com/ann"),
        ("Bo Lee", "Good to know, my account is DE89 3704 0044 0532 0130 00, [name]"),
    ]
    rows = [{"speaker": speaker, "text": text} for speaker, text in said]
    (tmp_path / "talk.json").write_text(json.dumps(rows), encoding="utf-8")
    for anonymise in (True, False):
        config = PrepareConfig(workers=1, stop_after="pairs", anonymise=anonymise)
        prepare([tmp_path / "talk.json"], tmp_path / "out", config)
        report = (tmp_path / "out" / "report.json").read_text("utf-8")
        hidden = {name: entry for name, entry in json.loads(report)["repairs"].items() if name in HIDDEN.values()}
        if not anonymise:
            assert not hidden
            continue
        assert {name: entry["changed"] for name, entry in hidden.items()} == {
            "names hidden": 2,
            "telephone numbers hidden": 1,
            "addresses hidden": 1,
            "links hidden": 1,
            "long numbers hidden": 1,
        }
        assert all(entry["seen"] == 4 and not entry["examples"] for entry in hidden.values())
        assert "Berg" not in report


@pytest.mark.parametrize("which", ["names", "banned"])
def test_a_list_that_is_not_there_is_named_before_anything_is_written(tmp_path, transcript, which):
    config = PrepareConfig(workers=1, anonymise=True, **{which: str(tmp_path / "absent.txt")})
    with pytest.raises(PrepareError, match=r"absent\.txt: cannot be read"):
        prepare([transcript], tmp_path / "out", config)
    assert not (tmp_path / "out").exists()


def test_files_passed_over_that_hidden_are_called_the_same_are_all_told():
    report = Report(tally=new_tally())
    report.notes.passed_over = {"Ann.bin": "no format", "Bo.bin": "empty", "x.bin": "no format"}
    report.hide(Anonymiser(["Ann", "Bo"]))
    assert report.notes.passed_over == {"[name].bin": "no format", "[name].bin ~2": "empty", "x.bin": "no format"}
