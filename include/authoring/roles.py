"""The part that each column plays as a feature, or why it plays none. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.authoring.names import counts_rows, sounds_like_code, sounds_like_key
from include.authoring.yaml_text import said

if TYPE_CHECKING:
    from include.config.features import TimePart
    from include.config.schema import ColumnType

FEW = 50
"""Values up to which a column of names is encoded value by value; above, by the label's mean."""
FREE_TEXT = 60
"""Mean length above which text is sentences, of which no feature is made."""
OWN_VALUE = 0.5
"""Values per row above which a name comes too seldom to learn from."""
LEAST_FILLED = 20
"""Rows with a value below which nothing is learnt from a column that is empty elsewhere."""
TRENDS = 0.95
"""Rank correlation with time from which a column can only move on."""
YEAR = 400
"""Days of history below which no month has been seen twice."""


@dataclass
class Roles:
    """Feature columns by how they are taken, and the others, each with the reason."""

    numeric: list[str] = field(default_factory=list)
    categorical: list[str] = field(default_factory=list)
    target_encoded: list[str] = field(default_factory=list)
    times: dict[str, tuple[TimePart, ...]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return [*self.numeric, *self.categorical, *self.target_encoded]

    def without(self, names: Mapping[str, str]) -> Roles:
        """The same, but for the columns named."""
        return Roles(
            [name for name in self.numeric if name not in names],
            [name for name in self.categorical if name not in names],
            [name for name in self.target_encoded if name not in names],
            {name: parts for name, parts in self.times.items() if name not in names},
            dict(self.left_out),
        )


def roles_of(
    rows: pd.DataFrame, kinds: Mapping[str, ColumnType], names: Sequence[str], personal: Mapping[str, str]
) -> Roles:
    """Give each of the columns its part.

    Whole numbers that say which rather than how many (a store's number, a postcode) are names, not quantities; those
    that count the rows say nothing of the next one.
    """
    roles, first = Roles(), _first_by_case(rows)
    for name in names:
        values, kind = rows[name], kinds[name]
        why = personal.get(name) or first.get(name) or _useless(name, values, kind)
        if why is not None:
            roles.left_out[name] = why
        elif kind in ("date", "timestamp"):
            parts = time_parts(values, kind)
            clash = any(f"{name}_{part}" in rows.columns for part in parts)
            if parts and not clash:
                roles.times[name] = parts
            else:
                roles.left_out[name] = "columns of the table have its parts' names" if clash else "no part of it varies"
        elif kind in ("number", "boolean") or (kind == "integer" and not _is_code(name, values)):
            roles.numeric.append(name)
        elif values.nunique() <= FEW:
            roles.categorical.append(name)
        else:
            roles.target_encoded.append(name)
    return roles


def _first_by_case(rows: pd.DataFrame) -> dict[str, str]:
    """Columns whose name differs by case alone from an earlier one's: a table holds no more than one of them."""
    seen: dict[str, str] = {}
    found = {}
    for name in map(str, rows.columns):
        if (other := seen.setdefault(name.lower(), name)) != name:
            found[name] = f"its name differs by case alone from that of {said(other)}"
    return found


def time_parts(values: pd.Series, kind: ColumnType) -> tuple[TimePart, ...]:
    """Parts of a date that say something: those that differ; the weekday only where days are not one a month."""
    moments = values.dropna()
    found: list[TimePart] = []
    if kind == "timestamp" and moments.dt.hour.nunique() > 1:
        found.append("hour")
    monthly = moments.dt.is_month_start.all() or moments.dt.is_month_end.all() or moments.dt.day.nunique() == 1
    if moments.dt.dayofweek.nunique() > 1 and not monthly:
        found.append("day_of_week")
    if moments.dt.month.nunique() > 1:
        found.append("month")
    return tuple(found)


def moving(rows: pd.DataFrame, roles: Roles, time: str) -> dict[str, str]:
    """Features that no history could show at rest, each with the reason: they are not drift."""
    moments = rows[time]
    days = int((moments.max() - moments.min()).days) + 1
    found: dict[str, str] = {}
    if days < YEAR:
        found = {f"{name}_month": "less than a year" for name, parts in roles.times.items() if "month" in parts}
    sample = rows[moments.notna()].sample(min(int(moments.notna().sum()), 5000), random_state=0)
    when = sample[time].rank()
    for name in roles.numeric:
        values = sample[name].astype("float64")
        if values.nunique() > 2 and abs(float(np.nan_to_num(values.rank().corr(when)))) > TRENDS:
            found[name] = "goes with time"
    return found


def _is_code(name: str, values: pd.Series) -> bool:
    return sounds_like_code(name) and values.nunique() > 2


def _useless(name: str, values: pd.Series, kind: ColumnType) -> str | None:
    distinct, there = values.nunique(), int(values.notna().sum())
    if not name.strip():
        return "it has no name"
    if distinct < 2:
        return (
            "the same in every row" if there == len(values) else "one value or none" if there else "empty in every row"
        )
    if there < min(LEAST_FILLED, len(values)):
        return f"a value in {there:,} of {len(values):,} rows only"
    if kind == "integer" and distinct == there and _counts(name, values):
        return "it counts the rows"
    if kind == "string":
        if distinct > OWN_VALUE * there and there > FEW:
            return f"nearly every row has its own value ({distinct:,} in {there:,} rows)"
        if values.dropna().astype(str).str.len().mean() > FREE_TEXT:
            return "sentences"
    if kind == "integer" and distinct > OWN_VALUE * there and sounds_like_code(name):
        return f"nearly every row has its own value ({distinct:,} in {there:,} rows)"
    return None


def _counts(name: str, values: pd.Series) -> bool:
    """Whether whole numbers are 0, 1, 2, ... in some order, or are called a row index or a key."""
    low, high = int(values.min()), int(values.max())
    return counts_rows(name) or sounds_like_key(name) or (low in (0, 1) and high - low == len(values) - 1)
