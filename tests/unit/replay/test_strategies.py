from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from include.replay.records import Look, NightRecord
from include.replay.strategies import ServedDay, alarms_and_harm, mean_weekly, opened, points, refusals, share_kept

START = date(2024, 1, 1)


def served(step: int, policy: list[float], never: list[float], always: list[float]) -> ServedDay:
    scores = {"policy": np.array(policy), "never": np.array(never), "always": np.array(always)}
    return ServedDay(START + timedelta(days=step), np.array([0.0, 0.0, 1.0, 1.0]), scores)


RIGHT, HALF, WRONG = [0.1, 0.2, 0.8, 0.9], [0.1, 0.85, 0.8, 0.9], [0.8, 0.9, 0.1, 0.2]


def test_a_week_is_of_its_rows_together_and_a_week_cut_short_is_left_out() -> None:
    """Hand-made: each ranking alone is perfect, together a day's high scores stand above another's."""
    low, high = [0.1, 0.2, 0.3, 0.4], [0.6, 0.7, 0.8, 0.9]
    days = [served(step, RIGHT, low if step % 2 else high, WRONG) for step in range(9)]
    (week,) = points("roc_auc", days, 7)
    assert (week.first, week.last, week.rows) == (START, date(2024, 1, 7), 28)
    assert week.policy == 1.0 and week.always == 0.0
    # Positives of the 3 low days (6) lose to the negatives of the 4 high days (8) of 14 x 14 pairs.
    assert week.never == pytest.approx(1 - 6 * 8 / (14 * 14))


def test_a_missing_day_leaves_its_week_the_other_days() -> None:
    days = [served(step, RIGHT, HALF, WRONG) for step in (0, 1, 2, 4, 5, 6, 7, 13)]
    weeks = points("roc_auc", days, 7)
    assert [(week.first.day, week.rows) for week in weeks] == [(1, 24), (8, 8)]


def test_means_are_of_the_same_weeks_for_all_three() -> None:
    nan = [float("nan")] * 4
    first = [served(step, RIGHT, HALF, RIGHT) for step in range(7)]
    second = [served(step, RIGHT, nan, WRONG) for step in range(7, 14)]
    means = mean_weekly(points("roc_auc", [*first, *second], 7))
    assert means == {"policy": 1.0, "never": 0.75, "always": 1.0}


def test_the_share_kept_follows_the_metric_s_better_side() -> None:
    assert share_kept({"policy": 0.73, "never": 0.70, "always": 0.74}, True) == pytest.approx(0.75)
    assert share_kept({"policy": 0.47, "never": 0.50, "always": 0.46}, False) == pytest.approx(0.75)
    assert share_kept({"policy": 0.69, "never": 0.70, "always": 0.74}, True) == pytest.approx(-0.25)
    assert share_kept({"policy": 0.70, "never": 0.70, "always": 0.69}, True) is None


def test_a_refusal_counts_for_every_gate_that_said_no() -> None:
    nights = [
        NightRecord(night=START, verdict="refused", champion=1, gates=("a", "b")),
        NightRecord(night=START, verdict="refused", champion=1, gates=("b",)),
        NightRecord(night=START, verdict="promoted", champion=2),
    ]
    assert refusals(nights) == {"b": 2, "a": 1}


def test_an_alarm_has_harm_where_the_metric_of_its_own_day_passes_the_bound() -> None:
    def night(step: int, alarm: bool = False, harm: bool = False) -> NightRecord:
        look = Look(alarms=("temp",), told=("drift:temp",) if alarm else (), harm=harm)
        return NightRecord(night=START + timedelta(days=step), verdict="refused", champion=1, look=look)

    nights = [night(0, alarm=True), night(2, harm=True), night(5, alarm=True), night(9, harm=True)]
    # Window of 3: the alarm of night 0 covers 0 to 2, that of night 5 covers 5 to 7; nothing warned of night 9.
    assert alarms_and_harm(nights, 3) == (1, 1, 1)
    assert opened(nights) == 2
    lasting = [one.model_copy(update={"look": Look(told=("drift:temp", "harm:roc_auc"))}) for one in nights]
    assert opened(lasting) == 1
