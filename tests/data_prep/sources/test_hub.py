import io
import json
import pickle
import shutil
import zipfile

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources import hub
from data_prep.sources.files import File, Notes
from data_prep.sources.inputs import find
from data_prep.sources.options import Columns, SourceConfig

A, B = "How are you doing today?", "I am fine, thank you."
TALK = [{"role": "user", "content": A}, {"role": "assistant", "content": B}]


def write_saved(folder, rows, split=None, files=1):
    """A folder as ``Dataset.save_to_disk`` writes it."""
    folder.mkdir(parents=True)
    names = [f"data-{k:05}-of-{files:05}.arrow" for k in range(files)]
    for name in names:
        table = pa.table(rows)
        with pa.ipc.new_stream(str(folder / name), table.schema) as stream:
            stream.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0", "_split": split}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (folder / "dataset_info.json").write_text('{"features": {}}', encoding="utf-8")


def write_splits(folder, rows, splits):
    for split in splits:
        write_saved(folder / split, rows, split)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")


def gathered(folder, notes=None, **config):
    readings, rest = hub.gather(find([str(folder)]), notes or Notes(), SourceConfig(**config))
    return [(r.files, [(d.id, [tuple(t[:2]) for t in d.turns]) for d in r.dialogues()]) for r in readings], rest


def test_what_save_to_disk_writes_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    saved = datasets.Dataset.from_dict({"messages": [TALK] * 5})
    saved.save_to_disk(str(tmp_path / "one"), num_shards=2)
    datasets.DatasetDict({"train": saved, "test": saved}).save_to_disk(str(tmp_path / "splits"))
    found, rest = gathered(tmp_path / "one")
    assert rest == []
    files = ("data-00000-of-00002.arrow", "data-00001-of-00002.arrow")
    talk = [("user", A), ("assistant", B)]
    assert found == [(files, [(f"{files[0]}:{k}", talk) for k in range(1, 6)])]
    found, rest = gathered(tmp_path / "splits", hub_split="test")
    assert rest == []
    assert [files for files, _ in found] == [("test/data-00000-of-00001.arrow",)]


def test_other_splits_are_named_and_other_files_left_to_others(tmp_path):
    write_splits(tmp_path / "a", {"question": [A], "answer": [B]}, ["train", "valid"])
    write_saved(tmp_path / "b", {"messages": [TALK]}, files=2)
    (tmp_path / "talk.txt").write_text("Ann: Hi\nBo: Hello\n", encoding="utf-8")
    (tmp_path / "state.json").write_text('{"splits": 3}', encoding="utf-8")
    notes = Notes()
    found, rest = gathered(tmp_path, notes)
    assert [(files[0], len(dialogues)) for files, dialogues in found] == [
        ("a/train/data-00000-of-00001.arrow", 1),
        ("b/data-00000-of-00002.arrow", 2),
    ]
    assert [file.name for file in rest] == ["state.json", "talk.txt"]
    assert notes.passed_over == {"a/valid/data-00000-of-00001.arrow": "another split than --source.hub_split"}


def test_a_saved_corpus_may_be_zipped_and_come_twice(tmp_path):
    write_saved(tmp_path / "x", {"messages": [TALK]})
    shutil.copytree(tmp_path / "x", tmp_path / "y")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for file in (tmp_path / "x").iterdir():
            archive.write(file, f"deep/{file.name}")
    files = find([str(tmp_path / "x"), str(tmp_path / "y"), str(tmp_path / "z.zip")])
    readings, rest = hub.gather(files, Notes(), SourceConfig())
    assert rest == []
    assert len({d.id for reading in readings for d in reading.dialogues()}) == 3


def test_an_absent_split_and_absent_data_are_told(tmp_path):
    write_splits(tmp_path / "a", {"messages": [TALK]}, ["train", "valid"])
    with pytest.raises(PrepareError, match=r"a/: no split 'dev'; expected one of train, valid; give"):
        gathered(tmp_path, hub_split="dev")
    (tmp_path / "a" / "train" / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(PrepareError, match=r"train/state\.json: a file of its data is not there"):
        gathered(tmp_path)


def test_broken_data_are_told(tmp_path):
    write_saved(tmp_path / "a", {"messages": [TALK] * 100})
    path = tmp_path / "a" / "data-00000-of-00001.arrow"
    for data in (b"", b"x", path.read_bytes()[:200], path.read_bytes()[:-3_000]):
        path.write_bytes(data or b"\0")
        with pytest.raises(PrepareError, match=r"\.arrow: cannot be read \("):
            gathered(tmp_path)


def test_folders_with_windows_paths_are_paired():
    sink = io.BytesIO()
    table = pa.table({"messages": [TALK]})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    state = json.dumps({"_data_files": [{"filename": "d.arrow"}], "_fingerprint": "0"}).encode()
    files = [
        File(r"C:\in\train\state.json", "state.json", lambda: io.BytesIO(state)),
        File(r"C:\in\train\d.arrow", "d.arrow", lambda: io.BytesIO(sink.getvalue())),
    ]
    readings, rest = hub.gather(files, Notes(), SourceConfig())
    assert rest == []
    assert [d.id for d in readings[0].dialogues()] == ["d.arrow:1"]


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["_data_files", "_fingerprint", "splits", "filename"]), inner, max_size=3)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_arbitrary_files_are_left_alone(data):
    file = File("/in/state.json", "state.json", lambda: io.BytesIO(data))
    try:
        readings, rest = hub.gather([file], Notes(), SourceConfig())
    except PrepareError as error:
        told = str(error)
    else:
        told = ""
        assert readings == []
        assert rest in ([file], [])
    assert "\n" not in told


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A corpus of the hub, in truth a file: how it is loaded is the one thing that is not asked of the hub."""
    datasets = pytest.importorskip("datasets")
    asked = []

    def write(rows):
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

        def load(name, revision, config):
            asked.append((name, revision, config.hub_config))
            return datasets.load_dataset("json", data_files=str(file), split=config.hub_split, streaming=True)

        monkeypatch.setattr(hub, "load", load)
        return asked

    return write


def read(given, notes=None, **config):
    (reading,) = hub.readings(given, notes or Notes(), SourceConfig(**config))
    assert (reading.format, reading.files) == ("hub", (given,))
    return [(d.id, [tuple(turn[:2]) for turn in d.turns]) for d in reading.dialogues()]


def test_a_corpus_of_the_hub_is_streamed(corpus):
    asked = corpus([{"id": k, "messages": [{"role": "system", "content": "Be kind."}, *TALK]} for k in range(2_500)])
    notes = Notes()
    found = read("hf://org/name", notes, hub_config="en")
    assert len(found) == 2_500
    assert found[-1] == ("hf://org/name:train:2500", [("user", A), ("assistant", B)])
    assert notes.counts.total() == 2_500
    assert set(asked) == {("org/name", None, "en")}


@pytest.mark.parametrize(
    ("given", "name", "revision"),
    [
        ("hf://datasets/org/name", "org/name", None),
        ("hf://org/name@v1.0", "org/name", "v1.0"),
        ("hf://name/", "name", None),
    ],
)
def test_names_of_corpora(corpus, given, name, revision):
    asked = corpus([{"question": A, "answer": B}])
    assert [turns for _, turns in read(given)] == [[("A", A), ("B", B)]]
    assert set(asked) == {(name, revision, None)}


def test_a_table_of_the_hub_is_grouped(corpus):
    rows = [{"conv": k % 3, "who": "ab"[k // 3], "said": f"{A} {k}"} for k in range(6)]
    corpus(rows)
    columns = Columns(dialogue="conv", speaker="who", text="said")
    found = read("hf://org/name", columns=columns)
    assert found[0] == ("hf://org/name:train:0", [("a", f"{A} 0"), ("b", f"{A} 3")])
    assert len(found) == 3


@pytest.mark.parametrize(
    "given", ["hf://", "hf://datasets/", "hf://a/b/c.parquet", "hf://../etc", "hf://a b", "hf:///"]
)
def test_what_names_no_corpus_is_told(given):
    with pytest.raises(PrepareError, match=r"expected hf://ORG/NAME"):
        hub.readings(given, Notes(), SourceConfig())


def test_an_unknown_split_is_told(corpus):
    corpus([{"question": A, "answer": B}])
    with pytest.raises(PrepareError, match=r"hf://org/name: .*Available splits: \['train'\].*--source\.hub_split"):
        read("hf://org/name", hub_split="dev")
    with pytest.raises(PrepareError, match=r"no column 'z' \(columns\.text\); there are question, answer"):
        read("hf://org/name", columns=Columns(text="z"))


@pytest.mark.parametrize(
    "error", [ConnectionError("no\nnetwork"), FileNotFoundError("absent"), ValueError("Unknown config"), RuntimeError()]
)
def test_errors_of_the_hub_are_told_in_one_line(monkeypatch, error):
    pytest.importorskip("datasets")

    def load(*_):
        raise error

    monkeypatch.setattr(hub, "load", load)
    with pytest.raises(PrepareError, match=r"^hf://org/name: the hub gives no such corpus \(") as told:
        read("hf://org/name")
    assert "\n" not in str(told.value)


def test_readings_can_be_pickled(tmp_path):
    write_saved(tmp_path / "a", {"messages": [TALK]})
    readings, _ = hub.gather(find([str(tmp_path)]), Notes(), SourceConfig())
    (again,) = pickle.loads(pickle.dumps(readings))  # noqa: S301
    assert len(list(again.dialogues())) == 1
    assert pickle.loads(pickle.dumps(hub.readings("hf://a/b", Notes(), SourceConfig())))  # noqa: S301
