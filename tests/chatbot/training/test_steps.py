"""What becomes of a step: skipped, halved, accumulated; each held against one that was not."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot import bundle
from chatbot.errors import FitError
from chatbot.model.seq2seq import Seq2Seq
from chatbot.training.cli import fit
from chatbot.training.module import DialogueModule

STILL = ["--model.network.dropout", "0", "--trainer.max_epochs", "1"]


@pytest.fixture
def prepared(make_prepared: Any) -> str:
    return str(make_prepared(train=60, valid=20))


def weights(path: Path) -> dict[str, torch.Tensor]:
    return bundle.load(path).model.state_dict()


def full_above(rows: int, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Memory ends for batches of more rows, in the forward or in the backward pass."""
    forward = Seq2Seq.forward

    def limited(self: Seq2Seq, source: torch.Tensor, *rest: Any) -> torch.Tensor:
        hidden = forward(self, source, *rest)
        if self.training and source.shape[0] > rows:
            if where == "forward":
                raise torch.OutOfMemoryError("CUDA out of memory")
            hidden.register_hook(
                lambda _: (_ for _ in ()).throw(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
            )
        return hidden

    monkeypatch.setattr(Seq2Seq, "forward", limited)


@pytest.mark.parametrize("where", ["forward", "backward"])
@pytest.mark.parametrize("accumulate", ["1", "2"])
def test_batches_that_do_not_fit_go_through_in_halves_with_the_same_effect(
    prepared: str,
    tmp_path: Path,
    toy: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    where: str,
    accumulate: str,
) -> None:
    flags = [*toy, *STILL, "--trainer.accumulate_grad_batches", accumulate]
    fit([prepared, "--output", str(tmp_path / "whole"), *flags])
    full_above(5, monkeypatch, where)
    capsys.readouterr()
    fit([prepared, "--output", str(tmp_path / "bot"), *flags])
    assert capsys.readouterr().err.count("each batch goes through in two halves") == 1
    torch.testing.assert_close(weights(tmp_path / "bot"), weights(tmp_path / "whole"))
    one, two = (json.loads((tmp_path / n / "training.json").read_text()) for n in ("whole", "bot"))
    assert one["tokens"] == two["tokens"], "nothing is counted twice"
    assert torch.load(tmp_path / "bot.partial" / "last.ckpt", weights_only=True)["halved"] is True


def test_memory_that_does_not_do_for_halves_either_is_said(
    prepared: str, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full_above(1, monkeypatch, "forward")
    with pytest.raises(FitError, match=r"memory is full, though .* in halves already; lower --data.tokens_per_batch"):
        fit([prepared, "--output", str(tmp_path / "bot"), *toy])
    assert not (tmp_path / "bot").exists()


def test_any_other_error_comes_through(
    prepared: str, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(Seq2Seq, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        fit([prepared, "--output", str(tmp_path / "bot"), *toy])


def test_a_harmful_step_is_skipped_and_counted(
    prepared: str, tmp_path: Path, toy: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Steps 3 and 4 have no finite gradient: the weights after them are those before."""
    after: list[torch.Tensor] = []
    backward, step = DialogueModule.backward, DialogueModule.optimizer_step

    def poisoned(self: DialogueModule, loss: torch.Tensor, *rest: Any) -> None:
        backward(self, loss * (float("nan") if len(after) in (3, 4) else 1.0), *rest)

    def noting(self: DialogueModule, *rest: Any) -> None:
        step(self, *rest)
        after.append(torch.cat([p.detach().flatten().clone() for p in self.model.parameters()]))

    monkeypatch.setattr(DialogueModule, "backward", poisoned)
    monkeypatch.setattr(DialogueModule, "optimizer_step", noting)
    fit([prepared, "--output", str(tmp_path / "bot"), *toy, *STILL])
    same = [torch.equal(a, b) for a, b in pairwise(after)]
    assert [n for n, equal in enumerate(same, 1) if equal] == [3, 4]
    assert json.loads((tmp_path / "bot" / "training.json").read_text())["skipped_steps"] == 2
    assert "2 steps were skipped" in capsys.readouterr().err


def test_decay_spares_biases_and_norms(prepared: str, tmp_path: Path, toy: list[str]) -> None:
    """A rate of nearly nothing and a decay of much: what decays shrinks, what is spared stays."""
    flags = ["--model.network.cell", "peephole", "--model.network.layer_norm", "true", "--model.optimizer.lr", "1e-7"]
    for name, decay in (("none", "0"), ("much", "1e5")):
        fit([prepared, "--output", str(tmp_path / name), *toy, *STILL, *flags, "--model.optimizer.weight_decay", decay])
    none, much = weights(tmp_path / "none"), weights(tmp_path / "much")
    shrunk = {name for name in none if much[name].norm() < 0.99 * none[name].norm()}
    assert shrunk == {name for name, tensor in none.items() if tensor.ndim >= 2}
