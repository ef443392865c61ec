"""Read days from the source, judge them, write the good rows, keep the bad ones with their reasons, leave a page."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from include.config import environment
from include.contracts import DayOutcome, IngestResult
from include.data import evolution, outcomes, tables
from include.data.sources import read_labels, read_source
from include.data.windows import VALIDATED, row_keys
from include.errors import PermanentError
from include.validation import snapshots
from include.validation.labels import unmatured_days, with_labels
from include.validation.runner import ValidationOutcome, validate
from include.validation.structure import UNDATED_PARTITION

if TYPE_CHECKING:
    from include.config.schema import ColumnType, ModelConfig

QUARANTINE = "quarantine"
QUARANTINE_COLUMNS: dict[str, ColumnType] = {"row_key": "string", "rules": "string", "row": "string"}


def ingest(
    config: ModelConfig, start: date, end: date, night: date | None = None, today: date | None = None
) -> IngestResult:
    """Ingest the days from `start` to `end`, both included; a repeat leaves the tables as the first run did.

    A refused day keeps the partition it had; its failing rows still go to quarantine. The other days are written.
    What became of every day asked for is kept first, for the night's look, and its quarantine is replaced next: good
    rows never appear before it is known what was left out of them. Each table takes one commit.

    As of `night`, rows of days whose labels have not matured may come without one: they are written with a null label,
    which `include.validation.labels` fills in. Without a night every label is expected.

    A snapshot is held against the one before it, and the oldest beyond `data.keep_snapshots` leave the table in the
    commit that writes the new one.

    The table follows `data.columns` before a row is read (`include.data.evolution`).

    Raises PermanentError where `end` is before `start`, the table cannot follow, or a snapshot is asked for a day that
    its source cannot answer for; `today`, where given, is the real day, by which a night long past is told from
    tonight.
    """
    days = [start + timedelta(days=step) for step in range((end - start).days + 1)]
    if not days:
        raise PermanentError(f"{config.name}: end {end} is before start {start}; give end equal to start or later")
    snapshots.refuse_other_days(config, days, night, today)
    evolved = evolution.evolve(config)
    done = store_days(config, read_days(config, days, night), days, night)
    return done.model_copy(update={"failures": (*evolved, *done.failures)})


def read_days(config: ModelConfig, days: Sequence[date], night: date | None) -> pd.DataFrame:
    """Raw rows of the days as their source has them, with the labels that are known where those live elsewhere."""
    start, end = min(days), max(days)
    rows = read_source(config, start, end)
    if config.data.labels:
        # Rows must not wait for a source of labels that has none of these days yet: it may be down.
        known = read_labels(config, start, end) if set(days) > unmatured_days(config, days, night) else None
        rows = with_labels(config, rows, known)
    return rows


def store_days(config: ModelConfig, rows: pd.DataFrame, days: Sequence[date], night: date | None) -> IngestResult:
    """Judge the raw rows of `days` and write what came of it, as `ingest` does once it has read them."""
    columns = _table_columns(config)
    outcome = validate(config, rows, days, unmatured_days(config, days, night))
    same = snapshots.same_as(config, outcome.accepted, tables.schema_for(columns))
    became = tuple(_day_outcome(config, outcome, day, same.get(day)) for day in days)
    outcomes.keep(config.name, became)
    _write(config, outcome, days, columns)
    return IngestResult(
        model=config.name,
        days=became,
        failures=outcome.failures,
        table_version=tables.table_version(config.name, VALIDATED),
        report=_keep_page(config.name, days, outcome.html),
        undated=int(outcome.quarantine["day"].isna().sum()),
    )


def _table_columns(config: ModelConfig) -> dict[str, ColumnType]:
    """Columns of the table `validated` besides its partition column `day`, which may well be the declared day."""
    declared = {name: kind for name, kind in config.data.columns.items() if name != "day"}
    return {**declared, "row_key": "string"}


def _write(
    config: ModelConfig, outcome: ValidationOutcome, days: Sequence[date], columns: dict[str, ColumnType]
) -> None:
    aside, good = outcome.quarantine, outcome.accepted
    undated = aside["day"].isna()
    _keep_undated(config, aside[undated])
    aside = aside[~undated]
    tables.replace_days(config.name, QUARANTINE, aside, aside["day"], days, tables.schema_for(QUARANTINE_COLUMNS))
    rows = good.assign(row_key=row_keys(config, good))
    accepted = [day for day in days if day not in outcome.refused_days]
    day_of_row: pd.Series = good[config.data.day]
    gone = snapshots.beyond_keeping(config, accepted)
    tables.replace_days(config.name, VALIDATED, rows, day_of_row, [*accepted, *gone], tables.schema_for(columns))


def _keep_undated(config: ModelConfig, rows: pd.DataFrame) -> None:
    """Rows of no known day, once however often they come: those of a source that is read whole are all that it has.

    A source that is asked for days delivers others each night, so that earlier ones stay.
    """
    named, partition = list(QUARANTINE_COLUMNS), {"day": UNDATED_PARTITION}
    stored = tables.read(config.name, QUARANTINE, named, where=partition)
    found = rows[named].reset_index(drop=True)
    if config.data.source.looks_back:
        found = pd.concat([stored, found]).drop_duplicates(ignore_index=True)
    if not found.astype(object).equals(stored.astype(object)):
        tables.replace_partition(config.name, QUARANTINE, found, partition, tables.schema_for(QUARANTINE_COLUMNS))


def _day_outcome(config: ModelConfig, outcome: ValidationOutcome, day: date, same_as: date | None) -> DayOutcome:
    return DayOutcome(
        day=day,
        rows=outcome.rows_read[day],
        validated=int((outcome.accepted[config.data.day] == day).sum()),
        quarantined=int((outcome.quarantine["day"] == day).sum()),
        refused=day in outcome.refused_days,
        reasons=outcome.refused_days.get(day, ()),
        same_as=same_as,
    )


def _keep_page(model: str, days: Sequence[date], page: str) -> str:
    """Write the page whole or not at all; return its path below the reports folder, as a link gives it."""
    name = f"{days[0]}.html" if len(days) == 1 else f"{days[0]}_{days[-1]}.html"
    below = Path(model) / "validation" / name
    target = environment.state_dir() / "reports" / below
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, suffix=".part", encoding="utf-8", delete=False) as file:
        file.write(page)
    # The file is made readable for its owner alone; the web server may be another user.
    Path(file.name).chmod(0o644)
    os.replace(file.name, target)  # noqa: PTH105 - replaces on every system, atomically
    return below.as_posix()
