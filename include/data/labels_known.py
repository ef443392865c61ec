"""From which night a day's labels count: the one place that says so. Pure.

A label counts from `data.label_delay_days` after its row's day, and never before that day is over.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.contracts import DayRange

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


def first_night(config: ModelConfig, day: date) -> date:
    """The first night on which the labels of `day` count."""
    return day + timedelta(days=config.data.nights_to_label)


def last_day(config: ModelConfig, night: date) -> date:
    """The last day whose labels count on `night`."""
    return night - timedelta(days=config.data.nights_to_label)


def are_known(config: ModelConfig, day: date, night: date) -> bool:
    """Whether the labels of `day` count on `night`."""
    return first_night(config, day) <= night


def days_learned(config: ModelConfig, before: date, night: date) -> DayRange | None:
    """The days whose labels count on `night` and did not on the night `before`; None where there are none."""
    first, last = last_day(config, before) + timedelta(days=1), last_day(config, night)
    return DayRange(start=first, end=last) if first <= last else None
