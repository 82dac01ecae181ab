"""The same network with weights that take less time to read: a step of search reads all of the decoder's.

A step multiplies a few rows by matrices of some million weights, so it takes as long as reading these from memory. In
bytes rather than floats they are a quarter as long. The encoder's are used at every position of a source in turn, too,
and its rounding has the last word in nothing: it goes in bfloat16 where the processor does that. The model itself stays
as it is; what is made here shares all else with it.
"""

from __future__ import annotations

import copy
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.model.cell import State
from chatbot.model.layer import FusedLayer, Layer, Reading, by_length
from chatbot.model.light_linear import Form, engine, light_linear
from chatbot.model.seq2seq import Seq2Seq

FORMS: tuple[Form, ...] = get_args(Form)
CLOSE = 0.1
"""Nats between two scores below which rounding may turn them round."""
_TABLE = 2**24
"""Numbers in a table of what comes of each piece: 64 MB."""


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

    For a short text that takes longer than the reading itself. The numbers are the same, bit by bit. With AVX2
    oneDNN wants another order for one row than for several, and would put weights in it each time, so both are kept.
    """

    def __init__(self, layer: FusedLayer) -> None:
        super().__init__()
        self._hidden_size = layer.hidden_size
        self._alone, self._several = _in_order(layer, 1), _in_order(layer, 2)

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
            for *weights, reverse in (self._alone if len(x) == 1 else self._several)
        ]
        outputs, *final = (torch.cat(parts, dim=-1) for parts in list(zip(*read, strict=True))[:3])
        return outputs.transpose(0, 1), tuple(part.view(len(x), -1) for part in final)


def _in_order(layer: FusedLayer, rows: int) -> list[tuple[Any, ...]]:
    """Of each direction the weights in oneDNN's order for batches of so many rows, its biases, and if it reads back."""
    directions = []
    for place, (*weights, bias_ih, bias_hh) in enumerate(layer.core.all_weights):
        given = *(weight.detach() for weight in weights), layer.hidden_size, place == 1, True, False
        size = [1, rows, layer.core.input_size]  # the order does not depend on how long they are
        packed = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(*given, size)
        directions.append((*packed, bias_ih.detach(), bias_hh.detach(), place == 1))
    return directions


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


def has_bf16() -> bool:
    """Whether torch knows the processor to reckon in bfloat16, by AVX-512 BF16 or AMX."""
    probes = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(probe is not None and probe() for probe in probes)
