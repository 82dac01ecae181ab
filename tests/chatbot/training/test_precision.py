from __future__ import annotations

import pytest
import torch

from chatbot.errors import ConfigError
from chatbot.training import precision
from tests.chatbot.conftest import needs_bf16


@pytest.mark.parametrize(
    ("asked", "got"), [("32", "32-true"), (32, "32-true"), ("bf16", "bf16-mixed"), ("16-mixed", "16-mixed")]
)
def test_what_is_asked_for_is_taken(asked: object, got: str) -> None:
    assert precision.checked(asked, "cpu") == got


def test_what_it_does_not_train_in_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.precision is 64-true; expected one of 32-true"):
        precision.checked("64-true", "cpu")


@pytest.mark.parametrize(
    ("flags", "speedup", "does"),
    [
        ("flags: fpu avx512_bf16", 1.8, True),
        ("flags: amx_bf16", 3.0, True),
        ("flags: fpu avx512_bf16", 0.6, False),
        ("flags: avx2", 2.0, False),
    ],
)
def test_a_processor_is_asked_what_it_can_do_and_then_tried(
    flags: str, speedup: float, does: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "bf16_speedup", lambda: speedup)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    monkeypatch.setattr(precision.Path, "read_text", lambda *_, **__: flags)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert precision.does_bf16("cpu") is does
    assert precision.checked(None, "cpu") == ("bf16-mixed" if does else "32-true")


def test_a_processor_that_tells_nothing_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise FileNotFoundError

    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    monkeypatch.setattr(precision.Path, "read_text", refuse)
    assert precision.checked(None, "cpu") == "32-true"


@pytest.mark.parametrize(("capability", "does"), [((8, 0), True), ((7, 5), False), ((9, 0), True)])
def test_a_gpu_is_asked_its_generation(
    capability: tuple[int, int], does: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert precision.does_bf16("auto") is does


@needs_bf16
def test_trying_a_processor_leaves_the_random_numbers_as_they_were() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    assert precision.bf16_speedup(rounds=1) > 0
    assert torch.equal(torch.rand(2), wanted)


def test_bfloat16_is_refused_where_no_kernel_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "lstm_takes_bf16", lambda: False)
    with pytest.raises(ConfigError, match=r"no LSTM in bfloat16 for this processor; leave it out"):
        precision.check_kernels("bf16-mixed", "cpu", "lstm")
    precision.check_kernels("32-true", "cpu", "lstm")
    precision.check_kernels("bf16-mixed", "cpu", "gru")
    precision.check_kernels("bf16-mixed", "gpu", "lstm")
