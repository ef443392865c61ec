"""The pipeline is logged whole, without pickle, with a signature that real rows pass."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from include.config.schema import ModelConfig
from include.contracts import CandidateResult, RunContext
from include.errors import PermanentError
from include.tracking import models, runs

Opened = Callable[[runs.RunFacts], RunContext]
Trained = Callable[[RunContext], CandidateResult]


@pytest.fixture
def uri(facts: runs.RunFacts, context_of: Opened, train: Trained) -> str:
    return train(context_of(facts)).model_uri


def test_a_logged_pipeline_comes_back_the_same(uri: str, frame: pd.DataFrame, pipeline: Pipeline) -> None:
    again = models.load_pipeline_by_uri(uri)
    assert isinstance(again, Pipeline)
    np.testing.assert_array_equal(again.predict_proba(frame), pipeline.predict_proba(frame))


def test_the_saved_model_says_what_it_needs(uri: str, mlflow_uri: str) -> None:
    local = Path(mlflow.artifacts.download_artifacts(uri, tracking_uri=mlflow_uri))
    model = yaml.safe_load((local / "MLmodel").read_text())
    assert model["flavors"]["sklearn"]["serialization_format"] == "skops"
    assert model["flavors"]["python_function"]["predict_fn"] == "predict_proba"
    assert not list(local.glob("*.pkl"))
    needs = (local / "requirements.txt").read_text().split()
    assert f"scikit-learn=={version('scikit-learn')}" in needs
    assert f"pandas=={version('pandas')}" in needs


def test_the_signature_is_the_model_files(flight_delay: ModelConfig) -> None:
    inputs = {column.name: column.type.name for column in models.signature(flight_delay).inputs}
    assert list(inputs) == list(flight_delay.features.names)
    assert (inputs["carrier"], inputs["temp"], inputs["origin_rate_1d"]) == ("string", "double", "double")
    assert (inputs["hour"], inputs["day_of_week"]) == ("double", "double")


def test_the_example_and_rows_with_missing_values_pass_the_signature(
    uri: str, mlflow_uri: str, flight_delay: ModelConfig, frame: pd.DataFrame, pipeline: Pipeline
) -> None:
    mlflow.set_tracking_uri(mlflow_uri)
    try:
        served = mlflow.pyfunc.load_model(uri)
    finally:
        mlflow.set_tracking_uri(None)
    assert served.predict(served.input_example).shape == (5, 2)
    rows = models.typed_as_signed(flight_delay, frame)
    rows.loc[3, ["hour", "day_of_week"]] = np.nan
    rows.loc[4, "dest"] = None
    expected = pipeline.predict_proba(frame)
    np.testing.assert_array_equal(served.predict(rows)[10:], expected[10:])


def test_a_type_that_is_not_trusted_is_refused_and_its_model_marked(
    mlflow_uri: str,
    flight_delay: ModelConfig,
    frame: pd.DataFrame,
    pipeline: Pipeline,
    facts: runs.RunFacts,
    context_of: Opened,
) -> None:
    run = runs.open_candidate_run(context_of(facts), flight_delay, "random_forest")
    forest = Pipeline(
        [("columns", pipeline[0]), ("forest", RandomForestClassifier(2, random_state=0))],
    ).fit(frame[list(flight_delay.features.names)], frame["disrupted"])
    with pytest.raises(PermanentError, match=r"(?s)candidate 'forest'.*sklearn\.tree\._tree\.Tree"):
        models.log_model(
            run.run_id,
            run.experiment_id,
            "forest",
            forest,
            config=flight_delay,
            frame=frame,
            trusted_types=["numpy.dtype"],
        )
    (model,) = MlflowClient(mlflow_uri).search_logged_models([run.experiment_id])
    assert model.status == "FAILED"
