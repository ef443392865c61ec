"""A value as a person reads it in a message: text in quotes, no type of a library, one line, of readable length."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

LONGEST = 40
MOST = 5
"""Elements of a list that are shown."""


def show(value: Any, longest: int = LONGEST) -> str:
    """Write one value: `'red'`, `3`, `0.5`, `2026-03-01`, `missing`; what is longer is cut with an ellipsis.

    Line breaks and control signs of text are written as `\\\\n`, so that a value cannot start a line of a log.
    """
    text = _text(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _text(value: Any) -> str:
    value = _plain(value)
    if value is None:
        return "missing"
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes | bytearray):
        return repr(bytes(value))
    if isinstance(value, Mapping):
        return "{" + _several(f"{_text(key)}: {_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + _several(_text(one) for one in value) + "]"
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, int | float | Decimal | datetime.date | datetime.time | datetime.timedelta):
        return str(value)
    return repr(str(value))


def _plain(value: Any) -> Any:
    """The value without its library's type; None for whatever stands for a missing one."""
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays, columns of pandas
        value = value.tolist()
    if hasattr(value, "to_pydatetime"):
        value = None if str(value) == "NaT" else value.to_pydatetime(warn=False)
    try:
        missing = bool(value != value)
    except (TypeError, ValueError):  # pandas' NA has no truth
        return None if str(value) == "<NA>" else value
    return None if missing else value


def _several(texts: Iterable[str]) -> str:
    """The first few, and an ellipsis for the others."""
    shown = list(texts)
    return ", ".join(shown[:MOST]) + (", …" if len(shown) > MOST else "")
