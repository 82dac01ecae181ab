"""Figures of a running training for other programs: CSV files, TensorBoard."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger

from chatbot.errors import ConfigError

Logs = Literal["none", "csv", "tensorboard", "both"]


def loggers(output: Path, asked: Logs) -> list[Logger]:
    """Those that were asked for. They write to ``BOT.logs``, beside the bot, each run and each resumption a version.

    Raises:
        ConfigError: there is none of that name, or TensorBoard is not installed.
    """
    if asked not in get_args(Logs):
        raise ConfigError(f"logs must be one of {', '.join(get_args(Logs))}, got {asked}")
    folder = output.with_name(f"{output.name}.logs")
    made: list[Logger] = []
    if asked in ("csv", "both"):
        made.append(CSVLogger(folder, name="csv", flush_logs_every_n_steps=1))
    if asked in ("tensorboard", "both"):
        if find_spec("tensorboard") is None:
            raise ConfigError("logs is tensorboard, which is not installed: pip install 'chatbot[logs]', or --logs csv")
        made.append(TensorBoardLogger(folder, name="tensorboard"))
    return made
