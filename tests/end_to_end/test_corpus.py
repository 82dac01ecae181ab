"""The bundled dialogues are what they claim to be, and the paraphrases are not among them."""

from collections import Counter
from importlib import resources
from pathlib import Path

from data_prep.config import PrepareConfig
from data_prep.preview import preview
from data_prep.rules import repair
from data_prep.sources import plan
from data_prep.sources.files import Notes
from data_prep.text import fold

CORPUS = Path(str(resources.files("data_prep") / "samples" / "everyday.txt"))
PARAPHRASES = (Path(__file__).parent / "paraphrases.txt").read_text(encoding="utf-8").splitlines()


def dialogues():
    return [d for reading in plan([CORPUS], "auto", Notes()) for d in reading.dialogues()]


def test_it_is_large_and_hardly_repeats_itself():
    turns = Counter(fold(repair(turn.text)) for d in dialogues() for turn in d.turns)
    assert len(dialogues()) >= 400
    assert turns.total() >= 2500
    assert turns.total() - len(turns) <= 0.05 * turns.total()


def test_it_is_dirty_enough_to_have_something_to_show():
    _, report = preview([CORPUS], PrepareConfig())
    assert sum(count.acted > 0 for count in report.tally.counts.values()) >= 12


def test_no_paraphrase_is_a_turn_of_it():
    assert len(PARAPHRASES) == 20
    turns = {fold(repair(turn.text)) for d in dialogues() for turn in d.turns}
    assert not [line for line in PARAPHRASES if fold(line) in turns]
