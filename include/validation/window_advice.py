"""What would mend a window that cannot be trained on: the number, the key, the model file's line."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from include.config.loader import line_of
from include.config.schema import Split as Shares
from include.data.splits import LEAST_ROWS, Split, rows_for

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DayRange

LISTS = ("numeric", "categorical", "target_encoded")
LARGEST_SHARE = 0.4
"""Of a snapshot's rows that validation or holdout may sensibly take."""


def more_rows(config: ModelConfig, split: Split, part: pd.DataFrame, rows: int) -> str:
    """How many rows, or days, would give the split the rows that it needs.

    :param part: the split's rows
    :param rows: rows of the whole window
    """
    if config.data.snapshot:
        share = getattr(config.training.split or Shares(), split)
        enough = rows_for(share)
        needed = math.ceil(100 * LEAST_ROWS / max(1, rows)) / 100
        other = f", or training.split.{split} of {needed:g} or more" if needed <= LARGEST_SHARE else ""
        return f"at training.split.{split} {share:g} a table of {enough:,} rows would do (it has {rows:,}){other}"
    days = part[config.data.day].nunique()
    if not days:
        return ""
    asked = getattr(config.training, f"{split}_days")
    needed_days = math.ceil(LEAST_ROWS * days / len(part))
    return (
        f"at {len(part) / days:.3g} rows a day {max(needed_days, asked + 1)} days would do "
        f"(training.{split}_days, now {asked})"
    )


def labels(config: ModelConfig, as_of: date, days: DayRange, rows: pd.DataFrame) -> str:
    """Whether a split without labels is one whose labels come later than declared, and which delay would fit."""
    known = rows.loc[rows[config.data.label].notna(), config.data.day]
    if known.empty:
        return "no row of the window has a label: does its source give any?"
    newest: date = known.max().date()
    if newest >= days.end:
        return f"its source lost them: days up to {newest} have theirs; ingest {days.start} to {days.end} again"
    delay = (as_of - newest).days
    return (
        f"its labels have not arrived: the newest day with one is {newest}, {delay} days before the night; "
        f"data.label_delay_days: {delay} would fit (now {config.data.label_delay_days}){place(config, LABEL_DELAY)}"
    )


LABEL_DELAY = ("data", "label_delay_days")


def empty_feature(config: ModelConfig, feature: str, rows: pd.DataFrame) -> str:
    """Since when a feature of a split has no value, and where the model file names it."""
    known = rows.loc[rows[feature].notna(), config.data.day]
    last = f"its last value is of {known.max().date()}; " if len(known) and not config.data.snapshot else ""
    found = [(name, at) for name in LISTS for at, one in enumerate(getattr(config.features, name)) if one == feature]
    if not found:
        return f"{last}what it is made of has no value there; remove it from features"
    name, at = found[0]
    return f"{last}remove it from features.{name}{place(config, ('features', name, at))}, or load days that have it"


def place(config: ModelConfig, location: tuple[str | int, ...]) -> str:
    """The model file's line at which something stands, in brackets; nothing where it stands there no more."""
    line = line_of(config.name, location)
    return f" (include/models/{config.name}.yaml, line {line})" if line else ""
