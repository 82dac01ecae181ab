"""Several processes, on one machine or on many: what differs where `torchrun` or SLURM starts them."""

from __future__ import annotations

import os
from typing import Any

from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from chatbot.config import one_line
from chatbot.errors import ConfigError


def environments() -> list[SLURMEnvironment]:
    """What Lightning is to know of a cluster: under SLURM, that it must not put jobs back into the queue by itself.

    It would leave a checkpoint of its own in BOT.partial; a job that has been stopped goes on with --resume.
    """
    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []


def is_one_of_several(trainer: Any) -> bool:
    """Whether, by the Trainer's settings and what has started this process, others train along."""
    return (
        str(trainer.devices) not in ("auto", "1")
        or int(trainer.num_nodes) > 1
        or int(os.environ.get("WORLD_SIZE", "1")) > 1
    )


def check_launch(trainer: Any) -> None:
    """Refuse to train with other numbers of processes than were started.

    Raises:
        ConfigError: `torchrun` or SLURM started others than the Trainer was told of.
    """
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if environment is None and TorchElasticEnvironment.detect():  # one device: each process would train by itself
        environment = TorchElasticEnvironment()
    if environment is None or not environment.creates_processes_externally:
        return
    try:
        environment.validate_settings(num_devices=trainer.num_devices, num_nodes=trainer.num_nodes)
    except ValueError as error:
        raise ConfigError(
            f"{one_line(str(error))}; set --trainer.devices and --trainer.num_nodes to what starts the processes"
        ) from error
