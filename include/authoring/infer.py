"""The declared type of a column, from its values. Pure.

A type is taken only where every value is of it and comes back as it was: `007` is text, and so is 31.12.2026, which
two countries read as two days.
"""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from include.config.schema import ColumnType

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None")
"""What files write where a value is missing."""
WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TRUTH = ("true", "false")


def typed_text(values: pd.Series, decimal: str = ".") -> tuple[ColumnType, pd.Series]:
    """The type of a column of text as CSV files have it, and its values of that type; missing ones are null.

    Text stays text where only some of it reads as something else, `NA` included, which may be a word.
    """
    there = values[~values.isin(MISSING)].dropna()
    distinct = [str(value).strip() for value in there.unique()]
    if not distinct:
        return "string", values.where(values != "")
    plain = [value.replace(decimal, ".") for value in distinct] if decimal != "." else distinct
    if all(value.lower() in TRUTH for value in distinct):
        return "boolean", _mapped(values, there, lambda value: value.strip().lower() == "true").astype("boolean")
    if all(WHOLE.fullmatch(value) for value in distinct):
        return "integer", _mapped(values, there, int).astype("Int64")
    if all(NUMBER.fullmatch(value) and not _padded(value) for value in plain):
        return "number", _mapped(values, there, lambda value: float(value.replace(decimal, "."))).astype("float64")
    if (kind := _moments(distinct)) is not None:
        return kind, pd.to_datetime(_mapped(values, there, str.strip), format="ISO8601")
    return "string", values.where(values != "")


def typed(values: pd.Series) -> tuple[ColumnType, pd.Series]:
    """The type of a column that came with types, from a database, Parquet or JSON, and its values of that type."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return "boolean", values.astype("boolean")
    if pd.api.types.is_integer_dtype(values.dtype):
        return "integer", values.astype("Int64")
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.astype("float64")
        whole = numbers.notna().any() and (numbers.dropna() % 1 == 0).all() and numbers.isna().any()
        return ("integer", numbers.astype("Int64")) if whole else ("number", numbers)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        midnight = (values.dropna() == values.dropna().dt.normalize()).all()
        return "date" if midnight else "timestamp", values
    return _of_objects(values)


def _of_objects(values: pd.Series) -> tuple[ColumnType, pd.Series]:
    there = values.dropna()
    kinds = {type(value) for value in there}
    if kinds <= {bool} and kinds:
        return "boolean", values.astype("boolean")
    if kinds <= {int} and kinds:
        return "integer", values.astype("Int64")
    if kinds <= {int, float, decimal.Decimal} and kinds:
        return "number", values.astype("float64")
    if kinds <= {datetime.date} and kinds:
        return "date", pd.to_datetime(values)
    text = values.where(values.isna(), values.astype(str))
    kind = _moments([value.strip() for value in text.dropna().unique()]) if kinds == {str} else None
    return (kind, pd.to_datetime(text, format="ISO8601")) if kind else ("string", text)


def _moments(distinct: Iterable[str]) -> ColumnType | None:
    """`date` where all are ISO days, `timestamp` where all are ISO moments without a zone."""
    days, found = True, False
    for value in distinct:
        try:
            moment = datetime.datetime.fromisoformat(value)
        except ValueError:
            return None
        if moment.tzinfo is not None or not value[:4].isdecimal() or "-" not in value:
            return None
        days, found = days and len(value) == 10, True
    return None if not found else "date" if days else "timestamp"


def _padded(value: str) -> bool:
    """`007` and `00.5`: leading zeros that a number would lose."""
    digits = value.removeprefix("-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal()


def _mapped(values: pd.Series, there: pd.Series, read: Callable[[str], object]) -> pd.Series:
    """`values` as objects: those of `there` read, all others missing."""
    known = {value: read(str(value)) for value in there.unique()}
    return values.map(known).astype(object)
