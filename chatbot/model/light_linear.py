"""y = W x + b with weights that take less time to read, for search alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Form = Literal["float32", "bfloat16", "int8"]
CLOSE = 0.1
"""Nats between two scores below which rounding may turn them round."""
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


class Sharpened(nn.Module):
    """A lighter output layer whose scores close to a row's largest are reckoned anew, with the weights as they were.

    Which of two near words is said is no matter of rounding then, for a product with a row or two of the weights.
    """

    def __init__(self, light: nn.Module, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.light, self.weight, self.bias = light, weight.detach(), bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """(N, I) -> (N, O)."""
        scores: Tensor = self.light.forward(x)
        close = _greater(scores, scores.amax(dim=-1, keepdim=True) - CLOSE)  # (C,)
        if len(close) > len(scores):  # more than the largest alone of any row
            width = scores.shape[1]
            rows, outputs = close // width, close % width
            several = torch.bincount(rows)[rows] > 1  # a row that has none near it stays as it would be alone
            close, rows, outputs = close[several], rows[several], outputs[several]
            anew = (x[rows] * self.weight[outputs]).sum(dim=-1) + self.bias[outputs]
            scores.view(-1).index_copy_(0, close, anew)
        return scores


def _greater(scores: Tensor, least: Tensor) -> Tensor:
    """Places in the flat scores (N, O) of those above least (N, 1)."""
    if scores.device.type == "cpu":  # NumPy compares and looks for what is true by vector instructions
        return torch.from_numpy((scores.numpy() > least.numpy()).reshape(-1).nonzero()[0])
    return (scores > least).view(-1).nonzero()[:, 0]


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


def has_bf16() -> bool:
    """Whether torch knows the processor to reckon in bfloat16, by AVX-512 BF16 or AMX."""
    probes = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(probe is not None and probe() for probe in probes)
