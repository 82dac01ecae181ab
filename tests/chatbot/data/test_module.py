from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot.data.batches import Batch
from chatbot.data.module import DialogueData, Loader, TrainLoader
from chatbot.errors import FitError
from data_prep.config import PrepareConfig
from data_prep.pipeline import prepare


@pytest.fixture
def data(make_prepared: Any) -> DialogueData:
    return DialogueData(make_prepared(train=120, valid=30), context_turns=2, tokens_per_batch=300)


def same(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a.source, b.source) and torch.equal(a.targets, b.targets) for a, b in zip(one, other, strict=True)
    )


def test_an_epoch_goes_on_where_it_was_broken_off_and_the_next_is_whole(data: DialogueData) -> None:
    whole, broken, resumed = (data.train_dataloader() for _ in range(3))
    for loader in (whole, broken):
        loader.set_epoch(2)
    expected = list(whole)
    taken = list(islice(broken, 4))
    state = broken.state_dict()
    resumed.load_state_dict(state)
    iterator = iter(resumed)
    resumed.set_epoch(2)  # as Lightning does: after asking for the iterator
    assert same(taken + list(iterator), expected)
    for loader in (whole, resumed):
        loader.set_epoch(3)
    assert same(list(whole), list(resumed))


def test_a_state_of_other_batches_is_refused(data: DialogueData, make_prepared: Any) -> None:
    other = DialogueData(make_prepared(train=60, name="other"), tokens_per_batch=300).train_dataloader()
    with pytest.raises(FitError, match="cannot resume: an epoch had"):
        other.load_state_dict(data.train_dataloader().state_dict())


def test_devices_share_an_epoch_evenly(data: DialogueData) -> None:
    cut = data.cut("train")
    shares = [list(TrainLoader(data.train, cut, rank, 3)) for rank in range(3)]
    assert {len(share) for share in shares} == {-(-len(cut) // 3)}
    rows = sum(batch.rows for share in shares for batch in share if batch.scale)
    assert rows == len(data.train), "no pair is left out, and one that fills a gap weighs nothing"
    valid = data.cut("valid")
    parts = [list(Loader(data.valid, valid, rank, 2)) for rank in range(2)]
    assert sum(batch.rows for part in parts for batch in part) == 30, "no pair is left out or counted twice"
    assert [len(part) for part in parts] == [len(Loader(data.valid, valid, rank, 2)) for rank in range(2)]


@pytest.mark.parametrize(("world", "accumulate"), [(1, 1), (1, 3), (2, 1), (3, 2)])
def test_the_losses_of_an_update_add_up_to_the_mean_over_its_tokens(
    data: DialogueData, world: int, accumulate: int
) -> None:
    loaders = [TrainLoader(data.train, data.cut("train"), rank, world, accumulate) for rank in range(world)]
    steps = list(zip(*loaders, strict=True))
    for first in range(0, len(steps), accumulate):
        update = [batch for step in steps[first : first + accumulate] for batch in step]
        # A mean over devices and accumulated batches is taken of what each makes of its sum over tokens.
        weights = sum(batch.tokens * (batch.scale or 0.0) for batch in update) / (world * accumulate)
        assert weights == pytest.approx(1.0)
        assert len({batch.scale for batch in update if batch.scale}) == 1, "each token weighs the same"


def test_two_devices_read_what_one_accumulates(data: DialogueData) -> None:
    cut = data.cut("train")
    one = list(TrainLoader(data.train, cut, 0, 1, 2))
    two = [
        batch for step in zip(*(TrainLoader(data.train, cut, r, 2, 1) for r in range(2)), strict=True) for batch in step
    ]
    assert same(one, [batch for batch in two if batch.scale])


def test_what_the_folder_holds(data: DialogueData, make_prepared: Any) -> None:
    assert data.vocab_size == data.tokenizer.vocab_size
    assert len(data.train) == 120
    assert sum(batch.rows for batch in data.val_dataloader()) == 30
    assert DialogueData(make_prepared(valid=0, name="bare")).val_dataloader() == []
    with pytest.raises(FitError, match="tokens_per_batch is 0"):
        DialogueData(Path("anywhere"), tokens_per_batch=0)


def test_a_folder_that_was_prepared_in_part_says_so(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("Ann: Tea?\nBo: Yes.\n", encoding="utf-8")
    for stop_after, said in (("pairs", "prepared with --stop-after pairs; run"), (None, "was too small")):
        prepare([tmp_path / "talk.txt"], tmp_path / "out", PrepareConfig(stop_after=stop_after, workers=1))
        with pytest.raises(FitError, match=said):
            DialogueData(tmp_path / "out")
