"""The newest night that a source has rows for: tonight where it is alive, an earlier one where it ends in the past."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from include import clock
from include.data import windows
from include.data.gaps import may_miss
from include.data.sources import read_source
from include.data.values import calendar_days
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

EVER = 40_000
"""Days before yesterday that are searched in the end: more than a century."""


@dataclass(frozen=True)
class Newest:
    """The night that is trained as of; `apart` are later days with rows, too few to train on: a date mistyped, say."""

    night: date
    apart: tuple[date, ...] = ()


def newest_night(config: ModelConfig) -> date:
    """The night of `find_newest`."""
    return find_newest(config).night


def find_newest(config: ModelConfig) -> Newest:
    """The night after the newest day that a training window can end on; tonight for a snapshot.

    Rows of today and later are no night's yet and do not count. Neither does a day that the window before it is nearly
    empty for, where an earlier day's is full: one mistyped date does not make a source alive. Nearer days are searched
    first, and farther ones only where those do not settle it.

    Raises PermanentError where the source has no rows of any day up to yesterday.
    """
    tonight = clock.today(config.schedule.timezone)
    if config.data.snapshot:
        return Newest(tonight)
    yesterday, length = tonight - timedelta(days=1), windows.training_windows(config, tonight).whole.days
    if len(_days_with_rows(config, yesterday - timedelta(days=1), yesterday)) == 2:  # alive: no need to read more
        return Newest(tonight)
    for back in (length + 30, length + 800, EVER):
        days = _days_with_rows(config, yesterday - timedelta(days=back), yesterday)
        counts = _days_in_window(days, length)
        whole = max(counts.values(), default=0) if back == EVER else length
        full = [day for day, count in counts.items() if may_miss(config, whole - count, whole)]
        if days and full:
            newest = max(full)
            return Newest(newest + timedelta(days=1), tuple(sorted(day for day in days if day > newest)))
    raise PermanentError(
        f"{config.name}: {config.data.source.place} has no rows of any day up to {yesterday}; is "
        f"{config.data.in_source(config.data.time or config.data.day)} the column that dates them?"
    )


def _days_with_rows(config: ModelConfig, first: date, last: date) -> set[date]:
    """The days between that have rows; a function or a query may give others too."""
    rows = read_source(config, first, last)
    if config.data.day not in rows:
        return set()
    days = calendar_days(rows[config.data.day], config.schedule.timezone).dropna().unique()
    return {day for day in pd.DatetimeIndex(days).date if first <= day <= last}


def _days_in_window(days: Collection[date], length: int) -> dict[date, int]:
    """For each of the days: how many of them the `length` days up to it hold, itself among them."""
    ordered = sorted(days)
    return {
        day: place + 1 - bisect_left(ordered, day - timedelta(days=length - 1)) for place, day in enumerate(ordered)
    }
