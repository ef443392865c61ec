"""Performance day by day, kept in a table of its own and computed again where labels came, changed or matured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from include.contracts import DayPerformance
from include.data import tables, windows
from include.monitoring import agreement, performance
from include.scoring.batch import PREDICTIONS
from include.tracking import naming
from include.training.metrics import METRICS

if TYPE_CHECKING:
    from include.config.schema import ColumnType, ModelConfig

PERFORMANCE = "performance"
COLUMNS: Mapping[str, ColumnType] = {
    "role": "string",
    "rows_of": "string",
    "version": "integer",
    "state": "string",
    "rows": "integer",
    "unscored": "integer",
    "labelled": "integer",
    **dict.fromkeys(METRICS, "number"),
    "same_decision": "number",
    "rank_correlation": "number",
    "night": "date",
    "made_from": "string",
}
"""Beside the partition column `day`. `rows_of` is `own` for all rows of the role, `shared` for those both scored."""
LOOK_BACK_DAYS = 90
"""Days, beyond those whose labels may still change, that a night looks at: what missed nights left undone."""


def update(config: ModelConfig, night: date) -> tuple[DayPerformance, ...]:
    """Bring the table up to date as of `night`; return its days of the look, oldest first.

    A day is computed again where its rows, labels or scores are others than it was made from, or its labels have
    matured since. A day that a later night has looked at is left as that night found it.
    """
    data = config.data
    back = data.label_delay_days + data.label_corrections_days + LOOK_BACK_DAYS
    span = (night - timedelta(days=back), night - timedelta(days=1))
    stored = tables.read(config.name, PERFORMANCE, ["day", *COLUMNS], span)
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
        tables.replace_days(config.name, PERFORMANCE, fresh, days, due, tables.schema_for(COLUMNS))
        stored = pd.concat([stored[~stored["day"].isin([day.isoformat() for day in due])], fresh])
    return _contracts(stored)


def _digests(config: ModelConfig, span: tuple[date, date], night: date) -> dict[date, str]:
    """Of each scored day: what its performance is made from."""
    rows = tables.partition_snapshots(config.name, windows.VALIDATED)
    scores = tables.partition_snapshots(config.name, PREDICTIONS)
    found = {}
    for name, digest in sorted(scores.items()):
        day = date.fromisoformat(name)
        if span[0] <= day <= span[1]:
            parts = f"{rows.get(name)} {digest} {performance.matured(config, day, night)}"
            found[day] = hashlib.sha256(parts.encode()).hexdigest()[:16]
    return found


def _computed(config: ModelConfig, days: Sequence[date], night: date, digests: Mapping[date, str]) -> pd.DataFrame:
    """Rows of the table for these days."""
    label, span = config.data.label, (min(days), max(days))
    scores = tables.read(config.name, PREDICTIONS, ["day", "role", "row_key", "version", "score"], span)
    known = tables.read(config.name, windows.VALIDATED, ["day", "row_key", label], span)
    known = known.rename(columns={label: "label"})
    lines = []
    for day in days:
        name = day.isoformat()
        of_day, labels = scores[scores["day"] == name], known[known["day"] == name]
        has_matured = performance.matured(config, day, night)
        same = {"night": night, "made_from": digests[day], "state": "matured" if has_matured else "not_matured"}
        lines += [line | same for line in day_lines(of_day, labels if has_matured else labels.head(0))]
    return pd.DataFrame(lines, columns=["day", *COLUMNS])


def day_lines(scores: pd.DataFrame, known: pd.DataFrame) -> list[dict[str, object]]:
    """One day's figures: of the champion's rows, and of both roles on the rows that both scored. Pure.

    Parameters
    ----------
    scores : day, role, row_key, version, score (NaN: failed)
    known : day, row_key, label; empty where labels have not matured
    """
    pairs = agreement.paired(scores)
    alike = agreement.agree(pairs)
    lines = []
    for role in (naming.CHAMPION, naming.CHALLENGER):
        rows = scores[scores["role"] == role]
        if rows.empty:
            continue
        own = {"role": role, "rows_of": "own", **_measured(rows, known)}
        lines.append(own)
        if alike:
            shared = rows[rows["row_key"].isin(pairs["row_key"])]
            lines.append({**own, "rows_of": "shared", **_measured(shared, known), **alike, "rows": len(shared)})
    return lines


def _measured(rows: pd.DataFrame, known: pd.DataFrame) -> dict[str, object]:
    joined = performance.joined(rows, known) if len(known) else known
    found = performance.measure(joined, "") if len(joined) else None
    return {
        "day": rows["day"].iloc[0],
        "version": int(rows["version"].iloc[0]),
        "rows": len(rows),
        "unscored": int(rows["score"].isna().sum()),
        "labelled": len(joined),
        **(found.metrics if found else {}),
    }


def _contracts(table: pd.DataFrame) -> tuple[DayPerformance, ...]:
    figures = [*METRICS, "same_decision", "rank_correlation"]
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
            metrics={name: float(line[name]) for name in figures if pd.notna(line[name])},
            night=line["night"],
        )
        for line in table.sort_values(["day", "role", "rows_of"]).to_dict("records")
    )
