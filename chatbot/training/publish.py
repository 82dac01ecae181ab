"""The best weights become a bot folder."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import pyarrow.dataset as ds
import pytorch_lightning as pl
import torch

from chatbot import __version__, bundle
from chatbot.data.module import DialogueData
from chatbot.ranking import key
from chatbot.search.presets import PRESETS
from chatbot.training.curve import Curve
from chatbot.training.folder import Workplace, read_checkpoint
from chatbot.training.module import DialogueModule
from chatbot.training.plots import training_png
from chatbot.training.verdict import Stop
from data_prep.store import Prepared

_LONG = 80  # characters
_COMMON = 5000  # replies whose counts are kept


def publish(
    place: Workplace,
    trainer: pl.Trainer,
    module: DialogueModule,
    data: DialogueData,
    curve: Curve,
    stop: Stop,
    settings: dict[str, Any],
    profile: dict[str, float] | None = None,
) -> None:
    """Write the bot with the best weights; what stood there is replaced in one move.

    Raises:
        OSError: the disk refuses; the working folder stays as it is.
    """
    best = read_checkpoint(place.best)
    module.model.load_state_dict(best["weights"])
    report = data.prepared.report
    search = PRESETS[settings["preset"]].settings if settings.get("preset") else {}
    numbers = {key: value for key, value in report.items() if isinstance(value, int | float | str)}
    bundle.save(
        place.output,
        model=module.model,
        tokenizer=data.tokenizer_bytes,
        config={"context_turns": data.context_turns, "source_tokens": data.source_tokens, "search": search},
        prepare={**numbers, "dropped": report.get("dropped", {}), "settings": data.prepared.settings},
        training={
            **_training(trainer, module, data, curve, stop, settings, best["step"]),
            **({"profile": profile} if profile else {}),
        },
        samples=curve.samples,
        picture=training_png(curve) if curve.points or len(curve.marks) > 1 else None,
        counts=common_replies(data.prepared),
    )


def common_replies(prepared: Prepared) -> dict[str, int]:
    """How often the commonest training replies stand there, those that repeat at all: `ranking.key` → count.

    Long ones are left out: nobody says them twice, and there are many.
    """
    counts: Counter[str] = Counter()
    for batch in ds.dataset(prepared.split("train"), format="parquet").to_batches(columns=["reply"]):
        counts.update(text for text in batch["reply"].to_pylist() if len(text) <= _LONG)
    folded: Counter[str] = Counter()
    for text, count in counts.items():
        folded[key(text)] += count
    return {name: count for name, count in folded.most_common(_COMMON) if count > 1}


def _training(
    trainer: pl.Trainer,
    module: DialogueModule,
    data: DialogueData,
    curve: Curve,
    stop: Stop,
    settings: dict[str, Any],
    best: int,
) -> dict[str, Any]:
    """What training.json holds: how it went, on what, with which settings, and of which step the weights are."""
    kept = next((point for point in reversed(curve.points) if point.step == best), None)
    total = module.meter.total
    return {
        "stopped": stop.value,
        "best_step": best,
        "nats_per_word": None if kept is None else kept.nats_per_word,
        "perplexity_per_word": None if kept is None else kept.perplexity_per_word,
        "steps": trainer.global_step,
        "skipped_steps": int(module.guard.skipped),
        "epochs": trainer.current_epoch,
        "seconds": round(total.seconds, 1),
        "tokens": total.tokens,
        "tokens_per_second": round(total.tokens_per_second, 1),
        "device": device_name(module.device),
        "precision": str(trainer.precision),
        "training_pairs": len(data.train),
        "valid_pairs": len(data.valid),
        "versions": {
            "chatbot": __version__,
            "torch": torch.__version__,
            "pytorch_lightning": version("pytorch-lightning"),
            "python": platform.python_version(),
        },
        "settings": settings,
        "curve": [asdict(point) for point in curve.points],
    }


def device_name(device: torch.device) -> str:
    """A device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"CPU, {torch.get_num_threads()} threads"
    return device.type
