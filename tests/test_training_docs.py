"""What docs/training.md and docs/models.md say is so: options, settings, equations and counts are those of the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import fields
from functools import cache
from io import StringIO
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import torch
import yaml
from torch import nn
from torch.distributed.run import get_args_parser

from chatbot.cli import COMMANDS
from chatbot.model.cell import KINDS, Cell, Recurrence
from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.training import guard
from chatbot.training.optimizer import OptimizerConfig
from chatbot.training.parser import OURS

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("training", "models")}
FLAT = {name: " ".join(text.split()) for name, text in PAGES.items()}
FENCE = re.compile(r"^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# SLURM has no parser that could be asked.
SLURM = {f"--{name}" for name in ("job-name", "nodes", "ntasks", "ntasks-per-node", "gpus-per-node", "cpus-per-task")}
SLURM |= {"--time", "--signal", "--output"}
FOREIGN = {"sbatch": SLURM, "srun": SLURM, "tensorboard": {"--logdir"}}


@cache
def options(command: str) -> set[str]:
    """The options of a command; ``fit`` and ``prepare`` are those of `chatbot`."""
    if command in FOREIGN:
        return FOREIGN[command]
    if command == "torchrun":
        return {option for action in get_args_parser()._actions for option in action.option_strings}
    shown = StringIO()
    with redirect_stdout(shown), pytest.raises(SystemExit):
        COMMANDS[command](["--help"])
    return set(re.findall(r"(?<![\w-])--[\w.-]*\w", shown.getvalue()))


def spans(page: str) -> list[str]:
    """The code in the prose and the tables of a page."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", PAGES[page]))]


def command_lines(page: str) -> list[str]:
    """The commands of a page, each on one line."""
    shown = [line.strip() for block in FENCE.findall(PAGES[page]) for line in block.replace("\\\n", " ").splitlines()]
    begins = r"#SBATCH|(chatbot (fit|prepare)|torchrun|srun|tensorboard) "
    return [line for line in (*shown, *spans(page)) if re.match(begins, line)]


def asked(line: str) -> Iterator[tuple[str, str]]:
    """Each option of a line and whose it is: ``srun --nodes 2 chatbot fit --resume`` has one of srun and one of fit."""
    words = shlex.split(line.replace("#SBATCH", "sbatch"))
    command = words[0]
    for before, word in zip(["", *words], words, strict=False):
        if before == "chatbot":
            command = word
        elif word.startswith("--"):
            yield command, word.split("=")[0]


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The settings that `chatbot fit` makes of arguments; nothing is read or written."""
    with pytest.raises(SystemExit) as left:
        COMMANDS["fit"]([*arguments, "--print_config"])
    assert not left.value.code
    settings: dict[str, object] = yaml.safe_load(capsys.readouterr().out)
    return settings


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def number(written: str) -> int:
    return int(written.replace(",", ""))


LINES = sorted({line for page in PAGES for line in command_lines(page)})
FITS = [line for line in LINES if re.search(r"\bchatbot fit\b", line) and "--help" not in line]


def test_commands_of_each_kind_are_shown() -> None:
    assert {command for line in LINES for command, _ in asked(line)} == {"fit", "prepare", "torchrun", *FOREIGN}


@pytest.mark.parametrize("line", LINES)
def test_every_option_of_a_command_is_its_own(line: str) -> None:
    for command, option in asked(line):
        assert option in options(command), f"{option} of {command}"


@pytest.mark.parametrize("page", PAGES)
def test_every_option_in_the_text_exists(page: str) -> None:
    known = {option for command in ("fit", "prepare", "torchrun", *FOREIGN) for option in options(command)}
    named = {option for span in spans(page) for option in re.findall(r"(?<!\S)--[\w.-]*\w", span)}
    assert named
    assert not named - known


@pytest.mark.parametrize("line", FITS)
def test_the_options_of_fit_take_the_values_shown_in_commands(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line)
    assert "model" in printed(words[words.index("fit") + 1 :], capsys)


@pytest.mark.parametrize("page", PAGES)
def test_the_options_of_fit_take_the_values_shown_in_the_text(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [span.split(" ") for span in spans(page) if re.fullmatch(r"--[\w.]+ [^\sN]+", span)]
    assert pairs
    assert "model" in printed([word for pair in pairs if pair[0] in options("fit") for word in pair], capsys)


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_named_exists(page: str) -> None:
    known = {option.removeprefix("--") for option in options("fit")}
    named = {name for span in spans(page) for name in re.findall(r"(?<![\w./-])(?:model|data|trainer)\.[\w.]+", span)}
    assert not named - known
    for prefix, owner in (("model.network.", NetworkConfig), ("model.optimizer.", OptimizerConfig)):
        own = {name.removeprefix(prefix) for name in named if name.startswith(prefix)}
        assert own <= {field.name for field in fields(owner)}


def test_no_setting_of_the_network_and_no_memory_is_left_out() -> None:
    assert not {f"model.network.{field.name}" for field in fields(NetworkConfig)} - set(spans("models"))
    memories = PAGES["models"].split("## Memories\n")[1].split("\n## ")[0]
    assert sorted(re.findall(r"^### (\w+)$", memories, re.MULTILINE)) == sorted(KINDS)


def test_no_argument_of_fit_that_is_no_setting_is_left_out() -> None:
    named = {word for line in (*LINES, *spans("training")) for word in line.split()}
    flags = {f"--{name.replace('_', '-')}" for name in (*OURS, "logs") if name != "prepared"}
    assert not flags - named


def test_bare_names_on_the_page_of_the_network_are_values_of_its_settings() -> None:
    values = {"false", "true", "null"}
    for owner in (NetworkConfig, OptimizerConfig):
        for hint in get_type_hints(owner).values():
            values |= {value for value in get_args(hint) if isinstance(value, str)}
    bare = {span for span in spans("models") if re.fullmatch(r"[a-z][a-z0-9_]*", span)}
    assert bare >= set(KINDS)
    assert not bare - values


@pytest.mark.parametrize("name", KINDS)
def test_the_equations_are_those_of_the_cell(name: str) -> None:
    block = FENCE.search(PAGES["models"].split(f"### {name}\n")[1])
    docstring = " ".join(str(KINDS[name].step.__doc__).split())
    assert block
    for equation in block[1].splitlines():
        assert equation in docstring


def test_the_parameters_of_a_layer_are_counted_right() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d) \| ([\d,]+) \| ([\d,]+) \|$", PAGES["models"], re.MULTILINE)
    counted = {name: (int(gates), number(one), number(two)) for name, gates, one, two in rows}
    assert counted == {
        name: (kind.gates, *(count(Cell(Recurrence(name), 300, 50, biases=biases)) for biases in (1, 2)))
        for name, kind in KINDS.items()
    }
    assert (counted["rnn"][1], counted["lstm"][1]) == (17_550, 70_200)
    assert (counted["rnn"][2], counted["lstm"][2]) == (count(nn.RNN(300, 50)), count(nn.LSTM(300, 50)))
    assert "17,550 for the plain layer and four times as many, 70,200, for the LSTM" in FLAT["models"]


def test_the_parameters_of_the_whole_network_are_counted_right() -> None:
    said = re.search(r"8,000 pieces has ([\d,]+) parameters; ([\d,]+) untied, ([\d,]+) with `gru`", FLAT["models"])
    assert said
    with torch.device("meta"):
        networks = [NetworkConfig(), NetworkConfig(tie=False), NetworkConfig(cell="gru")]
        assert [number(written) for written in said.groups()] == [count(Seq2Seq(8000, net)) for net in networks]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cell": "rnn", "forget_bias": 1.0}, "with `rnn` or `lstm1997`: no gate of theirs keeps the past"),
        ({"cell": "lstm1997", "chrono": 50}, "with `rnn` or `lstm1997`: no gate of theirs keeps the past"),
        ({"chrono": 2}, "`model.network.chrono` below 3"),
        ({"chrono": 50, "forget_bias": 1.0}, "or beside `model.network.forget_bias`"),
        ({"heads": 3}, "that do not divide `model.network.decoder_size`"),
        ({"heads": 8, "encoder_size": 6}, "twice `model.network.encoder_size` with both directions"),
        ({"attend": False, "heads": 2}, "with more than one head"),
        ({"attend": False, "attention": "additive"}, "or with `additive`"),
        ({"decoder_layers": 0}, "no whole numbers of at least 1"),
        ({"word_dropout": 1.0}, "below 0, or of 1 and more"),
    ],
)
def test_what_is_said_to_be_refused_is(settings: dict[str, object], says: str) -> None:
    assert says in FLAT["models"].split("## What is refused")[1]
    with pytest.raises(ValueError, match=r"must|leave \w+ out|give one of them"):
        NetworkConfig(**settings)  # type: ignore[arg-type]


def test_memory_starts_as_the_page_says() -> None:
    assert "null is 1 for `lstm` and `peephole`" in FLAT["models"]
    assert "and 0 for `gru`" in FLAT["models"]
    starts = {name: kind.bias for name, kind in KINDS.items() if kind.keeps is not None}
    assert starts == {"lstm": 1, "peephole": 1, "gru": 0}


def test_steps_are_skipped_when_the_page_says() -> None:
    assert (guard.SIGMAS, guard.IN_A_ROW, guard._SETTLED) == (4, 10, 100)
    for words in ("more than four standard deviations", "Ten in a row", "after the first 100 steps"):
        assert words in FLAT["training"]
