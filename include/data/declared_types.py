"""Stored values as a configuration declares them, where the table holds another type since, or not yet. Pure.

A version that was trained when a column was an integer goes on reading it as one, although it is text by now.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from include.config.schema import ColumnType

log = logging.getLogger(__name__)

WORDS_OF_TRUTH = {"true": True, "false": False, "True": True, "False": False, "1": True, "0": False}


def as_declared(model: str, frame: pd.DataFrame, kinds: Mapping[str, ColumnType]) -> pd.DataFrame:
    """`frame` with its declared columns of the declared types; columns that have them already are not touched.

    A whole number stays one whether it is stored as integer or number. What cannot be said in the declared type is
    null, and told in the log; a time stamp read as a date loses its time of day, as it would have had none.
    """
    changed = {}
    for name, kind in kinds.items():
        if name not in frame.columns or _fits(frame[name], kind):
            continue
        values = frame[name]
        changed[name] = _read(values, kind)
        lost = (values.notna() & changed[name].isna()).to_numpy(dtype=bool)
        if lost.any():
            log.warning(
                "%s: %d of %d values of %s cannot be read as %s, such as %r: null to this version",
                *(model, int(lost.sum()), len(values), name, kind, values[lost].iloc[0]),
            )
    return frame.assign(**changed) if changed else frame


def _fits(values: pd.Series, kind: ColumnType) -> bool:
    dtype, types = values.dtype, pd.api.types
    if kind in ("integer", "number"):
        return bool(types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype))
    if kind == "timestamp":
        return bool(types.is_datetime64_any_dtype(dtype))
    if kind == "string":
        return isinstance(dtype, pd.StringDtype) or _all(values, str)
    if kind == "boolean":
        return bool(types.is_bool_dtype(dtype)) or _all(values, bool)
    return types.is_object_dtype(dtype) and _all(values, datetime.date)


def _all(values: pd.Series, kind: type) -> bool:
    """Whether a column of objects holds such values; its first one tells, as a stored column has one type."""
    if not pd.api.types.is_object_dtype(values.dtype):
        return False
    place = values.first_valid_index()
    return place is None or isinstance(values[place], kind)


def _read(values: pd.Series, kind: ColumnType) -> pd.Series:
    if kind in ("integer", "number"):
        numbers = values.map({True: 1.0, False: 0.0}) if _all(values, bool) or values.dtype == bool else values
        return pd.to_numeric(numbers, errors="coerce")
    if kind == "timestamp":
        return pd.to_datetime(values, errors="coerce").dt.as_unit("us")
    read = READERS[kind]
    taken = [None if pd.isna(value) else read(value) for value in values.tolist()]
    return pd.Series(taken, index=values.index, dtype="str" if kind == "string" else object)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():  # an integer column with gaps, as pandas reads it
        return str(int(value))
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _truth(value: Any) -> bool | None:
    return WORDS_OF_TRUTH.get(value) if isinstance(value, str) else {0: False, 1: True}.get(value)


def _date(value: Any) -> datetime.date | None:
    if isinstance(value, datetime.datetime):
        return value.date()
    try:
        return datetime.date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


READERS: Mapping[str, Callable[[Any], Any]] = {"string": _text, "boolean": _truth, "date": _date}
