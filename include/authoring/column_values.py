"""A column's values of their type, as a profile looks at them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from include.data.values import convert

if TYPE_CHECKING:
    from include.config.schema import ColumnType


def convert_column(values: pd.Series, kind: ColumnType) -> pd.Series:
    """The values (n,) of their type: days as moments, like time stamps."""
    made = convert(values, kind)[0]
    return pd.Series(pd.array(made.to_numpy(), dtype="datetime64[s]"), index=made.index) if kind == "date" else made
