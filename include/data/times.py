"""Time stamps with a zone as the model's local time: a day of rows is a day on the calendar of `schedule.timezone`."""

from __future__ import annotations

import datetime
import re
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

ZONED = re.compile(r"\d{2}:?\d{2}[\d:.,]*\s*(?:Z|z|UTC|[+-]\d{2}(?::?\d{2})?)$")
"""The end of an ISO time stamp that names its zone."""


def local(values: pd.Series, zone: str) -> pd.Series:
    """The stamps (n,) that have a zone as local time without one; all others, unreadable ones too, as they are.

    Where clocks are set back, an hour of local time stands for two: stamps of both hours come out within one.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.ArrowDtype):
        values = pd.Series(values.to_numpy(dtype=object), index=values.index) if "timestamp" in str(dtype) else values
    if isinstance(dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(zone).dt.tz_localize(None).dt.as_unit("us")
    if not (pd.api.types.is_object_dtype(values.dtype) or pd.api.types.is_string_dtype(values.dtype)):
        return values
    if not any(_has_zone(value) for value in values):
        return values
    there = ZoneInfo(zone)
    return pd.Series([_local(value, there) for value in values], index=values.index, dtype=object)


def calendar_days(values: pd.Series) -> pd.Series:
    """The day of each value (n,) as a date; NaT where none can be read, or one with a zone: whose day would it be?"""
    if pd.api.types.is_object_dtype(values.dtype) or pd.api.types.is_string_dtype(values.dtype):
        zoned = np.array([_has_zone(value) for value in values], dtype=bool)
        values = values.astype(object).mask(zoned, None) if zoned.any() else values
    return pd.to_datetime(values, errors="coerce", format="ISO8601").dt.date


def _has_zone(value: Any) -> bool:
    if isinstance(value, datetime.datetime):
        return value.tzinfo is not None
    return isinstance(value, str) and ZONED.search(value) is not None


def _local(value: Any, there: ZoneInfo) -> Any:
    """The value as local time where it is a readable stamp with a zone."""
    if not _has_zone(value):
        return value
    try:
        text = value.strip().replace(" UTC", "+00:00") if isinstance(value, str) else None
        stamp = value if text is None else datetime.datetime.fromisoformat(text)
        return stamp.astimezone(there).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return value
