"""A persona or a system prompt stands before each context of the one that it describes, and is no turn."""

import json

import numpy as np
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pairs import PairConfig
from data_prep.pipeline import prepare
from data_prep.split import SplitConfig
from data_prep.store import SPLITS, open_prepared
from data_prep.vocabulary import VocabularyConfig

ALL_IN_TRAINING = SplitConfig(valid=0.0, test=0.0)
TALK = """1 your persona: i bake  bread .
2 your persona: i live by the sea.
3 partner's persona: i am a sailor.
4 hello , how are you ?\tfine , the bread is in the oven .
5 what do you bake ?\trye , with a lot of seeds .
"""


def pairs(tmp_path, config, text=TALK, name="talk.txt"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    prepare([str(tmp_path / name)], tmp_path / "out", config)
    found = open_prepared(tmp_path / "out")
    return found, [row for split in SPLITS for row in pq.read_table(found.split(split)).to_pylist()]


def test_it_precedes_the_context_of_its_own_speaker(tmp_path):
    _, rows = pairs(tmp_path, PrepareConfig(split=ALL_IN_TRAINING, pairs=PairConfig(context_turns=2)))
    bread, sailor = "i bake bread. i live by the sea.", "i am a sailor."
    hello, fine, what, rye = "hello, how are you?", "fine, the bread is in the oven.", "what do you bake?", "rye"
    got = [(row["context"], row["roles"], row["reply"].split(",")[0]) for row in rows]
    assert got == [
        ([bread, hello], ["persona", "other"], "fine"),
        ([sailor, hello, fine], ["persona", "own", "other"], what),
        ([bread, fine, what], ["persona", "own", "other"], rye),
    ]


@pytest.mark.parametrize(("most", "stands"), [(3, ["i bake bread."]), (0, [])])
def test_it_may_be_cut_or_left_out(tmp_path, most, stands):
    _, rows = pairs(tmp_path, PrepareConfig(split=ALL_IN_TRAINING, pairs=PairConfig(persona_words=most)))
    assert rows[0]["context"][:-1] == stands
    assert len(rows) == 3, "no pair comes or goes for its sake"


def test_a_system_prompt_is_the_persona_of_who_replies(tmp_path):
    said = [("system", "Be kind."), ("user", "Is it open today?"), ("assistant", "Until six."), ("user", "Thank you!")]
    value = {"messages": [{"role": role, "content": text} for role, text in said]}
    _, rows = pairs(tmp_path, PrepareConfig(split=ALL_IN_TRAINING), json.dumps(value) + "\n", "talk.jsonl")
    assert [(row["context"], row["roles"]) for row in rows] == [
        (["Be kind.", "Is it open today?"], ["persona", "other"]),
        (["Is it open today?", "Until six."], ["own", "other"]),
    ]


def test_three_in_a_room_are_told_apart_from_oneself(tmp_path):
    said = ("Ann", "Who comes along today?"), ("Bo", "I do, of course."), ("Cy", "So do I."), ("Ann", "We are three.")
    text = "".join(f"{name}: {line}\n" for name, line in said * 2)
    _, rows = pairs(tmp_path, PrepareConfig(split=ALL_IN_TRAINING), text)
    assert [row["roles"] for row in rows[:3]] == [["other"], ["other", "other"], ["own", "other", "other"]]


def test_the_ids_know_the_parts(tmp_path):
    config = PrepareConfig(split=ALL_IN_TRAINING, vocabulary=VocabularyConfig(size=300))
    found, rows = pairs(tmp_path, config, TALK * 30)
    with found.ids("train").open("rb") as file:
        ids = ipc.open_stream(file).read_all().to_pylist()
    parts = ("other", "own", "persona")
    assert [[parts[role] for role in row["roles"]] for row in ids] == [row["roles"] for row in rows]
    assert np.all([len(row["roles"]) == len(row["context"]) for row in ids])


def test_pieces_of_a_bot_can_be_used_again(tmp_path):
    config = PrepareConfig(split=ALL_IN_TRAINING, vocabulary=VocabularyConfig(size=300))
    first, _ = pairs(tmp_path, config, TALK * 30)
    assert first.tokenizer is not None
    again = PrepareConfig(split=ALL_IN_TRAINING, vocabulary=VocabularyConfig(model=str(first.path)))
    (tmp_path / "other.txt").write_text("Ann: Quite another talk.\nBo: With words unheard of.\n", encoding="utf-8")
    prepare([str(tmp_path / "other.txt")], tmp_path / "second", again)
    second = open_prepared(tmp_path / "second")
    assert second.tokenizer == first.tokenizer
    assert second.report["vocabulary"]["kind"] == "given"
    with second.ids("train").open("rb") as file:
        assert len(ipc.open_stream(file).read_all()) == 1


def test_what_holds_no_pieces_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "noise").write_bytes(b"noise")
    for path, says in (("absent", "cannot be read"), ("noise", "no SentencePiece model"), (".", "cannot be read")):
        with pytest.raises(PrepareError, match=f"vocabulary.model: .*{says}.*; expected a bot"):
            VocabularyConfig(model=str(tmp_path / path))
