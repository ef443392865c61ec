"""Days of a training window that have no validated rows, and whether a night trains without them."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.config.next_commands import trigger
from include.errors import NotEnoughData

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DayRange, Windows

MOST_NAMED = 10


@dataclass(frozen=True)
class Gaps:
    """The calendar days of `window` that are not there: refused, or without rows; `allowed` is their largest share.

    One refused day must not stop retraining for as long as the window is; that a night trains on stale rows, must.
    """

    window: DayRange
    days: tuple[date, ...]
    allowed: float

    @property
    def stale(self) -> bool:
        """Whether the window's last day is among them."""
        return self.window.end in self.days

    @property
    def share(self) -> float:
        return len(self.days) / self.window.days

    @property
    def begins(self) -> date | None:
        """The first day that is there, where days before it are missing; None where it is the window's, or none is."""
        there = (self.window.start + timedelta(days=offset) for offset in range(self.window.days))
        first = next((day for day in there if day not in self.days), None)
        return first if first is not None and first > self.window.start else None

    @property
    def beyond(self) -> int:
        """Days that are missing beyond the share allowed."""
        return max(0, math.ceil(len(self.days) - self.allowed * self.window.days))

    @property
    def bearable(self) -> bool:
        """Whether a night trains all the same."""
        return not self.stale and len(self.days) <= self.allowed * self.window.days

    @property
    def named(self) -> str:
        """`3 of 40 days: 2026-01-02, ...`."""
        more = f" and {len(self.days) - MOST_NAMED} more" if len(self.days) > MOST_NAMED else ""
        listed = ", ".join(str(day) for day in self.days[:MOST_NAMED])
        return f"{len(self.days)} of {self.window.days} days: {listed}{more}"

    @property
    def rule(self) -> str:
        """What is allowed, by the key that says so."""
        return f"Allowed are {self.allowed:.0%} of them (training.max_missing_share), not the last"


def may_miss(config: ModelConfig, missing: int, days: int) -> bool:
    """Whether a history of so many days may do without so many of them."""
    return missing <= config.training.max_missing_share * days


def find_gaps(config: ModelConfig, window: DayRange, there: Collection[date]) -> Gaps:
    """The days of `window` that are not among the validated days `there`."""
    asked = (window.start + timedelta(days=offset) for offset in range(window.days))
    return Gaps(window, tuple(day for day in asked if day not in there), config.training.max_missing_share)


def require_days(config: ModelConfig, frozen: Windows, there: Collection[date]) -> Gaps:
    """The gaps of a night's window. Raises NotEnoughData, naming the days, where no night trains with them."""
    gaps = find_gaps(config, frozen.whole, there)
    if not gaps.bearable:
        raise NotEnoughData(
            f"{config.name}: training needs the {gaps.window.days} validated days {gaps.window.start} to "
            f"{gaps.window.end}, and some are missing, {gaps.named}. {gaps.rule}.\n{_advise(config, gaps)}"
        )
    return gaps


def _advise(config: ModelConfig, gaps: Gaps) -> str:
    """How the window fills: by loading what the source has, or, where it begins later, by waiting."""
    load = f"Load them: {trigger(config.name, 'ingest', start=gaps.days[0], end=gaps.days[-1])}"
    first = gaps.begins
    if first is None or config.data.snapshot:
        return load
    train, validation, holdout = config.training.days
    return (
        f"{load}\nWhere the source itself begins on {first}, nothing can be loaded: training starts by itself once "
        f"{gaps.beyond:,} more days are there, or with fewer days in the model file (training.train_days {train}, "
        f"validation_days {validation}, holdout_days {holdout})"
    )
