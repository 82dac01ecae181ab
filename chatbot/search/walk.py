"""One hypothesis for each input, token by token: the likeliest at each step, or one drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from chatbot.search.filters import Filter, filtered
from chatbot.search.rank import length_penalty as penalty
from chatbot.search.steps import DEAD, LOWEST, Hypothesis, S, Step, check_search, hypothesis, time_to_leave

Choice = Callable[[Tensor, int, Tensor], Tensor]
"""choice(what is left (N, V), tokens so far, the input of each row (N,)) -> the next token of each row (N,)."""


def likeliest(left: Tensor, length: int, inputs: Tensor) -> Tensor:
    """The choice of greedy search."""
    if left.device.type == "cpu":  # by vector instructions: several times sooner than torch
        return torch.from_numpy(left.numpy().argmax(axis=1))
    return left.argmax(dim=-1)


@torch.inference_mode()
def walk(
    step: Step[S],
    state: S,
    rows: int,
    *,
    bos: int,
    eos: int,
    max_length: int,
    choice: Choice = likeliest,
    length_penalty: float = 1.0,
    filters: Sequence[Filter] = (),
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """Follow `choice` from `bos` to `eos` for each of `rows` inputs, one row of `state` each.

    At most `max_length` tokens, the end included. `device` is where the step wants its tokens. Inputs that reach their
    end leave the batch. One list of one hypothesis an input, in order; `length_penalty` changes the score alone, so
    that scores compare with those of a beam.
    """
    found: list[list[Hypothesis]] = [[] for _ in range(rows)]
    ids: list[list[int]] = [[] for _ in range(rows)]
    for going, tokens, totals in strides(
        step, state, rows, bos=bos, eos=eos, max_length=max_length, choice=choice, filters=filters, device=device
    ):
        for row, token, total in zip(going, tokens, totals, strict=True):
            ids[row].append(token)
            if token == eos or len(ids[row]) == max_length:
                score = total / penalty(len(ids[row]), length_penalty)
                found[row] = [hypothesis(ids[row], score, total, eos=eos)]
    return found


def strides(
    step: Step[S],
    state: S,
    rows: int,
    *,
    bos: int,
    eos: int,
    max_length: int,
    choice: Choice = likeliest,
    filters: Sequence[Filter] = (),
    device: torch.device | str = "cpu",
) -> Iterator[tuple[list[int], list[int], list[float]]]:
    """The walk as it goes: at each step the inputs still on it, the token of each, and its log-probability so far.

    Call it in inference mode. Parameters as those of `walk`.
    """
    check_search(rows, 1, max_length)
    inputs = torch.arange(rows, device=device)  # (B,) that each row answers
    ids = torch.empty(rows, max_length, dtype=torch.long, device=device)  # (B, L)
    tokens = torch.full((rows,), bos, device=device)  # (B,)
    totals = [0.0] * rows  # log-probabilities so far, as numbers: sooner added than as a tensor of a few
    going = {place: place for place in range(rows)}  # where in the batch the inputs are that still go on
    for length in range(1, max_length + 1):
        if not going:
            return
        log_probs, state = step(tokens, state)  # (B, V)
        ends = _at(log_probs, [eos] * len(totals))  # before filters change them
        left = filtered(filters, ids[:, : length - 1], log_probs, inputs)
        tokens = choice(left, length - 1, inputs)  # (B,)
        said = tokens.tolist()
        gained = _at(left, said)
        stuck = [place for place, one in enumerate(gained) if one <= DEAD]  # nothing is left there: it may end
        gained = gained if left is log_probs else _at(log_probs, said)
        for place in stuck:
            said[place], gained[place], tokens[place] = eos, ends[place], eos
        ids[:, length - 1] = tokens
        totals = [before + max(one, LOWEST) for before, one in zip(totals, gained, strict=True)]
        yield list(going.values()), [said[place] for place in going], [totals[place] for place in going]
        going = {place: row for place, row in going.items() if said[place] != eos}
        if time_to_leave(len(going), len(said)):
            kept = torch.tensor(list(going), device=device)  # (B',)
            inputs, ids, tokens = inputs[kept], ids[kept], tokens[kept]
            totals = [totals[place] for place in going]
            state = state.keep(kept)
            going = dict(enumerate(going.values()))


def _at(scores: Tensor, tokens: Sequence[int]) -> list[float]:
    """Of each row (N, V) the score of one token."""
    if scores.device.type == "cpu":  # of a few rows in a quarter of the time
        item = scores.numpy().item
        return [item(place, token) for place, token in enumerate(tokens)]
    found: list[float] = scores.gather(1, torch.tensor(tokens, device=scores.device)[:, None])[:, 0].tolist()
    return found
