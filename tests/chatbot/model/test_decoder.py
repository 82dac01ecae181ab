from __future__ import annotations

import pytest
import torch

from chatbot.model.config import NetworkConfig
from chatbot.model.decoder import Decoder, DecoderState, Memory
from chatbot.model.encoder import Encoded
from chatbot.model.gates import OPENED
from chatbot.model.seq2seq import Seq2Seq

B, K, S, E, H, M = 3, 2, 5, 4, 6, 8


@pytest.fixture(params=[1, 2, 3])
def decoder(request: pytest.FixtureRequest) -> Decoder:
    torch.manual_seed(0)
    sizes = {"embedding": E, "encoder_size": M // 2, "decoder_size": H, "decoder_layers": request.param}
    return Decoder(NetworkConfig(**sizes, dropout=0.3)).double().eval()


def memory_of(decoder: Decoder, *, masked: bool = True) -> Memory:
    final = (torch.randn(B, M, dtype=torch.float64), torch.randn(B, M, dtype=torch.float64))
    mask = torch.arange(S) < torch.tensor([2, 5, 3])[:, None] if masked else None
    return decoder.remember(Encoded(torch.randn(B, S, M, dtype=torch.float64), final, mask))


def same(left: DecoderState, right: DecoderState) -> bool:
    pairs = zip((*left.recurrent, left.memory[:3]), (*right.recurrent, right.memory[:3]), strict=True)
    return all(a is b or torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("masked", [True, False])
def test_the_whole_target_equals_one_step_after_another(decoder: Decoder, masked: bool) -> None:
    memory = memory_of(decoder, masked=masked)
    x = torch.randn(B, 7, E, dtype=torch.float64)
    state, shown = decoder.start(memory), []
    for t in range(7):
        outputs, state = decoder.step(x[:, t], state)
        shown.append(outputs)
    torch.testing.assert_close(torch.stack(shown, dim=1), decoder(x, memory), rtol=0, atol=1e-10)


def test_where_it_looks_is_a_share_of_each_real_place(decoder: Decoder) -> None:
    memory = memory_of(decoder)
    weights = decoder.looks(torch.randn(B, 7, E, dtype=torch.float64), memory)
    assert weights.shape == (B, 7, S)
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, 7, dtype=torch.float64), rtol=0, atol=1e-12)
    assert memory.mask is not None
    assert not weights.masked_select(~memory.mask[:, None].expand_as(weights)).any()


def test_what_comes_later_changes_nothing_before(decoder: Decoder) -> None:
    memory = memory_of(decoder)
    x = torch.randn(B, 7, E, dtype=torch.float64)
    other = x.clone()
    other[:, 4:] = 9.0
    torch.testing.assert_close(decoder(x, memory)[:, :4], decoder(other, memory)[:, :4], rtol=0, atol=1e-12)


def test_hypotheses_of_an_input_share_its_memory_and_step_as_if_each_had_its_own(decoder: Decoder) -> None:
    memory = memory_of(decoder)
    state = decoder.start(memory).repeat(K)
    assert state.memory.keys is memory.keys
    x = torch.randn(B * K, E, dtype=torch.float64)
    outputs, after = decoder.step(x, state)
    assert after.memory.keys is memory.keys
    for row in range(B * K):
        own = decoder.start(memory.keep(torch.tensor([row // K])))
        alone, _ = decoder.step(x[row : row + 1], own)
        torch.testing.assert_close(outputs[row], alone[0], rtol=0, atol=1e-12)


def numbered(decoder: Decoder) -> DecoderState:
    """A state whose rows are 0, 1, 2, ... in every recurrent tensor."""
    rows = torch.arange(B * K, dtype=torch.float64)[:, None]
    cells = tuple((rows.expand(-1, H), -rows.expand(-1, H)) for _ in decoder.layers)
    return DecoderState(cells, memory_of(decoder))


def rows_of(state: DecoderState) -> list[float]:
    first = state.recurrent[0][0]
    for h, c in state.recurrent:
        assert torch.equal(h, -c)
        assert torch.equal(h, first)
    numbers: list[float] = first[:, 0].tolist()
    return numbers


def test_repeat_puts_copies_side_by_side(decoder: Decoder) -> None:
    assert rows_of(numbered(decoder).repeat(2)) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_reorder_takes_rows_and_leaves_the_memory(decoder: Decoder) -> None:
    state = numbered(decoder)
    after = state.reorder(torch.tensor([1, 1, 2, 3, 5, 4]))
    assert rows_of(after) == [1, 1, 2, 3, 5, 4]
    assert after.memory is state.memory


def test_keep_takes_inputs_with_all_their_rows_and_their_memory(decoder: Decoder) -> None:
    state = numbered(decoder)
    after = state.keep(torch.tensor([0, 2]))
    assert rows_of(after) == [0, 1, 4, 5]
    assert torch.equal(after.memory.keys, state.memory.keys[[0, 2]])
    assert after.memory.mask is not None
    assert state.memory.mask is not None
    assert torch.equal(after.memory.mask, state.memory.mask[[0, 2]])
    assert after.memory.initial[0][0].shape == (2, H)


def test_keep_of_nobody_leaves_nobody(decoder: Decoder) -> None:
    after = numbered(decoder).keep(torch.tensor([], dtype=torch.long))
    assert rows_of(after) == []
    assert after.memory.keys.shape == (0, S, H)


def test_keep_and_step_commute(decoder: Decoder) -> None:
    state = decoder.start(memory_of(decoder)).repeat(K)
    x, chosen = torch.randn(B * K, E, dtype=torch.float64), torch.tensor([2, 1])
    rows = torch.tensor([4, 5, 2, 3])
    _, stepped = decoder.step(x, state)
    _, after = decoder.step(x[rows], state.keep(chosen))
    kept = stepped.keep(chosen)
    torch.testing.assert_close(after.recurrent, kept.recurrent, rtol=0, atol=1e-12)
    assert same(kept, kept.reorder(torch.arange(4)))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "peephole", "lstm1997"])
def test_gates_are_told_as_they_were(cell: str) -> None:
    """What was kept can be reckoned from what the gates are said to have been."""
    torch.manual_seed(0)
    config = NetworkConfig(embedding=8, encoder_size=6, decoder_size=10, cell=cell, decoder_layers=1)
    model = Seq2Seq(20, config).double().eval()
    source, inputs = torch.randint(7, 20, (1, 5)), torch.randint(7, 20, (1, 4))
    (found,) = model.gates(source, torch.tensor([5]), inputs)
    names = OPENED[cell].names
    assert found.shape == (1, 4, len(names), 10)
    assert ((found > 0) & (found < 1)).all()
    state = model.start(model.encode(source, torch.tensor([5])))
    for place in range(4):
        before = state.recurrent[0]
        _, state = model.step(inputs[:, place], state)
        after = state.recurrent[0]
        if "output" in names:  # h = o * tanh(c)
            shown = found[0, place, names.index("output")] * after[1][0].tanh()
            assert torch.allclose(shown, after[0][0])
        if cell == "gru":  # h' = (1 - z) n + z h lies between n, which is below 1, and h
            z = found[0, place, 1]
            candidate = (after[0][0] - z * before[0][0]) / (1 - z)
            assert (candidate.abs() <= 1 + 1e-9).all()
