"""The same network with weights that take less time to read: a step of search reads all of the decoder's.

A step multiplies a few rows by matrices of some million weights, so it takes as long as reading these from memory. In
bytes rather than floats they are a quarter as long. The encoder's are used at every position of a source in turn, too,
and its rounding has the last word in nothing: it goes in bfloat16 where the processor does that. The model itself stays
as it is; what is made here shares all else with it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.model.cell import State
from chatbot.model.layer import FusedLayer, Layer, Reading, by_length
from chatbot.model.seq2seq import Seq2Seq

Form = Literal["float32", "bfloat16", "int8"]
FORMS: tuple[Form, ...] = get_args(Form)
CLOSE = 0.1
"""Nats between two scores below which rounding may turn them round."""
_TABLE = 2**24
"""Numbers in a table of what comes of each piece: 64 MB."""
_ENGINES = ("x86", "fbgemm", "qnnpack")


def lightened(model: Seq2Seq, form: Form) -> Seq2Seq:
    """A network for search alone, its decoder and output layer in ``form``; ``float32`` is the model itself.

    What reads the source is in bfloat16 where a processor does that.

    Raises:
        ValueError: this machine cannot reckon with int8, or the model does not lie on the CPU.
    """
    if form == "float32":
        return model
    if form == "int8" and (engine() is None or model.bias.device.type != "cpu"):
        raise ValueError("weights of int8 need a CPU that torch has kernels for; take float32")
    with torch.device("meta"):
        light = Seq2Seq(model.vocab_size, model.config)
    light.load_state_dict(model.state_dict(), assign=True)
    light.eval().requires_grad_(False)
    if model.bias.device.type == "cpu":
        _lighten_reading(light, model, form)
    decoder, source = light.decoder, model.decoder
    for place, layer in enumerate(source.layers):
        assert isinstance(layer, Layer)
        decoder.layers[place] = LightLayer(layer, form)
    _look_up(light, model)
    assert isinstance(source.output, nn.Linear)
    decoder.output = light_linear(source.output.weight, source.output.bias, form)
    light.scores = Sharpened(light_linear(model.output_weight, model.bias, form), model.output_weight, model.bias)
    return light


def _look_up(light: Seq2Seq, model: Seq2Seq) -> None:
    """Make what the decoder's first layer makes of each piece once, where a table of that is small enough.

    A step then reads one row of it, as it was before rounding, in place of a matrix.
    """
    first = model.decoder.layers[0]
    assert isinstance(first, Layer)
    weights = first.weights()
    if model.bias.device.type == "cpu" and model.vocab_size * len(weights.weight_ih) <= _TABLE:
        with torch.no_grad():
            vectors = model.embedding.weight * float(model.config.embedding**0.5)  # as `Seq2Seq.embed`
            table = F.linear(vectors, weights.weight_ih, weights.bias_ih)  # (V, gates * H)
        light.given = nn.Embedding.from_pretrained(table)  # type: ignore[no-untyped-call]
        light.decoder.layers[0].input = nn.Identity()


def _lighten_reading(light: Seq2Seq, model: Seq2Seq, form: Form) -> None:
    """The encoder, and what the decoder makes of its outputs before the first step."""
    for place, layer in enumerate(model.encoder.layers):
        if isinstance(layer, FusedLayer):  # of these kernels oneDNN has only that of the LSTM in bfloat16
            half = has_bf16() and model.config.cell == "lstm"
            light.encoder.layers[place] = LightReader(layer, torch.bfloat16 if half else model.bias.dtype)
    for place, bridge in enumerate(model.decoder.bridges):
        assert isinstance(bridge, nn.Linear)
        light.decoder.bridges[place] = light_linear(bridge.weight, bridge.bias, form)
    if light.decoder.attention is not None and model.decoder.attention is not None:
        key = model.decoder.attention.key
        assert isinstance(key, nn.Linear)
        light.decoder.attention.key = light_linear(key.weight, None, form)


def lightest(model: Seq2Seq) -> Form:
    """The form that keeps the words and is quickest: int8 on a CPU that torch has kernels for, else as it is."""
    ready = model.bias.device.type == "cpu" and model.bias.dtype == torch.float32 and engine() is not None
    return "int8" if ready else "float32"


def engine() -> str | None:
    """What torch reckons int8 with on this machine, or None."""
    if not hasattr(torch, "quantize_per_channel") or not hasattr(torch.ops.quantized, "linear_prepack"):
        return None
    return next((name for name in _ENGINES if name in torch.backends.quantized.supported_engines), None)


class LightLayer(Layer):
    """One step of a recurrent layer; it cannot read whole sequences."""

    def __init__(self, layer: Layer, form: Form) -> None:
        weights = layer.weights()
        super().__init__(layer.recurrence, weights.weight_ih.shape[1], layer.hidden_size)
        self.input = light_linear(weights.weight_ih, weights.bias_ih, form)
        self.recur = light_linear(weights.weight_hh, weights.bias_hh, form, bounded=True)
        self.peephole = weights.peephole

    def _build(self, input_size: int) -> None:
        """Nothing: the weights come from another layer."""

    def step(self, x: Tensor, state: State) -> State:
        """As `Layer.step`."""
        return self.recurrence.kind.step(self.input(x), state, self)


class LightReader(Layer):
    """A fused layer that reads sequences of one length at a time, in bfloat16 where that is quicker."""

    def __init__(self, layer: FusedLayer, dtype: torch.dtype) -> None:
        super().__init__(layer.recurrence, layer.core.input_size, layer.hidden_size, layer.bidirectional)
        self.dtype = dtype
        inner = copy.deepcopy(layer).to(dtype)
        self.inner: Layer | PackedLSTM = PackedLSTM(inner) if PackedLSTM.takes(inner, dtype) else inner

    def _build(self, input_size: int) -> None:
        """Nothing: the weights come from another layer."""

    def forward(self, x: Tensor, reading: Reading, state: State | None = None) -> tuple[Tensor, State]:
        """As `Layer.forward`."""
        assert state is None

        def read(x: Tensor) -> tuple[Tensor, State]:
            outputs, final = self.inner(x.to(self.dtype), Reading(None, x.shape[1], x.device))
            return outputs.to(x.dtype), tuple(part.to(x.dtype) for part in final)

        return read(x) if reading.lengths is None else by_length(read, x, reading)


class PackedLSTM(nn.Module):
    """oneDNN's LSTM on weights that were put in its order once: torch's own call does so each time it reads.

    For a short text that takes longer than the reading itself. The numbers are the same, bit by bit.
    """

    def __init__(self, layer: FusedLayer) -> None:
        super().__init__()
        self._hidden_size = layer.hidden_size
        self._directions = []
        for place, (weight_ih, weight_hh, *biases) in enumerate(layer.core.all_weights):
            given = weight_ih.detach(), weight_hh.detach(), layer.hidden_size, place == 1
            packed = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(*given, has_biases=True, batch_first=False)
            self._directions.append((*packed, *(bias.detach() for bias in biases), place == 1))

    def __deepcopy__(self, memo: dict[int, object]) -> PackedLSTM:
        return self  # nothing of it ever changes, and torch cannot copy weights in this order

    @staticmethod
    def takes(layer: FusedLayer, dtype: torch.dtype) -> bool:
        """Whether torch has a kernel for that here, and the means to put weights in order (it tells nobody of it)."""
        used = torch._C._has_mkldnn and torch._C._get_mkldnn_enabled()
        there = used and hasattr(torch.ops.mkldnn, "_reorder_mkldnn_rnn_layer_weight")
        kinds = (torch.float32, torch.bfloat16) if has_bf16() else (torch.float32,)
        return there and layer.recurrence.cell == "lstm" and dtype in kinds

    def forward(self, x: Tensor, reading: Reading) -> tuple[Tensor, State]:
        """As `Layer.forward`, of rows of one length."""
        assert reading.lengths is None
        steps = x.transpose(0, 1).contiguous()  # (T, N, E); it reads memory as if it were so
        zeros = x.new_zeros(1, len(x), self._hidden_size)
        sizes: list[int] = []  # of packed rows, of which there are none
        shape = sizes, 2, self._hidden_size, 1, True, False, False, False  # an LSTM, one layer, biases; not trained
        read = [
            torch.ops.aten.mkldnn_rnn_layer(steps, *weights, zeros, zeros, reverse, *shape)
            for *weights, reverse in self._directions
        ]
        outputs, *final = (torch.cat(parts, dim=-1) for parts in list(zip(*read, strict=True))[:3])
        return outputs.transpose(0, 1), tuple(part.view(len(x), -1) for part in final)


def light_linear(weight: Tensor, bias: Tensor | None, form: Form, *, bounded: bool = False) -> nn.Module:
    """y = W x + b with W (O, I) in a lighter form; x and y stay float32.

    ``bounded`` promises that all of x lies in -1..1, as what a recurrent layer shows does.
    """
    weight = weight.detach()
    bias = weight.new_zeros(weight.shape[0]) if bias is None else bias.detach()
    return Int8Linear(weight, bias, bounded) if form == "int8" else BFloat16Linear(weight, bias)


class Sharpened(nn.Module):
    """A lighter output layer whose scores close to a row's largest are reckoned anew, with the weights as they were.

    Which of two near words is said is no matter of rounding then, for a product with a row or two of the weights.
    """

    def __init__(self, light: nn.Module, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.light, self.weight, self.bias = light, weight.detach(), bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """(N, I) -> (N, O)."""
        scores: Tensor = self.light(x)
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
        # inside of it: 14 microseconds, as long as a megabyte of weights takes.
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


def has_bf16() -> bool:
    """Whether torch knows the processor to reckon in bfloat16, by AVX-512 BF16 or AMX."""
    probes = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(probe is not None and probe() for probe in probes)
