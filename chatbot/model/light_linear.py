"""y = W x + b with weights that take less time to read, for search alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Form = Literal["float32", "bfloat16", "int8"]
_ENGINES = ("x86", "fbgemm", "qnnpack")


def engine() -> str | None:
    """What torch reckons int8 with on this machine, or None."""
    if not hasattr(torch, "quantize_per_channel") or not hasattr(torch.ops.quantized, "linear_prepack"):
        return None
    return next((name for name in _ENGINES if name in torch.backends.quantized.supported_engines), None)


def light_linear(weight: Tensor, bias: Tensor | None, form: Form, *, bounded: bool = False) -> nn.Module:
    """y = W x + b with W (O, I) in a lighter form; x and y stay float32.

    ``bounded`` promises that all of x lies in -1..1, as what a recurrent layer shows does.
    """
    weight = weight.detach()
    bias = weight.new_zeros(weight.shape[0]) if bias is None else bias.detach()
    return Int8Linear(weight, bias, bounded) if form == "int8" else BFloat16Linear(weight, bias)


class BFloat16Linear(nn.Module):
    """Weights and inputs rounded to bfloat16."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight.bfloat16(), bias.bfloat16()

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) -> (..., O)."""
        return F.linear(x.bfloat16(), self.weight, self.bias).float()


class Int8Linear(nn.Module):
    """Weights as whole numbers of -127..127 with a scale for each output, inputs of 0..255 with a scale for each row.

    A row's scale depends on that row alone, so that it comes out the same in any batch.
    """

    def __init__(self, weight: Tensor, bias: Tensor, bounded: bool) -> None:
        super().__init__()
        self.packed = _packed(weight, bias if bounded else None)
        self.bias = None if bounded else bias
        # The operator itself: torch's wrapper around it looks for Python objects among its arguments, which takes a
        # tenth as long as the product of a row.
        wrapped = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        self.kernel: Callable[..., Tensor] = getattr(wrapped, "_op", wrapped)
        # Without VNNI pairs of products are summed in 16 bits, which 7-bit inputs cannot overflow.
        self.levels = 127 if _has_vnni() else 63

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) -> (..., O)."""
        if self.bias is None:
            return self._product(x)
        largest = x.abs().amax(dim=-1, keepdim=True).clamp_min_(1e-12)
        product = self._product(x / largest)
        return torch.addcmul(self.bias, product, largest, out=product)

    def _product(self, x: Tensor) -> Tensor:
        # Else torch asks the packed weights for a `__torch_function__` of their own, which they deny by an exception
        # inside of it: 14 microseconds, as long as half a megabyte of weights takes.
        with torch._C.DisableTorchFunctionSubclass():
            product: Tensor = self.kernel(x, 1 / self.levels, self.levels, self.packed)
        return product


def _packed(weight: Tensor, bias: Tensor | None) -> object:
    """Weights (O, I) as the kernels want them, a scale for each output."""
    scales = weight.abs().amax(dim=1).clamp_min(1e-12).double() / 127  # (O,)
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = engine() or before
    try:
        with warnings.catch_warnings():
            # torch means to drop tensors of this kind some day; then `engine` says so, and floats are taken. Of what
            # it has besides, oneDNN's product of bytes takes twice as long for a single row, `_int_mm` three times.
            warnings.filterwarnings("ignore", message=".*quantize.*deprecated")
            zeros = torch.zeros(len(scales), dtype=torch.long)
            whole = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
            return torch.ops.quantized.linear_prepack(whole, bias)
    finally:
        torch.backends.quantized.engine = before


def _has_vnni() -> bool:
    probe = getattr(torch.cpu, "_is_vnni_supported", None)
    return bool(probe and probe())
