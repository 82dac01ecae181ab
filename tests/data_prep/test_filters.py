import pyarrow.parquet as pq
import pytest

from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.filters import read_banned
from data_prep.pipeline import prepare

TALK = """Ann: What a damn day.
Bo: I see.

Ann: Which dam is it?
Bo: The one on the river.

Ann: Where were you?
Bo: At the DAMN  day-care!
"""


def dropped(tmp_path, **config):
    (tmp_path / "talk.txt").write_text(TALK, encoding="utf-8")
    prepare([tmp_path / "talk.txt"], tmp_path / "out", PrepareConfig(workers=1, **config))
    return {row["reply"]: row["reason"] for row in pq.read_table(tmp_path / "out" / "dropped").to_pylist()}


def test_banned_words_are_whole_and_folded(tmp_path):
    (tmp_path / "list.txt").write_text("# mine\n\ndamn\nday care\n", encoding="utf-8")
    reasons = dropped(tmp_path, banned=str(tmp_path / "list.txt"))
    assert reasons == {"I see.": "banned words", "At the DAMN day-care!": "banned words"}


@pytest.mark.parametrize("text", [None, "", "# nothing\n"])
def test_a_list_of_nothing_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "list.txt").write_text(text, encoding="utf-8")
    with pytest.raises(PrepareError, match=r"list\.txt"):
        read_banned(str(tmp_path / "list.txt"))


def test_another_language_leaves(tmp_path):
    pytest.importorskip("py3langid")
    talk = TALK + "\nAnn: Où est la gare, s'il vous plaît?\nBo: Elle est derrière la grande église de la ville.\n"
    (tmp_path / "talk.txt").write_text(talk, encoding="utf-8")
    prepare([tmp_path / "talk.txt"], tmp_path / "out", PrepareConfig(workers=1, language="en"))
    rows = pq.read_table(tmp_path / "out" / "dropped").to_pylist()
    assert [row["reason"] for row in rows] == ["another language"]


def test_a_language_that_nobody_knows_is_refused(tmp_path):
    pytest.importorskip("py3langid")
    with pytest.raises(PrepareError, match="xx"):
        dropped(tmp_path, language="xx")


def test_a_list_of_a_hundred_thousand_phrases(tmp_path):
    """More than one pattern of RE2 can hold; the first and the last of them count alike."""
    phrases = ["damn", *(f"nobody says {number} of these" for number in range(100_000)), "day care", "on the river"]
    (tmp_path / "list.txt").write_text("\n".join(phrases), encoding="utf-8")
    reasons = dropped(tmp_path, banned=str(tmp_path / "list.txt"))
    assert set(reasons) == {"I see.", "The one on the river.", "At the DAMN day-care!"}


def test_a_phrase_without_end_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("damn\n" + "so " * 2_000, encoding="utf-8")
    with pytest.raises(PrepareError, match=r"list\.txt: the line 'so so .* has 5,999 characters; expected .* 2,000"):
        read_banned(str(tmp_path / "list.txt"))
