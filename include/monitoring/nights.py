"""Performance day by day, kept in a table of its own and computed again where labels came, changed or matured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from include.config.section import METRICS_OF
from include.contracts import DayPerformance, DayRange
from include.data import labels_known, tables, windows
from include.monitoring import agreement, performance
from include.scoring import served_rows
from include.scoring import stored as stored_scores
from include.scoring.batch import PREDICTIONS
from include.tracking import naming

if TYPE_CHECKING:
    from include.config.schema import ColumnType, ModelConfig

PERFORMANCE = "performance"
ABOUT: Mapping[str, ColumnType] = {
    "role": "string",
    "rows_of": "string",
    "version": "integer",
    "state": "string",
    "rows": "integer",
    "unscored": "integer",
    "labelled": "integer",
}
"""Beside the partition column `day`. `rows_of` is `own` for all rows of the role, `shared` for those both scored."""
LOOK_BACK_DAYS = 90
"""Days, beyond those whose labels may still change, that a night looks at: what missed nights left undone."""


def figures(config: ModelConfig) -> tuple[str, ...]:
    """Columns of the table that are measured: the task's metrics, and how alike both roles are."""
    return (*METRICS_OF[config.task], *agreement.FIGURES[config.task])


def columns(config: ModelConfig) -> dict[str, ColumnType]:
    """Columns of the table beside `day`."""
    return {**ABOUT, **dict.fromkeys(figures(config), "number"), "night": "date", "made_from": "string"}


def update(config: ModelConfig, night: date) -> tuple[DayPerformance, ...]:
    """Bring the table up to date as of `night`; return its days of the look, oldest first.

    A day is computed again where its rows, labels or scores are others than it was made from, or its labels have
    matured since. A day that a later night has looked at is left as that night found it.
    """
    data = config.data
    back = data.label_delay_days + data.label_corrections_days + LOOK_BACK_DAYS
    span = (night - timedelta(days=back), night - timedelta(days=1))
    stored = _stored(config, span)
    made_from = dict(zip(stored["day"], zip(stored["night"], stored["made_from"], strict=True), strict=True))
    now = _digests(config, span, night)
    due = [
        day
        for day, digest in now.items()
        if (known := made_from.get(day.isoformat())) is None or (known[1] != digest and known[0] <= night)
    ]
    if due:
        fresh = _computed(config, due, night, now)
        days = fresh["day"].map(date.fromisoformat)
        tables.replace_days(config.name, PERFORMANCE, fresh, days, due, tables.schema_for(columns(config)))
        stored = pd.concat([stored[~stored["day"].isin([day.isoformat() for day in due])], fresh])
    return _contracts(config, stored)


def _stored(config: ModelConfig, span: tuple[date, date]) -> pd.DataFrame:
    """What the table has of these days; a column that is newer than the table is empty."""
    there = tables.columns_of(config.name, PERFORMANCE)
    held = ["day", *(name for name in columns(config) if name in there or not there)]
    return tables.read(config.name, PERFORMANCE, held, span).reindex(columns=["day", *columns(config)])


def _digests(config: ModelConfig, span: tuple[date, date], night: date) -> dict[date, str]:
    """Of each scored day: what its performance is made from."""
    rows = tables.partition_snapshots(config.name, windows.VALIDATED)
    scores = tables.partition_snapshots(config.name, PREDICTIONS)
    found = {}
    for name, digest in sorted(scores.items()):
        day = date.fromisoformat(name)
        if span[0] <= day <= span[1]:
            parts = f"{rows.get(name)} {digest} {labels_known.are_known(config, day, night)}"
            found[day] = hashlib.sha256(parts.encode()).hexdigest()[:16]
    return found


def _computed(config: ModelConfig, days: Sequence[date], night: date, digests: Mapping[date, str]) -> pd.DataFrame:
    """Rows of the table for these days."""
    span = (min(days), max(days))
    scores = stored_scores.read(config, ["role", *served_rows.score_columns(config)], span)
    known = served_rows.read_labels(config, DayRange(start=span[0], end=span[1]))
    lines = []
    for day in days:
        name = day.isoformat()
        of_day, labels = scores[scores["day"] == name], known[known["day"] == name]
        has_matured = labels_known.are_known(config, day, night)
        same = {"night": night, "made_from": digests[day], "state": "matured" if has_matured else "not_matured"}
        lines += [line | same for line in day_lines(config, of_day, labels if has_matured else labels.head(0))]
    return pd.DataFrame(lines, columns=["day", *columns(config)])


def day_lines(config: ModelConfig, scores: pd.DataFrame, known: pd.DataFrame) -> list[dict[str, object]]:
    """One day's figures: of the champion's rows, and of both roles on the rows that both scored.

    Parameters
    ----------
    scores : day, role, row_key, version, score (NaN: failed), and what else the task's metrics need
    known : day, row_key, label; empty where labels have not matured
    """
    pairs = agreement.paired(scores, served_rows.choose_compared_column(config))
    alike = agreement.agree(pairs, config.task)
    lines = []
    for role in (naming.CHAMPION, naming.CHALLENGER):
        rows = scores[scores["role"] == role]
        if rows.empty:
            continue
        own = {"role": role, "rows_of": "own", **_measured(config, rows, known)}
        lines.append(own)
        if alike:
            shared = rows[rows["row_key"].isin(pairs["row_key"])]
            found = _measured(config, shared, known)
            lines.append({"role": role, "rows_of": "shared", **found, **alike, "rows": len(shared)})
    return lines


def _measured(config: ModelConfig, rows: pd.DataFrame, known: pd.DataFrame) -> dict[str, object]:
    version = int(rows["version"].iloc[0])
    joined = served_rows.join_labels(rows, known, served_rows.find_held_out(config, version)) if len(known) else known
    found = performance.measure(config, joined, "") if len(joined) else None
    return {
        "day": rows["day"].iloc[0],
        "version": version,
        "rows": len(rows),
        "unscored": int(rows["score"].isna().sum()),
        "labelled": len(joined),
        **(found.metrics if found else {}),
    }


def _contracts(config: ModelConfig, table: pd.DataFrame) -> tuple[DayPerformance, ...]:
    measured = figures(config)
    return tuple(
        DayPerformance(
            day=date.fromisoformat(line["day"]),
            role=line["role"],
            rows_of=line["rows_of"],
            version=line["version"],
            state=line["state"],
            rows=line["rows"],
            unscored=line["unscored"],
            labelled=line["labelled"],
            metrics={name: float(line[name]) for name in measured if pd.notna(line[name])},
            night=line["night"],
        )
        for line in table.sort_values(["day", "role", "rows_of"]).to_dict("records")
    )
