"""When memory ends: how to tell, and what to say."""

from __future__ import annotations

import torch

from chatbot.errors import FitError


def is_out_of_memory(error: RuntimeError) -> bool:
    """Of a GPU, for which there is a class, or of the CPU's allocator, for which there is none."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def memory_full(tokens_per_batch: int, halved: bool) -> FitError:
    """What to say when nothing helps any more."""
    tried = ", though batches go through in halves already" if halved else ""
    return FitError(
        f"the device's memory is full{tried}; lower --data.tokens_per_batch (now {tokens_per_batch:,}) or take a "
        "smaller recipe, and begin again with --overwrite: --resume needs the same batches"
    )
