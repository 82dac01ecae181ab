"""Which number format a device does well."""

from __future__ import annotations

from pathlib import Path

import torch

from chatbot.errors import ConfigError

ALLOWED = ("32-true", "bf16-mixed", "16-mixed")
_ALIASES = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def checked(asked: object, accelerator: str) -> str:
    """The precision for Lightning: what was asked for, or where nothing was, what suits the device.

    Raises:
        ConfigError: one that `chatbot fit` does not train in.
    """
    if asked is None:
        return "bf16-mixed" if does_bf16(accelerator) else "32-true"
    name = _ALIASES.get(str(asked), str(asked))
    if name not in ALLOWED:
        raise ConfigError(f"trainer.precision is {asked}; expected one of {', '.join(ALLOWED)}")
    return name


def does_bf16(accelerator: str) -> bool:
    """Whether bfloat16 is quicker than float32 on a device that Lightning calls ``accelerator``."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_capability() >= (8, 0)  # from Ampere on; older ones only imitate it
    return accelerator in ("auto", "cpu") and not torch.backends.mps.is_available() and _cpu_does_bf16()


def _cpu_does_bf16() -> bool:
    """AVX-512 BF16 or AMX. Asked of torch where it tells, else of Linux; unknown is no."""
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        probe = getattr(torch.cpu, name, None)
        if probe is not None and probe():
            return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16"))
