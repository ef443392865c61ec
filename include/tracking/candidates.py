"""The candidates' runs below a night's run: each opened once, and handed back whole where its work was done."""

from __future__ import annotations

from typing import NamedTuple

from mlflow.entities import Run

from include.config.schema import ModelConfig
from include.contracts import CandidateResult, Resources, RunContext
from include.tracking import models, naming
from include.tracking.connection import mlflow_client
from include.tracking.lookup import create_run, find_runs, our_tags
from include.tracking.params import flatten, log_batches


class CandidateRun(NamedTuple):
    """A candidate's run; `result` is there when an earlier attempt of the task had finished it."""

    run_id: str
    experiment_id: str
    result: CandidateResult | None


def open_candidate_run(context: RunContext, config: ModelConfig, name: str) -> CandidateRun:
    """The candidate's run below the night's run. A finished one is handed back with its result, so that a task that
    is retried after its work was done neither fits again nor doubles the run; an unfinished one is cleaned and reused.
    """
    index = next(i for i, candidate in enumerate(config.training.candidates) if candidate.name == name)
    candidate = config.training.candidates[index]
    with mlflow_client(f"open the run of candidate {name}") as client:
        found = find_runs(client, context.experiment_id, {"candidate": name}, parent=context.mlflow_run_id)
        if not found:
            path = f"training.candidates.{index}"
            tags = {
                "mlflow.parentRunId": context.mlflow_run_id,
                **our_tags({"kind": "candidate", "candidate": name, "airflow_run_id": context.airflow_run_id}),
                **our_tags({"as_of": str(context.as_of), "estimator": candidate.estimator}),
            }
            run_id = create_run(client, context.experiment_id, name, tags)
            params = {
                "candidate": name,
                "estimator": candidate.estimator,
                f"{path}.estimator": candidate.estimator,
                **(flatten(candidate.params, f"{path}.params") if candidate.params else {}),
                **(flatten(candidate.search.model_dump(mode="json"), f"{path}.search") if candidate.search else {}),
            }
            log_batches(client, run_id, params=params)
            return CandidateRun(run_id, context.experiment_id, None)
        run = found[0]
        result = _result(run, name, index)
        if result is None:
            models.discard_models(client, run.info.run_id, context.experiment_id)
            client.update_run(run.info.run_id, status="RUNNING")
        return CandidateRun(run.info.run_id, context.experiment_id, result)


def finish_candidate(run_id: str, result: CandidateResult) -> None:
    """Log the candidate's metrics, on its run and its model, and mark the run as done."""
    with mlflow_client(f"finish the run of candidate {result.name}") as client:
        log_batches(
            client,
            run_id,
            metrics={**result.metrics, "fit_seconds": result.fit_seconds, **_spent(result.resources)},
            tags=our_tags({"model_uri": result.model_uri}),
            model_id=models.model_id(result.model_uri),
        )
        client.set_terminated(run_id)


def candidates_of(context: RunContext, config: ModelConfig) -> list[CandidateResult]:
    """Every finished candidate of the night's run, in the configuration's order."""
    index = {candidate.name: number for number, candidate in enumerate(config.training.candidates)}
    with mlflow_client("read the night's candidates") as client:
        found = find_runs(client, context.experiment_id, {"kind": "candidate"}, parent=context.mlflow_run_id)
    named = {run.data.tags[naming.tag("candidate")]: run for run in found}
    results = [_result(named[name], name, number) for name, number in index.items() if name in named]
    return [result for result in results if result is not None]


def _result(run: Run, name: str, index: int) -> CandidateResult | None:
    """What a finished candidate's run says; None while it is unfinished."""
    uri = run.data.tags.get(naming.tag("model_uri"))
    if run.info.status != "FINISHED" or uri is None:
        return None
    kinds = ("train", "validation", "search")
    metrics = {key: value for key, value in run.data.metrics.items() if key.split("_")[0] in kinds}
    return CandidateResult(
        name=name,
        index=index,
        mlflow_run_id=run.info.run_id,
        model_uri=uri,
        metrics=metrics,
        fit_seconds=run.data.metrics["fit_seconds"],
        resources=_resources(run.data.metrics),
    )


def _spent(resources: Resources | None) -> dict[str, float]:
    if resources is None:
        return {}
    return {"fit_cpu_seconds": resources.cpu_seconds, "fit_peak_memory_mb": resources.peak_memory_mb}


def _resources(metrics: dict[str, float]) -> Resources | None:
    """What `finish_candidate` logged; None for a run of before it did."""
    if not {"fit_cpu_seconds", "fit_peak_memory_mb"} <= metrics.keys():
        return None
    return Resources(
        seconds=metrics["fit_seconds"],
        cpu_seconds=metrics["fit_cpu_seconds"],
        peak_memory_mb=metrics["fit_peak_memory_mb"],
    )
