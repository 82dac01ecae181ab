"""The whole command, on a tiny bot that was taught nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chatbot import bundle, cli
from chatbot.errors import ChatbotError
from chatbot.evaluation import examinee as examinee_module
from chatbot.evaluation import rate
from chatbot.evaluation.baselines import baselines
from chatbot.evaluation.examinee import Examinee
from chatbot.evaluation.predictions import read_predictions
from chatbot.evaluation.questions import ask
from chatbot.likelihood import measure
from tests.fakes import save_tiny_bot

MakePrepared = Callable[..., Path]
WICKED = "<script>alert(1)</script>\x1b[2J\u202e"


@pytest.fixture
def prepared(make_prepared: MakePrepared) -> Path:
    return make_prepared(train=200, valid=30)


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    return save_tiny_bot(tmp_path / "bot")


def evaluated(*argv: object) -> int:
    return cli.main(["evaluate", *map(str, argv)])


def rewrite(prepared: Path, split: str, pairs: list[tuple[list[str], str]]) -> None:
    table = pa.table({"dialogue": ["d"] * len(pairs), "context": [c for c, _ in pairs], "reply": [r for _, r in pairs]})
    pq.write_table(table, prepared / split / "part-0.parquet")


def test_a_bot_and_replies_of_others(
    prepared: Path, bot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    (tmp_path / "said.txt").write_text("".join(f"{WICKED} {number}\n" for number in range(30)), encoding="utf-8")
    out = tmp_path / "out"
    argv = [prepared, bot, "--split", "valid", "--predictions", f"other={tmp_path / 'said.txt'}", "--output", out]
    before = {path.name: path.read_bytes() for path in bot.iterdir() if path.is_file()}
    assert evaluated(*argv, "--presets", "greedy", "lively") == 0
    printed, told = capsys.readouterr()
    took = re.search(r"^(\d+) s, (\d+) of them answering; at most (\d+\.\d\d) GB of memory\.$", told, re.MULTILINE)
    assert took is not None
    assert int(took[2]) <= int(took[1])
    assert 0.1 < float(took[3]) < 20
    text = (out / "evaluation.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    report = json.loads(text)
    names = [
        "people",
        "random reply",
        "commonest reply",
        "echo",
        "nearest neighbour",
        "bot, greedy",
        "bot, lively",
        "other",
    ]
    assert [system["name"] for system in report["systems"]] == names
    assert all(name in printed for name in names)
    figures = {system["name"]: system["figures"] for system in report["systems"]}
    assert figures["people"]["bleu4"]["value"] == pytest.approx(100)
    assert figures["people"]["f1"]["value"] == 1.0
    assert figures["commonest reply"]["commonest"]["value"] == 1.0
    assert figures["echo"]["echoes"]["value"] == 1.0
    assert figures["random reply"]["copies"]["value"] == 1.0
    for own in figures.values():
        for figure in own.values():
            if figure["low"] is not None:
                assert figure["low"] <= figure["value"] <= figure["high"]
    assert set(report["compared_with_the_first"]) == {"bot, lively", "other"}
    assert report["bots"]["bot"]["likely"]["as given"]["pairs"] == 30
    loaded = bundle.load(bot)
    after = {path.name: path.read_bytes() for path in bot.iterdir() if path.is_file()}
    assert {name for name in after if after[name] != before[name]} == {"README.md", "config.json"}
    card = after["README.md"].decode()
    assert f"{report['bots']['bot']['likely']['as given']['nats_per_word']['value']:.3f}" in card
    assert "nearest neighbour" in card
    assert loaded.config["vocab_size"] > 0
    for shown in (printed, card, (out / "evaluation.html").read_text(encoding="utf-8")):
        assert not set(shown) & set("\x1b\x00\u202e")
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert "<script" not in page
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert {"table", "svg", "figure"} <= set(tags)


def test_the_same_seed_gives_the_same_bytes(prepared: Path, bot: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        argv = [prepared, bot, "--split", "valid", "--limit", "12", "--output", tmp_path / name, "--seed", "3"]
        argv += ["--presets", "default", "lively"]
        assert evaluated(*argv) == 0
    reports = [(tmp_path / name / "evaluation.json").read_text() for name in "ab"]
    one, other = (re.sub(r'"ms_a_reply": [\d.e-]+', "", report) for report in reports)
    assert one == other


def test_nats_are_those_of_training(prepared: Path, bot: Path) -> None:
    from chatbot.data.batches import collate

    questions = ask(prepared, "valid", None, 0)
    examinee = Examinee(bot, "cpu", questions)
    nats = examinee.nats(lambda more: None)
    rows = (
        [np.array(ids, dtype=np.int64) for ids in examinee._sources],
        [np.array(i, dtype=np.int64) for i in examinee._true],
    )
    whole = measure(examinee.bundle.model, [collate(*rows, [0] * len(questions))])
    assert nats.sum() == pytest.approx(whole.nats, rel=1e-5)
    assert int(examinee.pieces.sum()) == whole.tokens
    ranks = examinee.ranks(0, lambda more: None)
    assert len(ranks) == 30
    assert all(1 <= rank <= candidates == 20 for rank, candidates in ranks)


def test_several_true_replies_all_count(prepared: Path) -> None:
    pairs = [(["Hi."], "Hello."), (["Hi."], "Good evening."), (["Hi."], "Hello."), (["Bye."], "See you.")]
    rewrite(prepared, "test", pairs)
    questions = ask(prepared, "test", None, 0)
    assert questions.references == [
        ["Hello.", "Good evening."],
        ["Good evening.", "Hello."],
        ["Hello.", "Good evening."],
        ["See you."],
    ]
    assert questions.roles == [["other"]] * 4


def test_no_candidate_is_another_true_reply_and_all_of_the_split_may_be_one(
    prepared: Path, bot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [([f"context {place // 3}"], f"reply {place}") for place in range(45)]
    rewrite(prepared, "valid", pairs)
    ranked: list[list[int]] = []

    def spy(model: object, sources: list[list[int]], replies: list[list[int]], watch: object) -> list[float]:
        ranked.extend(replies)
        return [0.0] * len(replies)

    monkeypatch.setattr(examinee_module, "of_replies", spy)
    questions = ask(prepared, "valid", 2, 0)
    examinee = Examinee(bot, "cpu", questions)
    assert examinee.ranks(0, lambda more: None) == [(20, 20), (20, 20)], "ties count against it"
    encode = examinee.bundle.tokenizer.encode
    for place, own in enumerate((ranked[:20], ranked[20:])):
        right = [encode(text) for text in questions.references[place]]
        assert own[0] == encode(questions.replies[place])
        assert len(right) == 3
        assert not [ids for ids in own[1:] if ids in right]


def test_of_the_training_pairs_none_is_its_own_neighbour(prepared: Path) -> None:
    rewrite(prepared, "train", [(["Do you like tea?"], "Yes!"), (["Do you like tea, or not?"], "No.")])
    assert baselines(ask(prepared, "train", None, 0), seed=0)["nearest neighbour"] == ["No.", "Yes!"]


@pytest.mark.parametrize("name", ["people", "echo"])
def test_a_bot_named_like_a_baseline_is_no_baseline(prepared: Path, bot: Path, tmp_path: Path, name: str) -> None:
    argv = [prepared, bot.rename(tmp_path / name), "--split", "valid", "--output", tmp_path / "out"]
    assert evaluated(*argv) == 0
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    names = [system["name"] for system in report["systems"]]
    assert names.count(name) == 1
    assert f"bot {name}" in names
    figures = {system["name"]: system["figures"] for system in report["systems"]}
    assert figures["people"]["f1"]["value"] == 1.0


def test_of_few_pairs_and_of_nothing_nothing_is_said(prepared: Path, bot: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("\n" * 30 if name == "one" else "yes\n" * 30)
    said = ["--predictions", f"one={tmp_path / 'one'}", f"two={tmp_path / 'two'}"]
    assert evaluated(prepared, bot, "--split", "valid", "--limit", "29", "--output", tmp_path / "out") == 0
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert "fewer than 30 pairs" in report["verdicts"]["bot"]
    assert report["systems"][0]["figures"]["bleu4"]["low"] is None
    assert evaluated(prepared, "--split", "valid", *said, "--output", tmp_path / "out") == 0
    text = (tmp_path / "out" / "evaluation.json").read_text()
    assert "nan" not in text.lower()
    assert not {"distinct2", "distinct3", "entropy4"} & set(json.loads(text)["compared_with_the_first"]["two"])


def test_baselines_are_what_they_are_called(prepared: Path) -> None:
    train = [
        (["How is the weather?"], "It rains."),
        (["Do you like tea?"], "Yes!"),
        (["And coffee?"], "yes"),
        (["Oh."], "Yes!"),
    ]
    rewrite(prepared, "train", train)
    rewrite(prepared, "test", [(["A", "The weather today?"], "Fine."), (["Zzz"], "Hm.")])
    found = baselines(ask(prepared, "test", None, 0), seed=0)
    assert found["people"] == ["Fine.", "Hm."]
    assert found["commonest reply"] == ["Yes!", "Yes!"]
    assert found["echo"] == ["The weather today?", "Zzz"]
    assert found["nearest neighbour"] == ["It rains.", "Yes!"], "what shares no word gets the commonest"
    assert set(found["random reply"]) <= {reply for _, reply in train}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\ntwo", ["one", "two"]),
        ("one\r\n\r\n", ["one", ""]),
        ('{"reply": "a"}\n{"context": ["x"], "reply": "b", "score": 1}\n', ["a", "b"]),
        ('{"text": "a"}\n{"bot": "b"}\n', ["a", "b"]),
        ("{smiles} hi\n{ }\n", ["{smiles} hi", "{ }"]),
    ],
)
def test_predictions_are_read(prepared: Path, tmp_path: Path, content: str, said: list[str]) -> None:
    rewrite(prepared, "test", [(["Hi."], "Hello."), (["Bye."], "See you.")])
    (tmp_path / "x").write_bytes(content.encode())
    assert read_predictions(f"mine={tmp_path / 'x'}", ask(prepared, "test", None, 0)) == ("mine", said)


def test_of_predictions_those_to_the_questions_count(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("".join(f"{number}\n" for number in range(30)))
    questions = ask(prepared, "valid", 5, 1)
    _, said = read_predictions(f"mine={tmp_path / 'x'}", questions)
    assert said == [str(place) for place in questions.places]
    assert len(said) == 5


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"one\n", "has 1 replies; the split test of .* has 2 pairs"),
        (b"one\ntwo\nthree\n", "has 3 replies"),
        (b"\xff\n\n", "is not UTF-8"),
        (b'{"reply": "a"}\n{"reply": 3}\n', "line 2: no text under"),
        (b'{"reply": "a"}\n{"rep\n', "line 2: broken JSON"),
        (b'{"reply": "a"}\n[1]\n', "line 2: no text under"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(prepared: Path, tmp_path: Path, content: bytes, says: str) -> None:
    rewrite(prepared, "test", [(["Hi."], "Hello."), (["Bye."], "See you.")])
    (tmp_path / "x").write_bytes(content)
    for limit in (None, 1):  # whichever are asked for
        with pytest.raises(ChatbotError, match=says):
            read_predictions(f"mine={tmp_path / 'x'}", ask(prepared, "test", limit, 0))


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--split", "dev"], "--split dev: expected one of train, valid, test"),
        ([], "its split test is empty; pairs there: train 200, valid 30, test 0"),
        (["--split", "valid", "--limit", "0"], "--limit 0: expected at least 1"),
        (["--split", "valid", "--predictions", "x"], "expected NAME=FILE"),
        (["--split", "valid", "--predictions", "x=nowhere"], "nowhere: cannot be read"),
        (["nobot", "--split", "valid"], "nobot"),
        (["--split", "valid", "--rate"], "expected two"),
        (["--split", "valid", "--predictions", "people={said}"], "two systems are called 'people'"),
        (["--split", "valid", "--predictions", "a={said}", "b={said}", "b={said}"], "two systems are called 'b'"),
        (["--split", "valid", "--predictions", "a={said}", "--predictions", "b={said}"], "is given twice"),
        (["--split", "valid", "--seed", "-1"], "--seed -1: expected"),
    ],
)
def test_a_wrong_use_is_told_in_one_line(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], says: str
) -> None:
    (tmp_path / "said").write_text("yes\n" * 30)
    argv = [word.format(said=tmp_path / "said") for word in argv]
    assert evaluated(prepared, *argv, "--output", tmp_path / "out") == 2
    errors = capsys.readouterr().err
    assert says in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["bot", "prepared", "file", "file/below"])
def test_where_nothing_can_be_written_is_found_out_first(
    prepared: Path, bot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "file").write_text("mine")
    output = prepared if place == "prepared" else tmp_path / place
    before = sorted(output.iterdir()) if output.is_dir() else []
    assert evaluated(prepared, bot, "--split", "valid", "--output", output) == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1
    assert (sorted(output.iterdir()) if output.is_dir() else []) == before


@pytest.mark.parametrize("harm", ["text", "column", "null", "empty context", "no files"])
def test_a_folder_that_was_tampered_with_is_told_in_one_line(
    prepared: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    part = next((prepared / "valid").glob("*.parquet"))
    good = pq.read_table(part)
    if harm == "text":
        part.write_text("mine")
    elif harm == "no files":
        part.unlink()
    else:
        changed = {"context": good["context"].to_pylist(), "reply": good["reply"].to_pylist()}
        if harm == "column":
            del changed["reply"]
        elif harm == "null":
            changed["reply"][3] = None
        else:
            changed["context"][3] = []
        pq.write_table(pa.table(changed), part)
    assert evaluated(prepared, "--split", "valid") == 2
    assert re.search(r"valid: (cannot be read|holds no Parquet|has pairs without)", capsys.readouterr().err)


def test_another_card_leaves_all_else_as_it_was(prepared: Path, bot: Path, tmp_path: Path) -> None:
    bot.chmod(0o700)
    (bot / "config.json").chmod(0o600)
    (bot / "backward.old").mkdir()
    (bot / "backward.old" / "x").write_text("mine")
    (bot / "backward").symlink_to(tmp_path / "elsewhere")
    argv = [prepared, bot, "--split", "valid", "--limit", "5", "--output", tmp_path / "out"]
    before = (bot / "README.md").read_text()
    assert evaluated(*argv) == 0
    assert (bot / "README.md").read_text() == before, "a trial with a few is not what a card should tell"
    assert evaluated(*argv, "--card", "true") == 0
    assert "nearest neighbour" in (bot / "README.md").read_text()
    assert (bot / "backward.old" / "x").read_text() == "mine"
    assert (bot / "backward").is_symlink()
    assert [path.stat().st_mode & 0o777 for path in (bot, bot / "config.json")] == [0o700, 0o600]


def test_a_bot_of_another_vocabulary_is_scored_and_said_so(
    prepared: Path, bot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        evaluated(prepared, bot, "--split", "valid", "--limit", "5", "--output", tmp_path / "out", "--card", "false")
        == 0
    )
    assert "pieces of another vocabulary" in capsys.readouterr().out


def test_a_folder_with_a_strangers_file_keeps_it(
    prepared: Path, bot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bot / "notes.txt").write_text("mine")
    assert evaluated(prepared, bot, "--split", "valid", "--output", tmp_path / "out") == 0
    captured = capsys.readouterr()
    assert "'notes.txt'" in captured.err
    assert (bot / "notes.txt").read_text() == "mine"
    assert "Near to what people said" in captured.out


def test_rating_is_blind_kept_and_gone_on_with(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("".join(f"{name} says {number}\n" for number in range(30)))
    argv = [prepared, "--split", "valid", "--rate", "--output", tmp_path / "out", "--predictions"]
    argv += [f"{name}={tmp_path / name}" for name in ("one", "two")]
    shown: list[str] = []

    def prefers_one(prompt: str) -> str:
        shown.append(capsys.readouterr().out)
        if len(shown) in (6, 40):
            raise EOFError
        first, _ = (line for line in shown[-1].splitlines() if " says " in line)
        return "1" if "one" in first else "2"

    monkeypatch.setattr("builtins.input", prefers_one)
    assert evaluated(*argv) == 0
    assert "one was preferred to two in 5 of 5" in capsys.readouterr().out
    sides = {line for text in shown for line in text.splitlines() if line.startswith("1   ")}
    assert {line.split()[1] for line in sides} == {"one", "two"}, "who stands first is drawn anew each time"
    assert evaluated(*argv) == 0
    assert "one was preferred to two in 30 of 30 (100 %" in capsys.readouterr().out
    asked = [re.findall(r"says (\d+)", text)[0] for text in shown if " says " in text]
    assert len(asked) == 31
    assert len(set(asked)) == 30, "what was chosen is not asked again, but for the one that was left"
    file = tmp_path / "out" / rate.FILE
    with pytest.raises(ChatbotError, match="holds choices between one and two"):
        rate.read_ratings(file, ["one", "three"])
    file.write_text(file.read_text()[:-9])  # killed as it wrote
    turned = [*argv[:-2], *reversed(argv[-2:])]
    assert evaluated(*turned) == 0
    assert "two was preferred to one in 0 of 30" in capsys.readouterr().out, "the last was asked again"
    assert len(file.read_text().splitlines()) == 30
    (tmp_path / "two").write_text("".join(f"two says {number}, now\n" for number in range(30)))
    monkeypatch.setattr("builtins.input", lambda prompt: "q")
    assert evaluated(*argv) == 0
    assert "Nothing was decided yet" in capsys.readouterr().out, "choices between other replies do not count"
