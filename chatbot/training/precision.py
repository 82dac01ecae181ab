"""Which number format a device does well."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import torch
from torch import nn

from chatbot.errors import ConfigError
from chatbot.model.light_linear import has_bf16

ALLOWED = ("32-true", "bf16-mixed", "16-mixed")
_WORTH = 1.1  # below this the rounding is not paid for
_ALIASES = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def checked(asked: object, accelerator: str, trial: bool = True) -> str:
    """The precision for Lightning: what was asked for, or where nothing was, what suits the device.

    Without ``trial`` a processor's speed is not tried out, as each of several processes might find another.

    Raises:
        ConfigError: one that `chatbot fit` does not train in.
    """
    if asked is None:
        return "bf16-mixed" if does_bf16(accelerator, trial) else "32-true"
    name = _ALIASES.get(str(asked), str(asked))
    if name not in ALLOWED:
        raise ConfigError(f"trainer.precision is {asked}; expected one of {', '.join(ALLOWED)}")
    return name


def check_kernels(precision: str, accelerator: str, cell: str) -> None:
    """Refuse bfloat16 for an LSTM on a processor that torch has none for.

    Raises:
        ConfigError: it would end at the first step.
    """
    elsewhere = accelerator == "auto" and (torch.cuda.is_available() or torch.backends.mps.is_available())
    here = accelerator in ("auto", "cpu") and not elsewhere
    if here and precision == "bf16-mixed" and cell == "lstm" and not lstm_takes_bf16():
        raise ConfigError(
            "trainer.precision is bf16-mixed, and torch has no LSTM in bfloat16 for this processor; leave it out, or "
            "give --trainer.precision 32-true"
        )


@cache
def lstm_takes_bf16() -> bool:
    """Whether torch has an LSTM in bfloat16 for this processor: with AVX2 alone oneDNN has none."""
    with torch.random.fork_rng(devices=[]):
        layer = nn.LSTM(8, 8)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            layer(torch.zeros(2, 1, 8))
    except RuntimeError:
        return False
    return True


def does_bf16(accelerator: str, trial: bool = True) -> bool:
    """Whether bfloat16 is quicker than float32 on a device that Lightning calls ``accelerator``."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_capability() >= (8, 0)  # from Ampere on; older ones only imitate it
    if not trial or accelerator not in ("auto", "cpu") or torch.backends.mps.is_available():
        return False
    return _cpu_has_bf16() and bf16_speedup() > _WORTH


def bf16_speedup(rounds: int = 20) -> float:
    """How many times quicker an LSTM layer trains in bfloat16 than in float32 on this processor.

    The instructions being there does not settle it: one machine with AVX-512 BF16 trained three times faster with
    them, another, whose hypervisor hides AMX, at 0.6 of the speed. So both are tried, in turns, for half a second; the
    best round of each counts, since what else the machine does only ever slows.
    """
    with torch.random.fork_rng(devices=[]):
        layer, inputs = nn.LSTM(256, 256), torch.randn(16, 32, 256)  # (T, N, E)
        best = {False: float("inf"), True: float("inf")}
        for place in range(2 * (rounds + 1)):
            began = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=place % 2 == 1):
                layer(inputs)[0].float().sum().backward()
            if place > 1:  # the first of each prepares kernels
                best[place % 2 == 1] = min(best[place % 2 == 1], time.perf_counter() - began)
    return best[False] / best[True]


def _cpu_has_bf16() -> bool:
    """Asked of torch where it tells, else of Linux; unknown is no."""
    if has_bf16():
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16"))
