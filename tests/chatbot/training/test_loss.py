from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from chatbot.training.loss import smoothed_loss


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_is_cross_entropy_with_label_smoothing(smoothing: float) -> None:
    torch.manual_seed(0)
    logits = torch.randn(7, 11, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(11, (7,))
    loss, nats = smoothed_loss(logits, targets, smoothing)
    expected = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    torch.testing.assert_close(loss / 7, expected)
    torch.testing.assert_close(*(torch.autograd.grad(x, logits)[0] for x in (loss / 7, expected)))
    torch.testing.assert_close(nats, F.cross_entropy(logits.detach(), targets, reduction="sum"))
    assert not nats.requires_grad
