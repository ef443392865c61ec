"""What a night may see: rows of days before it, and labels that had arrived by then. Nothing from the future."""

from __future__ import annotations

import functools
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange, Windows
from include.data import labels, labels_known, tables
from include.data.computed_features import add_rates, add_time_parts
from include.data.declared_types import as_declared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.config.schema import ModelConfig

    Reader = Callable[..., pd.DataFrame]

VALIDATED = "validated"
ROWS_SNAPSHOT = "rows_snapshot"
"""Column of `validated`: digest of the partition that a row first came in. Null until a label of its day came late."""


def training_windows(config: ModelConfig, as_of: date) -> Windows:
    """Split the days before night `as_of` by time; the last holdout day is the last one whose label is known.

    A snapshot's splits are all of its one day, the last before the night; `splits.of_days` tells their rows apart.
    """
    last = labels_known.last_day(config, as_of)
    if config.data.snapshot:
        return Windows(**dict.fromkeys(("train", "validation", "holdout"), _days_up_to(last, 1)))
    train_days, validation_days, holdout_days = config.training.days
    holdout = _days_up_to(last, holdout_days)
    validation = _days_up_to(holdout.start - timedelta(days=1), validation_days)
    train = _days_up_to(validation.start - timedelta(days=1), train_days)
    return Windows(train=train, validation=validation, holdout=holdout)


def lookback_days(config: ModelConfig) -> int:
    """Days before a row's own that its rate features reach back to; 0 without rates."""
    rates = config.features.rates
    return max(rate.days for rate in rates) + config.data.label_delay_days if rates else 0


def history_days(config: ModelConfig, night: date) -> DayRange:
    """Days that a retrain run of this night needs, with those that its rate features reach back to."""
    whole = training_windows(config, night).whole
    return DayRange(start=whole.start - timedelta(days=lookback_days(config)), end=night - timedelta(days=1))


def read_rows(
    config: ModelConfig,
    days: DayRange,
    as_of: date,
    version: int | None = None,
    columns: Sequence[str] | None = None,
    read: Reader | None = None,
) -> pd.DataFrame:
    """Read the validated rows of `days` as they were known on night `as_of`, with rate features.

    Rows of days from `as_of` on are left out. The label is a number, as `labels.numbers` gives it, and null where it
    had not arrived (`day + label_delay_days > as_of`). Rows come sorted by key; the index is 0..n-1.

    Parameters
    ----------
    version : version of the table `validated`; the newest by default
    columns : raw columns wanted; by default the key, the label, `row_key` and every feature's column
    read : what stands in for `tables.read`, where the table is in memory already
    """
    data = config.data
    first = days.start - timedelta(days=lookback_days(config))
    last = min(days.end, as_of - timedelta(days=1))
    wanted = _raw_columns(config, columns)
    frame = (read or tables.read)(config.name, VALIDATED, wanted, (first, last), version)
    frame = as_declared(config.name, frame, {name: kind for name, kind in data.columns.items() if name != data.day})
    frame[data.day] = pd.to_datetime(frame[data.day]).dt.as_unit("us")
    arrived = frame[data.day] + pd.Timedelta(days=data.label_delay_days) <= pd.Timestamp(as_of)
    frame[data.label] = labels.numbers(config, frame[data.label]).where(arrived, np.nan)
    inside = frame[frame[data.day] >= pd.Timestamp(days.start)]
    rows = add_time_parts(add_rates(inside, frame, config), config)
    return rows.sort_values("row_key", kind="stable", ignore_index=True)


def validated_days(config: ModelConfig, days: DayRange, version: int | None = None) -> dict[date, str]:
    """Days of the range that are validated, each with the digest of its snapshot."""
    snapshots = tables.partition_snapshots(config.name, VALIDATED, version)
    found = {date.fromisoformat(day): digest for day, digest in snapshots.items()}
    return {day: digest for day, digest in sorted(found.items()) if days.start <= day <= days.end}


def row_snapshots(config: ModelConfig, days: DayRange, version: int | None = None) -> dict[date, str]:
    """Days of the range that are validated, each with a digest that changes with its rows, and not with labels alone.

    It is the digest of the partition that the rows first came in, which a later label leaves behind in their stead.
    """
    found = validated_days(config, days, version)
    if ROWS_SNAPSHOT in tables.columns_of(config.name, VALIDATED, version):
        span = (days.start, days.end)
        first = tables.read(config.name, VALIDATED, ["day", ROWS_SNAPSHOT], span, version).dropna().drop_duplicates()
        found |= {date.fromisoformat(day): digest for day, digest in first.itertuples(index=False)}
    return found


def row_keys(config: ModelConfig, frame: pd.DataFrame) -> pd.Series:
    """Name each row by its key columns, joined by `|`; dates as ISO days.

    In a key of several columns a backslash stands before each `|` and backslash of a value, so that no two keys share
    a name: (`a|b`, `c`) is not (`a`, `b|c`).
    """
    parts = [
        pd.to_datetime(frame[column]).dt.strftime("%Y-%m-%d")
        if config.data.columns[column] == "date"
        else frame[column].astype("string")
        for column in config.data.key
    ]
    words = [part.astype("string") for part in parts]
    if len(words) > 1:
        words = [word.str.replace(r"([\\|])", r"\\\1", regex=True) for word in words]
    return functools.reduce(lambda keys, word: keys + "|" + word, words)


def judged_columns(config: ModelConfig) -> tuple[str, ...]:
    """What the gates look at: what `read_rows` gives by default, and the columns of slices and clusters beside it."""
    data, features, release = config.data, config.features, config.release
    clusters = (release.cluster_by,) if release.cluster_by else ()
    return (*data.key, *features.columns, *(found.column for found in release.slices), *clusters)


def _raw_columns(config: ModelConfig, columns: Sequence[str] | None) -> list[str]:
    data = config.data
    chosen = list(columns) if columns is not None else [*data.key, *config.features.columns]
    weight = [config.training.sample_weight] if config.training.sample_weight and columns is None else []
    made_of = [name for name in config.features.inputs if name not in config.features.columns]
    return list(dict.fromkeys([*chosen, data.day, data.label, "row_key", *made_of, *weight]))


def _days_up_to(last: date, days: int) -> DayRange:
    return DayRange(start=last - timedelta(days=days - 1), end=last)
