"""Estimates of days whose labels have not matured: made once, kept, and held against the labels when they come."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from include.contracts import DayRange, MetricEstimate
from include.data import labels, labels_known, tables, windows
from include.drift import reference
from include.monitoring import calibration, performance
from include.scoring import loader, outputs, served_rows
from include.scoring.batch import PREDICTIONS
from include.tracking import naming

if TYPE_CHECKING:
    from include.config.schema import ColumnType, ModelConfig
    from include.scoring.loader import Training

ESTIMATES = "estimates"
COLUMNS: Mapping[str, ColumnType] = {
    "metric": "string",
    "first": "date",
    "rows": "integer",
    "value": "number",
    "low": "number",
    "high": "number",
    "fitted_days": "integer",
    "outside": "number",
    "night": "date",
    "realised": "number",
    "labelled": "integer",
    "made_from": "string",
}
"""Beside the partition columns `day`, the last one estimated, and `version`. `made_from` is what `realised` was."""
BLOCK_DAYS = 7
"""Newest days without labels that an estimate is of."""
FITTED_DAYS = 60
"""Newest days with labels that the map is fitted on: the relation of scores to labels moves through the year."""
KEPT_IN_VIEW = 90
CHECKED = 4
"""Estimates, not overlapping, whose errors say whether today's can be used."""
CHECKED_METRIC = "roc_auc"
FAR_OUTSIDE = 0.01
BINARY_ONLY = (
    "No estimate without labels: they are made from the probabilities of two classes, and this model's task is {task}. "
    "Its days are measured once their labels have come."
)


@dataclass(frozen=True)
class Estimated:
    """Tonight's estimates, earlier ones that have met their labels (oldest first), and what both come to."""

    made: tuple[MetricEstimate, ...] = ()
    met: tuple[MetricEstimate, ...] = ()
    trust: Literal["", "unchecked", "kept", "suspected"] = ""
    reasons: tuple[str, ...] = ()


def estimate_night(config: ModelConfig, training: Training, night: date) -> Estimated:
    """Hold earlier estimates against labels that have come, and estimate the days that still wait for theirs.

    Nothing is estimated where labels come with the next night. An estimate that was made of the same rows is kept as it
    is, whatever was written since.
    """
    met = _meet(config, night) if config.task == "binary" else ()
    waiting = _waiting(config, training, night)
    if waiting.empty:
        return Estimated(met=met)
    if config.task != "binary":
        return Estimated(reasons=(BINARY_ONLY.format(task=config.task),))
    made, said = _kept(config, training.version, night, waiting), ""
    if not made:
        made, said = _made(config, training, night, waiting)
    if not made:
        return Estimated(met=met, reasons=(said,))
    past = [
        (calibration.Estimate(one.value, one.low, one.high), one.realised)
        for one in _apart([one for one in met if one.metric == CHECKED_METRIC])
        if one.realised is not None
    ]
    trust = calibration.check(past, CHECKED_METRIC)
    told = ", ".join(f"{one.metric} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for one in made)
    first = made[0]
    reasons = [
        f"Estimated without labels for champion version {first.version} on {first.rows:,} rows of {first.first} to "
        f"{first.last}, with 95 % intervals: {told}.",
        f"{trust.sentence} It cannot see a change in days whose labels have not come.",
    ]
    return Estimated(made, met, trust.state, (*reasons, *([said] if said else [])))


def _waiting(config: ModelConfig, training: Training, night: date) -> pd.DataFrame:
    """What the version scored on the newest days whose labels have not matured: day, row_key, version, score."""
    newest = DayRange(start=night - timedelta(days=BLOCK_DAYS), end=night - timedelta(days=1))
    rows = served_rows.read_scores(config, naming.CHAMPION, training.version, newest)
    days = {day: date.fromisoformat(day) for day in rows["day"].unique()}
    open_days = [name for name, day in days.items() if not labels_known.are_known(config, day, night)]
    return rows[rows["day"].isin(open_days) & rows["score"].notna()]


def _made(
    config: ModelConfig, training: Training, night: date, waiting: pd.DataFrame
) -> tuple[tuple[MetricEstimate, ...], str]:
    """Fit, estimate and keep; or none, with the reason."""
    if len(waiting) < config.monitoring.min_rows:
        return (), f"No estimate without labels: {len(waiting):,} rows, {config.monitoring.min_rows:,} needed."
    known = _known(config, training, night)
    fitted = calibration.fit(*(known[name].to_numpy() for name in ("score", "label", "day")))
    if fitted is None:
        return (), (
            f"No estimate without labels: {known['day'].nunique()} days later than training have labels, "
            f"{calibration.FEWEST_DAYS} with both classes are needed."
        )
    waiting = waiting.sort_values(["day", "row_key"])
    scores = waiting["score"].to_numpy(dtype=float)
    found = calibration.estimate(fitted, scores, waiting["day"].to_numpy(), seed=night.toordinal())
    outside = fitted.outside(scores)
    lines = [
        {"metric": name, "value": guess.value, "low": guess.low, "high": guess.high} for name, guess in found.items()
    ]
    first, last = date.fromisoformat(waiting["day"].min()), waiting["day"].max()
    table = pd.DataFrame(lines).assign(
        first=first,
        rows=len(waiting),
        fitted_days=fitted.days,
        outside=outside,
        night=night,
        realised=np.nan,
        labelled=0,
        made_from="",
    )
    _write(config, table, last, training.version)
    said = (
        f"{outside:.1%} of these rows have scores beyond those that the map was fitted on: the estimate extrapolates."
        if outside > FAR_OUTSIDE
        else ""
    )
    return _contracts(table.assign(day=last, version=training.version)), said


def _known(config: ModelConfig, training: Training, night: date) -> pd.DataFrame:
    """Rows later than training whose labels were known by `night`: day, score, label; served scores where there are."""
    last = labels_known.last_day(config, night)
    first = max(training.validation.start, last - timedelta(days=FITTED_DAYS - 1))
    if first > last:
        return pd.DataFrame({"day": [], "score": [], "label": []})
    declared = training.config
    rows = windows.read_rows(declared, DayRange(start=first, end=last), night)
    rows = rows[rows[declared.data.label].notna()].reset_index(drop=True)
    pipeline = loader.load(config.name, training.version)
    scores = reference.scores_now(config, training, rows, pipeline) if len(rows) else np.zeros(0)
    day = rows[declared.data.day].dt.strftime("%Y-%m-%d")
    known = pd.DataFrame({"day": day, "score": scores, "label": rows[declared.data.label]})
    names = labels.class_names(declared), labels.class_names(config)
    for name in ("score", "label"):  # a label is its class's chance, 0 or 1, and turns round with it
        found = outputs.aligned(known[name].to_numpy(dtype=float), *names)
        known[name] = np.nan if found is None else found
    return known[known["score"].notna()]


def _meet(config: ModelConfig, night: date) -> tuple[MetricEstimate, ...]:
    """Give estimates whose labels have matured by `night` what those labels say; computed again where they change."""
    span = (night - timedelta(days=KEPT_IN_VIEW + config.data.label_delay_days), night - timedelta(days=1))
    stored = tables.read(config.name, ESTIMATES, ["day", "version", *COLUMNS], span)
    matured = {day for day in stored["day"].unique() if labels_known.are_known(config, date.fromisoformat(day), night)}
    stored = stored[stored["day"].isin(matured)]
    if stored.empty:
        return ()
    rows = tables.partition_snapshots(config.name, windows.VALIDATED)
    scores = tables.partition_snapshots(config.name, PREDICTIONS)
    parts = []
    for day, version in sorted(set(zip(stored["day"], stored["version"], strict=True))):
        table = stored[(stored["day"] == day) & (stored["version"] == version)]
        days = [stamp.date().isoformat() for stamp in pd.date_range(table["first"].iloc[0], day)]
        made_from = hashlib.sha256(" ".join(f"{rows.get(one)} {scores.get(one)}" for one in days).encode()).hexdigest()
        if (table["made_from"] != made_from[:16]).any():
            span_of = DayRange(start=table["first"].iloc[0], end=date.fromisoformat(day))
            found = performance.measure(config, served_rows.read(config, naming.CHAMPION, int(version), span_of), "")
            realised = table["metric"].map(found.metrics).astype("float64")
            table = table.assign(realised=realised, labelled=found.rows, made_from=made_from[:16])
            _write(config, table, day, int(version))
        parts.append(table)
    return _contracts(pd.concat(parts))


def _kept(config: ModelConfig, version: int, night: date, waiting: pd.DataFrame) -> tuple[MetricEstimate, ...]:
    """What was estimated of these rows already, by this night or one before it that saw as many."""
    where = {"day": waiting["day"].max(), "version": str(version)}
    stored = tables.read(config.name, ESTIMATES, ["day", "version", *COLUMNS], where=where)
    stored = stored[(stored["night"] <= night) & (stored["rows"] == len(waiting))]
    # Seen from this night, no label had come, whatever a later one has filled in.
    return _contracts(stored.assign(realised=np.nan, labelled=0))


def _write(config: ModelConfig, table: pd.DataFrame, day: str, version: int) -> None:
    partition = {"day": day, "version": str(version)}
    tables.replace_partition(config.name, ESTIMATES, table, partition, tables.schema_for(COLUMNS))


def _apart(estimates: Sequence[MetricEstimate]) -> list[MetricEstimate]:
    """The newest estimates that share no day."""
    found: list[MetricEstimate] = []
    for one in sorted(estimates, key=lambda one: (one.last, one.version), reverse=True):
        if not found or one.last < found[-1].first:
            found.append(one)
    return found[:CHECKED]


def _contracts(table: pd.DataFrame) -> tuple[MetricEstimate, ...]:
    order = {name: number for number, name in enumerate(calibration.ESTIMATED)}
    lines = sorted(
        table.to_dict("records"), key=lambda line: (line["day"], int(line["version"]), order[line["metric"]])
    )
    return tuple(
        MetricEstimate(
            metric=line["metric"],
            version=int(line["version"]),
            first=line["first"],
            last=date.fromisoformat(line["day"]),
            rows=line["rows"],
            value=line["value"],
            low=line["low"],
            high=line["high"],
            night=line["night"],
            realised=None if pd.isna(line["realised"]) else line["realised"],
            labelled=line["labelled"],
        )
        for line in lines
    )
