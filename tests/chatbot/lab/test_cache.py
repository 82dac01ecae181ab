"""What a cache beside a net says, and that it says nothing of what comes later."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from chatbot.lab import letters
from chatbot.lab.cache import Cache, Read, chosen, recalled
from chatbot.model.cell import Recurrence


def test_a_cache_weighs_what_followed_on_states_like_this_one() -> None:
    states = F.normalize(torch.randn(300, 5, generator=torch.Generator().manual_seed(5)), dim=1)
    came = torch.randint(4, (300,), generator=torch.Generator().manual_seed(5))
    text = Read(3 * states, came, torch.zeros(300))
    sharp, flat = recalled(text, [20.0, 1e-9])
    for t in (1, 2, 127, 128, 129, 299):
        weights = [math.exp(20 * float(states[t] @ states[before])) for before in range(t)]
        right = sum(weight for before, weight in enumerate(weights) if came[before] == came[t])
        assert float(sharp[t]) == pytest.approx(right / sum(weights), rel=1e-4)
        assert float(flat[t]) == pytest.approx(float((came[:t] == came[t]).float().mean()), rel=1e-4)
    assert float(sharp[0]) == 0
    last = torch.tensor(299)
    others = (replace(text, letters=came.index_fill(0, last, letter)) for letter in range(4))
    spread = [float(recalled(other, [20.0])[0][299]) for other in others]
    assert sum(spread) == pytest.approx(1, rel=1e-5), "shares of all that may come"
    far = Read(torch.tensor([[1.0, 0.0], [-1.0, 0.0], [-1.0, 0.1]]), torch.tensor([1, 2, 1]), torch.zeros(3))
    assert recalled(far, [500.0])[0].tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    assert recalled(replace(far, letters=torch.tensor([2, 2, 1])), [500.0])[0].tolist() == pytest.approx([0, 1, 0])
    turned = replace(text, letters=came.clone().index_fill_(0, torch.arange(200, 300), 0))
    assert torch.equal(recalled(turned, [20.0])[0][:200], sharp[:200]), "nothing is seen ahead"


def test_a_cache_pays_where_text_comes_again_and_is_left_where_it_does_not() -> None:
    torch.manual_seed(0)
    speaker = letters.Speaker(9, 16, Recurrence("lstm"))
    chance = torch.randint(9, (600,), generator=torch.Generator().manual_seed(5))
    again = speaker.read(chance[:20].repeat(30))
    assert chosen(again).nats(again) < 0.8 * Cache(30.0, 0.0).nats(again)
    new = speaker.read(chance)
    assert Cache(30.0, 0.0).nats(new) == pytest.approx(speaker.nats(chance, rows=1), rel=1e-5)
    assert chosen(new).nats(new) <= Cache(30.0, 0.0).nats(new)
