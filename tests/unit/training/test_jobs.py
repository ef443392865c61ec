"""A whole night's training on real flights, with a real MLflow and Delta tables: frozen, repeatable, judged once."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.metrics import roc_auc_score

from include.config.schema import ModelConfig
from include.contracts import CandidateResult, RunContext, Selection
from include.data import tables, windows
from include.data.sources import flights
from include.errors import NotEnoughData, PermanentError
from include.tracking import artifacts, models, runs
from include.training import jobs
from include.training.fit import predict_scores

FIRST, AS_OF = date(2013, 3, 1), date(2013, 3, 16)
NIGHT = (AS_OF, "scheduled__2013-03-16T03:00:00+00:00", "http://127.0.0.1:8080/x")
NAMES = ("logistic_regression", "hist_gradient_boosting")


@pytest.fixture(scope="session")
def config(flight_delay: ModelConfig) -> ModelConfig:
    """The shipped model with short windows and two quick candidates."""
    chosen = [candidate for candidate in flight_delay.training.candidates if candidate.name in NAMES]
    chosen[1] = chosen[1].model_copy(update={"params": {"max_iter": 20}})
    sizes = {"train_days": 8, "validation_days": 3, "holdout_days": 4, "candidates": tuple(chosen)}
    return flight_delay.model_copy(update={"training": flight_delay.training.model_copy(update=sizes)})


@pytest.fixture(scope="session")
def _loaded(config: ModelConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables with the fifteen days that the windows need."""
    folder = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_TABLES", str(folder))
        _write(config, flights.read(FIRST, AS_OF - timedelta(days=1)))
    return folder


@pytest.fixture
def night(_loaded: Path, mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tables and an empty MLflow, both the test's own."""
    folder = tmp_path / "tables"
    shutil.copytree(_loaded, folder)
    monkeypatch.setenv("NIGHTSHIFT_TABLES", str(folder))
    monkeypatch.setenv("NIGHTSHIFT_GIT_SHA", "c" * 40)
    return folder


def _write(config: ModelConfig, frame: pd.DataFrame) -> int:
    schema = tables.schema_for({**config.data.columns, "row_key": "string"})
    keyed = frame.assign(row_key=windows.row_keys(config, frame))
    days = sorted(set(keyed["flight_date"]))
    return tables.replace_days(config.name, windows.VALIDATED, keyed, keyed["flight_date"], days, schema)


def _trained(config: ModelConfig) -> tuple[RunContext, Selection]:
    context = jobs.open_run(config, *NIGHT)
    return context, jobs.select_candidate(context, [jobs.train_candidate(context, name) for name in NAMES])


def test_the_context_is_frozen_and_small(config: ModelConfig, night: Path) -> None:
    context = jobs.open_run(config, *NIGHT)
    assert len(context.model_dump_json().encode()) < 2048
    assert RunContext.from_json(context.to_json()) == context
    assert context.rows == len(flights.read(FIRST, AS_OF - timedelta(days=1)))
    assert (context.champion_version, context.git_sha, len(context.lock_hash)) == (None, "c" * 40, 16)
    assert (context.windows.train.start, context.windows.holdout.end) == (FIRST, AS_OF - timedelta(days=1))


def test_a_retry_gives_the_same_context(config: ModelConfig, night: Path) -> None:
    assert jobs.open_run(config, *NIGHT) == jobs.open_run(config, *NIGHT)


def test_the_data_hash_is_of_the_rows_not_of_the_files(config: ModelConfig, night: Path) -> None:
    before = jobs.open_run(config, *NIGHT)
    frame = flights.read(FIRST, FIRST)
    _write(config, frame)
    same = jobs.open_run(config, *NIGHT)
    assert same.data_version > before.data_version
    assert (same.data_hash, same.mlflow_run_id) == (before.data_hash, before.mlflow_run_id)
    frame.loc[0, "distance"] += 1
    _write(config, frame)
    changed = jobs.open_run(config, *NIGHT)
    assert changed.data_hash != before.data_hash
    assert changed.mlflow_run_id != before.mlflow_run_id


def test_missing_days_are_named_with_the_way_to_load_them(config: ModelConfig, night: Path) -> None:
    with pytest.raises(NotEnoughData) as caught:
        jobs.open_run(config, AS_OF + timedelta(days=2), *NIGHT[1:])
    assert "some are missing, 2 of 15 days: 2013-03-16, 2013-03-17." in str(caught.value)
    assert "flight_delay__ingest start=2013-03-16 end=2013-03-17" in str(caught.value)


def test_no_table_at_all_names_the_whole_window(
    config: ModelConfig, night: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_TABLES", str(tmp_path / "empty"))
    with pytest.raises(NotEnoughData, match=r"15 of 15 days: .* and 5 more"):
        jobs.open_run(config, *NIGHT)


def test_a_candidate_is_fitted_logged_and_golden(config: ModelConfig, night: Path, mlflow_uri: str) -> None:
    context = jobs.open_run(config, *NIGHT)
    result = jobs.train_candidate(context, "hist_gradient_boosting")
    assert result.index == 1
    assert CandidateResult.from_json(result.to_json()) == result
    assert 0.5 < result.metrics["validation_roc_auc"] < result.metrics["train_roc_auc"] < 1
    rows, scores = runs.load_golden(result.mlflow_run_id)
    assert len(rows) == 50
    loaded = models.load_pipeline_by_uri(result.model_uri)
    np.testing.assert_array_equal(predict_scores(loaded, rows, config), scores)
    run = MlflowClient(mlflow_uri).get_run(result.mlflow_run_id)
    assert run.data.tags["mlflow.parentRunId"] == context.mlflow_run_id


def test_a_retried_candidate_is_not_fitted_again(config: ModelConfig, night: Path, mlflow_uri: str) -> None:
    context = jobs.open_run(config, *NIGHT)
    first = jobs.train_candidate(context, "logistic_regression")
    assert first.resources is not None and first.resources.seconds == first.fit_seconds
    assert first.resources.cpu_seconds > 0 and first.resources.peak_memory_mb > 50
    assert jobs.train_candidate(context, "logistic_regression") == first
    metrics, tags = runs.run_metrics(first.mlflow_run_id)
    assert metrics["fit_peak_memory_mb"] == first.resources.peak_memory_mb
    assert (tags["threads"], len(tags["python_version"].split("."))) == ("1", 3)
    assert len(MlflowClient(mlflow_uri).search_logged_models([context.experiment_id])) == 1


def test_a_candidate_that_fails_says_so_and_can_be_retried(
    config: ModelConfig, night: Path, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = jobs.open_run(config, *NIGHT)
    with monkeypatch.context() as patch:
        patch.setenv("NIGHTSHIFT_TABLES", str(night.parent / "lost"))
        with pytest.raises(NotEnoughData):
            jobs.train_candidate(context, "logistic_regression")
    client = MlflowClient(mlflow_uri)
    (failed,) = client.search_runs([context.experiment_id], "tags.`nightshift.candidate` = 'logistic_regression'")
    assert failed.info.status == "FAILED"
    assert jobs.train_candidate(context, "logistic_regression").mlflow_run_id == failed.info.run_id


def test_the_frozen_configuration_and_rows_count_not_todays(config: ModelConfig, night: Path) -> None:
    context = jobs.open_run(config, *NIGHT)
    before = jobs.train_candidate(context, "logistic_regression").metrics
    broken = flights.read(FIRST, AS_OF - timedelta(days=1)).assign(distance=1.0, temp=0.0)
    _write(config, broken)
    MlflowClient().delete_tag(_run_of(context, "logistic_regression"), "nightshift.model_uri")
    assert jobs.train_candidate(context, "logistic_regression").metrics == before


def test_a_name_that_was_not_frozen_is_permanent(config: ModelConfig, night: Path) -> None:
    context = jobs.open_run(config, *NIGHT)
    with pytest.raises(PermanentError, match=r"no 'random_forest' .*logistic_regression, hist_gradient_boosting"):
        jobs.train_candidate(context, "random_forest")


def test_the_chosen_run_is_marked_and_its_metrics_reach_the_nights_run(config: ModelConfig, night: Path) -> None:
    context, selection = _trained(config)
    metrics, tags = runs.run_metrics(context.mlflow_run_id)
    assert metrics["validation_roc_auc"] == selection.chosen.metrics["validation_roc_auc"]
    assert tags["chosen_candidate"] == selection.chosen.name
    marks = {name: runs.run_metrics(_run_of(context, name))[1]["chosen"] for name in NAMES}
    assert marks == {name: str(name == selection.chosen.name).lower() for name in NAMES}


def test_the_holdout_is_scored_with_the_model_that_was_stored(
    config: ModelConfig, night: Path, mlflow_uri: str
) -> None:
    context, selection = _trained(config)
    holdout = jobs.evaluate_holdout(context, selection)
    rows = windows.read_rows(config, context.windows.holdout, AS_OF)
    scores = predict_scores(models.load_pipeline_by_uri(selection.chosen.model_uri), rows, config)
    assert holdout.metrics["roc_auc"] == pytest.approx(roc_auc_score(rows["disrupted"], scores), abs=1e-12)
    assert (holdout.rows, holdout.days) == (len(rows), 4)
    assert holdout.baseline["roc_auc"] == 0.5
    train = windows.read_rows(config, context.windows.train, AS_OF)
    constant = np.mean((rows["disrupted"] - train["disrupted"].mean()) ** 2)
    assert holdout.baseline["brier_score"] == pytest.approx(constant, abs=1e-12)
    for run_id in (context.mlflow_run_id, selection.chosen.mlflow_run_id):
        assert runs.run_metrics(run_id)[0]["holdout_roc_auc"] == holdout.metrics["roc_auc"]
    figures = {file.path for file in MlflowClient(mlflow_uri).list_artifacts(context.mlflow_run_id, "holdout")}
    assert figures == {"holdout/roc.png", "holdout/calibration.png", "holdout/confusion.png"}


def test_the_holdout_is_judged_once(config: ModelConfig, night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without tables a second evaluation is impossible: the retry must return what the first one logged."""
    context, selection = _trained(config)
    holdout = jobs.evaluate_holdout(context, selection)
    monkeypatch.setenv("NIGHTSHIFT_TABLES", str(night.parent / "lost"))
    assert jobs.evaluate_holdout(context, selection) == holdout


def test_training_never_reads_the_holdout(config: ModelConfig, night: Path) -> None:
    """The last days' rows are replaced by nonsense: neither fit, nor metrics, nor golden rows may change."""
    context = jobs.open_run(config, *NIGHT)
    before = jobs.train_candidate(context, "hist_gradient_boosting")
    frame = flights.read(context.windows.holdout.start, context.windows.holdout.end)
    _write(config, frame.assign(disrupted=1 - frame["disrupted"], distance=5.0))
    again = jobs.open_run(config, *NIGHT)
    after = jobs.train_candidate(again, "hist_gradient_boosting")
    assert again.mlflow_run_id != context.mlflow_run_id
    assert after.metrics == before.metrics
    pd.testing.assert_frame_equal(
        artifacts.load_golden(after.mlflow_run_id)[0], artifacts.load_golden(before.mlflow_run_id)[0]
    )


def _run_of(context: RunContext, name: str) -> str:
    found = MlflowClient().search_runs([context.experiment_id], f"tags.`nightshift.candidate` = '{name}'")
    return next(run.info.run_id for run in found if run.data.tags["mlflow.parentRunId"] == context.mlflow_run_id)
