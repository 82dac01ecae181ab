from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from chatbot.model.seq2seq import NetworkConfig, Seq2Seq
from chatbot.search.beam import beam
from chatbot.search.filters import MinLength, NoRepeatNgram
from chatbot.search.greedy import greedy

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
        return greedy(model.step, state, len(source), **options)
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
        assert together[row] == alone


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
    ],
)
def test_a_size_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field} must be"):
        NetworkConfig(**{field: value})


def test_the_defaults_are_small() -> None:
    with torch.device("meta"):
        model = Seq2Seq(8000, NetworkConfig())
    assert 10e6 <= sum(parameter.numel() for parameter in model.parameters()) <= 13e6
