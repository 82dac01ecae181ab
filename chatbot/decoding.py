"""Sources → hypotheses: the model's side of a reply, under one set of settings."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from chatbot.model.decoder import Memory
from chatbot.model.gates import OPENED
from chatbot.model.light import LightSeq2Seq
from chatbot.model.seq2seq import Seq2Seq
from chatbot.search.beam import beam
from chatbot.search.config import SearchConfig
from chatbot.search.filters import Filter
from chatbot.search.rank import length_penalty
from chatbot.search.sample import Sampler
from chatbot.search.steps import Hypothesis, hypothesis
from chatbot.search.walk import Choice, likeliest, strides, walk
from chatbot.tokenizer import BOS, EOS, PAD

_SEEDS = 1 << 62


class Decoding:
    """Looks for replies of one network, on its device.

    Args:
        whole: the network as it was trained.
        model: the same with lighter weights, or once more itself; it takes the steps.
    """

    def __init__(self, whole: Seq2Seq, model: Seq2Seq | LightSeq2Seq) -> None:
        self._whole, self._model = whole, model
        self.device = whole.bias.device
        """Where both stand."""

    @torch.inference_mode()
    def find(
        self, sources: Sequence[Sequence[int]], filters: Sequence[Filter], settings: SearchConfig
    ) -> list[list[Hypothesis]]:
        """The hypotheses for each source, best first; no source is empty."""
        memory, rows, shared = self._read(sources), len(sources), self._shared(filters, settings)
        if settings.temperature is None and settings.beam > 1:
            return beam(
                self._model.step,
                self._model.start(memory),
                rows,
                width=settings.beam,
                groups=settings.groups,
                diversity=settings.diversity,
                exact=settings.exact,
                patience=settings.patience,
                length_penalty=settings.length_penalty,
                **shared,
            )
        times = 1 if settings.temperature is None else settings.samples
        if times > 1:
            memory = memory.keep(torch.arange(rows, device=self.device).repeat_interleave(times))
        found = walk(
            self._model.step,
            self._model.start(memory),
            rows * times,
            choice=self._choice(sources, settings),
            length_penalty=settings.length_penalty,
            **shared,
        )
        each = [[one for several in found[row * times :][:times] for one in several] for row in range(rows)]
        return [sorted(hypotheses, key=lambda one: one.order) for hypotheses in each]

    def walked(
        self, source: Sequence[int], filters: Sequence[Filter], settings: SearchConfig
    ) -> Iterator[tuple[Hypothesis, bool]]:
        """One reply as it grows, piece by piece, and whether it is whole; greedy, or the one sample."""
        ids: list[int] = []
        with torch.inference_mode():
            memory = self._read([source])
            shared = {**self._shared(filters, settings), "choice": self._choice([source], settings)}
            steps = strides(self._model.step, self._model.start(memory), 1, **shared)
        while True:
            with torch.inference_mode():  # not around a yield: it would last while others reckon
                step = next(steps, None)
            if step is None:
                return
            _, (token,), (total,) = step
            ids.append(token)
            whole = token == EOS or len(ids) == settings.max_length
            score = total / length_penalty(len(ids), settings.length_penalty)
            yield hypothesis(ids, score, total, eos=EOS), whole

    @torch.inference_mode()
    def look(
        self, source: Sequence[int], ids: Sequence[int]
    ) -> tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]:
        """Where the whole network looks as it says ``ids`` and the end (T, S), and the log-probability of each (T,)."""
        read, inputs = self._known(source, ids)
        targets = torch.tensor([[*ids, EOS]], device=self.device)
        attention = self._whole.looks(*read, inputs)[0]  # (T, S)
        log_probs = self._whole.logits(self._whole(*read, inputs)).log_softmax(dim=-1)  # (1, T, V)
        chosen = log_probs.gather(2, targets[:, :, None])[0, :, 0]  # (T,)
        return tuple(map(tuple, attention.tolist())), tuple(chosen.tolist())

    @torch.inference_mode()
    def gates(self, source: Sequence[int], ids: Sequence[int]) -> tuple[tuple[tuple[float, ...], ...], ...]:
        """How open the gates of the whole network are as it says ``ids`` and the end, means over units: L x T x G."""
        read, inputs = self._known(source, ids)
        found = self._whole.gates(*read, inputs)  # (1, T, G, H) each
        return tuple(tuple(map(tuple, layer[0].mean(dim=-1).tolist())) for layer in found)

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Of the gates that `gates` tells of."""
        return OPENED[self._whole.config.cell].names

    def _known(self, source: Sequence[int], ids: Sequence[int]) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """A source (1, S) with its length, and what leads to each of ids and the end, (1, T)."""
        read = torch.tensor([source], device=self.device), torch.tensor([len(source)])
        return read, torch.tensor([[BOS, *ids]], device=self.device)

    def _read(self, sources: Sequence[Sequence[int]]) -> Memory:
        longest = max(map(len, sources))
        padded = [[*source, *[PAD] * (longest - len(source))] for source in sources]  # N x S
        lengths = torch.tensor([len(source) for source in sources])  # (N,) on the CPU
        return self._model.encode(torch.tensor(padded, device=self.device), lengths)

    def _choice(self, sources: Sequence[Sequence[int]], settings: SearchConfig) -> Choice:
        """How the next piece is chosen. What is drawn depends on the seed and the source, not on sources beside it."""
        if settings.temperature is None:
            return likeliest
        first = [_mixed(random.randrange(_SEEDS) if settings.seed is None else settings.seed, one) for one in sources]
        return Sampler(
            [seed + sample for seed in first for sample in range(settings.samples)],
            settings.max_length,
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            min_p=settings.min_p,
        )

    def _shared(self, filters: Sequence[Filter], settings: SearchConfig) -> dict[str, Any]:
        return {
            "bos": BOS,
            "eos": EOS,
            "max_length": settings.max_length,
            "filters": filters,
            "device": self.device,
        }


def _mixed(seed: int, source: Sequence[int]) -> int:
    """A seed for one source: with the same for all, all would fall on the same side of each choice."""
    return int.from_bytes(blake2b(repr((seed, *map(int, source))).encode(), digest_size=7).digest())
