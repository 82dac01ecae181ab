"""Memory: to keep what was freed, to tell when it ends, and what to say then."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

import torch

from chatbot.errors import FitError

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # of malloc.h
_PAD = 256 << 20  # bytes that are asked for at once


def keep_freed() -> bool:
    """Have glibc keep the memory that is freed, and say whether it does; other C libraries are left as they are.

    Left to itself it hands every large tensor back to the system, which has to clear each page before the next step
    may have it: a fifth of a training step on a processor. What is kept falls to pieces, though, where tensors are of
    many sizes: `give_back` is to be called now and then.
    """
    mallopt = _of_glibc("mallopt")
    settings = (_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_TOP_PAD, _PAD)
    return mallopt is not None and all(mallopt(*setting) == 1 for setting in settings)


def give_back() -> None:
    """Give the system all memory that is free now, also that between what is used; only glibc does."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


def _of_glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


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
