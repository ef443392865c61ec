"""Rows set aside, with the reasons and the values as they were delivered, so that nothing is lost."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.data.windows import row_keys
from include.validation.inspection import UNDATED

if TYPE_CHECKING:
    from include.validation.inspection import Inspection

COLUMNS = ["day", "row_key", "rules", "row"]


def quarantine_rows(found: Inspection) -> pd.DataFrame:
    """One line for each row set aside: day (date), row_key, rules ("a; b") and row (the original values as JSON).

    Sorted by day, then as delivered; those of no known day come last, and their `day` is None. `row_key` is the key
    columns' values joined by `|`; where one of them is missing or unreadable, its part is what was delivered.
    """
    positions = np.flatnonzero(found.aside)
    positions = positions[np.argsort(found.day_of_row[positions], kind="stable")]
    rows = found.original.iloc[positions]
    days = [None if day == UNDATED else day for day in found.day_of_row[positions]]
    lines = {
        "day": pd.Series(days, dtype=object),
        "row_key": pd.Series(_keys(found, positions), dtype="str"),
        "rules": pd.Series(_rules(found, positions), dtype="str"),
        "row": pd.Series([_json(values, rows.columns) for values in _values(rows)], dtype="str"),
    }
    return pd.DataFrame(lines, columns=COLUMNS)


def _rules(found: Inspection, positions: np.ndarray) -> list[str]:
    names = list(found.marks)
    held = np.array([found.marks[name][positions] for name in names], dtype=bool).T
    return ["; ".join(name for name, is_held in zip(names, row, strict=True) if is_held) for row in held]


def _keys(found: Inspection, positions: np.ndarray) -> list[str]:
    key = list(found.config.data.key)
    typed = found.typed.iloc[positions]
    known = [None] * len(positions) if set(key) & set(found.missing) else row_keys(found.config, typed).tolist()
    delivered = found.original.reindex(columns=key).iloc[positions]
    return [
        name if isinstance(name, str) else "|".join(_word(value) for value in values)
        for name, values in zip(known, _values(delivered), strict=True)
    ]


def _values(rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows as tuples of Python objects; column by column, as a mixed row would make floats of integers."""
    columns = [rows[name].tolist() for name in rows.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * len(rows)


def _json(values: tuple[Any, ...], names: pd.Index) -> str:
    # ASCII with escapes holds any text at all, unpaired surrogates too.
    return json.dumps({str(name): _plain(value) for name, value in zip(names, values, strict=True)}, allow_nan=False)


def _plain(value: Any) -> Any:
    """A JSON value: missing as null, infinity and what JSON has no form for as text."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    item = value.item() if isinstance(value, np.generic) else value
    if isinstance(item, float) and not math.isfinite(item):
        return str(item)
    if isinstance(item, bool | int | float | str):
        return item
    return item.isoformat() if hasattr(item, "isoformat") else str(item)


def _word(value: Any) -> str:
    plain = _plain(value)
    return "" if plain is None else str(plain).encode("utf-8", "replace").decode()
