"""What a retrain run's tasks call: freeze, train, choose, evaluate. Each finds its earlier attempt's work again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from include.config import environment
from include.config.loader import config_hash
from include.contracts import CandidateResult, DayRange, Holdout, RunContext, Selection, Windows
from include.data import splits, tables, windows
from include.errors import NightshiftError, NotEnoughData, PermanentError
from include.tracking import artifacts, naming, registry, runs
from include.tracking.models import load_pipeline_by_uri
from include.training.estimators import skops_trusted_types
from include.training.fit import fit, predict_scores
from include.training.metrics import METRICS, baseline_metrics, compute
from include.training.plots import evaluation_figures
from include.training.select import select

if TYPE_CHECKING:
    import numpy as np

    from include.config.schema import Candidate, ModelConfig
    from include.tracking.runs import CandidateRun

HASH_LENGTH = 16
MAX_DAYS_NAMED = 10


def open_run(config: ModelConfig, as_of: date, airflow_run_id: str, airflow_url: str) -> RunContext:
    """Freeze data, configuration, code and champion as of night `as_of`, and open the night's MLflow run.

    Raises NotEnoughData, naming the days, when the training window has days that were never validated.
    """
    frozen = windows.training_windows(config, as_of)
    version = _filled_version(config, frozen)
    rows = windows.read_rows(config, frozen.whole, as_of, version)
    facts = runs.RunFacts(
        as_of=as_of,
        airflow_run_id=airflow_run_id,
        airflow_url=airflow_url,
        data_version=version,
        data_hash=rows_hash(rows),
        data_uri=tables.table_uri(config.name, windows.VALIDATED),
        rows=len(rows),
        windows=frozen,
        champion_version=registry.champion_version(config.name),
        git_sha=git_sha(),
        lock_hash=lock_hash(),
    )
    opened = runs.open_parent_run(config, facts)
    return RunContext(
        model=config.name,
        airflow_run_id=airflow_run_id,
        as_of=as_of,
        mlflow_run_id=opened.run_id,
        experiment_id=opened.experiment_id,
        config_hash=config_hash(config),
        data_version=version,
        data_hash=facts.data_hash,
        rows=facts.rows,
        windows=frozen,
        champion_version=facts.champion_version,
        git_sha=facts.git_sha,
        lock_hash=facts.lock_hash,
    )


def train_candidate(context: RunContext, name: str) -> CandidateResult:
    """Fit one candidate on the train split, score it on validation, and log both with the model.

    The holdout's rows are not read. The golden rows are scored here, by the pipeline in memory: whatever is loaded
    later must give the same scores.
    """
    config = runs.load_config(context.mlflow_run_id)
    index, candidate = _candidate(config, name)
    run = runs.open_candidate_run(context, config, name)
    if run.result is not None:
        return run.result
    try:
        result = _fit_and_log(context, config, index, candidate, run)
        runs.finish_candidate(run.run_id, result)
    except Exception:
        with contextlib.suppress(NightshiftError):  # what went wrong first is what the task must say
            runs.end_run(run.run_id, "FAILED")
        raise
    return result


def select_candidate(context: RunContext, results: Sequence[CandidateResult]) -> Selection:
    """Choose on validation data, mark the chosen run, and give the night's run its metrics and the reason."""
    config = runs.load_config(context.mlflow_run_id)
    selection = select(config, results)
    chosen = selection.chosen
    for result in results:
        runs.set_tags(result.mlflow_run_id, {"chosen": str(result.name == chosen.name).lower()})
    runs.log_metrics(
        context.mlflow_run_id,
        {**chosen.metrics, "fit_seconds": chosen.fit_seconds},
        tags={"chosen_candidate": chosen.name, "chosen_run_id": chosen.mlflow_run_id, "selection": selection.reason},
    )
    return selection


def evaluate_holdout(context: RunContext, selection: Selection) -> Holdout:
    """Judge the chosen model, loaded back from MLflow, on the untouched later rows: once.

    A retry returns what the first attempt logged. The baseline is the constant prediction of the train split's rate.
    """
    chosen = selection.chosen
    logged, tags = runs.run_metrics(context.mlflow_run_id)
    if tags.get("holdout_of") == chosen.model_uri:
        return _holdout_from(logged)
    config = runs.load_config(context.mlflow_run_id)
    y_true, scores, days = _score_holdout(context, config, chosen.model_uri)
    holdout = Holdout(
        rows=len(y_true),
        days=days,
        metrics=compute(METRICS, y_true, scores),
        baseline=baseline_metrics(y_true, chosen.metrics["train_rate"]),
    )
    measured = {naming.metric("holdout", metric): value for metric, value in holdout.metrics.items()}
    runs.log_metrics(chosen.mlflow_run_id, measured, model_uri=chosen.model_uri)
    artifacts.log_figures(context.mlflow_run_id, evaluation_figures(y_true, {chosen.name: scores}), "holdout")
    runs.log_metrics(
        context.mlflow_run_id,
        {
            **measured,
            **{naming.metric("baseline", metric): value for metric, value in holdout.baseline.items()},
            "rows_in_holdout": holdout.rows,
            "days_in_holdout": holdout.days,
        },
        tags={"holdout_of": chosen.model_uri},
    )
    return holdout


def rows_hash(rows: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits that change whenever a value, a row or a column of the window changes."""
    ordered = rows[sorted(rows.columns)]
    values = pd.util.hash_pandas_object(ordered, index=False).to_numpy()
    return hashlib.sha256(",".join(ordered.columns).encode() + values.tobytes()).hexdigest()[:HASH_LENGTH]


def git_sha() -> str:
    """The code's commit: NIGHTSHIFT_GIT_SHA where an image sets it, or git's answer; `-dirty` says it was edited."""
    if given := os.environ.get("NIGHTSHIFT_GIT_SHA"):
        return given
    git = shutil.which("git")
    if git is None:
        return "unknown"
    answer = subprocess.run(  # noqa: S603 - fixed arguments
        [git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        cwd=environment.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "unknown"


def lock_hash() -> str:
    """Sixteen hexadecimal digits of the lock file, which names every library's version."""
    lock = environment.REPOSITORY / "requirements.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:HASH_LENGTH] if lock.is_file() else "unknown"


def _filled_version(config: ModelConfig, frozen: Windows) -> int:
    """Version of the validated table, once it holds the window's last day and enough of the others.

    One refused day must not stop retraining for as long as the window is; that a night trains on stale rows, must.
    """
    version = tables.table_version(config.name, windows.VALIDATED)
    whole = frozen.whole
    there = windows.validated_days(config, whole, version) if version is not None else {}
    asked = [whole.start + timedelta(days=offset) for offset in range(whole.days)]
    missing = [day for day in asked if day not in there]
    stale = whole.end in missing
    if version is None or stale or len(missing) > config.training.max_missing_share * whole.days:
        named = ", ".join(str(day) for day in missing[:MAX_DAYS_NAMED])
        more = f" and {len(missing) - MAX_DAYS_NAMED} more" if len(missing) > MAX_DAYS_NAMED else ""
        raise NotEnoughData(
            f"{config.name}: training needs the {whole.days} validated days {whole.start} to {whole.end}, and "
            f"{len(missing)} of them are missing: {named}{more}. "
            f"Allowed are {config.training.max_missing_share:.0%} of them (training.max_missing_share), not the last.\n"
            f"Load them: trigger {config.name}__ingest with start={missing[0]} and end={missing[-1]}"
        )
    return version


def _candidate(config: ModelConfig, name: str) -> tuple[int, Candidate]:
    for index, candidate in enumerate(config.training.candidates):
        if candidate.name == name:
            return index, candidate
    known = ", ".join(candidate.name for candidate in config.training.candidates)
    raise PermanentError(
        f"{config.name}: training.candidates has no {name!r} in the configuration that this run was opened with "
        f"(it has {known}). The model file was edited since: clear the run from open_run on."
    )


def _fit_and_log(
    context: RunContext, config: ModelConfig, index: int, candidate: Candidate, run: CandidateRun
) -> CandidateResult:
    label = config.data.label
    seen = DayRange(start=context.windows.train.start, end=context.windows.validation.end)
    rows = _read(context, config, seen)
    train = splits.of_days(config, rows, context.windows.train, "train")
    validation = splits.of_days(config, rows, context.windows.validation, "validation")
    fitted = fit(config, candidate, train, environment.threads_per_task())
    # MLflow's comparison opens on the metric that was logged first, and validation is what candidates compete on.
    metrics: dict[str, float] = {}
    for split, part in (("validation", validation), ("train", train)):
        scores = predict_scores(fitted.pipeline, part, config)
        computed = compute(METRICS, part[label].to_numpy(), scores)
        metrics.update({naming.metric(split, metric): value for metric, value in computed.items()})
    metrics[naming.metric("train", "rate")] = float(train[label].mean())
    uri = runs.log_model(
        run.run_id,
        run.experiment_id,
        candidate.name,
        fitted.pipeline,
        config=config,
        frame=train,
        trusted_types=skops_trusted_types(candidate.estimator),
    )
    golden = artifacts.golden_sample(validation[list(config.features.names)])
    artifacts.log_golden(run.run_id, golden, predict_scores(fitted.pipeline, golden, config))
    return CandidateResult(
        name=candidate.name,
        index=index,
        mlflow_run_id=run.run_id,
        model_uri=uri,
        metrics=metrics,
        fit_seconds=fitted.seconds,
    )


def _score_holdout(context: RunContext, config: ModelConfig, model_uri: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Labels (n,), the loaded model's scores (n,), and the number of days with rows."""
    rows = _read(context, config, context.windows.holdout)
    holdout = splits.of_days(config, rows, context.windows.holdout, "holdout")
    scores = predict_scores(load_pipeline_by_uri(model_uri), holdout, config)
    return holdout[config.data.label].to_numpy(), scores, holdout[config.data.day].nunique()


def _holdout_from(logged: dict[str, float]) -> Holdout:
    return Holdout(
        rows=int(logged["rows_in_holdout"]),
        days=int(logged["days_in_holdout"]),
        metrics=naming.of_split(logged, "holdout"),
        baseline=naming.of_split(logged, "baseline"),
    )


def _read(context: RunContext, config: ModelConfig, days: DayRange) -> pd.DataFrame:
    """Rows of `days` from the very snapshot that the run was opened with."""
    return windows.read_rows(config, days, context.as_of, context.data_version)
