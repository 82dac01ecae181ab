"""`chatbot fit --profile`: where the time of a training step goes."""

from __future__ import annotations

from pytorch_lightning.profilers import SimpleProfiler

_WORK = ("forward", "backward", "optimizer")


def shares(profiler: SimpleProfiler, seconds: float, accumulate: int) -> dict[str, float]:
    """Shares of the ``seconds`` of training: forward, backward, optimizer (with clipping), loading, and the rest.

    Lightning's step of the optimizer holds forward and backward of one of the ``accumulate`` batches of an update. On a
    GPU the host only gives orders: time shows up where it waits, which is where the loss is read.
    """

    def total(*names: str) -> float:
        recorded = profiler.recorded_durations.items()
        return sum(sum(durations) for action, durations in recorded if action.endswith(names))

    forward, backward = total("Strategy.training_step"), total("Strategy.backward")
    optimizer = total("DialogueModule.optimizer_step") - (forward + backward) / accumulate
    loading = total("train_dataloader_next", "transfer_batch_to_device")
    parts = {"forward": forward, "backward": backward, "optimizer": optimizer, "loading": loading}
    parts["other"] = seconds - sum(parts.values())
    return {name: part / max(seconds, 1e-9) for name, part in parts.items()}


def table(parts: dict[str, float]) -> str:
    """The shares for people."""
    lines = [f"  {name:<10}{100 * share:5.1f} %" for name, share in parts.items()]
    outside = 1 - sum(parts[name] for name in _WORK)
    return "\n".join(["Time of training:", *lines, f"  outside forward, backward and optimizer: {100 * outside:.1f} %"])
