"""The values of a column: which declared type they are of, and each as a value of a declared type. Pure.

A draft takes a type here, and a night converts by the same code, so that what was drafted is what can be stored. Of
text only the canonical forms are known: numbers with a point, ISO 8601. The reader of text files knows other dialects.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.data import times
from include.data.columns import plain
from include.data.scalars import (
    INFINITY,
    NUMBER,
    WHOLE_FLOATS,
    Unreadable,
    read_boolean,
    read_integer,
    read_number,
    read_text,
)

if TYPE_CHECKING:
    from include.config.schema import ColumnType

__all__ = ["Unreadable", "calendar_days", "convert", "digits_lost", "infer_type", "infinities"]

UTC = "UTC"
PLAIN_NUMBER = f"^{NUMBER.pattern}$"
PLAIN_INTEGER = "^[+-]?[0-9]{1,18}$"
WRITTEN: Mapping[ColumnType, str] = {
    "boolean": "(?i:true|false)",
    "integer": "-?(?:0|[1-9][0-9]{0,18})",
    # `007` and `00.5` have zeros that a number would lose; `+49151` is a telephone's.
    "number": rf"-?(?:(?:0|[1-9][0-9]{{0,17}})(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:{INFINITY.pattern})",
    "date": times.STAMP.pattern,
    "timestamp": times.STAMP.pattern,
}
"""The forms in which text comes back as it was, by which a type is taken. More can be converted once it is declared."""


def convert(values: pd.Series, kind: ColumnType, zone: str = UTC) -> tuple[pd.Series, np.ndarray]:
    """The values (n,) as the declared type, and the mask (n,) of those that are none: missing in what is given back.

    Dtypes: date -> object of datetime.date, timestamp -> datetime64[us] in local time of `zone`, string -> str,
    integer -> Int64, number -> float64, boolean -> boolean. Blank text is a missing value, except for a string. An
    infinity is no number, a fraction no integer; a moment keeps its microseconds, and no nanoseconds.
    """
    given = plain(values)
    unreadable = _unreadable(given)
    if unreadable.any():
        given = given.mask(unreadable, None)
    given = _as_text(given)
    present = given.notna().to_numpy(dtype=bool)
    if kind != "string":
        present = present & ~_blank(given)
    typed = pd.Series(_typed(given, kind, zone).array, index=values.index, name=values.name)
    lost = present & typed.isna().to_numpy(dtype=bool)
    return typed, lost | unreadable


def infer_type(values: pd.Series, untyped: bool = False, zone: str = UTC) -> ColumnType | None:
    """The type that holds every value (n,) as it is, infinities apart; None where none does, as for bytes.

    Where the source is `untyped`, as a text file, text may be a number or a truth; else it is text, or an ISO moment.
    A column without any value is a string.
    """
    given = plain(values)
    if _unreadable(given).any():
        return "string"
    given = _as_text(given)
    there = given[given.notna()]
    if not len(there):
        return "number" if pd.api.types.is_float_dtype(given.dtype) else "string"
    return next((kind for kind in _candidates(given, there, untyped) if _fits(there, kind, zone)), None)


def calendar_days(values: pd.Series, zone: str = UTC) -> pd.Series:
    """The calendar day of each value (n,), day or moment of `zone`, as datetime64[s]; NaT where none can be read."""
    days, faulty = convert(values, "date", zone)
    if faulty.any():
        moments = convert(values[faulty], "timestamp", zone)[0]
        days[faulty] = moments.dt.date.where(moments.notna(), None)
    return pd.Series(pd.array(days.to_numpy(), dtype="datetime64[s]"), index=values.index)


def digits_lost(values: pd.Series, kind: ColumnType | None) -> str | None:
    """A value that its type holds to some digits alone: a decimal of 20 for a float, nanoseconds; None without one."""
    given = plain(values)
    if kind == "number" and pd.api.types.is_object_dtype(given.dtype):
        return next((str(value) for value in given if isinstance(value, decimal.Decimal) and _loses(value)), None)
    if kind == "timestamp" and pd.api.types.is_datetime64_any_dtype(given.dtype):
        finer = given.notna() & (given != given.dt.as_unit("us"))
        return str(given[finer].iloc[0]) if finer.any() else None
    return None


def _loses(value: decimal.Decimal) -> bool:
    return value.is_finite() and decimal.Decimal(repr(float(value))) != value


def infinities(values: pd.Series) -> np.ndarray:
    """Mask (n,) of the values that are infinite, also as text says it."""
    given = _as_text(plain(values))
    if pd.api.types.is_numeric_dtype(given.dtype):
        return np.isinf(given.to_numpy(dtype="float64", na_value=np.nan))
    if isinstance(given.dtype, pd.StringDtype):
        return given.str.fullmatch(rf"\s*{INFINITY.pattern}\s*", case=False).fillna(False).to_numpy(dtype=bool)
    return np.array([_infinite(value) for value in given], dtype=bool)


def _infinite(value: Any) -> bool:
    if isinstance(value, str):
        return INFINITY.fullmatch(value.strip()) is not None
    try:
        return bool(value in (np.inf, -np.inf))
    except (TypeError, ValueError):
        return False


def _candidates(given: pd.Series, there: pd.Series, untyped: bool) -> tuple[ColumnType, ...]:
    """The types to be tried, the narrowest first."""
    dtype = there.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return ("boolean",)
    if pd.api.types.is_integer_dtype(dtype):
        return "integer", "string"
    if pd.api.types.is_float_dtype(dtype):
        # Whole numbers with gaps became floats in pandas.
        numbers = there.to_numpy(dtype="float64")
        whole = len(there) < len(given) and bool((np.abs(numbers) < WHOLE_FLOATS).all() and (numbers % 1 == 0).all())
        return ("integer", "number") if whole else ("number",)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "date", "timestamp"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return ("number",)
    if isinstance(dtype, pd.StringDtype):
        return _candidates_of_text(there, untyped)
    return _candidates_of_objects(there)


def _candidates_of_text(there: pd.Series, untyped: bool) -> tuple[ColumnType, ...]:
    tried: list[ColumnType] = ["boolean", "integer", "number"] if untyped else []
    text = there.str.strip()
    head = text.head(100)
    found = [
        kind
        for kind in [*tried, "date", "timestamp"]
        if head.str.fullmatch(WRITTEN[kind]).all() and text.str.fullmatch(WRITTEN[kind]).all()
    ]
    return (*found, "string")


def _candidates_of_objects(there: pd.Series) -> tuple[ColumnType, ...]:
    classes = {type(value) for value in there}

    def all_are(*wanted: type) -> bool:
        return all(issubclass(found, wanted) for found in classes)

    if all_are(bool, np.bool_):
        return ("boolean",)
    if any(issubclass(found, bool | np.bool_) for found in classes):
        return ("string",)
    if all_are(numbers.Integral):
        return "integer", "string"
    if all_are(numbers.Real, decimal.Decimal):
        # A decimal with a point in it is of a column that has fractions, though these rows may have none.
        pointed = any(not isinstance(value, numbers.Integral) and _pointed(value) for value in there)
        return ("number",) if pointed else ("integer", "string")
    if all_are(datetime.date, np.datetime64):
        return "date", "timestamp"
    if all_are(datetime.timedelta, np.timedelta64):
        return ("number",)
    return ("string",)


def _pointed(value: Any) -> bool:
    if not isinstance(value, decimal.Decimal):
        return True
    exponent = value.as_tuple().exponent
    return not isinstance(exponent, int) or exponent < 0


def _fits(there: pd.Series, kind: ColumnType, zone: str) -> bool:
    """Whether all values are of the type, infinities of numbers apart, of which there must be others."""
    if len(there) > 1000 and not _fits(there.head(100), kind, zone) and kind != "number":
        return False
    faulty = convert(there, kind, zone)[1]
    if kind == "number" and faulty.any():
        return not faulty.all() and bool((faulty == infinities(there)).all())
    return not faulty.any()


def _unreadable(values: pd.Series) -> np.ndarray:
    if not pd.api.types.is_object_dtype(values.dtype):
        return np.zeros(len(values), dtype=bool)
    return np.fromiter((type(value) is Unreadable for value in values), dtype=bool, count=len(values))


def _as_text(values: pd.Series) -> pd.Series:
    """Objects that are all text in pandas' dtype of text; all else as it is."""
    if not pd.api.types.is_object_dtype(values.dtype) or pd.api.types.infer_dtype(values, skipna=True) != "string":
        return values
    try:
        return values.astype("str")
    except UnicodeEncodeError:  # a lone surrogate
        return values


def _blank(values: pd.Series) -> np.ndarray:
    if isinstance(values.dtype, pd.StringDtype):
        return (values.str.strip() == "").fillna(False).to_numpy(dtype=bool)
    if not pd.api.types.is_object_dtype(values.dtype):
        return np.zeros(len(values), dtype=bool)
    blank = (isinstance(value, str) and not value.strip() for value in values)
    return np.fromiter(blank, dtype=bool, count=len(values))


def _typed(values: pd.Series, kind: ColumnType, zone: str) -> pd.Series:
    """Convert at once where the dtype already says what the column holds, else value by value."""
    dtype = values.dtype
    if kind == "timestamp":
        return times.stamps(values, zone)
    if kind == "date":
        return times.dates(values, zone)
    if isinstance(dtype, pd.StringDtype):
        return OF_TEXT[kind](values)
    if kind == "number" and pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        numeric = values.to_numpy(dtype="float64", na_value=np.nan)
        return pd.Series(np.where(np.isfinite(numeric), numeric, np.nan), index=values.index)
    if kind == "number" and pd.api.types.is_timedelta64_dtype(dtype):
        return values.dt.total_seconds()
    if kind == "integer" and pd.api.types.is_signed_integer_dtype(dtype):
        return values.astype("Int64")
    if kind == "boolean" and pd.api.types.is_bool_dtype(dtype):
        return values.astype("boolean")
    if kind == "string" and pd.api.types.is_integer_dtype(dtype):
        return _series(pa.array(values).cast(pa.large_string()), values.index)
    read, to = READERS[kind]
    return _by_value(values, read, to)


def _by_value(values: pd.Series, read: Callable[[Any], Any], to: str) -> pd.Series:
    present = values.notna().to_numpy(dtype=bool)
    taken = [read(value) if there else None for value, there in zip(values.tolist(), present, strict=True)]
    return pd.Series(taken, index=values.index, dtype=to)


def _number_of_text(values: pd.Series) -> pd.Series:
    text = pc.utf8_trim_whitespace(pa.array(values, pa.large_string()))
    usual = pc.fill_null(pc.match_substring_regex(text, PLAIN_NUMBER), False)
    numbers = pc.cast(pc.if_else(usual, text, None), pa.float64()).to_numpy(zero_copy_only=False)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), index=values.index)


def _integer_of_text(values: pd.Series) -> pd.Series:
    text = pc.utf8_trim_whitespace(pa.array(values, pa.large_string()))
    usual = pc.fill_null(pc.match_substring_regex(text, PLAIN_INTEGER), False)
    # Arrow knows no plus sign.
    whole = pc.cast(pc.utf8_ltrim(pc.if_else(usual, text, None), "+"), pa.int64())
    # By pandas' constructor the gaps would make floats of them.
    made = _series(whole, values.index, pd.Int64Dtype())
    left = values.notna().to_numpy(dtype=bool) & made.isna().to_numpy(dtype=bool)
    if left.any():
        made[left] = _by_value(values[left], read_integer, "Int64")
    return made


def _boolean_of_text(values: pd.Series) -> pd.Series:
    codes, distinct = pd.factorize(values)
    read = pd.array([*(read_boolean(value) for value in distinct), None], dtype="boolean")
    return pd.Series(read[codes], index=values.index)


def _series(values: pa.Array, index: pd.Index, dtype: Any = None) -> pd.Series:
    made: pd.Series = pa.chunked_array([values]).to_pandas(types_mapper=lambda _: dtype)
    return made.set_axis(index)


OF_TEXT: Mapping[str, Callable[[pd.Series], pd.Series]] = {
    "string": lambda values: values,
    "integer": _integer_of_text,
    "number": _number_of_text,
    "boolean": _boolean_of_text,
}
READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "string": (read_text, "str"),
    "integer": (read_integer, "Int64"),
    "number": (read_number, "float64"),
    "boolean": (read_boolean, "boolean"),
}
