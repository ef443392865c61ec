"""The declared type of a column of a text file, from its values. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from include.data.values import convert, infer_type

if TYPE_CHECKING:
    from include.config.schema import ColumnType

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None")
"""What files write where a value is missing."""


def typed_text(values: pd.Series, decimal: str = ".") -> tuple[ColumnType, pd.Series]:
    """The type of a column of text as CSV files have it, and its values of that type; missing ones are null.

    Text stays text where only some of it reads as something else, `NA` included, which may be a word.
    """
    there = values.mask(values.isin(MISSING), None)
    plain = there.str.replace(decimal, ".") if decimal != "." and there.notna().any() else there
    kind = infer_type(plain, untyped=True)
    if kind in (None, "string"):
        return "string", values.where(values != "")
    return kind, typed(plain, kind)


def typed(values: pd.Series, kind: ColumnType) -> pd.Series:
    """The values of their type, as a profile looks at them: days as moments, like time stamps."""
    made = convert(values, kind)[0]
    return pd.Series(pd.array(made.to_numpy(), dtype="datetime64[s]"), index=made.index) if kind == "date" else made
