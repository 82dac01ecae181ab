"""A learning curve in plain words: what happened, and what to try next."""

from __future__ import annotations

from enum import Enum

from chatbot.training.curve import Curve, Point

_LEARNT_BY_HEART = 0.5  # nats per word that the training pairs are easier than the validation pairs
_ALIKE = 0.15  # nats per word: below this the network finds new pairs as easy as those it trains on
_WORSE = 0.02  # nats per word that the last validation lies above the best
_DIVERGED = 1.2  # times what guessing costs
_FEW = 1_000  # pairs that hardly teach more than themselves; the demo has three thousand
_LITTLE = 0.01  # nats per word that the last quarter of the validations must have gained for more to be to come


class Stop(Enum):
    """Why training ended."""

    PATIENCE = "early stopping: the last validations brought nothing better"
    TIME = "time limit reached"
    STEPS = "planned number of steps reached"
    EPOCHS = "planned number of epochs reached"
    CALLBACK = "stopped by a callback"
    INTERRUPTED = "interrupted"

    @property
    def limit(self) -> str:
        """The option that set it, or nothing."""
        limits = {
            Stop.TIME: "--trainer.max_time",
            Stop.STEPS: "--trainer.max_steps",
            Stop.EPOCHS: "--trainer.max_epochs",
        }
        return limits.get(self, "")

    @property
    def can_go_on(self) -> bool:
        """Whether --resume with a higher limit makes sense."""
        return self is not Stop.PATIENCE


def verdict(
    curve: Curve,
    stop: Stop,
    *,
    epochs: float | None = None,
    skipped: int = 0,
    dropout: float = 0.0,
    decayed: bool = False,
    warmup: int | None = None,
    guessing: float | None = None,
    taught: bool = False,
    pairs: int | None = None,
) -> str:
    """Two sentences for people: how it ended and what stopping at the best saved; what fits, and what to try next.

    Args:
        curve: of the validations.
        stop: what ended the training.
        epochs: how many were planned; None where there was no such limit.
        skipped: steps that were not taken, as they would have done harm.
        dropout: share that was dropped.
        decayed: whether the rate of learning was to reach nothing at the planned end.
        warmup: steps of the warm-up, where training ended within it.
        guessing: nats per word of a network that holds all pieces for alike.
        taught: whether it began with the weights of a bot (--from), whose size stays.
        pairs: how many it was trained on, where that is known.
    """
    best = curve.best
    ended = decayed and stop in (Stop.STEPS, Stop.EPOCHS)
    if best is None:
        said = (
            f"Training ended ({stop.value}) without validation pairs, so nothing chose the best model and these are "
            "the last weights. With more conversations, `chatbot prepare` sets some aside"
        )
    else:
        said = (
            f"Training ended ({stop.value}): best at step {best.step:,} (epoch {best.epoch:.1f}) with "
            f"{best.nats_per_word:.3f} nats per word, perplexity {best.perplexity_per_word:,.1f}"
            f"{_saved(curve, best, stop, epochs)}. "
        )
        if guessing is not None and best.nats_per_word > _DIVERGED * guessing:
            said += (
                f"That is worse than guessing ({guessing:.1f}): it diverged, or hardly learnt; lower "
                "--model.optimizer.lr, or let --find-lr propose one"
            )
        elif warmup is not None and stop is not Stop.INTERRUPTED:
            said += (
                f"It ended within its warm-up of {warmup:,} steps, in which the rate of learning still rises: train "
                "longer, or lower --model.optimizer.warmup_steps"
            )
        else:
            said += _advice(curve, best, stop, dropout, ended, taught)
    if pairs is not None and pairs < _FEW and not taught:
        said += f"; {pairs:,} pairs are too few to learn to talk from, which takes some thousands"
    if skipped:
        said += f"; {skipped:,} steps were skipped, as their gradients were no numbers or far too large"
    return f"{said}."


def _saved(curve: Curve, best: Point, stop: Stop, epochs: float | None) -> str:
    last = curve.points[-1]
    saved = []
    if curve.kept is best and last.nats_per_word > best.nats_per_word + _WORSE:
        saved.append(f"{last.nats_per_word - best.nats_per_word:.2f} nats per word against the last weights")
    if stop is Stop.PATIENCE and epochs is not None and epochs - last.epoch >= 1:
        saved.append(f"up to {epochs - last.epoch:.0f} of {epochs:.0f} planned epochs")
    return f"; stopping there saved {' and '.join(saved)}" if saved else ""


def _advice(curve: Curve, best: Point, stop: Stop, dropout: float, ended: bool, taught: bool) -> str:
    points, kept = curve.points, curve.kept
    last = points[-1]
    train = last.train_nats_per_word
    gap = None if train is None else last.nats_per_word - train
    rising = last.nats_per_word > best.nats_per_word + _WORSE
    if len(points) == 1:
        if stop is Stop.INTERRUPTED:
            return "One validation tells little: go on with --resume"
        return f"One validation tells little: train longer{f' (a higher {stop.limit})' if stop.limit else ''}"
    if rising and kept is last:
        return (
            f"Since then it has learnt its {_easier(gap or 0.0)} better still, and the last weights were kept, as set "
            "(checkpoint.keep: last); more conversations would help new pairs too"
        )
    if rising and gap is not None and gap > _LEARNT_BY_HEART:
        more = min(0.6, round(dropout + 0.1, 2))
        return (
            f"After that it learnt its {_easier(gap)} by heart (overfitting): more conversations help most, else try "
            f"--model.network.dropout {more:g}"
        )
    if stop is Stop.INTERRUPTED and not rising:
        return "It was still learning: go on with --resume"
    if stop.can_go_on and _gains(points):
        if ended:
            return "It was still learning as its rate ran out: a longer plan from the start may bring more"
        return f"It was still learning: go on with --resume and a higher {stop.limit or 'limit'}"
    if gap is not None and gap < _ALIKE:
        less = f"--model.network.dropout {max(0.0, round(dropout - 0.1, 2)):g} or " if dropout else ""
        return (
            "New pairs cost it as much as those it trained on, so it could learn more (underfitting): try "
            f"{less}{'a longer plan' if taught else 'a larger recipe'}"
        )
    larger = "" if taught else ", or a larger recipe"
    return f"It learnt what this size can learn from these pairs: try more conversations{larger}"


def _gains(points: list[Point]) -> bool:
    """Whether the last quarter of the validations brought something."""
    late = (len(points) + 3) // 4
    before, after = (min(point.nats_per_word for point in some) for some in (points[:-late], points[-late:]))
    return before - after > _LITTLE


def _easier(gap: float) -> str:
    return f"training pairs (easier than new ones by {gap:.2f} nats per word)"
