"""The short form of `benchmarks.estimates`: one version of the shipped model in its month of real flights."""

from __future__ import annotations

from benchmarks.estimates import all_weeks, changed, served
from include.config.schema import ModelConfig


def test_weeks_lie_in_their_intervals_and_a_changed_concept_is_said_once_labels_are_there(
    flight_delay: ModelConfig,
) -> None:
    late = flight_delay.model_copy(update={"data": flight_delay.data.model_copy(update={"label_delay_days": 14})})
    versions = served(late, first=2, most=1)
    weeks = all_weeks(versions, delay=14, step=7)
    assert len(weeks) == 4 and all(week.guess.low <= week.truth <= week.guess.high for week in weeks)
    assert all(abs(week.error) <= 0.05 for week in weeks)
    case = changed(versions, [], 0, delay=14)
    assert float(str(case["estimated"])) - float(str(case["truth"])) > 0.1  # the estimate sees nothing of it
    assert int(str(case["said_after_nights"])) in range(int(str(case["first_possible_night"])), 36)
