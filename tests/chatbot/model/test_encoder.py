from __future__ import annotations

import pytest
import torch

from chatbot.model.cell import KINDS
from chatbot.model.config import NetworkConfig
from chatbot.model.encoder import Encoder

E, H, M = 5, 4, 8


def made(layers: int, dropout: float = 0.0, **options: object) -> Encoder:
    torch.manual_seed(0)
    sizes = {"embedding": E, "encoder_size": H, "encoder_layers": layers, "dropout": dropout}
    return Encoder(NetworkConfig(**sizes, **options))  # type: ignore[arg-type]


@pytest.fixture(params=[(layers, cell) for layers in (1, 3) for cell in sorted(KINDS)], ids=str)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    layers, cell = request.param
    return made(layers, 0.3, cell=cell).double().eval()


@pytest.mark.parametrize("learning", [True, False])
def test_a_padded_batch_equals_each_row_alone(encoder: Encoder, learning: bool) -> None:
    lengths = torch.tensor([2, 6, 1, 4] * 4)  # without gradients rows of one length are read together
    x = torch.randn(16, 6, E, dtype=torch.float64)
    with torch.set_grad_enabled(learning):
        together = encoder(x, lengths)
    assert together.outputs.shape == (16, 6, M)
    for row, length in enumerate(lengths.tolist()):
        alone = encoder(x[row : row + 1, :length], torch.tensor([length]))  # one length: the dense way
        torch.testing.assert_close(together.outputs[row, :length], alone.outputs[0], rtol=0, atol=1e-12)
        for padded, own in zip(together.final, alone.final, strict=True):
            torch.testing.assert_close(padded[row], own[0], rtol=0, atol=1e-12)
        assert not together.outputs[row, length:].any()


def test_what_stands_at_pads_is_never_read(encoder: Encoder) -> None:
    lengths = torch.tensor([2, 4])
    x = torch.randn(2, 7, E, dtype=torch.float64)
    spoilt = x.clone()
    spoilt[0, 2:] = float("nan")
    spoilt[1, 4:] = float("nan")
    clean, dirty = encoder(x, lengths), encoder(spoilt, lengths)
    assert torch.equal(clean.outputs, dirty.outputs)
    assert all(torch.equal(*parts) for parts in zip(clean.final, dirty.final, strict=True))


def test_one_length_shorter_than_the_tensor_is_cut_to_it(encoder: Encoder) -> None:
    x = torch.randn(2, 7, E, dtype=torch.float64)
    cut = encoder(x, torch.tensor([3, 3]))
    assert cut.outputs.shape == (2, 3, M)
    assert torch.equal(cut.outputs, encoder(x[:, :3], torch.tensor([3, 3])).outputs)


def test_final_states_are_those_of_both_ends() -> None:
    encoded = made(1)(torch.randn(2, 5, E), torch.tensor([5, 5]))
    assert torch.equal(encoded.final[0][:, :H], encoded.outputs[:, -1, :H])  # forward ends at the last
    assert torch.equal(encoded.final[0][:, H:], encoded.outputs[:, 0, H:])  # backward at the first


@pytest.mark.parametrize("lengths", [[5, 5], [3, 5]])
def test_dropout_hides_the_same_units_at_every_position_of_a_row(lengths: list[int]) -> None:
    encoder = made(1, 0.5)
    x = torch.randn(2, 5, E, requires_grad=True)
    encoder(x, torch.tensor(lengths)).outputs.sum().backward()
    assert x.grad is not None
    for row, length in enumerate(lengths):
        hidden = x.grad[row, :length] == 0  # (S, E): no gradient where the input was dropped
        assert torch.equal(hidden, hidden[:1].expand_as(hidden))
        assert hidden.any()


@pytest.mark.parametrize("lengths", [[0, 3], [4, 2], [3], [3, 3, 3]])
def test_lengths_that_do_not_fit_are_refused_in_plain_words(lengths: list[int]) -> None:
    encoder = made(1)
    with pytest.raises(ValueError, match="source length"):
        encoder(torch.randn(2, 3, E), torch.tensor(lengths))


def test_lengths_elsewhere_than_on_the_cpu_are_refused() -> None:
    encoder = made(1)
    with pytest.raises(ValueError, match="must stay on the CPU"):
        encoder(torch.randn(2, 3, E), torch.tensor([3, 3], device="meta"))


def test_in_one_direction_what_comes_later_changes_nothing_before() -> None:
    encoder = made(2, bidirectional=False).eval()
    x, lengths = torch.randn(2, 5, E), torch.tensor([5, 5])
    other = x.clone()
    other[:, 3:] = 9.0
    assert encoder.width == H
    assert torch.equal(encoder(x, lengths).outputs[:, :3], encoder(other, lengths).outputs[:, :3])
