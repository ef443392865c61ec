"""Days and moments from what sources write, in the model's local time: a day begins where `schedule.timezone` says.

A stamp with a zone (`Z`, an offset, a database's own) becomes local time without one. A midnight as it is written, with
or without a zone, is that calendar day, and so is a midnight of the model's own clocks: no zone has both on two days.
"""

from __future__ import annotations

import datetime
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
ZONE = r" ?(?:[Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)"
STAMP = re.compile(f"{DAY}(?:[T ]{CLOCK}(?:{ZONE})?)?")
"""The days and moments of ISO 8601 that people and programs write."""
ZONED = re.compile(f"{CLOCK}{ZONE}$")
MIDNIGHT = datetime.time()
FIRST, END = pd.Timestamp("0001-01-01").as_unit("s"), pd.Timestamp("9999-12-31").as_unit("s") + pd.Timedelta(days=1)


def stamps(values: pd.Series, zone: str) -> pd.Series:
    """Each value (n,) as a moment of local time, datetime64[us]; NaT where it is none."""
    dtype = values.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _local(values, zone)
    if pd.api.types.is_datetime64_dtype(dtype):
        return values.where((values >= FIRST) & (values < END)).dt.as_unit("us")
    read = partial(read_stamp, zone=ZoneInfo(zone))
    if isinstance(dtype, pd.StringDtype):
        return _stamps_of_text(values, zone, read)
    return _by_value(values, read, "datetime64[us]")


def _local(moments: pd.Series, zone: str) -> pd.Series:
    """Moments with a zone as local time; NaT beyond the years that local time can be told of, 1 to 9999."""
    day = pd.Timedelta(days=1)
    told = (moments >= (FIRST + day).tz_localize("UTC")) & (moments < (END - day).tz_localize("UTC"))
    return moments.where(told).dt.as_unit("us").dt.tz_convert(zone).dt.tz_localize(None)


def _stamps_of_text(values: pd.Series, zone: str, read: Callable[[Any], datetime.datetime | None]) -> pd.Series:
    """Text at once where it has the usual form, value by value where not."""
    text = values.str.strip()
    usual = text.str.fullmatch(STAMP.pattern).fillna(False).to_numpy(dtype=bool)
    zoned = usual & text.str.contains(ZONED.pattern, regex=True).fillna(False).to_numpy(dtype=bool)
    made = pd.Series(np.full(len(values), "NaT", dtype="datetime64[us]"), index=values.index)
    if (unzoned := usual & ~zoned).any():
        made[unzoned] = pd.to_datetime(text[unzoned], format="ISO8601", errors="coerce").dt.as_unit("us")
    if zoned.any():
        moments = pd.to_datetime(text[zoned], format="ISO8601", errors="coerce", utc=True)
        made[zoned] = _local(moments, zone)
    left = (values.notna() & made.isna()).to_numpy(dtype=bool)
    if left.any():
        made[left] = _by_value(values[left], read, "datetime64[us]")
    return made


def dates(values: pd.Series, zone: str) -> pd.Series:
    """Each value (n,) as a datetime.date, objects; None where it is no day."""
    read = partial(read_date, zone=ZoneInfo(zone))
    if isinstance(values.dtype, pd.StringDtype | pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(values.dtype):
        # Days repeat: each is read once.
        codes, distinct = pd.factorize(values)
        days = np.full(len(distinct) + 1, None, dtype=object)
        days[:-1] = [read(value) for value in distinct]
        return pd.Series(days[codes], index=values.index, dtype=object)
    return _by_value(values, read, object)


def read_stamp(value: Any, zone: ZoneInfo) -> datetime.datetime | None:
    """One value as a moment of local time without a zone, to the microsecond; None where it is none."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, datetime.datetime):
        try:
            return value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(zone).replace(tzinfo=None)
        except (ValueError, OverflowError):
            return None
    return datetime.datetime.combine(value, MIDNIGHT) if isinstance(value, datetime.date) else None


def read_date(value: Any, zone: ZoneInfo) -> datetime.date | None:
    """One value as a day; None for a moment that is no midnight, as written or of the zone."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    written = _parsed(value) if isinstance(value, str) else value
    if isinstance(written, np.datetime64):
        written = pd.Timestamp(written)
    if not isinstance(written, datetime.datetime) or getattr(written, "nanosecond", None):
        return None
    if written.time() == MIDNIGHT:
        return written.date()
    there = read_stamp(written, zone)
    return there.date() if there is not None and there.time() == MIDNIGHT else None


def _parsed(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text.strip().replace(" UTC", "+00:00").replace(" Z", "+00:00"))
    except ValueError:
        return None


def _by_value(values: pd.Series, read: Callable[[Any], Any], dtype: Any) -> pd.Series:
    present = values.notna().to_numpy(dtype=bool)
    made = [read(value) if there else None for value, there in zip(values, present, strict=True)]
    return pd.Series(made, index=values.index, dtype=dtype)
