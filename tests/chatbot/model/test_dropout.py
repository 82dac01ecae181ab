from __future__ import annotations

import pytest
import torch

from chatbot.model.dropout import Dropout, WordDropout


def test_variational_dropout_drops_the_same_everywhere_in_a_row_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropped = Dropout(0.25)(torch.ones(200, 4, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 4 / 3])
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)
    assert not torch.equal(dropped[0], dropped[1])


def test_ordinary_dropout_draws_for_each_position() -> None:
    torch.manual_seed(0)
    dropped = Dropout(0.25, variational=False)(torch.ones(200, 4, 50))
    assert not torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)


def test_word_dropout_drops_a_word_wherever_it_stands() -> None:
    torch.manual_seed(0)
    ids = torch.randint(0, 40, (30, 20))
    factors = WordDropout(0.5, 40)(torch.ones(30, 20, 3), ids)
    assert sorted(factors.unique().tolist()) == [0.0, 2.0]
    for word in range(40):
        assert len(factors[ids == word].unique()) == 1
    assert 0.25 < float((factors == 0).float().mean()) < 0.75


def test_nothing_is_dropped_in_eval_and_at_share_0() -> None:
    x, ids = torch.randn(2, 3, 4), torch.zeros(2, 3, dtype=torch.long)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert WordDropout(0.5, 3).eval()(x, ids) is x
    assert WordDropout(0.0, 3)(x, ids) is x
