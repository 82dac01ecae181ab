"""Inputs and outputs on any file system; turns alone; a killed run that goes on."""

import json
import zipfile
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest

from data_prep import stages, store
from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pipeline import prepare
from data_prep.place import Place
from data_prep.vocabulary import VocabularyConfig

CONFIG = PrepareConfig(workers=1, vocabulary=VocabularyConfig(size=400))


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True)


def same(left, right):
    names = sorted(p.relative_to(left).as_posix() for p in left.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(right).as_posix() for p in right.rglob("*") if p.is_file())
    return all((left / name).read_bytes() == (right / name).read_bytes() for name in names)


def test_a_url_in_and_a_url_out_give_what_paths_give(tmp_path, transcript, memory):
    memory.mkdir("/in")
    memory.pipe("/in/talk.txt", transcript.read_bytes())
    prepare([transcript], tmp_path / "here", CONFIG)
    for _ in range(2):  # the second replaces the first
        prepare(["memory://in/talk.txt"], "memory://out", CONFIG)
    memory.get("/out", str(tmp_path / "there"), recursive=True)
    assert same(tmp_path / "here", tmp_path / "there")
    assert not [path for path in memory.find("/") if "being-prepared" in path]


def test_a_foreign_url_is_not_overwritten_and_an_absent_one_is_named(transcript, memory):
    memory.pipe("/mine/thesis.txt", b"years of work")
    with pytest.raises(PrepareError, match="memory://mine"):
        prepare([transcript], "memory://mine", CONFIG)
    with pytest.raises(PrepareError, match="memory://nowhere"):
        prepare(["memory://nowhere"], "memory://out", CONFIG)


def test_turns_alone_are_what_was_read(tmp_path):
    (tmp_path / "talk.txt").write_text("Ann: you ' re  late\nBo: am I\n\nAnn: Bye\n", encoding="utf-8")
    prepare([tmp_path / "talk.txt"], tmp_path / "out", PrepareConfig(stop_after="read", workers=1))
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["turns.parquet"]
    rows = pq.read_table(tmp_path / "out" / "turns.parquet").to_pylist()
    assert [(row["turn"], row["speaker"], row["time"], row["text"]) for row in rows] == [
        (0, "Ann", None, "you ' re  late"),
        (1, "Bo", None, "am I"),
        (0, "Ann", None, "Bye"),
    ]
    assert rows[0]["dialogue"] == rows[1]["dialogue"] != rows[2]["dialogue"]
    prepare([tmp_path / "talk.txt"], tmp_path / "out", PrepareConfig(workers=1))
    assert store.is_prepared(tmp_path / "out"), "a folder of turns may be replaced"


def test_turns_alone_can_be_prepared(tmp_path, transcript):
    prepare([transcript], tmp_path / "turns", PrepareConfig(stop_after="read", workers=1))
    again = prepare([tmp_path / "turns" / "turns.parquet"], tmp_path / "two", CONFIG)
    whole = prepare([transcript], tmp_path / "one", CONFIG)
    assert (again.seen, again.turns, again.dialogues) == (whole.seen, whole.turns, whole.dialogues)


def test_a_zip_is_read_in_place(tmp_path, transcript):
    with zipfile.ZipFile(tmp_path / "talk.zip", "w") as archive:
        archive.write(transcript, "inner/talk.txt")
        archive.writestr("__MACOSX/inner/._talk.txt", b"\0\1")
    report = prepare([tmp_path / "talk.zip"], tmp_path / "out", CONFIG)
    assert report.turns == 480
    assert pq.read_table(tmp_path / "out" / "train")["dialogue"][0].as_py().startswith("talk.zip/inner/talk.txt:")


def test_a_broken_zip_is_told(tmp_path):
    (tmp_path / "talk.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(PrepareError, match=r"talk\.zip"):
        prepare([tmp_path / "talk.zip"], tmp_path / "out", CONFIG)


@pytest.mark.parametrize("stage", ["clean", "write"])
def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path, transcript, monkeypatch, stage):
    prepare([transcript], tmp_path / "whole", CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(f"data_prep.pipeline.{'stages' if stage == 'clean' else 'splitting'}.{stage}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare([transcript], tmp_path / "out", CONFIG)
    assert not (tmp_path / "out").exists()
    read = []
    monkeypatch.setattr("data_prep.stages.to_table", lambda rows: read.append(rows))
    prepare([transcript], tmp_path / "out", CONFIG)
    assert not read, "nothing is read twice"
    assert same(tmp_path / "out", tmp_path / "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "talk.txt", "whole"]


@pytest.mark.parametrize("what", ["input", "config"])
def test_what_another_run_left_is_not_taken_up(tmp_path, transcript, monkeypatch, what):
    with monkeypatch.context() as patch:
        patch.setattr("data_prep.pipeline.stages.clean", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare([transcript], tmp_path / "out", CONFIG)
    config = CONFIG
    if what == "input":
        transcript.write_text("Ann: One?\nBo: Two.\n", encoding="utf-8")
    else:
        config = PrepareConfig(workers=1, me="Bo", vocabulary=CONFIG.vocabulary)
    prepare([transcript], tmp_path / "out", config)
    prepare([transcript], tmp_path / "fresh", config)
    assert same(tmp_path / "out", tmp_path / "fresh")


def test_what_a_worker_of_a_killed_run_still_writes_is_not_taken_up(tmp_path, transcript, monkeypatch):
    """Parts cleaned without --anonymise, left while the run with it is under way, would be found as its own."""
    tasks = []

    def killed(task):
        tasks.append(task)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("data_prep.pipeline.stages.clean", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare([transcript], tmp_path / "out", CONFIG)
    read, clean = stages.read, stages.clean
    left = {path.name: path.read_bytes() for path in Path(tasks[0].work.root, "turns").iterdir()}
    config = PrepareConfig(workers=1, anonymise=True, vocabulary=CONFIG.vocabulary)

    def beside_a_survivor(task):
        for name, what in left.items():
            with tasks[0].work.writing(f"turns/{name}") as opened:
                opened.write(what)
        clean(tasks[0])
        return read(task)

    with monkeypatch.context() as patch:
        patch.setattr("data_prep.pipeline.stages.read", beside_a_survivor)
        prepare([transcript], tmp_path / "out", config)
    prepare([transcript], tmp_path / "fresh", config)
    assert same(tmp_path / "out", tmp_path / "fresh")


def interrupted(task):
    raise KeyboardInterrupt


def test_parts_do_not_show_in_the_result(tmp_path, transcript, monkeypatch):
    """Many small parts and one large one: the same pairs in the same splits."""
    prepare([transcript], tmp_path / "one", CONFIG)
    monkeypatch.setattr(stages, "TURNS_A_PART", 10)
    monkeypatch.setattr(stages, "_BATCH", 3)
    prepare([transcript], tmp_path / "many", CONFIG)
    for name in ("train", "valid", "test", "dropped"):
        one, many = (pq.read_table(tmp_path / folder / name).to_pylist() for folder in ("one", "many"))
        assert one == many
    assert len(list((tmp_path / "many" / "train").iterdir())) > 5
    reports = [json.loads((tmp_path / folder / "report.json").read_text("utf-8")) for folder in ("one", "many")]
    assert reports[0] == reports[1]


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    place = Place(str(tmp_path))
    with pytest.raises(RuntimeError, match="midway"), place.writing("deep/file") as opened:  # noqa: PT012
        opened.write(b"half")
        raise RuntimeError("midway")
    assert not place.exists("deep/file")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_left_out_is_counted_once(tmp_path, monkeypatch, workers):
    monkeypatch.setattr("data_prep.plan._READINGS", 1)
    for number in range(3):
        talk = {"messages": [{"role": r, "content": f"{r} {number}"} for r in ("tool", "user", "assistant")]}
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(talk), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no talk\n", encoding="utf-8")
    report = prepare([tmp_path], tmp_path / "out", PrepareConfig(workers=workers, stop_after="pairs"))
    assert report.notes.counts == {"messages of system and tools, left out": 3}
    assert list(report.notes.passed_over) == ["notes.txt"]


def test_a_url_of_this_disk_is_a_path_like_any_other(tmp_path, transcript):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.json").write_text("{}", encoding="utf-8")
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(PrepareError, match=r"thesis\.txt"):
        prepare([transcript], f"file://{tmp_path}/mine", CONFIG)
    assert (tmp_path / "mine" / "thesis.txt").exists()
    prepare([f"file://{transcript}"], f"file://{tmp_path}/out", CONFIG)
    assert store.is_prepared(tmp_path / "out")


def test_a_stranger_in_a_bucket_is_not_swept_away(transcript, memory):
    prepare([transcript], "memory://out", CONFIG)
    memory.pipe("/out/thesis.txt", b"years of work")
    with pytest.raises(PrepareError, match=r"thesis\.txt"):
        prepare([transcript], "memory://out", CONFIG)


@pytest.mark.parametrize("url", ["foo://bar/x", "dbfs://x"])
def test_a_file_system_that_nobody_knows_is_the_users_mistake(tmp_path, transcript, url):
    with pytest.raises(PrepareError, match=url):
        prepare([transcript], url, CONFIG)
    with pytest.raises(PrepareError, match=url):
        prepare([url], tmp_path / "out", CONFIG)


def test_what_prepare_wrote_is_no_input_of_its_own(tmp_path, transcript):
    prepare([transcript], tmp_path / "one", CONFIG)
    report = prepare([tmp_path], tmp_path / "two", CONFIG)
    assert report.formats == {"transcript": 1}


def test_two_members_of_one_name_are_both_read(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "talk.zip", "w") as archive:  # noqa: PT031
        for name in ("Ann", "Cy"):
            archive.writestr("talk.txt", f"{name}: Hi there.\nBo: Hello {name}.\n{name}: So?\n")
    report = prepare([tmp_path / "talk.zip"], tmp_path / "out", PrepareConfig(workers=1, stop_after="read"))
    rows = pq.read_table(tmp_path / "out" / "turns.parquet").to_pylist()
    assert report.turns == 6
    assert {row["speaker"] for row in rows} == {"Ann", "Bo", "Cy"}


def test_a_zip_at_a_url_is_read_in_place(tmp_path, memory):
    with memory.open("/in/talk.zip", "wb") as opened, zipfile.ZipFile(opened, "w") as archive:
        archive.writestr("talk.txt", "Ann: Hi there.\nBo: Hello.\nAnn: So?\n")
    report = prepare(["memory://in/talk.zip"], tmp_path / "out", PrepareConfig(workers=1, stop_after="read"))
    assert report.turns == 3


def test_a_prepared_folder_is_no_input(tmp_path, transcript):
    prepare([transcript], tmp_path / "out", PrepareConfig(workers=1, stop_after="pairs"))
    with pytest.raises(PrepareError, match=r"out: a prepared folder.*`chatbot fit .*out`"):
        prepare([tmp_path / "out"], tmp_path / "again", CONFIG)
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("nothing", ["", "  "])
def test_an_input_without_a_name_is_not_this_folder(tmp_path, transcript, monkeypatch, nothing):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PrepareError, match=r'INPUT is "", .*`\.` is this folder'):
        prepare([nothing], tmp_path / "out", CONFIG)


def test_an_output_below_a_file_or_where_nothing_can_be_written_is_told(tmp_path, transcript):
    with pytest.raises(PrepareError, match=r"talk.txt is a file, in which no folder can be made"):
        prepare([transcript], transcript / "deep" / "out", CONFIG)
    if Path("/proc/self").exists():
        with pytest.raises(PrepareError, match=r"^/proc: nothing can be written here"):
            prepare([transcript], "/proc/out", CONFIG)


def test_a_stranger_deep_in_a_bucket_is_not_swept_away(transcript, memory):
    for config in (CONFIG, PrepareConfig(workers=1, stop_after="read")):
        prepare([transcript], "memory://deep", config)
        prepare([transcript], "memory://deep", config)
        memory.pipe("/deep/train/notes/mine.txt", b"years of work")
        with pytest.raises(PrepareError, match=r"train/notes/mine\.txt"):
            prepare([transcript], "memory://deep", config)
        memory.rm("/deep", recursive=True)
