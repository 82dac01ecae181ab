import pyarrow as pa
import pytest

from data_prep import stages
from data_prep.config import PrepareConfig
from data_prep.encoding import TextTask, read_texts
from data_prep.pipeline import prepare
from data_prep.place import Place
from data_prep.store import SPLITS
from data_prep.vocabulary import VocabularyConfig, train

CONFIG = PrepareConfig(vocabulary=VocabularyConfig(size=400), workers=1)


@pytest.mark.parametrize("trouble", [OSError("the disk is gone"), KeyboardInterrupt()])
def test_trouble_with_the_texts_is_not_taken_for_too_few_of_them(trouble):
    def texts():
        yield from (f"I like the {number} songs." for number in range(500))
        raise trouble

    with pytest.raises(type(trouble)):
        train(texts(), VocabularyConfig(size=400))


def test_no_texts_give_no_pieces():
    assert train([], VocabularyConfig(size=400)) is None


def test_in_how_many_parts_a_corpus_lies_changes_neither_pieces_nor_ids(tmp_path, transcript, monkeypatch):
    prepare([transcript], tmp_path / "one", CONFIG)
    monkeypatch.setattr(stages, "TURNS_A_PART", 100)
    monkeypatch.setattr(stages, "_BATCH", 10)
    prepare([transcript], tmp_path / "many", CONFIG)
    assert len(Place(str(tmp_path / "many")).names("train")) > 2
    assert (tmp_path / "one/tokenizer.model").read_bytes() == (tmp_path / "many/tokenizer.model").read_bytes()
    for name in SPLITS:
        one, many = (pa.ipc.open_stream(tmp_path / f"{run}/ids/{name}.arrow").read_all() for run in ("one", "many"))
        assert one.combine_chunks() == many.combine_chunks()


def test_a_text_is_read_once_and_a_share_of_them_is_the_same_every_time(tmp_path, transcript):
    prepare([transcript], tmp_path / "out", CONFIG)
    folder = Place(str(tmp_path / "out"))
    (name,) = folder.names("train")
    keys, texts = read_texts(TextTask(folder, "train", name, 1.0))
    assert len(set(texts.to_pylist())) == len(texts) == len(keys)
    few = read_texts(TextTask(folder, "train", name, 0.3))[1].to_pylist()
    assert 0.15 * len(texts) < len(few) < 0.45 * len(texts)
    assert [text for text in texts.to_pylist() if text in set(few)] == few
