"""Runs are opened once: a retry finds them, and whatever it changed is another run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from include.config.loader import config_hash
from include.config.schema import ModelConfig
from include.contracts import CandidateResult, Resources, RunContext
from include.errors import PermanentError
from include.tracking import runs

Opened = Callable[[runs.RunFacts], RunContext]
Trained = Callable[[RunContext], CandidateResult]


def test_the_nights_run_says_what_it_was_frozen_to(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts
) -> None:
    opened = runs.open_parent_run(flight_delay, facts)
    run = MlflowClient(mlflow_uri).get_run(opened.run_id)
    assert run.info.run_name == "2013-02-27 retrain"
    _, tags = runs.run_metrics(opened.run_id)
    expected = {
        "kind": "retrain",
        "airflow_run_id": facts.airflow_run_id,
        "airflow_url": facts.airflow_url,
        "as_of": "2013-02-27",
        "data_version": "57",
        "data_hash": facts.data_hash,
        "config_hash": config_hash(flight_delay),
        "git_sha": facts.git_sha,
        "lock_hash": facts.lock_hash,
    }
    assert expected.items() <= tags.items()
    assert run.data.params["training.candidates.2.params.learning_rate"] == "0.06"


def test_the_window_is_the_runs_dataset(mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts) -> None:
    opened = runs.open_parent_run(flight_delay, facts)
    (used,) = MlflowClient(mlflow_uri).get_run(opened.run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("flight_delay.validated", facts.data_hash)
    assert json.loads(used.dataset.source) == {"path": facts.data_uri, "delta_table_version": 57}
    assert json.loads(used.dataset.profile)["num_rows"] == 51_000
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]


def test_the_configuration_is_read_back_from_the_run(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts
) -> None:
    opened = runs.open_parent_run(flight_delay, facts)
    assert runs.load_config(opened.run_id) == flight_delay


def test_a_retry_finds_the_run_again(mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts) -> None:
    first = runs.open_parent_run(flight_delay, facts)
    assert runs.open_parent_run(flight_delay, facts) == first
    assert len(MlflowClient(mlflow_uri).search_runs([first.experiment_id])) == 1


def test_an_attempt_killed_after_creating_the_run_is_completed(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts
) -> None:
    first = runs.open_parent_run(flight_delay, facts)
    MlflowClient(mlflow_uri).delete_tag(first.run_id, "nightshift.opened")
    assert runs.open_parent_run(flight_delay, facts) == first
    run = MlflowClient(mlflow_uri).get_run(first.run_id)
    assert "nightshift.opened" in run.data.tags
    assert len(run.inputs.dataset_inputs) == 1


def test_other_rows_are_another_run_and_the_old_one_says_so(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts
) -> None:
    first = runs.open_parent_run(flight_delay, facts)
    second = runs.open_parent_run(flight_delay, replace(facts, data_hash="f" * 16))
    assert second.run_id != first.run_id
    assert runs.run_metrics(first.run_id)[1]["replaced_by"] == second.run_id
    assert runs.open_parent_run(flight_delay, facts) == first


def test_another_airflow_run_is_another_run(mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts) -> None:
    first = runs.open_parent_run(flight_delay, facts)
    assert runs.open_parent_run(flight_delay, replace(facts, airflow_run_id="manual__it's")).run_id != first.run_id
    assert runs.open_parent_run(flight_delay, replace(facts, airflow_run_id="manual__it's")).run_id != first.run_id
    assert len(MlflowClient(mlflow_uri).search_runs([first.experiment_id])) == 2


def test_a_deleted_experiment_is_permanent_with_its_way_back(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts
) -> None:
    opened = runs.open_parent_run(flight_delay, facts)
    MlflowClient(mlflow_uri).delete_experiment(opened.experiment_id)
    with pytest.raises(PermanentError, match=f"restore --experiment-id {opened.experiment_id}"):
        runs.open_parent_run(flight_delay, facts)


def test_a_candidates_run_hangs_below_the_night_with_its_own_parameters(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts, context_of: Opened
) -> None:
    context = context_of(facts)
    opened = runs.open_candidate_run(context, flight_delay, "hist_gradient_boosting")
    run = MlflowClient(mlflow_uri).get_run(opened.run_id)
    assert run.data.tags["mlflow.parentRunId"] == context.mlflow_run_id
    assert run.data.params["estimator"] == "HistGradientBoostingClassifier"
    assert run.data.params["training.candidates.2.params.max_iter"] == "150"


def test_an_unfinished_candidate_is_cleaned_and_reused(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts, context_of: Opened, train: Trained
) -> None:
    context = context_of(facts)
    result = train(context)
    client = MlflowClient(mlflow_uri)
    client.delete_tag(result.mlflow_run_id, "nightshift.model_uri")  # as if killed before it was finished
    again = runs.open_candidate_run(context, flight_delay, "random_forest")
    assert (again.run_id, again.result) == (result.mlflow_run_id, None)
    assert client.get_run(again.run_id).info.status == "RUNNING"
    assert train(context).model_uri != result.model_uri
    assert len(client.search_logged_models([context.experiment_id])) == 1
    assert len(client.search_runs([context.experiment_id], run_view_type=ViewType.ALL)) == 2


def test_a_finished_candidate_is_handed_back(
    mlflow_uri: str, flight_delay: ModelConfig, facts: runs.RunFacts, context_of: Opened, train: Trained
) -> None:
    context = context_of(facts)
    result = train(context)
    assert runs.open_candidate_run(context, flight_delay, "random_forest").result == result
    run = MlflowClient(mlflow_uri).get_run(result.mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.info.end_time is not None
    assert run.data.metrics == {**result.metrics, "fit_seconds": 1.25}


def test_a_candidates_metrics_show_on_its_models_page(
    mlflow_uri: str, facts: runs.RunFacts, context_of: Opened, train: Trained
) -> None:
    result = train(context_of(facts))
    model = MlflowClient(mlflow_uri).get_logged_model(result.model_uri.removeprefix("models:/"))
    assert {metric.key: metric.value for metric in model.metrics}["validation_roc_auc"] == 0.74
    assert model.source_run_id == result.mlflow_run_id


def test_a_decisions_run_is_found_by_its_key(mlflow_uri: str) -> None:
    opened = runs.open_run_in("m/releases", "7", name="version 7", tags={"verdict": "refuse"}, params={"n": "1"})
    again = runs.open_run_in("m/releases", "7", name="version 7", tags={"verdict": "promote"}, params={"n": "1"})
    assert again == opened
    assert runs.experiment_of(opened.run_id) == opened.experiment_id
    assert runs.run_metrics(opened.run_id)[1] == {"key": "7", "verdict": "promote"}
    assert runs.open_run_in("m/releases", "8", name="version 8").run_id != opened.run_id
    assert runs.open_run_in("m/monitoring", "7", name="x").experiment_id != opened.experiment_id


def test_metrics_and_tags_travel_together(mlflow_uri: str) -> None:
    run_id = runs.open_run_in("m/monitoring", "1", name="night").run_id
    runs.log_metrics(run_id, {"a": 1.5}, tags={"b": "c"})
    runs.set_tags(run_id, {"d": "e"})
    metrics, tags = runs.run_metrics(run_id)
    assert metrics == {"a": 1.5}
    assert tags == {"key": "1", "b": "c", "d": "e"}
    runs.end_run(run_id, "FAILED")
    assert MlflowClient(mlflow_uri).get_run(run_id).info.status == "FAILED"


def test_a_nights_finished_candidates_are_read_back_whole(
    facts: runs.RunFacts, context_of: Opened, train: Trained, flight_delay: ModelConfig
) -> None:
    context = context_of(facts)
    assert runs.candidates_of(context, flight_delay) == []
    finished = train(context)
    runs.open_candidate_run(context, flight_delay, "logistic_regression")  # and is not finished
    assert runs.candidates_of(context, flight_delay) == [finished]
    spent = Resources(seconds=1.25, cpu_seconds=2.5, peak_memory_mb=640.125)
    measured = finished.model_copy(update={"resources": spent})
    runs.finish_candidate(finished.mlflow_run_id, measured)
    assert runs.candidates_of(context, flight_delay) == [measured]
    assert runs.run_metrics(finished.mlflow_run_id)[0]["fit_peak_memory_mb"] == 640.125
