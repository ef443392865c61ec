"""The working state of one validation: rows as read, rows as typed, and what is held against rows and days."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from include.contracts import RuleFailure

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult

    from include.config.schema import ModelConfig

Severity = Literal["refuse_day", "quarantine_row", "warn"]
UNDATED = datetime.date.max
"""Stands in `day_of_row` for the day of a row that has none: empty, or unreadable. No night asks for it."""


@dataclass
class Inspection:
    """Everything known so far about the rows of `days`; each check adds to it.

    Rows are named by position 0..n-1, the index of `original` and `typed`. `day_of_row` is the day asked for under
    which a row is counted and, if need be, quarantined: its own, or the first day asked where its own was not asked
    for, or no row has a day. `is_own` says which. A row without a readable day is `UNDATED` and counts under none.
    `missing` are declared columns that the source did not deliver, `unmatured` the days whose labels need not be there
    yet.
    """

    config: ModelConfig
    days: tuple[datetime.date, ...]
    original: pd.DataFrame
    typed: pd.DataFrame
    day_of_row: np.ndarray
    is_own: np.ndarray
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    unmatured: frozenset[datetime.date] = frozenset()
    marks: dict[str, np.ndarray] = field(default_factory=dict)
    refusals: dict[datetime.date, list[str]] = field(default_factory=dict)
    failures: list[RuleFailure] = field(default_factory=list)
    results: list[ExpectationValidationResult] = field(default_factory=list)
    _codes: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        # Whole numbers compare a hundred times faster than dates, and every day asks.
        codes = {day: code for code, day in enumerate(self.days)} | {UNDATED: -1}
        self._codes = np.array([codes[day] for day in self.day_of_row], dtype=np.int64)

    @property
    def rows(self) -> int:
        return len(self.original)

    @property
    def undated(self) -> np.ndarray:
        """Mask (n,) of the rows without a readable day."""
        mask: np.ndarray = self._codes < 0
        return mask

    @property
    def aside(self) -> np.ndarray:
        """Mask (n,) of the rows that some rule sets aside."""
        none = np.zeros(self.rows, dtype=bool)
        return np.logical_or.reduce(list(self.marks.values())) if self.marks else none

    def awaits_label(self, row_mask: np.ndarray) -> np.ndarray:
        """Mask (n,) of those rows of `row_mask` that have no label and are of a day whose labels need not be there."""
        label = self.config.data.label
        if not self.unmatured or label not in self.typed.columns:
            return np.zeros(self.rows, dtype=bool)
        open_day = np.isin(self._codes, [code for code, day in enumerate(self.days) if day in self.unmatured])
        empty: np.ndarray = self.original[label].isna().to_numpy(dtype=bool)
        return row_mask & open_day & empty

    def mark(self, rule: str, rows: np.ndarray | Sequence[int]) -> None:
        """Hold a rule against rows, given as a mask (n,) or as positions."""
        held = self.marks.setdefault(rule, np.zeros(self.rows, dtype=bool))
        held[rows] = True

    def refuse(self, day: datetime.date, reason: str) -> None:
        """Refuse a day asked for; a reason is a sentence that a person can read."""
        if day == UNDATED:
            return
        reasons = self.refusals.setdefault(day, [])
        if reason not in reasons:
            reasons.append(reason)

    def fail(self, rule: str, severity: Severity, failed: int, checked: int, detail: str) -> None:
        """Record that a rule did not hold on `failed` of `checked` rows (days, for a rule about whole days)."""
        self.failures.append(RuleFailure(rule=rule, severity=severity, failed=failed, checked=checked, detail=detail))

    def rows_of(self, day: datetime.date) -> np.ndarray:
        """Mask (n,) of the rows counted under a day."""
        mask: np.ndarray = self._codes == self.days.index(day)
        return mask

    def days_without(self, held: np.ndarray) -> list[datetime.date]:
        """Days that have rows, none of which is in the mask (n,)."""
        rows = np.bincount(self._codes[~self.undated], minlength=len(self.days))
        having = np.bincount(self._codes[held & ~self.undated], minlength=len(self.days))
        return [day for day, number, one in zip(self.days, rows, having, strict=True) if number and not one]


def count(number: int, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[object], most: int = 5) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
