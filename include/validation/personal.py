"""Guards tables against people's own data: what a day's columns hold, on a sample, unless the model file speaks of it.

Telephone numbers and the like that are written as bare digits are only known by their column's name.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.config.personal import advice, looks_by_name
from include.validation.looks import LOOKS, looks_of

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.validation.inspection import Inspection

SAMPLE = 200
"""Rows of a day that are looked at, evenly spaced."""
LEAST_NUMBER = 10**10
"""Numbers below it are too short for a card's, or for a national number that is known by its digits alone."""
WITHHELD = "(withheld: looks like personal data)"


@dataclass(frozen=True)
class Sighting:
    """A column that looks personal on a day, and the words for it."""

    day: datetime.date
    column: str
    looks: str


def sightings(config: ModelConfig, rows: pd.DataFrame, day_of_row: np.ndarray) -> list[Sighting]:
    """Columns that look like personal data, day by day, by what they hold; those not declared by their name too.

    Each day is judged by its own rows alone, so that loading history and ingesting night by night agree.
    """
    columns = [
        name for name in rows.columns if config.data.columns.get(str(name)) not in ("date", "timestamp", "boolean")
    ]
    columns = [name for name in columns if name not in config.data.personal]
    if rows.empty or not columns:
        return []
    days, codes = np.unique(day_of_row, return_inverse=True)
    places = [_spread(np.flatnonzero(codes == code)) for code in range(len(days))]
    ends = np.cumsum([len(part) for part in places])
    found = []
    for name in columns:
        texts = _texts(rows[name], np.concatenate(places))
        for day, first, end in zip(days, [0, *ends], ends, strict=False):
            looks = _looks(texts[first:end]) if texts else None
            if not looks and name not in config.data.columns and (named := looks_by_name(str(name))):
                looks = f"looks by its name like {named}"
            if looks:
                found.append(Sighting(day, str(name), looks))
    return found


def looks_like(values: pd.Series) -> str | None:
    """What a column looks like, by its name or by a sample of its values; None for anything but a person's own."""
    if named := looks_by_name(str(values.name)):
        return f"looks by its name like {named}"
    texts = _texts(values, _spread(np.arange(len(values))))
    return _looks(texts) if texts else None


def withheld(rows: pd.DataFrame, day_of_row: np.ndarray, seen: Sequence[Sighting]) -> pd.DataFrame:
    """The rows without what was sighted: neither quarantine nor a page may repeat it."""
    masked: dict[str, pd.Series] = {}
    for one in seen:
        values = masked.get(one.column, rows[one.column]).astype(object)
        masked[one.column] = values.mask((day_of_row == one.day) & rows[one.column].notna().to_numpy(), WITHHELD)
    return rows.assign(**masked)


def refuse(found: Inspection, seen: Sequence[Sighting]) -> None:
    """Refuse the days on which a declared column looks personal. One that is not declared is dropped anyway."""
    by_column: dict[str, list[Sighting]] = {}
    for one in seen:
        by_column.setdefault(one.column, []).append(one)
    for name, ones in by_column.items():
        if name not in found.config.data.columns:
            detail = f"column {name!r} {ones[0].looks}; it is not declared, and kept in no table"
            found.fail(f"personal:{name}", "warn", len(ones), len(found.days), detail)
            continue
        for one in ones:
            found.refuse(one.day, advice(name, one.looks))
        found.fail(f"personal:{name}", "refuse_day", len(ones), len(found.days), advice(name, ones[0].looks))


def _spread(positions: np.ndarray) -> np.ndarray:
    """At most SAMPLE of the positions, evenly spaced."""
    if len(positions) <= SAMPLE:
        return positions
    return positions[np.linspace(0, len(positions) - 1, SAMPLE).astype(int)]


def _texts(values: pd.Series, positions: np.ndarray) -> list[str | None]:
    """The sampled values as text, None where missing; nothing at all for numbers too small to be anybody's."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        dtype = values.dtype
        ordered = not (pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype))
        largest = values.max() if ordered else None
        if largest is None or pd.isna(largest) or largest < LEAST_NUMBER:
            return []
    elif not (pd.api.types.is_object_dtype(values.dtype) or pd.api.types.is_string_dtype(values.dtype)):
        return []
    return [_text(value) for value in values.iloc[positions].tolist()]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None  # NaN and infinity are none
    return None if value is None or not isinstance(value, dict | list) else str(value)


def _looks(texts: Sequence[str | None]) -> str | None:
    """The words for what a day's sample of a column looks like, with one example that names nobody."""
    there = [text for text in texts if text]
    held: dict[int, list[str]] = {}
    for text in there:
        for number in looks_of(text):
            held.setdefault(number, []).append(text)
    for place, like in held.items():
        look = LOOKS[place]
        if len(like) / len(there) >= look.floor and len(like) >= min(look.least, len(texts)):
            return (
                f"looks like {look.what} ({len(like)} of {len(there)} values looked at, such as {masked(like[0])!r}, "
                f"where {look.floor:.0%} are enough)"
            )
    return None


def masked(text: str) -> str:
    """The shape of a value: its first sign and its punctuation, everything else as `*`, and not more than 40 signs."""
    return text[:1] + re.sub(r"\w", "*", text[1:40]) + ("..." if len(text) > 40 else "")
