"""The prepared folder behind Lightning's LightningDataModule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl

from chatbot.data.batches import Batch, TokenBatches
from chatbot.data.examples import TASKS, Examples, Task
from chatbot.errors import FitError
from chatbot.tokenizer import Tokenizer
from data_prep.store import open_prepared


class Loader:
    """The batches of a split, always in the same order; each device takes its share of them.

    Args:
        examples: the rows.
        batches: which of them go together.
        rank: which of the devices this is.
        world: how many devices there are.
    """

    def __init__(self, examples: Examples, batches: TokenBatches, rank: int = 0, world: int = 1) -> None:
        self.examples = examples
        self.batches = batches
        self.rank = rank
        self.world = world

    def __len__(self) -> int:
        return len(range(self.rank, len(self.batches), self.world))

    def __iter__(self) -> Iterator[Batch]:
        for rows in self.batches.in_order()[self.rank :: self.world]:
            yield self.examples.batch(rows)


class TrainLoader(Loader):
    """The batches of one epoch after another, shuffled; can begin in the middle of an epoch.

    Lightning keeps `state_dict` in its checkpoints, and calls `set_epoch` on what it finds as ``sampler``. It may
    do so after it asked for an iterator, so the epoch is read only when the first batch is wanted.

    An update of the weights is made from ``world * accumulate`` batches that follow one another in the epoch, whichever
    devices read them, and their losses add up to the mean over all its tokens: two devices train as one does that
    accumulates two batches. Gradients are averaged over devices and accumulated batches, so each loss is scaled by as
    many. Where batches do not go round, a device that has none repeats the last one for nothing, at a scale of 0.

    Args:
        examples: the rows.
        batches: which of them go together.
        rank: which of the devices this is.
        world: how many devices there are.
        accumulate: how many batches in a row each device reads for one update.
    """

    def __init__(
        self, examples: Examples, batches: TokenBatches, rank: int = 0, world: int = 1, accumulate: int = 1
    ) -> None:
        super().__init__(examples, batches, rank, world)
        self.accumulate = accumulate
        self.epoch = 0
        self._done = 0
        self._resumed = (-1, 0)  # the epoch that was broken off, and how much of it is done

    @property
    def sampler(self) -> TrainLoader:
        """Itself: where Lightning looks for `set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next, counted from 0."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, int]:
        """Which epoch it is, and how many of its batches have been handed out."""
        return {"epoch": self.epoch, "done": self._done, "batches": len(self)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the epoch that `state_dict` tells of after as many batches as it counted.

        Raises:
            FitError: the data or how it is cut into batches is no longer the same.
        """
        if state["batches"] != len(self):
            raise FitError(
                f"cannot resume: an epoch had {state['batches']} batches when training stopped and has {len(self)} "
                "now; use the same prepared folder, data settings and number of devices, or --overwrite"
            )
        self._resumed = (state["epoch"], state["done"])

    def __len__(self) -> int:
        return -(-len(self.batches) // self.world)

    def __iter__(self) -> Iterator[Batch]:
        broken_off, done = self._resumed
        self._done = done if self.epoch == broken_off else 0
        epoch = self.batches.epoch(self.epoch)
        per_update = self.world * self.accumulate
        for step in range(self._done, len(self)):
            place = step * self.world + self.rank
            update = epoch[place // per_update * per_update :][:per_update]
            scale = per_update / sum(int(self.examples.target_lengths[rows].sum()) for rows in update)
            batch = self.examples.batch(epoch[min(place, len(epoch) - 1)])
            self._done += 1
            yield replace(batch, scale=scale if place < len(epoch) else 0.0)


class DialogueData(pl.LightningDataModule):
    """Token ids of a prepared folder as batches of tensors.

    Args:
        path: the prepared folder.
        context_turns: how many of the last turns the network reads; --context-turns says the same.
        source_tokens: tokens of a source at most, older ones being left out; null for all of those turns.
        tokens_per_batch: tokens of a batch at most, source and target, padding counted; lower it when memory ends.
        seed: of the order of the batches; the same as seed_everything unless set.
        task: what is learnt: reply; backward, what a reply answers; language_model, replies as such. --backward and
            --language-model say the same, and put the model where a bot finds it.

    Raises:
        PrepareError: ``path`` is no prepared folder.
        FitError: there is nothing in it to train on.
    """

    def __init__(
        self,
        path: Path,
        context_turns: int = 3,
        source_tokens: int | None = None,
        tokens_per_batch: int = 4000,
        seed: int = 0,
        task: Task = "reply",
    ) -> None:
        super().__init__()
        if tokens_per_batch < 1:
            raise FitError(f"data.tokens_per_batch is {tokens_per_batch}; expected at least 1, better some thousands")
        self.prepared = open_prepared(Path(path))
        if self.prepared.tokenizer is None:
            early = self.prepared.settings.get("stop_after") == "pairs"
            why, what = ("it was prepared with --stop-after pairs", "run `chatbot prepare` again without that")
            if not early:
                why = "its corpus was too small to train on"
                what = "add conversations and run `chatbot prepare` again"
            raise FitError(f"{path}: holds no tokenizer, as {why}; {what}")
        self.tokenizer_bytes = self.prepared.tokenizer
        self.tokenizer = Tokenizer(self.tokenizer_bytes)
        self.vocab_size = self.tokenizer.vocab_size
        self.context_turns = context_turns
        self.source_tokens = source_tokens
        self.tokens_per_batch = tokens_per_batch
        self.seed = seed
        self.task = task
        self._cuts: dict[str, TokenBatches] = {}
        self.train = TASKS[task].open(self.prepared, "train", context_turns, source_tokens)
        self.valid = TASKS[task].open(self.prepared, "valid", context_turns, source_tokens)
        if not len(self.train):
            raise FitError(f"{path}: no training pairs; add conversations and run `chatbot prepare` again")

    def train_dataloader(self) -> TrainLoader:
        """Shuffled batches of the training split."""
        accumulate = self.trainer.accumulate_grad_batches if self.trainer else 1
        return TrainLoader(self.train, self.cut("train"), *self._place(), accumulate)

    def val_dataloader(self) -> Any:
        """Batches of the validation split, or none where it is empty."""
        return Loader(self.valid, self.cut("valid"), *self._place()) if len(self.valid) else []

    def check_devices(self, devices: int) -> None:
        """Raise FitError where some devices would have nothing to validate on, and the others would wait for them."""
        batches = len(self.cut("valid")) if len(self.valid) else devices
        if batches < devices:
            raise FitError(
                f"the validation split makes {batches} batches, too few for {devices} devices; lower "
                f"--data.tokens_per_batch (now {self.tokens_per_batch:,}), or hold out more with "
                "`chatbot prepare --split.valid 0.1`"
            )

    def cut(self, split: Literal["train", "valid"]) -> TokenBatches:
        """How a split is divided into batches; reckoned once."""
        if split not in self._cuts:
            examples = self.train if split == "train" else self.valid
            lengths = examples.source_lengths, examples.target_lengths
            self._cuts[split] = TokenBatches(*lengths, self.tokens_per_batch, self.seed)
        return self._cuts[split]

    def _place(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
