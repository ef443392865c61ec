"""Versions are registered once, and exactly one is champion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.pipeline import Pipeline

from include.contracts import CandidateResult, Holdout, RegisteredVersion, RunContext, Selection
from include.errors import PermanentError
from include.tracking import registry, runs

Opened = Callable[[runs.RunFacts], RunContext]
Trained = Callable[[RunContext], CandidateResult]
HOLDOUT = Holdout(
    rows=12_000, days=14, metrics={"roc_auc": 0.7123456789, "brier_score": 0.15}, baseline={"brier_score": 0.2}
)


@pytest.fixture
def night(facts: runs.RunFacts, context_of: Opened, train: Trained) -> Callable[[str], RegisteredVersion]:
    """A whole night's registration under the given Airflow run."""

    def registered(airflow_run_id: str) -> RegisteredVersion:
        context = context_of(replace(facts, airflow_run_id=airflow_run_id))
        return registry.register(context, _selection(train(context)), HOLDOUT)

    return registered


def _selection(chosen: CandidateResult) -> Selection:
    return Selection(
        chosen=chosen, metric="roc_auc", ranking=((chosen.name, 0.74),), reason="Highest validation roc_auc."
    )


def test_nothing_is_champion_before_the_first_release(mlflow_uri: str) -> None:
    assert registry.champion_version("flight_delay") is None
    MlflowClient(mlflow_uri).create_registered_model("flight_delay")
    assert registry.champion_version("flight_delay") is None
    assert registry.alias_version("flight_delay", "previous_champion") is None


def test_a_version_carries_its_evidence(mlflow_uri: str, night: Callable[[str], RegisteredVersion]) -> None:
    version = night("scheduled__1")
    info = registry.version_info("flight_delay", version.version)
    assert info.holdout == HOLDOUT.metrics
    assert info.aliases == ("challenger",)
    assert (info.model_uri, info.mlflow_run_id) == (version.model_uri, version.mlflow_run_id)
    assert info.tags["window_holdout"] == "2013-02-12..2013-02-25"
    assert {"data_version": "57", "git_sha": "a" * 40, "candidate": "random_forest"}.items() <= info.tags.items()
    description = MlflowClient(mlflow_uri).get_model_version("flight_delay", "1").description
    assert "12,000 untouched rows" in description
    assert "roc_auc 0.7123" in description


def test_a_version_carries_what_its_candidate_was_made_with(
    facts: runs.RunFacts, context_of: Opened, train: Trained
) -> None:
    """Those of the process that fitted it, not of the one that registers it."""
    context = context_of(facts)
    chosen = train(context)
    runs.set_tags(chosen.mlflow_run_id, {"threads": "3", "scikit_learn_version": "0.1", "other": "x"})
    tags = registry.version_info("flight_delay", registry.register(context, _selection(chosen), HOLDOUT).version).tags
    assert (tags["threads"], tags["scikit_learn_version"], tags["rows"]) == ("3", "0.1", "51000")
    assert "other" not in tags


def test_a_versions_page_can_be_written_again(night: Callable[[str], RegisteredVersion], mlflow_uri: str) -> None:
    assert registry.versions("flight_delay") == []
    for number in ("1", "2"):
        night(number)
    assert registry.versions("flight_delay") == [1, 2]
    registry.describe("flight_delay", 1, "x" * registry.MAX_DESCRIPTION)
    client = MlflowClient(mlflow_uri)
    assert client.get_model_version("flight_delay", "1").description == "x" * 5000
    assert "untouched rows" in client.get_model_version("flight_delay", "2").description


def test_registering_ends_the_nights_run_and_names_the_version(
    mlflow_uri: str, facts: runs.RunFacts, night: Callable[[str], RegisteredVersion], context_of: Opened
) -> None:
    night(facts.airflow_run_id)
    run = MlflowClient(mlflow_uri).get_run(context_of(facts).mlflow_run_id)
    assert (run.info.status, run.data.tags["nightshift.registered_version"]) == ("FINISHED", "1")


def test_a_retry_finds_its_version(mlflow_uri: str, night: Callable[[str], RegisteredVersion]) -> None:
    assert night("scheduled__1") == night("scheduled__1")
    assert night("scheduled__2").version == 2
    assert len(MlflowClient(mlflow_uri).search_model_versions("name = 'flight_delay'")) == 2


def test_a_cleared_run_with_another_model_is_another_version(
    facts: runs.RunFacts, context_of: Opened, train: Trained, mlflow_uri: str
) -> None:
    context = context_of(facts)
    first = registry.register(context, _selection(train(context)), HOLDOUT)
    MlflowClient(mlflow_uri).delete_tag(first.mlflow_run_id, "nightshift.model_uri")
    assert registry.register(context, _selection(train(context)), HOLDOUT).version == first.version + 1


def test_an_old_night_that_is_run_again_does_not_take_the_challengers_place(
    night: Callable[[str], RegisteredVersion],
) -> None:
    night("scheduled__1")
    night("scheduled__2")
    night("scheduled__1")
    assert registry.alias_version("flight_delay", "challenger") == 2


def test_a_version_can_be_registered_without_becoming_the_challenger(
    facts: runs.RunFacts, context_of: Opened, train: Trained, night: Callable[[str], RegisteredVersion]
) -> None:
    """Another one is on trial."""
    night("scheduled__1")
    context = context_of(replace(facts, airflow_run_id="scheduled__2"))
    assert registry.register(context, _selection(train(context)), HOLDOUT, challenge=False).version == 2
    assert registry.alias_version("flight_delay", "challenger") == 1


def test_the_champion_moves_and_the_one_before_is_remembered(night: Callable[[str], RegisteredVersion]) -> None:
    for number in ("1", "2", "3"):
        night(number)
    registry.set_champion("flight_delay", 1, None)
    assert registry.alias_version("flight_delay", "previous_champion") is None
    registry.set_champion("flight_delay", 3, 1)
    assert registry.champion_version("flight_delay") == 3
    assert registry.alias_version("flight_delay", "previous_champion") == 1
    registry.set_champion("flight_delay", 3, 3)
    assert registry.alias_version("flight_delay", "previous_champion") == 1


def test_a_version_that_does_not_exist_cannot_be_champion(night: Callable[[str], RegisteredVersion]) -> None:
    night("1")
    registry.set_champion("flight_delay", 1, None)
    with pytest.raises(PermanentError, match="version 9"):
        registry.set_champion("flight_delay", 9, 1)
    assert registry.champion_version("flight_delay") == 1
    with pytest.raises(PermanentError, match="version 9 of flight_delay"):
        registry.version_info("flight_delay", 9)


def test_the_registered_pipeline_scores_like_the_one_in_memory(
    night: Callable[[str], RegisteredVersion], frame: pd.DataFrame, pipeline: Pipeline
) -> None:
    loaded = registry.load_pipeline("flight_delay", night("1").version)
    np.testing.assert_array_equal(loaded.predict_proba(frame), pipeline.predict_proba(frame))
    registry.set_champion("flight_delay", 1, None)
    served = registry.load_pipeline_by_uri("models:/flight_delay@champion")
    np.testing.assert_array_equal(served.predict_proba(frame), pipeline.predict_proba(frame))
