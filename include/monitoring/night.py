"""One night's look: how far its rows are from the champion's reference, how well the champion did, what follows."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.contracts import DayRange, MonitorResult
from include.drift import compare_days, evidently_pages
from include.monitoring import decisions, performance, performance_page, policy_page, served
from include.scoring import loader, served_rows
from include.tracking import naming, registry, runs

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import PolicyDecision
    from include.monitoring.performance import Performance
    from include.monitoring.served import Served
    from include.scoring.loader import Training

log = logging.getLogger(__name__)

PERFORMANCE_PAGE, POLICY_PAGE, RESULT = "performance.html", "policy.html", "result.json"
REPORTS = "reports"
"""Folder of the night's files among the artefacts of its run."""
METRIC_NAME = re.compile(r"[\w\-. ]+")
"""Column names that MLflow takes as part of a metric's name."""


@dataclass(frozen=True)
class Watched:
    """How champion and challenger did on matured labels."""

    champion: Performance
    limits: dict[str, tuple[float, float]]
    challenger: dict[str, float]
    reasons: tuple[str, ...]
    files: dict[str, str]


def monitor_night(config: ModelConfig, night: date) -> MonitorResult | None:
    """Compare the day before `night` with the champion's training rows, and measure it on labels known by `night`.

    Reports are kept in the reports folder and as artefacts of the night's run in `<model>/monitoring`; looking at the
    same night again replaces them and gives the same result. None before the first release: there is nothing to watch
    but whether the data came, which is decided on and kept all the same.
    """
    version = registry.champion_version(config.name)
    if version is None:
        log.info(
            "%s has no champion yet, so there is nothing to watch; %s__retrain makes one", config.name, config.name
        )
        decisions.on_data_alone(config, night)
        return None
    training = loader.training(config.name, version)
    compared = compare_days.compare(config, training, night)
    days = served.look(config, training, night)
    watched = _watch(config, training, night, days)
    run = runs.open_run_in(
        naming.monitoring_experiment(config.name),
        night.isoformat(),
        name=f"{night} look",
        tags={"kind": "monitoring", "night": night.isoformat(), "champion_version": str(version)},
    )
    drift = compared.alarms if compared.judged else None
    decision = decisions.decide(config, night, training, watched.champion, drift, run)
    files = {**compared.files, **watched.files, POLICY_PAGE: policy_page.page(decision, decisions.lately(decision))}
    result = _result(decision, version, compared, watched, days, list(files))
    _keep(result, {**files, RESULT: evidently_pages.as_json(result.to_json())}, days.figures)
    return result


def _result(
    decision: PolicyDecision,
    version: int,
    compared: compare_days.Compared,
    watched: Watched,
    days: Served,
    files: Sequence[str],
) -> MonitorResult:
    champion = watched.champion
    shadow = {naming.metric(naming.CHALLENGER, name): value for name, value in watched.challenger.items()}
    return MonitorResult(
        model=decision.model,
        night=decision.night,
        champion_version=version,
        rows=compared.rows,
        drifted_columns=compared.drifted,
        columns=len(compared.distances),
        distances=compared.distances,
        prediction_distance=compared.prediction_distance,
        performance={**champion.metrics, **shadow},
        performance_limits=watched.limits,
        performance_days=champion.days,
        performance_rows=champion.rows,
        request_retrain=decision.action == "retrain",
        reasons=(*decision.reasons, *watched.reasons, *compared.reasons, *days.reasons),
        days=days.newest,
        shadow=days.scores.shadow,
        unscored=days.scores.unscored,
        estimates=days.estimated.made,
        estimate_trust=days.estimated.trust,
        mlflow_run_id=decision.mlflow_run_id,
        reports={name.removesuffix(".html"): f"{REPORTS}/{name}" for name in files if name.endswith(".html")},
        alarms=compared.alarms,
        decision=decision,
    )


def _watch(config: ModelConfig, training: Training, night: date, by_day: Served) -> Watched:
    """Metrics of the champion, and of a challenger in the shadow on the rows that both scored."""
    version = training.version
    days = performance.matured_days(config, night)
    unseen = training.validation.end + timedelta(days=1)  # days scored by hand may lie before: they flatter
    if not config.data.snapshot:  # of which the holdout's rows were never seen, on whichever day
        days = DayRange(start=max(days.start, unseen), end=days.end)
    rows = served_rows.read(config, naming.CHAMPION, version, days)
    who = f"champion version {version}"
    champion = performance.measure(config, rows, who)
    reasons = list(champion.reasons)
    files: dict[str, str] = {}
    limits = performance.limits(config, rows, champion.metrics)
    scored, _ = served_rows.usable_scores(config, rows)
    if performance_page.can_be_drawn(config, scored) or by_day.tables:
        held_out = " of the last snapshot's holdout" if config.data.snapshot else ""
        title = (
            f"{config.name}: {who} on {champion.rows:,} rows{held_out} whose labels were known on the night of {night}"
        )
        notes = [*reasons, *by_day.reasons]
        files[PERFORMANCE_PAGE] = performance_page.performance_page(config, scored, title, notes, by_day.tables)
    challenger = registry.alias_version(config.name, naming.CHALLENGER)
    if challenger is None or challenger == version:
        return Watched(champion, limits, {}, tuple(reasons), files)
    theirs = served_rows.read(config, naming.CHALLENGER, challenger, days)
    theirs = theirs[theirs["row_key"].isin(scored["row_key"])]
    if theirs.empty:
        return Watched(champion, limits, {}, tuple(reasons), files)
    shadow = performance.measure(config, theirs, f"challenger version {challenger}")
    same = performance.measure(config, scored[scored["row_key"].isin(theirs["row_key"])], who)
    told = (*reasons, *shadow.reasons, *_side_by_side(shadow, same, challenger))
    return Watched(champion, limits, shadow.metrics, told, files)


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


def _keep(result: MonitorResult, files: dict[str, str], more: dict[str, float]) -> None:
    """Files to the reports folder and to the night's run, figures that MLflow plots from night to night."""
    folder = evidently_pages.folder_of(result.model, result.night)
    evidently_pages.keep(folder, files)
    runs.log_files(result.mlflow_run_id, folder, REPORTS)
    logged, _ = runs.run_metrics(result.mlflow_run_id)
    figures = {**_figures(result), **more}
    changed = {name: value for name, value in figures.items() if logged.get(name) != value}
    tags = {"request_retrain": str(result.request_retrain).lower(), "reasons": " ".join(result.reasons)}
    if result.decision is not None:
        tags["policy_action"] = result.decision.action
    runs.log_metrics(result.mlflow_run_id, changed, tags=tags)
    runs.end_run(result.mlflow_run_id)


def _figures(result: MonitorResult) -> dict[str, float]:
    figures = {
        "rows": float(result.rows),
        "drift_alarms": float(len(result.alarms)),
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
            naming.metric("live", name + end): limit
            for name, both in result.performance_limits.items()
            for end, limit in zip(("_low", "_high"), both, strict=True)
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
