"""Several processes, on one machine or on many: what differs where `torchrun` or SLURM starts them."""

from __future__ import annotations

import os
from typing import Any

from lightning_fabric.plugins.environments.slurm import SLURMEnvironment


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
