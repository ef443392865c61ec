"""Declared types: each column as declared, and which rows hold a value that is not of that type.

Only conversions that keep the value are made. What could mean two things (a time with a zone or an epoch for a
`timestamp`, a time of day for a `date`, a fraction for an `integer`, infinity for a `number`) is a fault of its row.
"""

from __future__ import annotations

import datetime
import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from include.config.schema import ColumnType, ModelConfig

INT64 = 2**63
WORDS_OF_TRUTH = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True)
class Coerced:
    """`frame`: declared columns in declared order, index kept; `faults`: column -> mask (n,) of rows not of its type.

    Dtypes: date -> object of datetime.date, timestamp -> datetime64[us], string -> str, integer -> Int64,
    number -> float64, boolean -> boolean. A faulty value is missing in `frame`.
    """

    frame: pd.DataFrame
    faults: Mapping[str, np.ndarray]


def coerce(frame: pd.DataFrame, config: ModelConfig) -> Coerced:
    """Convert the declared columns that `frame` has; columns it lacks are left out."""
    typed: dict[str, pd.Series] = {}
    faults: dict[str, np.ndarray] = {}
    for name, kind in config.data.columns.items():
        if name not in frame.columns:
            continue
        typed[name] = _column(frame[name], kind)
        lost = (frame[name].notna() & typed[name].isna()).to_numpy(dtype=bool)
        if lost.any():
            faults[name] = lost
    return Coerced(pd.DataFrame(typed, index=frame.index), faults)


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """Give integer and boolean columns without a missing value their plain dtypes (int64, bool)."""
    plain = {"Int64": "int64", "boolean": "bool"}
    to = {name: plain[str(kind)] for name, kind in frame.dtypes.items() if str(kind) in plain}
    return frame.astype({name: kind for name, kind in to.items() if not frame[name].isna().any()})


def _column(values: pd.Series, kind: ColumnType) -> pd.Series:
    """Convert one column: at once where its dtype already says what it holds, else value by value."""
    dtype = values.dtype
    if kind == "number" and pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        numeric = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
        return pd.Series(np.where(np.isfinite(numeric), numeric, np.nan), index=values.index)
    if kind == "integer" and pd.api.types.is_signed_integer_dtype(dtype):
        return values.astype("Int64")
    if kind == "timestamp" and pd.api.types.is_datetime64_dtype(dtype):
        return values.dt.as_unit("us")
    if kind == "boolean" and str(dtype) in ("bool", "boolean"):
        return values.astype("boolean")
    read, to = READERS[kind]
    present = values.notna().to_numpy(dtype=bool)
    taken = [read(value) if there else None for value, there in zip(values.tolist(), present, strict=True)]
    return pd.Series(taken, index=values.index, dtype=to)


def _date(value: Any) -> datetime.date | None:
    if isinstance(value, datetime.datetime):  # pandas' Timestamp is one
        midnight = value.tzinfo is None and value.time() == datetime.time() and not getattr(value, "nanosecond", 0)
        return value.date() if midnight else None
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _timestamp(value: Any) -> datetime.datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo is None else None
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    return None


def _string(value: Any) -> str | None:
    """Text, and whole numbers as text; a fraction is refused, as 1.0 for 1 would silently be another category."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_):
        return str(int(value))
    if not isinstance(value, str):
        return None
    # A lone surrogate is no text: the table's files could not hold it.
    return value if value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value) else None


def _number(value: Any) -> float | None:
    if isinstance(value, complex | np.complexfloating | np.datetime64 | np.timedelta64):
        return None
    # Python reads "1_000" as a number; no other reader of tables does.
    if isinstance(value, str) and "_" in value:
        return None
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _integer(value: Any) -> int | None:
    exact = isinstance(value, numbers.Integral | np.bool_)
    if not exact and isinstance(value, str):
        exact = value.strip().removeprefix("-").isdecimal()
    # Not by way of a float where it can be helped: above 2**53 it would be another number.
    number = value if exact else _number(value)
    if number is None or not (exact or number.is_integer()):
        return None
    whole = int(number)
    return whole if -INT64 <= whole < INT64 else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return WORDS_OF_TRUTH.get(value.strip().lower())
    number = _number(value)
    return bool(number) if number in (0.0, 1.0) else None


READERS: Mapping[str, tuple[Callable[[Any], Any], Any]] = {
    "date": (_date, object),
    "timestamp": (_timestamp, "datetime64[us]"),
    "string": (_string, "str"),
    "integer": (_integer, "Int64"),
    "number": (_number, "float64"),
    "boolean": (_boolean, "boolean"),
}
