"""A label counts from its delay on, never before its day is over; the questions about that agree with each other."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import labels_known
from tests.unit.parcels import parcels

DAY = date(2024, 2, 28)


def config(delay: int) -> ModelConfig:
    content = parcels().model_dump(mode="json")
    content["data"]["label_delay_days"] = delay
    return ModelConfig.model_validate(content)


@pytest.mark.parametrize(("delay", "first"), [(0, 1), (1, 1), (3, 3)])
def test_a_day_counts_from_its_delay_on_and_has_to_be_over(delay: int, first: int) -> None:
    model, night = config(delay), DAY + timedelta(days=first)
    assert labels_known.first_night(model, DAY) == night and labels_known.last_day(model, night) == DAY
    assert labels_known.are_known(model, DAY, night) and not labels_known.are_known(model, DAY, night - timedelta(1))


def test_what_is_learned_between_two_nights_is_what_counts_on_the_later_one_alone() -> None:
    model = config(2)
    assert labels_known.days_learned(model, DAY, DAY) is None
    learned = labels_known.days_learned(model, DAY, DAY + timedelta(days=3))
    assert learned == DayRange(start=DAY - timedelta(days=1), end=DAY + timedelta(days=1))
