"""One night's look: how far its rows are from the champion's reference, how well the champion did, what follows."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange, MonitorResult
from include.data import windows
from include.errors import NotEnoughData, PermanentError
from include.monitoring import drift, performance, policy, reports
from include.scoring import loader
from include.scoring.batch import score_rows
from include.tracking import naming, registry, runs

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig
    from include.monitoring.performance import Performance
    from include.scoring.loader import Training

log = logging.getLogger(__name__)

REFERENCE_SEED = 0
DRIFT_PAGE, DRIFT_VALUES = "drift.html", "drift.json"
PERFORMANCE_PAGE, RESULT = "performance.html", "result.json"
REPORTS = "reports"
"""Folder of the night's files among the artefacts of its run."""
POOLED_DAYS = 7
"""Days that are pooled, at most, until there are enough rows to compare."""
METRIC_NAME = re.compile(r"[\w\-. ]+")
"""Column names that MLflow takes as part of a metric's name."""


@dataclass(frozen=True)
class Compared:
    """The night against the reference: empty, with the reason, where there was too little to compare."""

    rows: int
    reasons: tuple[str, ...]
    distances: dict[str, float] = field(default_factory=dict)
    prediction_distance: float | None = None
    drifted: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Watched:
    """How champion and challenger did on matured labels."""

    champion: Performance
    challenger: dict[str, float]
    reasons: tuple[str, ...]
    files: dict[str, str]


def monitor_night(config: ModelConfig, night: date) -> MonitorResult | None:
    """Compare the day before `night` with the champion's training rows, and measure it on labels known by `night`.

    Reports are kept in the reports folder and as artefacts of the night's run in `<model>/monitoring`; looking at the
    same night again replaces them and gives the same result. None before the first release: there is nothing to watch.
    """
    version = registry.champion_version(config.name)
    if version is None:
        log.info(
            "%s has no champion yet, so there is nothing to watch; %s__retrain makes one", config.name, config.name
        )
        return None
    training = loader.training(config.name, version)
    compared = _compare(config, training, night)
    watched = _watch(config, training, night)
    run = runs.open_run_in(
        naming.monitoring_experiment(config.name),
        night.isoformat(),
        name=f"{night} look",
        tags={"kind": "monitoring", "night": night.isoformat(), "champion_version": str(version)},
    )
    files = {**compared.files, **watched.files}
    result = _result(config, night, version, compared, watched, run.run_id, list(files))
    _keep(result, {**files, RESULT: reports.as_json(result.to_json())})
    return result


def _result(
    config: ModelConfig,
    night: date,
    version: int,
    compared: Compared,
    watched: Watched,
    run_id: str,
    files: Sequence[str],
) -> MonitorResult:
    champion = watched.champion
    decision = policy.decide(config.monitoring.retrain_request, champion.metrics, champion.rows)
    shadow = {naming.metric(naming.CHALLENGER, name): value for name, value in watched.challenger.items()}
    return MonitorResult(
        model=config.name,
        night=night,
        champion_version=version,
        rows=compared.rows,
        drifted_columns=compared.drifted,
        columns=len(compared.distances),
        distances=compared.distances,
        prediction_distance=compared.prediction_distance,
        performance={**champion.metrics, **shadow},
        performance_days=champion.days,
        performance_rows=champion.rows,
        request_retrain=decision.request_retrain,
        reasons=(decision.reason, *watched.reasons, *compared.reasons),
        mlflow_run_id=run_id,
        reports={name.removesuffix(".html"): f"{REPORTS}/{name}" for name in files if name.endswith(".html")},
    )


def _compare(config: ModelConfig, training: Training, night: date) -> Compared:
    """Features of the night and the champion's scores on them against a sample of its training rows."""
    declared = training.config
    current, said = _current_rows(config, declared, night)
    if current is None:
        return Compared(rows=0, reasons=said)
    sampled, noted = _reference_rows(config, training)
    pipeline = loader.load(config.name, training.version)
    before = drift.typed(declared, sampled, score_rows(pipeline, sampled, declared)[0])
    now = drift.typed(declared, current, _scores_now(config, training, current, pipeline))
    plan = drift.plan(declared, before, now)
    notes = [*said, *noted, *plan.left_out.values()]
    if not plan.comparisons:
        return Compared(rows=len(current), reasons=tuple(notes))
    title = f"{config.name}: {len(current):,} rows seen on the night of {night}, champion version {training.version}"
    against = (
        f"Reference: {len(sampled):,} rows of {training.train.start} to {training.train.end}, which the champion was "
        "trained on."
    )
    distances, page, values = reports.drift_page(plan, before, now, title, [against, *notes])
    beyond = drift.drifted(plan.comparisons, distances)
    prediction_distance = distances.pop(drift.SCORE, None)
    named = f": {', '.join(beyond)}" if beyond else ""
    moved = (
        f"{len(beyond)} of {len(distances)} features are farther from the reference than sampling explains{named}. "
        "Movement alone alarms nobody and asks for nothing."
    )
    return Compared(
        rows=len(current),
        reasons=(moved, *notes),
        distances=distances,
        prediction_distance=prediction_distance,
        drifted=beyond,
        files={DRIFT_PAGE: page, DRIFT_VALUES: reports.as_json(values)},
    )


def _current_rows(
    config: ModelConfig, declared: ModelConfig, night: date
) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """Rows of the day before the night, pooled with earlier days until there are enough to say anything."""
    last = night - timedelta(days=1)
    span = DayRange(start=night - timedelta(days=POOLED_DAYS), end=last)
    rows = windows.read_rows(declared, span, night)
    day = rows[declared.data.day].dt.date
    if not (day == last).any():
        return None, (f"Insufficient rows to compare: day {last} has no validated rows.",)
    needed = config.monitoring.min_rows
    start = last
    while start > span.start and (day >= start).sum() < needed:
        start -= timedelta(days=1)
    pooled = rows[day >= start].reset_index(drop=True)
    if len(pooled) < needed:
        return None, (
            f"Insufficient rows to compare: {len(pooled)} of {span.start} to {last}, {needed} needed "
            "(monitoring.min_rows).",
        )
    if start < last:
        return pooled, (f"Day {last} alone has fewer than {needed} rows: pooled with the days from {start} on.",)
    return pooled, ()


def _scores_now(config: ModelConfig, training: Training, rows: pd.DataFrame, pipeline: Pipeline) -> np.ndarray:
    """Scores (n,) of the night's rows: those that the champion served, and for rows it has not scored yet, new ones."""
    day = rows[training.config.data.day].dt.date
    served = performance.predicted(
        config, naming.CHAMPION, training.version, DayRange(start=day.min(), end=day.max())
    ).set_index(["day", "row_key"])["score"]
    keys = pd.MultiIndex.from_arrays([day.astype(str), rows["row_key"]])
    scores = served.reindex(keys).to_numpy(dtype=float, copy=True)
    unscored = ~keys.isin(served.index)
    scores[unscored] = score_rows(pipeline, rows[unscored], training.config)[0]
    return scores


def _reference_rows(config: ModelConfig, training: Training) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A sample of what the champion was fitted on, the same every night, as the table was then."""
    notes: tuple[str, ...] = ()
    try:
        rows = windows.read_rows(training.config, training.train, training.as_of, training.data_version)
    except (PermanentError, OSError) as error:
        log.warning("the reference of %s is read from today's table: %s", config.name, error)
        rows = windows.read_rows(training.config, training.train, training.as_of)
        notes = (
            f"Table version {training.data_version}, which the champion was trained on, cannot be read any more: the "
            "reference is the same days in today's table.",
        )
    if rows.empty:
        raise NotEnoughData(
            f"{config.name}: no validated rows of {training.train.start} to {training.train.end}, the days that "
            f"champion version {training.version} was trained on, so there is nothing to compare a night with. Load "
            f"them: trigger {config.name}__ingest with start={training.train.start} and end={training.train.end}"
        )
    wanted = config.monitoring.reference_rows
    if len(rows) > wanted:
        rows = rows.sample(wanted, random_state=REFERENCE_SEED).sort_index().reset_index(drop=True)
    return rows, notes


def _watch(config: ModelConfig, training: Training, night: date) -> Watched:
    """Metrics of the champion, and of a challenger in the shadow on the rows that both scored."""
    version = training.version
    days = performance.matured_days(config, night)
    unseen = training.validation.end + timedelta(days=1)  # days scored by hand may lie before: they flatter
    days = DayRange(start=max(days.start, unseen), end=days.end)
    rows = performance.read(config, naming.CHAMPION, version, days)
    who = f"champion version {version}"
    champion = performance.measure(rows, who)
    reasons = list(champion.reasons)
    files: dict[str, str] = {}
    scored = rows[rows["score"].notna()]
    if scored["label"].nunique() == 2:
        title = f"{config.name}: {who} on {champion.rows:,} rows whose labels were known on the night of {night}"
        files[PERFORMANCE_PAGE] = reports.performance_page(scored, title, reasons)
    challenger = registry.alias_version(config.name, naming.CHALLENGER)
    if challenger is None or challenger == version:
        return Watched(champion, {}, tuple(reasons), files)
    theirs = performance.read(config, naming.CHALLENGER, challenger, days)
    theirs = theirs[theirs["row_key"].isin(scored["row_key"])]
    if theirs.empty:
        return Watched(champion, {}, tuple(reasons), files)
    shadow = performance.measure(theirs, f"challenger version {challenger}")
    same = performance.measure(scored[scored["row_key"].isin(theirs["row_key"])], who)
    return Watched(
        champion, shadow.metrics, (*reasons, *shadow.reasons, *_side_by_side(shadow, same, challenger)), files
    )


def _side_by_side(shadow: Performance, same: Performance, challenger: int) -> Sequence[str]:
    """What the shadow showed, as a sentence; a few nights are no evidence, which the gates ask for."""
    pairs = [
        f"{name} {shadow.metrics[name]:.4f} against the champion's {same.metrics[name]:.4f}"
        for name in shadow.metrics
        if name in same.metrics
    ]
    if not pairs:
        return ()
    return (f"In the shadow, challenger version {challenger} on {shadow.rows:,} rows that both scored: {pairs[0]}.",)


def _keep(result: MonitorResult, files: dict[str, str]) -> None:
    """Files to the reports folder and to the night's run, figures that MLflow plots from night to night."""
    folder = reports.folder_of(result.model, result.night)
    reports.keep(folder, files)
    runs.log_files(result.mlflow_run_id, folder, REPORTS)
    logged, _ = runs.run_metrics(result.mlflow_run_id)
    figures = _figures(result)
    changed = {name: value for name, value in figures.items() if logged.get(name) != value}
    tags = {"request_retrain": str(result.request_retrain).lower(), "reasons": " ".join(result.reasons)}
    runs.log_metrics(result.mlflow_run_id, changed, tags=tags)
    runs.end_run(result.mlflow_run_id)


def _figures(result: MonitorResult) -> dict[str, float]:
    figures = {
        "rows": float(result.rows),
        "drifted_columns": float(len(result.drifted_columns)),
        "drifted_share": len(result.drifted_columns) / max(1, result.columns),
        "compared_columns": float(result.columns),
        "live_rows": float(result.performance_rows),
        "request_retrain": float(result.request_retrain),
        **{
            name if name.startswith(naming.CHALLENGER) else naming.metric("live", name): value
            for name, value in result.performance.items()
        },
        **{
            naming.metric("drift", name): value
            for name, value in result.distances.items()
            if METRIC_NAME.fullmatch(name)
        },
    }
    if result.prediction_distance is not None:
        figures["prediction_distance"] = result.prediction_distance
    return figures
