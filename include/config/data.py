"""The section `data` of a model file: its rows, what names one, which day it is of, and what is predicted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from include.config.section import Column, Section
from include.config.sources import Source

ColumnType = Literal["date", "timestamp", "string", "integer", "number", "boolean"]
SNAPSHOT_DAY = "snapshot_day"
"""The column that dates the rows of a table without days: the day that the night which read it takes in."""
TIME_DAY = "day"
"""The column that holds the calendar day of `data.time`."""


class DataConfig(Section):
    """The rows: where they come from, what names one, which day it is of, and when its label is known.

    `day` is a column of dates, or `time` one of time stamps whose calendar day counts. A table with neither is a
    snapshot: each night reads it whole, rows are split by a hash of their key, and nights are compared as wholes.

    `classes` are the label's values; of two the second is the one whose probability is predicted. They may be left out
    where the label is 0 or 1. A label counts from `label_delay_days` after its row's day. Each night labels are read
    again, from `labels` where they live elsewhere, for the days that wait for theirs and `label_corrections_days`
    beyond: late ones are filled in and corrected ones replaced. `protected` columns are kept to see whether people are
    served alike, and may never enter the model. `personal` says what becomes of columns that look like people's own
    data (e-mail, telephone, card and national numbers), which are refused otherwise: kept as they are, or hashed. Of
    a snapshot the last `keep_snapshots` nights' tables are kept at hand; older ones stay in the table's versions.

    `columns` may change once rows are stored: a column may be added or left out, its type widened where every stored
    value can be kept, and its name changed: `was` gives the old name of each new one. Anything else is refused. Of
    columns that are `optional`, and of those that nothing in the file uses, absence is told and no fault: their values
    are null that day. `named` gives the source's name of each column that has another one here: `{source_day: day}`,
    as `day`, `row_key` and names that begin with `nightshift_` are our tables' own. All keys but those of `source` and
    `labels` use the names here.
    """

    source: Source
    labels: Source | None = None
    day: Column = SNAPSHOT_DAY
    time: Column | None = None
    key: tuple[Column, ...] = Field(min_length=1)
    label: Column
    classes: tuple[str | int | bool, ...] = ()
    label_delay_days: int = Field(default=1, ge=0, le=365)
    label_corrections_days: int = Field(default=7, ge=0, le=365)
    known_afterwards: tuple[Column, ...] = ()
    protected: tuple[Column, ...] = ()
    personal: dict[Column, Literal["keep", "hash"]] = Field(default_factory=dict)
    keep_snapshots: int = Field(default=30, ge=2, le=3650)
    columns: dict[Column, ColumnType] = Field(min_length=1)
    was: dict[Column, Column] = Field(default_factory=dict)
    named: dict[Column, Column] = Field(default_factory=dict)
    optional: tuple[Column, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _days_from_elsewhere(cls, given: Any) -> Any:
        """Declare the day column that is not the source's own, so that the resolved configuration spells it out."""
        if not isinstance(given, dict) or "day" in given or not isinstance(given.get("columns"), dict):
            return given
        day = SNAPSHOT_DAY if given.get("time") is None else TIME_DAY
        return {**given, "day": day, "columns": {day: "date", **given["columns"]}}

    def in_source(self, column: str) -> str:
        """What the source calls a column."""
        return self.named.get(column, column)

    @property
    def nights_to_label(self) -> int:
        """Nights from a row's day to the first one on which its label counts; a day has to be over first."""
        return max(1, self.label_delay_days)

    @property
    def snapshot(self) -> bool:
        """Whether each night's rows are the whole table again."""
        return self.day == SNAPSHOT_DAY
