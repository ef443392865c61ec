"""What became of days that were ingested and of labels that came late."""

from __future__ import annotations

from datetime import date
from typing import Literal

from include.contracts.base import Contract, DayRange


class RuleFailure(Contract):
    """One validation rule that did not hold, and on how many rows of how many."""

    rule: str
    severity: Literal["refuse_day", "quarantine_row", "warn"]
    failed: int
    checked: int
    detail: str


class DayOutcome(Contract):
    """What ingest did with one day. `same_as` is the day whose snapshot holds the very same rows, where one does."""

    day: date
    rows: int
    validated: int
    quarantined: int
    refused: bool
    reasons: tuple[str, ...] = ()
    same_as: date | None = None


class LabelUpdate(Contract):
    """What reading a stored day's labels again came to, in rows; `refused` says why nothing of the day was taken.

    `arrived` had no label before, `corrected` had another one; `set_aside` are labels that the model file's rules or
    types do not allow, `without_row` those of rows that are not stored.
    """

    day: date
    arrived: int = 0
    corrected: int = 0
    set_aside: int = 0
    without_row: int = 0
    refused: str = ""


class LabelsResult(Contract):
    """What a night's second look at labels did to the days `looked_at`; `days` has those with something to tell.

    For a snapshot there is no second look.
    """

    model: str
    looked_at: DayRange | None
    days: tuple[LabelUpdate, ...] = ()
    table_version: int | None = None
    snapshot: bool = False

    def summary(self) -> list[str]:
        """Lines for a log."""
        lines = ["A snapshot brings its labels along each night: none are read again"] if self.snapshot else []
        for one in self.days:
            counts = (
                (one.arrived, "late labels filled in"),
                (one.corrected, "labels corrected"),
                (one.set_aside, "labels left out: not allowed by type or rule"),
                (one.without_row, "labels of rows that are not stored"),
            )
            told = ", ".join(f"{number:,} {what}" for number, what in counts if number)
            lines.append(f"{one.day}: {'labels REFUSED: ' + one.refused if one.refused else told}")
        return lines


class IngestResult(Contract):
    """What an ingest run did: `days` has one entry per day asked for; `table_version` after the last write.

    `undated` rows have no readable day: they count under none of `days`, and are kept in quarantine once.
    """

    model: str
    days: tuple[DayOutcome, ...]
    failures: tuple[RuleFailure, ...]
    table_version: int | None
    report: str | None = None
    undated: int = 0

    @property
    def refused_days(self) -> tuple[DayOutcome, ...]:
        return tuple(outcome for outcome in self.days if outcome.refused)

    def summary(self) -> list[str]:
        """Lines for a log: what was written, what was set aside and why, what was refused and why."""
        rows = sum(outcome.rows for outcome in self.days)
        written = sum(outcome.validated for outcome in self.days if not outcome.refused)
        aside = sum(outcome.quarantined for outcome in self.days)
        lines = [f"{len(self.days)} days, {rows:,} rows read, {written:,} written, {aside:,} set aside in quarantine"]
        if self.undated:
            lines[0] += f", {self.undated:,} beside them without a readable day"
        lines += [f"{failure.severity}: {failure.rule}: {failure.detail}" for failure in self.failures]
        lines += [
            f"{outcome.day}: no row differs from the snapshot of {outcome.same_as}; written all the same"
            for outcome in self.days
            if outcome.same_as
        ]
        for outcome in self.refused_days:
            lines.append(f"{outcome.day} REFUSED: {'; '.join(outcome.reasons)}")
        return lines
