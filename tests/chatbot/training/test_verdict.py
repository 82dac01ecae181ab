from __future__ import annotations

import pytest

from chatbot.training.curve import Curve, Point
from chatbot.training.verdict import Stop, verdict


def curve(*figures: tuple[float, float | None]) -> Curve:
    points = [Point(100 * i, float(i), 60.0 * i, v, 2.7**v, t, 5000.0) for i, (v, t) in enumerate(figures, 1)]
    return Curve(points)


@pytest.mark.parametrize(
    ("figures", "stop", "says"),
    [
        ([(4.0, 4.1), (3.5, 3.0), (3.9, 2.0)], Stop.PATIENCE, "by heart"),
        ([(4.0, 4.1), (3.5, 3.4), (3.2, 3.1)], Stop.EPOCHS, "still learning"),
        (
            [(4.0, 4.1), (3.5, 3.5), (3.51, 3.5)],
            Stop.PATIENCE,
            "could learn more (underfitting): try --model.network.dropout 0.1",
        ),
        ([(4.0, 4.1), (3.5, 3.2), (3.51, 3.2)], Stop.PATIENCE, "what this size can learn"),
        ([(4.0, None)], Stop.TIME, "One validation tells little"),
        ([], Stop.EPOCHS, "without validation pairs"),
    ],
)
def test_it_says_what_the_curve_shows(figures: list[tuple[float, float | None]], stop: Stop, says: str) -> None:
    said = verdict(curve(*figures), stop, dropout=0.2)
    assert said.count(". ") == 1, "two sentences"
    assert says in said
    assert stop.value in said


def test_it_names_the_best_step() -> None:
    said = verdict(curve((4.0, 4.0), (3.5, 3.0), (3.9, 2.0)), Stop.PATIENCE, epochs=40, skipped=3)
    assert "best at step 200 (epoch 2.0) with 3.500 nats per word" in said
    assert "saved 0.40 nats per word against the last weights and up to 37 of 40 planned epochs" in said
    assert "3 steps were skipped" in said


def test_what_is_worse_than_guessing_is_not_praised() -> None:
    said = verdict(curve((60.0, 70.0), (55.0, 60.0)), Stop.STEPS, guessing=9.0, decayed=True)
    assert "worse than guessing (9.0)" in said
    assert "lower --model.optimizer.lr" in said
    assert "may bring more" not in said


def test_who_ends_in_the_warm_up_is_told_so() -> None:
    for figures in ([(4.0, 4.1)], [(4.0, 4.1), (3.5, 3.4)]):
        assert "within its warm-up of 400 steps" in verdict(curve(*figures), Stop.STEPS, warmup=400, guessing=9.0)
    assert "go on with --resume" in verdict(curve((4.0, 4.1)), Stop.INTERRUPTED, warmup=400)


def test_the_limit_that_struck_is_named() -> None:
    for stop, limit in ((Stop.STEPS, "max_steps"), (Stop.TIME, "max_time"), (Stop.EPOCHS, "max_epochs")):
        for figures in ([(4.0, 4.1)], [(4.0, 4.1), (3.5, 3.4)]):
            assert f"a higher --trainer.{limit}" in verdict(curve(*figures), stop)


def test_a_bot_that_is_taught_further_keeps_its_size() -> None:
    for figures in ([(4.0, 4.1), (3.5, 3.5), (3.51, 3.5)], [(4.0, 4.1), (3.5, 3.2), (3.51, 3.2)]):
        assert "larger recipe" in verdict(curve(*figures), Stop.PATIENCE)
        assert "larger recipe" not in verdict(curve(*figures), Stop.PATIENCE, taught=True)


def test_only_a_limit_can_be_raised() -> None:
    assert [stop for stop in Stop if not stop.can_go_on] == [Stop.PATIENCE]


def test_what_was_interrupted_wants_no_higher_limit() -> None:
    said = {stop: verdict(curve((4.0, 4.1), (3.5, 3.4)), stop) for stop in (Stop.INTERRUPTED, Stop.TIME)}
    assert "a higher limit" not in said[Stop.INTERRUPTED]
    assert "go on with --resume" in said[Stop.INTERRUPTED]
    assert "go on with --resume and a higher --trainer.max_time" in said[Stop.TIME]


@pytest.mark.parametrize(
    ("figures", "decayed", "says"),
    [
        ([4.1, 3.9, 3.7, 3.6], False, "with --resume and a higher --trainer.max_epochs"),
        ([4.1, 3.9, 3.7, 3.6], True, "a longer plan from the start"),
        ([4.0, 3.59, 3.585, 3.585], True, "what this size can learn"),
        ([4.0, 3.59, 3.585, 3.585], False, "what this size can learn"),
    ],
)
def test_a_rate_that_has_run_out_cannot_be_gone_on_with(figures: list[float], decayed: bool, says: str) -> None:
    drawn = curve(*((v, v - 0.3) for v in figures))
    assert says in verdict(drawn, Stop.EPOCHS, decayed=decayed)
    assert "a higher --trainer.max_time" in verdict(curve((4.0, 4.1), (3.5, 3.4)), Stop.TIME, decayed=decayed), (
        "time ends no plan"
    )


def test_the_earliest_of_equals_is_the_best_and_a_state_goes_on() -> None:
    drawn = curve((4.0, 4.0), (3.5, 3.0), (3.5, 2.0))
    drawn.samples = [("a", "b")]
    assert drawn.best is drawn.points[1]
    assert not drawn.improved
    other = Curve()
    other.restore(drawn.state())
    assert other == drawn


def test_a_handful_of_pairs_is_called_too_few() -> None:
    few, enough, more = (verdict(curve((4.0, 4.0), (3.5, 3.4)), Stop.EPOCHS, pairs=n) for n in (4, 3000, None))
    assert "; 4 pairs are too few to learn to talk from" in few
    assert enough == more
    assert "too few" not in enough
    assert "too few" not in verdict(curve((4.0, 4.0)), Stop.EPOCHS, pairs=4, taught=True), "a bot that can talk"
    assert "too few" in verdict(curve(), Stop.EPOCHS, pairs=4)
