"""Runs: opened once, found again by their tags on a retry, and filled in few round trips."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Run

from include.config.loader import config_hash, config_json
from include.config.schema import ModelConfig
from include.contracts import Windows
from include.tracking import models, naming
from include.tracking.artifacts import (
    load_config,
    load_golden,
    load_json,
    load_text,
    log_figure,
    log_figures,
    log_files,
    log_golden,
    log_html,
    log_json,
    log_text,
)
from include.tracking.candidates import CandidateRun, candidates_of, finish_candidate, open_candidate_run
from include.tracking.connection import mlflow_client
from include.tracking.lookup import create_run, experiment_id_of, find_runs, our_tags, without_prefix
from include.tracking.models import log_model
from include.tracking.params import flatten, log_batches

__all__ = [
    "CandidateRun",
    "OpenRun",
    "RunFacts",
    "candidates_of",
    "end_run",
    "experiment_of",
    "finish_candidate",
    "load_config",
    "load_golden",
    "load_json",
    "load_text",
    "log_figure",
    "log_figures",
    "log_files",
    "log_golden",
    "log_html",
    "log_json",
    "log_metrics",
    "log_model",
    "log_search",
    "log_text",
    "newest_run",
    "open_candidate_run",
    "open_parent_run",
    "open_run_in",
    "run_metrics",
    "set_tags",
]

MAX_DIGEST = 36
"""Characters that MLflow stores of a dataset's digest."""


class OpenRun(NamedTuple):
    """An MLflow run and the experiment it is in."""

    run_id: str
    experiment_id: str


@dataclass(frozen=True)
class RunFacts:
    """What a retrain run is frozen to when it opens, as `RunContext` will say it; logged as tags and dataset."""

    as_of: date
    airflow_run_id: str
    airflow_url: str
    data_version: int
    data_hash: str
    data_uri: str
    rows: int
    windows: Windows
    champion_version: int | None
    git_sha: str
    lock_hash: str


def open_parent_run(config: ModelConfig, facts: RunFacts) -> OpenRun:
    """The night's run: opened now, or the one that an earlier attempt opened with the same data and configuration.

    A cleared Airflow run whose model file or rows have changed since is another training: it gets a run of its own,
    and the one it replaces is marked.
    """
    with mlflow_client("open the night's run") as client:
        experiment_id = experiment_id_of(client, naming.experiment(config.name))
        tags = _parent_tags(config, facts)
        earlier = find_runs(client, experiment_id, {key: tags[naming.tag(key)] for key in ("airflow_run_id", "kind")})
        same = [run for run in earlier if _same_training(run, tags)]
        run_id = same[0].info.run_id if same else None
        if run_id is None:
            run_id = create_run(client, experiment_id, f"{facts.as_of} retrain", tags)
            for run in earlier:
                client.set_tag(run.info.run_id, naming.tag("replaced_by"), run_id)
        if not same or naming.tag("opened") not in same[0].data.tags:
            _describe(client, run_id, config, facts)
    return OpenRun(run_id, experiment_id)


def open_run_in(
    experiment: str,
    key: str,
    *,
    name: str,
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> OpenRun:
    """A run for a release decision or a night's look, found again by `key` in that experiment.

    :param tags: bare names, stored as `nightshift.<name>`; brought up to date when the run is found again
    """
    with mlflow_client(f"open the run {name} in {experiment}") as client:
        experiment_id = experiment_id_of(client, experiment)
        found = find_runs(client, experiment_id, {"key": key})
        ours = our_tags({**(tags or {}), "key": key})
        run_id = found[0].info.run_id if found else create_run(client, experiment_id, name, ours)
        if params or (found and tags):
            log_batches(client, run_id, params=params, tags=ours if found else None)
    return OpenRun(run_id, experiment_id)


def log_metrics(
    run_id: str, metrics: Mapping[str, float], *, model_uri: str | None = None, tags: Mapping[str, str] | None = None
) -> None:
    """Log metrics, and tags by their bare names, in one request; with `model_uri` on that model's page too."""
    with mlflow_client(f"log metrics of run {run_id}") as client:
        logged = models.model_id(model_uri) if model_uri else None
        log_batches(client, run_id, metrics=metrics, tags=our_tags(tags or {}), model_id=logged)


def log_search(run_id: str, index: int, params: Mapping[str, Any], trials: str) -> None:
    """What a candidate's search found: parameters under the paths that a model file would give them, trials as CSV."""
    found = {f"training.candidates.{index}.params.{name}": value for name, value in params.items()}
    with mlflow_client(f"log the search of run {run_id}") as client:
        log_batches(client, run_id, params={name: flatten(value, name)[name] for name, value in found.items()})
        client.log_text(run_id, trials, naming.SEARCH_FILE)


def set_tags(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags by their bare names, stored as `nightshift.<name>`, in one request."""
    with mlflow_client(f"set tags of run {run_id}") as client:
        log_batches(client, run_id, tags=our_tags(tags))


def run_metrics(run_id: str) -> tuple[dict[str, float], dict[str, str]]:
    """The run's latest metrics, and its tags of ours by their bare names."""
    with mlflow_client(f"read run {run_id}") as client:
        run = client.get_run(run_id)
    return dict(run.data.metrics), without_prefix(run.data.tags)


def experiment_of(run_id: str) -> str:
    """Id of the experiment that a run is in, for its address."""
    with mlflow_client(f"read run {run_id}") as client:
        return str(client.get_run(run_id).info.experiment_id)


def end_run(run_id: str, status: Literal["FINISHED", "FAILED", "KILLED"] = "FINISHED") -> None:
    """Close a run; it may still be written to."""
    with mlflow_client(f"end run {run_id}") as client:
        client.set_terminated(run_id, status)


def _parent_tags(config: ModelConfig, facts: RunFacts) -> dict[str, str]:
    ours = {
        "kind": "retrain",
        "airflow_run_id": facts.airflow_run_id,
        "airflow_url": facts.airflow_url,
        "as_of": str(facts.as_of),
        "data_version": str(facts.data_version),
        "data_hash": facts.data_hash,
        "config_hash": config_hash(config),
        "git_sha": facts.git_sha,
        "lock_hash": facts.lock_hash,
        "champion_version": str(facts.champion_version or ""),
        "window": f"{facts.windows.whole.start}..{facts.windows.whole.end}",
    }
    note = f"{config.description.strip()}\n\n[The Airflow run]({facts.airflow_url})" if facts.airflow_url else ""
    return {
        **our_tags(ours),
        "mlflow.source.git.commit": facts.git_sha,
        "mlflow.note.content": note or config.description.strip(),
    }


def _same_training(run: Run, tags: Mapping[str, str]) -> bool:
    keys = [naming.tag(name) for name in ("as_of", "config_hash", "data_hash", "git_sha", "lock_hash")]
    return all(run.data.tags.get(key) == tags[key] for key in keys)


def _describe(client: MlflowClient, run_id: str, config: ModelConfig, facts: RunFacts) -> None:
    """Configuration and data into the run; the tag `opened` comes last and says that nothing is missing."""
    client.log_text(run_id, config_json(config), naming.CONFIG_FILE)
    client.log_inputs(run_id, datasets=[_dataset(config, facts)])
    log_batches(client, run_id, params=flatten(config.model_dump(mode="json")), tags=our_tags({"opened": "true"}))


def _dataset(config: ModelConfig, facts: RunFacts) -> DatasetInput:
    """The window as a dataset that is named by table and version rather than copied."""
    schema = [{"name": name, "type": kind} for name, kind in config.data.columns.items()]
    source = {"path": facts.data_uri, "delta_table_version": facts.data_version}
    profile = {"num_rows": facts.rows, "start": str(facts.windows.whole.start), "end": str(facts.windows.whole.end)}
    dataset = Dataset(
        name=f"{config.name}.validated",
        digest=facts.data_hash[:MAX_DIGEST],
        source_type="delta_table",
        source=json.dumps(source),
        schema=json.dumps({"mlflow_colspec": schema}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def newest_run(experiment: str) -> tuple[dict[str, float], dict[str, str]] | None:
    """Metrics and our tags of the newest run of an experiment; None where there is none."""
    with mlflow_client(f"read the newest run of {experiment}") as client:
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return None
        newest = client.search_runs([found.experiment_id], order_by=["attributes.start_time DESC"], max_results=1)
    return (dict(newest[0].data.metrics), without_prefix(newest[0].data.tags)) if newest else None
