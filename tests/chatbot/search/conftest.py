from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor


@dataclass(frozen=True)
class TableState:
    """A table of transitions for each input, and the token before the last of each row."""

    tables: Tensor  # (B, V, V, V): log-probabilities of the next after the last two
    before: Tensor  # (N,)

    def repeat(self, k: int) -> TableState:
        return TableState(self.tables, self.before.repeat_interleave(k))

    def reorder(self, rows: Tensor) -> TableState:
        k = len(self.before) // len(self.tables)
        assert torch.equal(rows // k, torch.arange(len(rows)) // k), "a row left its own input"
        return TableState(self.tables, self.before[rows])

    def keep(self, inputs: Tensor) -> TableState:
        return TableState(self.tables[inputs], self.before.view(len(self.tables), -1)[inputs].flatten())

    @staticmethod
    def step(tokens: Tensor, state: TableState) -> tuple[Tensor, TableState]:
        inputs = torch.arange(len(tokens)) // (len(tokens) // len(state.tables))
        return state.tables[inputs, state.before, tokens], TableState(state.tables, tokens)


@pytest.fixture
def start() -> Callable[[Tensor], TableState]:
    """Make a state of tables (B, V, V, V), or of one (V, V) for a single input; both hold probabilities."""

    def make(probabilities: Tensor) -> TableState:
        if probabilities.dim() == 2:
            size = len(probabilities)
            probabilities = probabilities.expand(1, size, size, size)
        return TableState(probabilities.log(), torch.zeros(len(probabilities), dtype=torch.long))

    return make


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors are tiny here: a second thread only waits, and on a busy machine it waits long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
