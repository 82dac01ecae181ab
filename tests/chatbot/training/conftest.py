"""A network so small that training it takes a moment."""

from __future__ import annotations

import pytest

TOY = {
    "model.network.embedding": "16",
    "model.network.encoder_size": "8",
    "model.network.encoder_layers": "1",
    "model.network.decoder_size": "16",
    "model.optimizer.warmup_steps": "3",
    "data.tokens_per_batch": "400",
    "trainer.max_epochs": "3",
    "trainer.precision": "32-true",
    "trainer.accelerator": "cpu",
    "validation.replies": "1",
}


@pytest.fixture
def toy() -> list[str]:
    """Flags of a training of 27 steps in 3 epochs on 60 pairs of `talk`."""
    return [word for key, value in TOY.items() for word in (f"--{key}", value)]
