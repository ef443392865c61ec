"""The section `features` of a model file: what the model sees of a row."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.config.section import Column, Section

TimePart = Literal["hour", "minute_of_day", "day_of_week", "day_of_month", "day_of_year", "week", "month", "quarter"]
"""Parts of a day or a year; Monday is 0, everything else counts as on a calendar."""


class RateFeature(Section):
    """Mean of the label among earlier days' rows of the same group: `days` days, ending when labels are known."""

    name: Column
    by: tuple[Column, ...] = ()
    days: int = Field(ge=1, le=365)


class TimeFeature(Section):
    """Parts of a date or time stamp as numbers, `<column>_<part>`; `cyclic` gives the sine and cosine of each instead.

    A linear model needs the latter to see that hour 23 is next to hour 0; trees do not.
    """

    column: Column
    parts: tuple[TimePart, ...] = Field(min_length=1)
    cyclic: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        ends = ("_sin", "_cos") if self.cyclic else ("",)
        return tuple(f"{self.column}_{part}{end}" for part in self.parts for end in ends)


class FeaturesConfig(Section):
    """What the model sees. `rates` are computed from labels of earlier days and are numeric features too.

    `target_encoded` are categorical columns of many values, each replaced by the label's mean among its rows, learnt on
    other rows than it is used on (scikit-learn's TargetEncoder); the other categorical ones are encoded one by one.
    """

    numeric: tuple[Column, ...] = ()
    categorical: tuple[Column, ...] = ()
    target_encoded: tuple[Column, ...] = ()
    rates: tuple[RateFeature, ...] = ()
    time: tuple[TimeFeature, ...] = ()

    @property
    def time_names(self) -> tuple[str, ...]:
        return tuple(name for feature in self.time for name in feature.names)

    @property
    def computed(self) -> tuple[str, ...]:
        """Numeric features that are computed when rows are read, and are no columns of the source."""
        return (*(rate.name for rate in self.rates), *self.time_names)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the source that the model takes as they are."""
        return (*self.numeric, *self.categorical, *self.target_encoded)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the source that features are made of."""
        groups = (column for rate in self.rates for column in rate.by)
        return tuple(dict.fromkeys([*self.columns, *groups, *(feature.column for feature in self.time)]))

    @property
    def names(self) -> tuple[str, ...]:
        """All feature columns in the order in which the pipeline takes them."""
        return (*self.numeric, *self.computed, *self.categorical, *self.target_encoded)
