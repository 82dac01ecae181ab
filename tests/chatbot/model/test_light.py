"""Lighter weights say nearly the same, and the same in any batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from chatbot.model.config import NetworkConfig
from chatbot.model.light import FORMS, LightSeq2Seq, lightened, lightest
from chatbot.model.light_linear import CLOSE, Int8Linear, Sharpened, engine, has_bf16, light_linear
from chatbot.model.seq2seq import Seq2Seq

V = 50
needs_int8 = pytest.mark.skipif(engine() is None, reason="torch has no int8 kernels here")
LIGHT = [pytest.param("int8", marks=needs_int8), "bfloat16"]


def network(**options: object) -> Seq2Seq:
    torch.manual_seed(0)
    sizes = {"embedding": 32, "encoder_size": 24, "decoder_size": 48}
    return Seq2Seq(V, NetworkConfig(**sizes, **options)).eval()  # type: ignore[arg-type]


def said(model: Seq2Seq | LightSeq2Seq, source: Tensor, tokens: Tensor) -> Tensor:
    """Log-probabilities after each of the tokens (N, T): (N, T, V)."""
    with torch.inference_mode():
        state = model.start(model.encode(source, torch.full((len(source),), source.shape[1])))
        steps = []
        for column in tokens.unbind(1):
            log_probs, state = model.step(column, state)
            steps.append(log_probs)
    return torch.stack(steps, dim=1)


def example(rows: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(7, V, (rows, 9), generator=generator), torch.randint(7, V, (rows, 6), generator=generator)


@pytest.mark.parametrize("table", [2**24, 0])
@pytest.mark.parametrize("form", LIGHT)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cell": "gru"},
        {"cell": "rnn"},
        {"cell": "peephole"},
        {"cell": "lstm1997"},
        {"tie": False, "layer_norm": True},
        {"attend": False, "decoder_layers": 3},
        {"attention": "additive", "heads": 2},
    ],
)
def test_it_says_nearly_the_same(
    monkeypatch: pytest.MonkeyPatch, form: str, options: dict[str, object], table: int
) -> None:
    monkeypatch.setattr("chatbot.model.light._TABLE", table)
    model = network(**options)
    whole, light = (said(one, *example(5)) for one in (model, lightened(model, form)))  # type: ignore[arg-type]
    assert (whole - light).abs().max() < 0.05
    assert not torch.equal(whole, light), "or nothing was made lighter"
    assert light.exp().sum(-1) == pytest.approx(torch.ones(5, 6), abs=1e-5)


@pytest.mark.parametrize("table", [2**24, 0])
@pytest.mark.parametrize("form", LIGHT)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cell": "peephole", "decoder_layers": 3},
        {"cell": "gru", "attention": "additive", "heads": 2, "word_dropout": 0.5},
        {"decoder_layers": 3, "layer_norm": True, "dropout": 0.5},
    ],
)
def test_hypotheses_of_unlike_sources_are_what_they_are_in_the_network(
    monkeypatch: pytest.MonkeyPatch, form: str, options: dict[str, object], table: int
) -> None:
    monkeypatch.setattr("chatbot.model.light._TABLE", table)
    model = network(**options)
    for name, weight in model.named_parameters():  # what begins as zero would not be missed
        if weight.dim() == 1 or "peephole" in name:
            weight.data.add_(torch.randn(weight.shape))
    light = lightened(model, form)  # type: ignore[arg-type]
    model.train()  # whose dropout is no matter of a search
    light_too = lightened(model, form)  # type: ignore[arg-type]
    model.eval()
    source, lengths = example(3)[0], torch.tensor([9, 2, 5])
    tokens, order = torch.randint(7, V, (4, 9)), torch.tensor([1, 1, 0, 5, 4, 3, 6, 6, 6])
    with torch.inference_mode():
        nets = [model, light, light_too]
        states = [net.start(net.encode(source, lengths)).repeat(3) for net in nets]
        for column in tokens:
            each = [net.step(column, state) for net, state in zip(nets, states, strict=True)]
            again = light.step(column, states[1])[0]
            whole, found, found_too = (log_probs for log_probs, _ in each)
            assert (whole - found).abs().max() < 0.15
            assert torch.equal(found, again), "a step leaves the state before it as it was"
            assert torch.equal(found, found_too)
            states = [state.reorder(order) for _, state in each]


def test_what_comes_of_each_piece_is_looked_up_where_a_table_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = network(), torch.arange(V)
    light = lightened(model, "bfloat16")
    weights = model.decoder.layers[0].weights()  # type: ignore[operator]
    assert isinstance(light, LightSeq2Seq)
    assert light.looked_up is not None
    expected = model.embed(tokens) @ weights.weight_ih.mT + weights.bias_ih
    torch.testing.assert_close(light.looked_up(tokens), expected)
    monkeypatch.setattr("chatbot.model.light._TABLE", V * 4 * 48 - 1)
    assert LightSeq2Seq(model, "bfloat16").looked_up is None


@pytest.mark.parametrize("form", LIGHT)
def test_a_row_comes_out_the_same_in_any_batch(form: str) -> None:
    light = lightened(network(), form)  # type: ignore[arg-type]
    source, tokens = example(64)
    together = said(light, source, tokens)
    for row in (0, 31, 63):
        alone = said(light, source[row : row + 1], tokens[row : row + 1])
        # A score barely close to the largest in one batch and barely not in another is sharpened in one of them.
        assert (together[row] - alone[0]).abs().max() < 1e-2


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_source_is_read_the_same_beside_longer_and_shorter_ones(
    monkeypatch: pytest.MonkeyPatch, half: bool, cell: str
) -> None:
    if half and not has_bf16():
        pytest.skip("oneDNN has no LSTM in bfloat16 for this processor")
    monkeypatch.setattr("chatbot.model.light_layer.has_bf16", lambda: half)
    model = network(cell=cell)
    light = lightened(model, "bfloat16")
    source, lengths = example(6)[0], torch.tensor([4, 9, 1, 4, 7, 9])
    with torch.inference_mode():
        together, whole = light.encode(source, lengths), model.encode(source, lengths)
        assert together.mask is not None
        assert whole.mask is not None
        assert torch.equal(together.mask, whole.mask)
        assert (together.values - whole.values).abs().max() < 0.02, "pads are zero in both"
        for row, length in enumerate(lengths.tolist()):
            alone = light.encode(source[row : row + 1, :length], lengths[row : row + 1])
            assert (together.values[row, :length] - alone.values[0]).abs().max() < 1e-4
            assert (together.keys[row, :length] - alone.keys[0]).abs().max() < 1e-2
            for both, one in zip(together.initial, alone.initial, strict=True):
                assert (both[0][row] - one[0][0]).abs().max() < 1e-2


@needs_int8
@pytest.mark.parametrize("bounded", [True, False])
def test_a_product_of_bytes_is_as_near_as_its_steps_are_fine(bounded: bool) -> None:
    torch.manual_seed(2)
    weight, bias = torch.randn(30, 40), torch.randn(30)
    x = torch.rand(7, 40) * 2 - 1
    x[3] *= 0.001  # a small row is not drowned by the others
    exact = torch.nn.functional.linear(x, weight, bias)
    found = Int8Linear(weight, bias, bounded)(x)
    assert (exact - found).abs().max() < 0.25
    if not bounded:
        assert (exact - found)[3].abs().max() < 0.001
        assert torch.equal(Int8Linear(weight, bias, bounded)(torch.zeros(2, 40)), bias.expand(2, -1))


@pytest.mark.parametrize("form", LIGHT)
def test_rounding_does_not_decide_between_scores_that_are_close(form: str) -> None:
    torch.manual_seed(3)
    weight, bias = torch.randn(40, 30), torch.randn(40)
    weight[20:] = weight[:20] + 1e-4 * torch.randn(20, 30)  # each has a near twin
    bias[20:] = bias[:20]
    x = torch.randn(50, 30)
    exact = torch.nn.functional.linear(x, weight, bias)
    rounded = light_linear(weight, bias, form)  # type: ignore[arg-type]
    sharp = Sharpened(rounded, weight, bias)(x)
    assert (rounded(x).argmax(1) != exact.argmax(1)).any()
    assert torch.equal(sharp.argmax(1), exact.argmax(1))
    assert ((sharp - exact)[exact > exact.amax(1, keepdim=True) - CLOSE / 2].abs() < 1e-4).all()
    weight[20:] = 0  # now hardly any has
    mixed = Sharpened(light_linear(weight, bias, form), weight, bias)  # type: ignore[arg-type]
    assert all(torch.equal(mixed(x)[row], mixed(x[row : row + 1])[0]) for row in range(50)), "whoever stands beside"


def test_float32_is_the_model_itself_and_the_model_stays_as_it_is() -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert lightened(model, "float32") is model
    for form in FORMS:
        if form != "int8" or engine() is not None:
            lightened(model, form)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_only_a_cpu_reckons_in_bytes() -> None:
    with torch.device("meta"):
        assert lightest(Seq2Seq(V, NetworkConfig())) == "float32"
    assert lightest(network().double()) == "float32"
    with pytest.raises(ValueError, match="int8 need a CPU"), torch.device("meta"):
        lightened(Seq2Seq(V, NetworkConfig()), "int8")
