"""Where a model's rows come from. A source answers `read(start, end)` with raw rows; it validates nothing."""

from __future__ import annotations

import importlib
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from include.config.schema import DeltaSource, FilesSource, SqlSource
from include.data import delta, files, naming, personal, sql, undated, values
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import ModelConfig, Source


def read_source(config: ModelConfig, start: date, end: date) -> pd.DataFrame:
    """Read the raw rows of the days from `start` to `end`, both included.

    Columns that `data.personal` has hashed are hashed already. Raises PermanentError where the source's module, its
    `read`, its files, table or database do not exist or cannot be read, TransientError where they do not answer.
    """
    return personal.hashed(config, _read(config, "source", config.data.source, start, end))


def read_labels(config: ModelConfig, start: date, end: date) -> pd.DataFrame:
    """Read what is known by now of the labels of the days from `start` to `end`: day, key columns and label, raw.

    From `data.labels`, or from the rows' own source. A row whose label is not known is left out or has none.
    """
    source, which = (config.data.labels, "labels") if config.data.labels else (config.data.source, "source")
    return personal.hashed(config, _read(config, which, source, start, end))


def _read(config: ModelConfig, which: str, source: Source, start: date, end: date) -> pd.DataFrame:
    """Raw rows with the column that dates them: the source's own, the day of `data.time`, or the night's own day.

    A snapshot is read whole for each day that is asked for, as it is now: a source that remembers answers by the days.
    """
    if config.data.snapshot:
        days = [start + timedelta(days=step) for step in range((end - start).days + 1)]
        read = [_raw(config, which, source, day, day).assign(**{config.data.day: day}) for day in days]
        return pd.concat(read, ignore_index=True) if read else pd.DataFrame(columns=list(config.data.columns))
    rows = _dated(config, _raw(config, which, source, start, end))
    # A file or a table is not asked for days; what a function or a query gives of others is its fault, and is told.
    return _inside(config, which, source, rows, start, end) if isinstance(source, FilesSource | DeltaSource) else rows


def _raw(config: ModelConfig, which: str, source: Source, start: date, end: date) -> pd.DataFrame:
    """Rows as the source has them, asked for by its names, under those of the model file."""
    return naming.rename_to_declared(config, which, _asked(naming.use_source_names(config), which, source, start, end))


def _asked(config: ModelConfig, which: str, source: Source, start: date, end: date) -> pd.DataFrame:
    if isinstance(source, FilesSource):
        return files.read(config, which, source, start, end)
    if isinstance(source, SqlSource):
        return sql.read(config, which, source, start, end)
    if isinstance(source, DeltaSource):
        return delta.read(config, which, source, start, end)
    return _call(config, which, source.module, start, end)


def _dated(config: ModelConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """The calendar day of `data.time` as a column, where the source has no days of its own."""
    time = config.data.time
    if time is None or list(rows.columns).count(time) != 1 or config.data.day in rows:
        return rows
    moments = values.convert(rows[time], "timestamp", config.schedule.timezone)[0]
    return rows.assign(**{config.data.day: moments.dt.date.astype(object)})


def _inside(
    config: ModelConfig, which: str, source: Source, rows: pd.DataFrame, start: date, end: date
) -> pd.DataFrame:
    """Rows of the days, and those without a readable day, which validation sets aside where a person sees them.

    Raises DataRefused where most of the rows have none that can be read.
    """
    data = config.data
    if list(rows.columns).count(data.day) != 1:
        return rows  # validation refuses the day and names the column
    day = values.calendar_days(rows[data.day], config.schedule.timezone)
    undated.require_readable(config, which, source, rows[data.time if data.time in rows else data.day], day)
    inside = (day >= pd.Timestamp(start)) & (day <= pd.Timestamp(end))
    return rows[day.isna() | inside].reset_index(drop=True)


def _call(config: ModelConfig, which: str, name: str, start: date, end: date) -> pd.DataFrame:
    module_name = f"include.data.sources.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise PermanentError(
            f"include/models/{config.name}.yaml: data.{which}.module: {name!r} has no file "
            f"include/data/sources/{name}.py; create it with a function read(start, end)"
        ) from None
    read = getattr(module, "read", None)
    if read is None:
        raise PermanentError(f"include/data/sources/{name}.py has no function read(start, end)")
    frame = read(start, end)
    if not isinstance(frame, pd.DataFrame):
        raise PermanentError(
            f"include/data/sources/{name}.py: read({start}, {end}) gave {type(frame).__name__}; give a DataFrame"
        )
    return frame
