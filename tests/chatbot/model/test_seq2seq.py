from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from chatbot.model.cell import KINDS
from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.search.beam import beam
from chatbot.search.filters import MinLength, NoRepeatNgram
from chatbot.search.walk import walk
from tests.chatbot.conftest import needs_bf16

V, BOS, EOS = 17, 2, 3
SIZES = {"embedding": 6, "encoder_size": 5, "encoder_layers": 2, "decoder_size": 8, "decoder_layers": 2}
LENGTHS = torch.tensor([4, 7, 1, 5])


@pytest.fixture
def model() -> Seq2Seq:
    torch.manual_seed(0)
    model = Seq2Seq(V, NetworkConfig(**SIZES, dropout=0.2)).double().eval()
    with torch.no_grad():
        model.embedding.weight.mul_(4)  # far from uniform, so that hypotheses differ
        model.bias.normal_()
    return model


@pytest.fixture
def source() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randint(5, V, (4, 7)).masked_fill(torch.arange(7) >= LENGTHS[:, None], 0)


def test_forward_equals_repeated_step(model: Seq2Seq, source: torch.Tensor) -> None:
    inputs = torch.randint(0, V, (4, 9))
    expected = model.logits(model(source, LENGTHS, inputs)).log_softmax(dim=-1)
    state = model.start(model.encode(source, LENGTHS))
    for t in range(9):
        log_probs, state = model.step(inputs[:, t], state)
        torch.testing.assert_close(log_probs, expected[:, t], rtol=0, atol=1e-10)


@st.composite
def networks(draw: st.DrawFn) -> NetworkConfig:
    """Any combination of options, in small."""
    attend = draw(st.booleans())
    cell = draw(st.sampled_from(sorted(KINDS)))
    keeps = KINDS[cell].keeps is not None
    biases = draw(st.sampled_from([{}, {"forget_bias": 2.0}, {"chrono": 20}] if keeps else [{}]))
    return NetworkConfig(
        embedding=draw(st.integers(1, 6)),
        encoder_size=2 * draw(st.integers(1, 3)),
        encoder_layers=draw(st.integers(1, 3)),
        decoder_size=2 * draw(st.integers(1, 4)),
        decoder_layers=draw(st.integers(1, 3)),
        cell=cell,  # type: ignore[arg-type]
        bidirectional=draw(st.booleans()),
        layer_norm=draw(st.booleans()),
        attend=attend,
        attention=draw(st.sampled_from(["multiplicative", "additive"])) if attend else "multiplicative",  # type: ignore[arg-type]
        heads=draw(st.sampled_from([1, 2])) if attend else 1,
        tie=draw(st.booleans()),
        dropout=draw(st.sampled_from([0.0, 0.3])),
        variational=draw(st.booleans()),
        recurrent_dropout=draw(st.sampled_from([0.0, 0.3])),
        word_dropout=draw(st.sampled_from([0.0, 0.3])),
        **biases,
    )


@settings(deadline=None, max_examples=150)
@given(networks(), st.integers(0, 1000), st.booleans())
def test_for_every_combination_of_options_forward_is_repeated_step_and_padding_changes_nothing(
    config: NetworkConfig, seed: int, padded: bool
) -> None:
    torch.manual_seed(seed)
    model = Seq2Seq(V, config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)  # peepholes and norms included
    lengths = torch.tensor([3, 5, 1]) if padded else torch.tensor([4, 4, 4])
    source, inputs = torch.randint(5, V, (3, 5)), torch.randint(0, V, (3, 4))
    expected = model.logits(model(source, lengths, inputs)).log_softmax(dim=-1)
    state = model.start(model.encode(source, lengths))
    for t in range(4):
        log_probs, state = model.step(inputs[:, t], state)
        torch.testing.assert_close(log_probs, expected[:, t], rtol=0, atol=1e-10)
    for row, length in enumerate(lengths.tolist()):
        alone = model(source[row : row + 1, :length], lengths[row : row + 1], inputs[row : row + 1])
        torch.testing.assert_close(model.logits(alone)[0].log_softmax(dim=-1), expected[row], rtol=0, atol=1e-10)
    model.train()
    model.logits(model(source, lengths, inputs)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_a_padded_batch_equals_each_row_alone(model: Seq2Seq, source: torch.Tensor) -> None:
    inputs = torch.randint(0, V, (4, 6))
    together = model(source, LENGTHS, inputs)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(source[row : row + 1, :length], LENGTHS[row : row + 1], inputs[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-12)


def test_pads_are_never_read(model: Seq2Seq, source: torch.Tensor) -> None:
    other = source.masked_fill(torch.arange(7) >= LENGTHS[:, None], 9)
    inputs = torch.randint(0, V, (4, 6))
    assert torch.equal(model(source, LENGTHS, inputs), model(other, LENGTHS, inputs))


def test_embedding_and_output_layer_are_one(model: Seq2Seq) -> None:
    names = dict(model.named_parameters())
    assert [name for name, parameter in names.items() if V in parameter.shape] == ["bias", "embedding.weight"]
    hidden = torch.randn(3, SIZES["embedding"], dtype=torch.float64)
    torch.testing.assert_close(model.logits(hidden), hidden @ names["embedding.weight"].T + names["bias"])


def test_every_parameter_learns(model: Seq2Seq, source: torch.Tensor) -> None:
    model.train()
    inputs = torch.randint(0, V, (4, 6))
    F.cross_entropy(model.logits(model(source, LENGTHS, inputs)).flatten(0, 1), inputs.flatten()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@needs_bf16
@pytest.mark.parametrize("lengths", [LENGTHS, torch.tensor([7, 7, 7, 7])])
def test_under_bf16_autocast_logits_and_log_probabilities_are_float32(lengths: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = Seq2Seq(V, NetworkConfig(**SIZES)).eval()
    source, inputs = torch.randint(5, V, (4, 7)), torch.randint(0, V, (4, 6))
    exact = model.logits(model(source, lengths, inputs))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model(source, lengths, inputs))
        log_probs, _ = model.step(inputs[:, 0], model.start(model.encode(source, lengths)))
    assert logits.dtype == log_probs.dtype == torch.float32
    torch.testing.assert_close(logits, exact, rtol=0, atol=0.1)


@needs_bf16
@pytest.mark.parametrize("lengths", [LENGTHS, torch.tensor([7, 7, 7, 7])])
def test_it_trains_under_bf16_autocast(lengths: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = Seq2Seq(V, NetworkConfig(**SIZES))
    source, inputs = torch.randint(5, V, (4, 7)), torch.randint(0, V, (4, 6))
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model(source, lengths, inputs))
        loss = F.cross_entropy(logits.flatten(0, 1), inputs.flatten())
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def log_prob_of(model: Seq2Seq, source: torch.Tensor, ids: tuple[int, ...], *, ended: bool) -> float:
    """The model's own teacher-forced log-probability."""
    targets = [*ids, EOS] if ended else list(ids)
    hidden = model(source[None], torch.tensor([len(source)]), torch.tensor([[BOS, *targets[:-1]]]))
    log_probs = model.logits(hidden)[0].log_softmax(dim=-1)
    return float(log_probs.gather(1, torch.tensor(targets)[:, None]).sum().detach())


def found_by(model: Seq2Seq, source: torch.Tensor, lengths: torch.Tensor, width: int | None) -> list[Any]:
    state = model.start(model.encode(source, lengths))
    options: dict[str, Any] = {"bos": BOS, "eos": EOS, "max_length": 10, "length_penalty": 0.8}
    options["filters"] = [MinLength(2, EOS), NoRepeatNgram(2)]
    if width is None:
        return walk(model.step, state, len(source), **options)
    return beam(model.step, state, len(source), width=width, **options)


@pytest.mark.parametrize("width", [None, 1, 4])
def test_scores_of_a_search_are_the_model_s_own(model: Seq2Seq, source: torch.Tensor, width: int | None) -> None:
    for row, hypotheses in enumerate(found_by(model, source, LENGTHS, width)):
        assert len(hypotheses) == (width or 1)
        for one in hypotheses:
            ended = len(one.ids) < 10
            own = log_prob_of(model, source[row, : LENGTHS[row]], one.ids, ended=ended)
            assert one.log_prob == pytest.approx(own, abs=1e-4)
            assert one.score == pytest.approx(own / ((5 + len(one.ids) + ended) / 6) ** 0.8, abs=1e-4)


@pytest.mark.parametrize("width", [None, 1, 4])
def test_a_search_over_a_batch_equals_each_input_alone(model: Seq2Seq, source: torch.Tensor, width: int | None) -> None:
    together = found_by(model, source, LENGTHS, width)
    for row, length in enumerate(LENGTHS.tolist()):
        [alone] = found_by(model, source[row : row + 1, :length], LENGTHS[row : row + 1], width)
        assert [one.ids for one in together[row]] == [one.ids for one in alone]
        assert [one.score for one in together[row]] == pytest.approx([one.score for one in alone], rel=1e-12)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("embedding", 0),
        ("encoder_size", -3),
        ("encoder_layers", 0),
        ("decoder_size", 1.5),
        ("decoder_layers", True),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", "much"),
        ("dropout", float("nan")),
        ("recurrent_dropout", 1.5),
        ("word_dropout", -0.1),
        ("heads", 0),
        ("heads", 3),
        ("attention", "dot"),
        ("cell", "ltsm"),
        ("tie", 1),
    ],
)
def test_a_size_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field} must "):
        NetworkConfig(**{field: value})


@pytest.mark.parametrize("options", [{"heads": 2}, {"attention": "additive"}])
def test_a_decoder_that_does_not_look_back_has_no_way_to(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(heads|attention) is \w+, but attend is false"):
        NetworkConfig(attend=False, **options)


def test_without_attention_nothing_is_left_of_it() -> None:
    model = Seq2Seq(V, NetworkConfig(**SIZES, attend=False))
    assert not [name for name, _ in model.named_parameters() if "attention" in name]


def test_the_defaults_are_small() -> None:
    with torch.device("meta"):
        model = Seq2Seq(8000, NetworkConfig())
    assert 10e6 <= sum(parameter.numel() for parameter in model.parameters()) <= 13e6
