import multiprocessing
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pipeline import prepare
from data_prep.place import Place
from data_prep.store import alone, check_output, is_prepared, open_prepared, writing


@pytest.fixture
def prepared(tmp_path, transcript):
    prepare([transcript], tmp_path / "out", PrepareConfig())
    return tmp_path / "out"


def test_a_folder_that_only_looks_like_one_of_ours_is_left_alone(tmp_path, transcript):
    mine = tmp_path / "project"
    (mine / "train").mkdir(parents=True)
    (mine / "src").mkdir()
    (mine / "report.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PrepareError, match=r"did not write \(src\)"):
        prepare([transcript], mine, PrepareConfig())
    assert (mine / "src").is_dir()


def test_a_stranger_in_a_prepared_folder_is_not_swept_away(prepared, transcript):
    (prepared / "bot").mkdir()
    with pytest.raises(PrepareError, match=r"\(bot\)"):
        prepare([transcript], prepared, PrepareConfig())
    assert (prepared / "bot").is_dir()


@pytest.mark.parametrize("mine", ["train/notes/mine.txt", "dropped/thesis.parquet", "ids/old.arrow", "turns.parquet"])
def test_a_stranger_at_any_depth_is_named_and_stays(prepared, transcript, mine):
    (prepared / mine).parent.mkdir(exist_ok=True)
    (prepared / mine).write_text("years of work", encoding="utf-8")
    with pytest.raises(PrepareError, match=rf"did not write \({mine.removesuffix('/mine.txt')}"):
        prepare([transcript], prepared, PrepareConfig())
    assert (prepared / mine).read_text("utf-8") == "years of work"


def test_a_turns_parquet_of_another_hand_is_not_swept_away(tmp_path, transcript):
    mine = tmp_path / "mine" / "turns.parquet"
    mine.parent.mkdir()
    for write in (
        lambda: mine.write_bytes(b"years of work"),
        lambda: pq.write_table(pa.table({"dialogue": ["d"], "turn": [0], "text": ["Hi."]}), mine),
    ):
        write()
        before = mine.read_bytes()
        with pytest.raises(PrepareError, match=r"did not write \(turns.parquet\)"):
            prepare([transcript], mine.parent, PrepareConfig())
        assert mine.read_bytes() == before


def test_beside_turns_that_are_ours_nothing_is_swept_away(tmp_path, transcript):
    prepare([transcript], tmp_path / "out", PrepareConfig(stop_after="read"))
    (tmp_path / "out" / "mine").mkdir()
    with pytest.raises(PrepareError, match=r"did not write \(mine\)"):
        prepare([transcript], tmp_path / "out", PrepareConfig())


def test_an_input_inside_the_output_is_refused(prepared):
    with pytest.raises(PrepareError, match="lies in the output folder"):
        prepare([prepared / "report.md"], prepared, PrepareConfig())


def test_an_output_inside_the_input_is_no_input(tmp_path, transcript):
    first = prepare([tmp_path], tmp_path / "out", PrepareConfig()).to_json()
    again = prepare([tmp_path], tmp_path / "out", PrepareConfig()).to_json()
    assert first == again


def test_a_link_stays_a_link(tmp_path, transcript):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    for _ in range(2):
        prepare([transcript], tmp_path / "link", PrepareConfig())
        assert (tmp_path / "link").is_symlink()
        assert is_prepared(tmp_path / "real")


@pytest.mark.parametrize("path", [os.sep, "talk.txt"])
def test_a_place_that_cannot_be_replaced_is_refused(tmp_path, transcript, path):
    with pytest.raises(PrepareError, match="--output"):
        check_output(tmp_path / path)


def hold(path, held, done):
    with alone(path):
        held.set()
        done.wait(30)


def test_two_at_once_do_not_mix(tmp_path):
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "out", held, done))
    other.start()
    assert held.wait(30)
    with pytest.raises(PrepareError, match="another chatbot is writing here"), alone(tmp_path / "out"):
        pytest.fail("both were let in")
    other.kill()
    other.join()
    with alone(tmp_path / "out"):
        assert not (tmp_path / "out").exists()


def test_killed_between_the_two_moves_the_former_folder_comes_back(prepared):
    prepared.rename(prepared.with_name(f".{prepared.name}.prepared-before"))
    with pytest.raises(RuntimeError, match="on the way"), writing(Place(str(prepared))):
        raise RuntimeError("on the way")
    assert open_prepared(prepared).report["kept"] > 0
    assert [p.name for p in sorted(prepared.parent.iterdir())] == ["out", "talk.txt"]


@pytest.mark.parametrize("name", ["prepare.yaml", "train", "ids/valid.arrow", "tokenizer.model"])
def test_what_is_missing_is_named(prepared, name):
    (prepared / name).rename(prepared.parent / "elsewhere")
    with pytest.raises(PrepareError, match="chatbot prepare"):
        open_prepared(prepared)


def test_another_version_is_told(prepared):
    report = (prepared / "report.json").read_text(encoding="utf-8")
    (prepared / "report.json").write_text(report.replace('"format": 2', '"format": 9'), encoding="utf-8")
    with pytest.raises(PrepareError, match="format 9, this version reads 2"):
        open_prepared(prepared)
