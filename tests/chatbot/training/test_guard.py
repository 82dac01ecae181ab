from __future__ import annotations

import math

import pytest
import torch

from chatbot.errors import FitError
from chatbot.training.guard import IN_A_ROW, Guard


def settled(norms: list[float]) -> Guard:
    guard = Guard()
    for norm in norms:
        assert not guard.judge(torch.tensor(norm))
    return guard


def test_what_is_far_above_the_mean_is_skipped_and_leaves_no_trace_in_it() -> None:
    torch.manual_seed(0)
    guard = settled((torch.randn(300) * 0.3).exp().tolist())  # logarithms with mean 0, deviation 0.3
    mean = guard.mean.clone()
    assert guard.judge(torch.tensor(math.exp(5 * 0.3)))
    assert torch.equal(guard.mean, mean)
    assert not guard.judge(torch.tensor(math.exp(3 * 0.3)))
    assert not guard.judge(torch.tensor(1e-6)), "a small gradient harms nobody"
    assert int(guard.skipped) == 1


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_what_is_no_number_is_skipped_from_the_first_step_on(norm: float) -> None:
    guard = Guard()
    assert guard.judge(torch.tensor(norm))
    assert not guard.judge(torch.tensor(1.0))
    assert (int(guard.skipped), int(guard.row), int(guard.longest), int(guard.seen)) == (1, 0, 1, 1)


def test_a_zero_gradient_does_no_harm() -> None:
    guard = settled([1.0] * 150)
    assert not guard.judge(torch.tensor(0.0))
    assert guard.mean.isfinite()
    assert not guard.judge(torch.tensor(1.0))


def test_norms_that_hardly_vary_leave_room() -> None:
    guard = settled([1.0] * 200)
    assert not guard.judge(torch.tensor(2.0))
    assert guard.judge(torch.tensor(4.0))


def test_the_first_steps_are_not_compared() -> None:
    assert not settled([1.0] * 20).judge(torch.tensor(1000.0))


def test_ten_in_a_row_are_enough() -> None:
    guard = Guard()
    for _ in range(IN_A_ROW - 1):
        guard.judge(torch.tensor(math.nan))
    guard.check(5)
    guard.judge(torch.tensor(1.0))
    for _ in range(IN_A_ROW - 1):
        guard.judge(torch.tensor(math.nan))
    guard.check(5)
    guard.judge(torch.tensor(math.nan))
    with pytest.raises(FitError, match=r"10 gradients in a row .* at step 5; try a lower rate"):
        guard.check(5)


def test_a_state_goes_on() -> None:
    guard, other = settled([1.0, 2.0] * 60), Guard()
    other.load_state_dict(guard.state_dict())
    assert other.judge(torch.tensor(1e4)).item() == guard.judge(torch.tensor(1e4)).item()
