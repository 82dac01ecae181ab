"""A learning curve in plain words: what happened, and what to try next."""

from __future__ import annotations

from enum import Enum

from chatbot.training.curve import Curve, Point

_LEARNT_BY_HEART = 0.5  # nats per word that the training pairs are easier than the validation pairs
_ALIKE = 0.15  # nats per word: below this the network finds new pairs as easy as those it trains on
_WORSE = 0.02  # nats per word that the last validation lies above the best


class Stop(Enum):
    """Why training ended."""

    PATIENCE = "early stopping: the last validations brought nothing better"
    TIME = "time limit reached"
    STEPS = "planned number of steps reached"
    EPOCHS = "planned number of epochs reached"
    CALLBACK = "stopped by a callback"
    INTERRUPTED = "interrupted"

    @property
    def can_go_on(self) -> bool:
        """Whether --resume with a higher limit makes sense."""
        return self is not Stop.PATIENCE


def verdict(curve: Curve, stop: Stop) -> str:
    """One paragraph for people."""
    best = curve.best
    if best is None:
        return (
            f"Training ended ({stop.value}). There were no validation pairs, so nothing chose the best model: "
            "these are the last weights. With more conversations, `chatbot prepare` sets some aside."
        )
    said = (
        f"Training ended ({stop.value}). Best at step {best.step:,} (epoch {best.epoch:.1f}): "
        f"{best.nats_per_word:.3f} nats per word, perplexity {best.perplexity_per_word:,.1f}. "
    )
    return said + _advice(curve, best, stop)


def _advice(curve: Curve, best: Point, stop: Stop) -> str:
    points, kept = curve.points, curve.kept
    last = points[-1]
    train = last.train_nats_per_word
    gap = None if train is None else last.nats_per_word - train
    rising = last.nats_per_word > best.nats_per_word + _WORSE
    if len(points) == 1:
        return "One validation tells little; train longer (--trainer.max_epochs, --trainer.max_time)."
    if rising and kept is last:
        return (
            f"Since then it has learnt its {_easier(gap or 0.0)} better still; the last weights were kept, as set "
            "(checkpoint.keep: last). More conversations would help new ones too."
        )
    if rising and gap is not None and gap > _LEARNT_BY_HEART:
        return (
            f"After that it learnt its {_easier(gap)} by heart (overfitting); the best weights were kept. "
            "More conversations help most; else more dropout (--model.network.dropout) or a smaller recipe."
        )
    if not rising and stop.can_go_on:
        return "It was still learning: more time would make it better; go on with --resume and a higher limit."
    if gap is not None and gap < _ALIKE:
        return (
            "New pairs cost it as much as those it trained on, so it could learn more (underfit): try a larger "
            "recipe, less dropout, or more patience."
        )
    return "It learnt what this size can learn from these pairs; more conversations or a larger recipe may do better."


def _easier(gap: float) -> str:
    return f"training pairs (easier than new ones by {gap:.2f} nats per word)"
