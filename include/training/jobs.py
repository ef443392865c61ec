"""What a retrain run's tasks call: freeze, train, choose, evaluate. Each finds its earlier attempt's work again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from include.config import environment
from include.config.loader import config_hash
from include.contracts import CandidateResult, Holdout, RunContext, Selection, Windows
from include.data import evolution, tables, windows
from include.data.gaps import require_days
from include.errors import NightshiftError
from include.evidence.baselines import baseline_metrics
from include.evidence.metrics import evaluate
from include.tracking import artifacts, naming, registry, runs
from include.tracking.golden_rows import golden_sample
from include.tracking.models import load_pipeline_by_uri
from include.tracking.provenance import git_sha, lock_hash, made_with, window_hash
from include.training import trial
from include.training.estimators import skops_trusted_types
from include.training.figures import evaluation_figures
from include.training.fit import predict_scores
from include.training.select import select

if TYPE_CHECKING:
    from include.config.schema import Candidate, ModelConfig
    from include.tracking.runs import CandidateRun


def open_run(config: ModelConfig, as_of: date, airflow_run_id: str, airflow_url: str) -> RunContext:
    """Freeze data, configuration, code and champion as of night `as_of`, and open the night's MLflow run.

    Raises NotEnoughData, naming the days, when the training window has days that were never validated.
    """
    evolution.evolve(config)  # a model file that was edited since the last night may name columns otherwise
    frozen = windows.training_windows(config, as_of)
    version = _filled_version(config, frozen)
    rows = windows.read_rows(config, frozen.whole, as_of, version)
    facts = runs.RunFacts(
        as_of=as_of,
        airflow_run_id=airflow_run_id,
        airflow_url=airflow_url,
        data_version=version,
        data_hash=window_hash(config, rows),
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
    index, candidate = trial.candidate_named(config, name)
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

    A retry returns what the first attempt logged. The baseline is the best constant prediction by the train split.
    """
    chosen = selection.chosen
    logged, tags = runs.run_metrics(context.mlflow_run_id)
    if tags.get("holdout_of") == chosen.model_uri:
        return _holdout_from(logged)
    config = runs.load_config(context.mlflow_run_id)
    pipeline = load_pipeline_by_uri(chosen.model_uri)
    y_true, scores, days = trial.score_holdout(config, pipeline, context.windows, context.as_of, context.data_version)
    holdout = Holdout(
        rows=len(y_true),
        days=days,
        metrics=evaluate(config, y_true, scores),
        baseline=baseline_metrics(config, y_true, naming.of_split(chosen.metrics, "train")),
    )
    measured = {naming.metric("holdout", metric): value for metric, value in holdout.metrics.items()}
    runs.log_metrics(chosen.mlflow_run_id, measured, model_uri=chosen.model_uri)
    artifacts.log_figures(context.mlflow_run_id, evaluation_figures(config, y_true, {chosen.name: scores}), "holdout")
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


def _filled_version(config: ModelConfig, frozen: Windows) -> int:
    """Version of the validated table, once it holds the days that `require_days` asks for."""
    version = tables.table_version(config.name, windows.VALIDATED)
    there = windows.validated_days(config, frozen.whole, version) if version is not None else {}
    require_days(config, frozen, there)
    return version or 0


def _fit_and_log(
    context: RunContext, config: ModelConfig, index: int, candidate: Candidate, run: CandidateRun
) -> CandidateResult:
    threads = environment.threads_per_task()
    tried = trial.run(config, candidate, context.windows, context.as_of, context.data_version, threads)
    uri = runs.log_model(
        run.run_id,
        run.experiment_id,
        candidate.name,
        tried.pipeline,
        config=config,
        frame=tried.train,
        trusted_types=skops_trusted_types(candidate.estimator),
    )
    if tried.searched is not None:
        runs.log_search(run.run_id, index, tried.searched.params, tried.searched.trials.to_csv(index=False))
    golden = golden_sample(tried.validation[list(config.features.names)])
    artifacts.log_golden(run.run_id, golden, predict_scores(tried.pipeline, golden, config))
    runs.set_tags(run.run_id, {**made_with(threads), "features_left_out": ", ".join(tried.left_out)})
    return CandidateResult(
        name=candidate.name,
        index=index,
        mlflow_run_id=run.run_id,
        model_uri=uri,
        metrics=tried.metrics,
        fit_seconds=tried.resources.seconds,
        resources=tried.resources,
    )


def _holdout_from(logged: dict[str, float]) -> Holdout:
    return Holdout(
        rows=int(logged["rows_in_holdout"]),
        days=int(logged["days_in_holdout"]),
        metrics=naming.of_split(logged, "holdout"),
        baseline=naming.of_split(logged, "baseline"),
    )
