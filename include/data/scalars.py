"""One value of any class that a source can hand over, as a value of a declared type; None where it is none. Pure.

Only conversions that keep the value are made: a fraction is no integer, an infinity no number, and what a source wrote
as text is a number only in the form that every reader of tables agrees on.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import numbers
import re
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

INT64 = 2**63
WHOLE_FLOATS = 2**53
"""Up to here each whole number has a float of its own."""
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
WORDS_OF_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class Unreadable(str):
    """A text that its file's dialect cannot read as the declared type: a fault of its row, shown as it was written.

    Under `decimal: ","` the text `1.5` is none that the file may hold, though it looks like a number.
    """

    __slots__ = ()


def read_number(value: Any) -> float | None:
    """The nearest float; a duration is its seconds."""
    if isinstance(value, str):
        text = value.strip()
        number = float(text) if NUMBER.fullmatch(text) else None
    elif isinstance(value, datetime.timedelta):
        number = value.total_seconds()
    elif isinstance(value, np.timedelta64):
        number = float(value / np.timedelta64(1, "s"))
    elif isinstance(value, numbers.Real | decimal.Decimal | np.bool_):
        number = _float(value)
    else:
        return None
    return number if number is not None and math.isfinite(number) else None


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def read_integer(value: Any) -> int | None:
    """The whole number, never by way of a float: above 2**53 it would be another one."""
    if isinstance(value, numbers.Integral | np.bool_):
        whole = int(value)
    elif isinstance(value, str | decimal.Decimal | numbers.Real):
        exact = _decimal(value)
        # The size is looked at first: 1e999999999 has a billion digits.
        if exact is None or exact.adjusted() > 18 or exact != exact.to_integral_value():
            return None
        whole = int(exact)
    else:
        return None
    return whole if -INT64 <= whole < INT64 else None


def _decimal(value: Any) -> decimal.Decimal | None:
    if isinstance(value, str):
        value = value.strip()
        if not NUMBER.fullmatch(value):
            return None
    try:
        exact = decimal.Decimal(value if isinstance(value, str | decimal.Decimal) else float(value))
    except (decimal.DecimalException, ValueError, OverflowError):
        return None
    return exact if exact.is_finite() else None


def read_boolean(value: Any) -> bool | None:
    """True and false, 1 and 0."""
    if isinstance(value, str):
        return WORDS_OF_TRUTH.get(value.strip().lower())
    if isinstance(value, datetime.timedelta | np.timedelta64):
        return None
    number = read_number(value)
    return bool(number) if number in (0.0, 1.0) else None


def read_text(value: Any) -> str | None:
    """Text as it is, and all else in the one form that names it: 7 for 7.0, true, 10:15:00, JSON of lists and objects.

    Bytes are text where they are UTF-8, as writers without types leave it; others have no text, nor has an infinity.
    """
    text = next((write for classes, write in TEXT_OF if isinstance(value, classes)), None)
    return None if text is None else text(value)


def _text_of_text(value: str) -> str | None:
    # A lone surrogate is no text: the table's files could not hold it.
    return str(value) if value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value) else None


def _text_of_decimal(value: decimal.Decimal) -> str | None:
    return format(value, "f") if value.is_finite() else None


def _text_of_float(value: float | np.floating) -> str | None:
    value = float(value)
    if not math.isfinite(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < WHOLE_FLOATS else repr(value)


def _text_of_duration(value: datetime.timedelta | np.timedelta64) -> str | None:
    seconds = read_number(value)
    return None if seconds is None else f"PT{_text_of_float(seconds)}S"


def _text_of_bytes(value: bytes | bytearray | memoryview) -> str | None:
    try:
        text = bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _json(value: Any) -> str | None:
    held = value.tolist() if isinstance(value, np.ndarray) else value
    try:
        text = json.dumps(held, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_inside)
    except (TypeError, ValueError):
        return None
    return read_text(text)


def _inside(value: Any) -> Any:
    """What JSON has no form of, inside a list or an object."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    text = read_text(value)
    if text is None:
        raise TypeError(f"{type(value).__name__} has no text")
    return text


TEXT_OF: tuple[tuple[tuple[type, ...], Callable[[Any], str | None]], ...] = (
    ((str,), _text_of_text),
    ((bool, np.bool_), lambda value: "true" if value else "false"),
    ((numbers.Integral,), lambda value: str(int(value))),
    ((decimal.Decimal,), _text_of_decimal),
    ((float, np.floating), _text_of_float),
    ((uuid.UUID,), str),
    ((datetime.timedelta, np.timedelta64), _text_of_duration),
    ((datetime.datetime,), lambda value: value.isoformat(sep=" ")),
    ((datetime.date, datetime.time), lambda value: value.isoformat()),
    ((bytes, bytearray, memoryview), _text_of_bytes),
    ((dict, list, tuple, np.ndarray), _json),
)
"""The text of each class, the first that a value is of: a truth is an integer too, a moment a date."""
