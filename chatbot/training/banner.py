"""What `chatbot fit` says before it begins."""

from __future__ import annotations

from collections.abc import Iterator

import pytorch_lightning as pl

from chatbot.bundle import helpers_lost
from chatbot.data.module import DialogueData
from chatbot.training.callbacks.pace import ValidationConfig
from chatbot.training.callbacks.progress import limits
from chatbot.training.folder import Workplace
from chatbot.training.module import DialogueModule
from chatbot.training.publish import device_name


def banner(
    place: Workplace, trainer: pl.Trainer, module: DialogueModule, data: DialogueData, validation: ValidationConfig
) -> str:
    """Device, precision, parameters, pairs and tokens, batches, and when training will end."""
    net = module.model.config
    parameters = sum(p.numel() for p in module.model.parameters())
    tokens = int(data.train.target_lengths.sum())
    several = f"{trainer.world_size} × " if trainer.world_size > 1 else ""
    rows = {
        "device": f"{several}{device_name(trainer.strategy.root_device)}, precision {trainer.precision}",
        "network": (
            f"{parameters:,} parameters: {net.cell}, embedding {net.embedding}, encoder {net.encoder_layers} × "
            f"{'2 × ' if net.bidirectional else ''}{net.encoder_size}, decoder {net.decoder_layers} × "
            f"{net.decoder_size}, {data.vocab_size:,} pieces"
        ),
        "data": f"{len(data.train):,} pairs, {tokens:,} target tokens; {len(data.valid):,} pairs to validate with",
        "batches": f"{len(data.cut('train')):,} an epoch, of at most {data.tokens_per_batch:,} tokens",
        "ends": _ends(trainer, data, validation),
    }
    if notes := list(_notes(place, data)):
        rows["but"] = f"\n{'':11}".join(notes)
    head = f"chatbot fit: {data.prepared.path} → {place.output}"
    if place.start == "resume":
        head += ", going on where it stopped, with the settings of then (--config is not read again)"
    return "\n".join([head, *(f"  {name:<9}{value}" for name, value in rows.items())])


def _notes(place: Workplace, data: DialogueData) -> Iterator[str]:
    """What one would not expect."""
    pairs = data.prepared.settings.get("pairs")
    longest = pairs.get("context_turns") if isinstance(pairs, dict) else None
    if isinstance(longest, int) and data.context_turns > longest:
        yield (
            f"{data.context_turns} context turns were asked for, and the folder was prepared with {longest}: prepare "
            f"it again with --pairs.context_turns {data.context_turns}"
        )
    for lost in helpers_lost(place.output, data.tokenizer_bytes):
        yield f"{place.output / lost} is of another vocabulary and goes with the bot that it helps"


def _ends(trainer: pl.Trainer, data: DialogueData, validation: ValidationConfig) -> str:
    said = limits(trainer)
    if not len(data.valid):
        return f"{' or '.join(said) or 'by Ctrl-C'}; without validation pairs there is no early stopping"
    if validation.patience is not None:
        said.append(f"after {validation.patience} validations in a row without a better one")
    return " or ".join(said) or "by Ctrl-C"
