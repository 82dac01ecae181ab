from __future__ import annotations

import math

import torch

from chatbot.training.meter import Count, Meter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_sums_time_and_pauses() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.start()
    meter.add(torch.tensor([6.0, 7.0]), 2, 3)
    clock.now = 1.5
    meter.add(torch.tensor([2.0, 3.0]), 2, 1)
    clock.now = 2.0
    assert meter.read() == Count(8.0, 10.0, 4, 4, 2.0)
    meter.pause()
    clock.now = 100.0
    meter.start()
    meter.start()
    meter.add(torch.tensor([1.0, 1.0]), 1, 1)
    clock.now = 101.0
    closed = meter.next_stretch()
    assert closed == Count(9.0, 11.0, 5, 5, 3.0)
    assert closed.nats_per_word == 9 / 5
    assert closed.tokens_per_second == 5 / 3
    assert meter.stretch == Count()
    assert meter.total == closed


def test_a_state_goes_on() -> None:
    clock = Clock()
    meter, other = Meter(clock), Meter(clock)
    meter.start()
    meter.add(torch.tensor([6.0, 7.0]), 2, 3)
    clock.now = 2.0
    other.restore(meter.state())
    assert other.total == meter.total
    assert other.stretch == meter.stretch


def test_nothing_counted() -> None:
    assert Count().nats_per_word is None
    assert Count().tokens_per_second == 0
    assert Meter().read() == Count()


def test_a_step_that_went_wrong_does_not_spoil_the_sums() -> None:
    meter = Meter()
    meter.add(torch.tensor([math.nan, math.inf]), 1, 1)
    meter.add(torch.tensor([2.0, 3.0]), 1, 1)
    count = meter.read()
    assert (count.nats, count.loss) == (2.0, 3.0)
