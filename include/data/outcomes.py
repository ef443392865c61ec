"""What became of each day that was ingested: refused, or how many rows were written and set aside. One row a day.

A refused day keeps the rows that it had, so the table `validated` alone does not tell that tonight's data was bad.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from include.contracts import DayOutcome
from include.data import tables

if TYPE_CHECKING:
    from include.config.schema import ColumnType

INGESTS = "ingests"
COLUMNS: dict[str, ColumnType] = {
    "rows": "integer",
    "validated": "integer",
    "quarantined": "integer",
    "refused": "boolean",
    "reasons": "string",
}
"""Beside the partition column `day`; `reasons` is a JSON list."""


def keep(model: str, outcomes: Sequence[DayOutcome]) -> None:
    """Replace these days' outcomes, in one commit."""
    rows = [one.model_dump(include=set(COLUMNS)) | {"reasons": json.dumps(one.reasons)} for one in outcomes]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    days = [one.day for one in outcomes]
    tables.replace_days(model, INGESTS, frame, pd.Series(days, dtype=object), days, tables.schema_for(COLUMNS))


def outcome(model: str, day: date) -> DayOutcome | None:
    """What the last ingest of a day came to; None where none was ever kept."""
    return between(model, day, day).get(day)


def between(model: str, first: date, last: date) -> dict[date, DayOutcome]:
    """What the last ingest of each day from `first` to `last` came to, in order; days never asked for are left out."""
    found = tables.read(model, INGESTS, ["day", *COLUMNS], days=(first, last)).sort_values("day")
    rows = [{str(name): value for name, value in row.items()} for row in found.to_dict(orient="records")]
    known = [DayOutcome.model_validate(row | {"reasons": json.loads(row["reasons"])}) for row in rows]
    return {one.day: one for one in known}
