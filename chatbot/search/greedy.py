"""Greedy search: always the likeliest token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from chatbot.search.filters import Filter, allowed
from chatbot.search.rank import length_penalty as penalty
from chatbot.search.steps import LOWEST, Hypothesis, S, Step, check_search, hypothesis


@torch.no_grad()
def greedy(
    step: Step[S],
    state: S,
    rows: int,
    *,
    bos: int,
    eos: int,
    max_length: int,
    length_penalty: float = 1.0,
    filters: Sequence[Filter] = (),
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """Follow the likeliest token from `bos` to `eos` for each of `rows` inputs, one row of `state` each.

    At most `max_length` tokens, the end included. `device` is where the step wants its tokens. Inputs that
    reach their end leave the batch. One list of one hypothesis an input, in order; `length_penalty`
    changes the score alone, so that scores compare with those of a beam.
    """
    check_search(rows, 1, max_length)
    found: list[list[Hypothesis]] = [[] for _ in range(rows)]
    going = torch.arange(rows, device=device)  # (B,) which inputs are still in the batch
    ids = torch.empty(rows, 0, dtype=torch.long, device=device)  # (B, t)
    tokens = torch.full((rows,), bos, device=device)  # (B,)
    total = torch.zeros(rows, device=device)  # (B,) float32
    for length in range(1, max_length + 1):
        if not len(going):
            break
        log_probs, state = step(tokens, state)
        log_probs = log_probs.float().clamp(min=LOWEST)  # (B, V)
        tokens = allowed(filters, ids, log_probs, eos).argmax(dim=-1)  # (B,)
        total = total + log_probs.gather(1, tokens[:, None])[:, 0]
        ids = torch.cat([ids, tokens[:, None]], dim=1)
        ended = (tokens == eos) if length < max_length else torch.ones_like(tokens, dtype=torch.bool)  # (B,)
        if ended.any():
            _collect(found, going[ended], ids[ended], total[ended], eos, penalty(length, length_penalty))
            stay = (~ended).nonzero()[:, 0]  # (B',)
            going, ids, tokens, total = going[stay], ids[stay], tokens[stay], total[stay]
            state = state.keep(stay)
    return found


def _collect(
    found: list[list[Hypothesis]], inputs: Tensor, ids: Tensor, total: Tensor, eos: int, divisor: float
) -> None:
    """Write down the hypotheses of the inputs (B',) that have ended."""
    for index, one, log_prob in zip(inputs.tolist(), ids.tolist(), total.tolist(), strict=True):
        found[index] = [hypothesis(one, log_prob / divisor, log_prob, eos=eos)]
