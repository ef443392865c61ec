"""Rows whose day cannot be read: what is seen there, and which key of the model file to change. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from include.config.show import show
from include.errors import DataRefused

if TYPE_CHECKING:
    from include.config.schema import ModelConfig, Source

MOST_UNREADABLE = 0.5
"""Share of a whole source's days that may be unreadable: beyond, it is the declaration that is wrong, not rows."""
SHOWN = 3


def unreadable(config: ModelConfig, column: str, values: pd.Series) -> str:
    """What the undated rows hold in the column that dates them, by examples, and what would mend it."""
    there = values.dropna()
    shown = list(dict.fromkeys(show(value) for value in there.head(100)))[:SHOWN]
    empty = len(values) - len(there)
    held = [f"{column} is empty in {empty:,}"] if empty else []
    held += [f"{column} holds {', '.join(shown)} in {len(there):,}"] if shown else []
    return " and ".join(held) + (f" ({_way_on(config, column)})" if shown else "")


def require_readable(config: ModelConfig, which: str, source: Source, values: pd.Series, days: pd.Series) -> None:
    """Refuse a whole source most of whose `values` (n,) give no day (n,), NaT in `days`.

    Each night would go on with the few rows that happen to be readable. Raises DataRefused.
    """
    there = values.notna()
    lost = there & days.isna()
    if lost.sum() > MOST_UNREADABLE * there.sum():
        column = str(values.name)
        raise DataRefused(
            f"{config.name}: {int(lost.sum()):,} of {len(values):,} rows of {source.place} (data.{which}) have no "
            f"readable day: {unreadable(config, column, values[lost])}"
        )


def _way_on(config: ModelConfig, column: str) -> str:
    """Days are read as ISO 8601; a source may have a key for other forms."""
    key = "date_format"
    other = f"; for another form give data.source.{key}" if key in type(config.data.source).model_fields else ""
    named = "data.time" if config.data.time else "data.day"
    return f"ISO 8601 is read, such as 2026-01-31{other}; {named} says that {column} dates a row"
