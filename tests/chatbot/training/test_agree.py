"""Several devices agree at an update, whatever batches the last one of an epoch is made of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chatbot.training.agree import agreed


def decisions(batches: int, accumulate: int, devices: int, epochs: int = 20) -> list[bool]:
    """What is agreed after each batch, where one device always wants it."""
    current = SimpleNamespace(ready=0)
    progress = SimpleNamespace(current=current, is_last_batch=False)
    trainer: Any = SimpleNamespace(
        fit_loop=SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=progress)),
        accumulate_grad_batches=accumulate,
        world_size=devices,
        global_step=0,
        strategy=SimpleNamespace(reduce_boolean_decision=lambda flag, all: flag),
    )
    found = []
    for _ in range(epochs):
        for batch in range(batches):
            current.ready, progress.is_last_batch = batch + 1, batch + 1 == batches
            trainer.global_step += (batch + 1) % accumulate == 0 or progress.is_last_batch
            found.append(agreed(trainer, True))
    return found


@pytest.mark.parametrize(("batches", "accumulate"), [(19, 2), (3, 4), (1, 1), (7, 3), (40, 1)])
def test_devices_agree_at_every_tenth_update(batches: int, accumulate: int) -> None:
    updates = 20 * -(-batches // accumulate)
    assert sum(decisions(batches, accumulate, devices=2)) == updates // 10


def test_one_device_agrees_with_itself_after_each_whole_update() -> None:
    assert decisions(3, 2, devices=1, epochs=1) == [False, True, True]
