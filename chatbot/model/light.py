"""The same network on weights that take less time to read: a step of search reads all of the decoder's.

A step multiplies a few rows by matrices of some million weights, so it takes as long as reading these from memory. In
bytes rather than floats they are a quarter as long. The encoder's are used at every position of a source in turn, too,
and its rounding has the last word in nothing: it goes in bfloat16 where the processor does that. The model itself stays
as it is; what is made here shares all else with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chatbot.model.decoder import DecoderState, Memory
from chatbot.model.layer import FusedLayer, Layer
from chatbot.model.light_layer import LightLayer, LightReader, Takes
from chatbot.model.light_linear import Form, Sharpened, engine, light_linear
from chatbot.model.seq2seq import Seq2Seq, log_softmax

FORMS: tuple[Form, ...] = get_args(Form)
_TABLE = 2**24
"""Numbers in a table of what comes of each piece: 64 MB."""


def lightened(model: Seq2Seq, form: Form) -> Seq2Seq | LightSeq2Seq:
    """A network for search alone, its decoder and output layer in ``form``; ``float32`` is the model itself.

    What reads the source is in bfloat16 where a processor does that.

    Raises:
        ValueError: this machine cannot reckon with int8, the model does not lie on the CPU, or its weights are not
            float32.
    """
    if form == "float32":
        return model
    if form == "int8" and (engine() is None or model.bias.device.type != "cpu"):
        raise ValueError("weights of int8 need a CPU that torch has kernels for; take float32")
    if model.bias.dtype != torch.float32:
        raise ValueError(
            f"weights of {model.bias.dtype} are not made lighter; take float32, which leaves them as they are"
        )
    return LightSeq2Seq(model, form)


def lightest(model: Seq2Seq) -> Form:
    """The form that keeps the words and is quickest: int8 on a CPU that torch has kernels for, else as it is."""
    ready = model.bias.device.type == "cpu" and model.bias.dtype == torch.float32 and engine() is not None
    return "int8" if ready else "float32"


class LightSeq2Seq:
    """What search asks of a network: `Seq2Seq.encode`, `start` and `step`, the last in a straight line.

    Where matrices are as soon read as these, to ask modules for modules takes as long again. So what a step needs is at
    hand, and nothing is asked that does nothing in a search: neither dropout nor norms that are none.
    """

    def __init__(self, model: Seq2Seq, form: Form) -> None:
        decoder, normed = model.decoder, model.config.layer_norm
        self._reader = _light_reader(model, form)
        self.looked_up = _looked_up(model)
        """What the decoder's first layer makes of each piece, ids (N,) -> (N, gates * H), or None."""
        takes: Takes = "input" if self.looked_up is None else "gates"
        self._layers = []
        for layer in decoder.layers:
            assert isinstance(layer, Layer)
            self._layers.append(LightLayer(layer, form, takes))
            takes = "input" if normed else "shown"
        self._norms = list(self._reader.decoder.norms) if normed else None
        self._attention = self._reader.decoder.attention
        self._output = light_linear(decoder.output.weight, decoder.output.bias, form)
        self._scores = Sharpened(light_linear(model.output_weight, model.bias, form), model.output_weight, model.bias)

    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        """As `Seq2Seq.encode`."""
        return self._reader.encode(source, lengths)

    def start(self, memory: Memory) -> DecoderState:
        """As `Seq2Seq.start`."""
        return self._reader.start(memory)

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """As `Seq2Seq.step`."""
        x = self._reader.embed(tokens) if self.looked_up is None else self.looked_up(tokens)
        after = [self._layers[0].step((x,), state.recurrent[0])]
        x = self._normed(0, after[0][0])  # (N, H)
        context = self._look(x, state.memory)  # (N, M)
        for place in range(1, len(self._layers)):
            after.append(self._layers[place].step((x, context), state.recurrent[place]))
            x = self._normed(place, x + after[place][0])
        scores = self._scores.forward(self._output.forward(torch.cat([x, context], dim=-1)))  # (N, V)
        return log_softmax(scores), DecoderState(tuple(after), state.memory)

    def _normed(self, place: int, x: Tensor) -> Tensor:
        return x if self._norms is None else self._norms[place](x)

    def _look(self, x: Tensor, memory: Memory) -> Tensor:
        if self._attention is None:
            return x[:, :0]
        beams = x.view(memory.values.shape[0], -1, x.shape[-1])  # (B, K, H): K takes the place of T
        return self._attention.forward(beams, memory.keys, memory.values, memory.mask)[0].flatten(0, 1)


def _looked_up(model: Seq2Seq) -> Callable[[Tensor], Tensor] | None:
    """What the decoder's first layer makes of each piece, made once, where a table of that is small enough.

    A step then reads one row of it, as it was before rounding, in place of a matrix.
    """
    first = model.decoder.layers[0]
    assert isinstance(first, Layer)
    weights = first.weights()
    if model.bias.device.type != "cpu" or model.vocab_size * len(weights.weight_ih) > _TABLE:
        return None
    with torch.no_grad():
        vectors = model.embedding.weight * float(model.config.embedding**0.5)  # as `Seq2Seq.embed`
        table = F.linear(vectors, weights.weight_ih, weights.bias_ih)  # (V, gates * H)
    return lambda tokens: table.index_select(0, tokens)


def _light_reader(model: Seq2Seq, form: Form) -> Seq2Seq:
    """The network with a lighter encoder, and lighter what the decoder makes of its outputs before the first step."""
    with torch.device("meta"):
        light = Seq2Seq(model.vocab_size, model.config)
    light.load_state_dict(model.state_dict(), assign=True)
    light.eval().requires_grad_(False)
    if model.bias.device.type != "cpu":
        return light
    for place, layer in enumerate(model.encoder.layers):
        if isinstance(layer, FusedLayer):
            light.encoder.layers[place] = LightReader(layer)
    for place, bridge in enumerate(model.decoder.bridges):
        assert isinstance(bridge, nn.Linear)
        light.decoder.bridges[place] = light_linear(bridge.weight, bridge.bias, form)
    if light.decoder.attention is not None and model.decoder.attention is not None:
        key = model.decoder.attention.key
        assert isinstance(key, nn.Linear)
        light.decoder.attention.key = light_linear(key.weight, None, form)
    return light
