"""Shared by the tracking tests: a real MLflow of the test's own, and what a night hands to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from include.config.loader import config_hash
from include.config.schema import ModelConfig
from include.contracts import CandidateResult, DayRange, RunContext, Windows
from include.tracking import runs

WINDOWS = Windows(
    train=DayRange(start=date(2013, 1, 1), end=date(2013, 2, 1)),
    validation=DayRange(start=date(2013, 2, 2), end=date(2013, 2, 11)),
    holdout=DayRange(start=date(2013, 2, 12), end=date(2013, 2, 25)),
)
TRUSTED = ["numpy.dtype"]


@pytest.fixture
def facts(mlflow_uri: str) -> runs.RunFacts:
    """What the night of 27 February is frozen to."""
    return runs.RunFacts(
        as_of=date(2013, 2, 27),
        airflow_run_id="scheduled__2013-02-27T03:00:00+00:00",
        airflow_url="http://127.0.0.1:8080/dags/flight_delay__retrain",
        data_version=57,
        data_hash="0123456789abcdef",
        data_uri="/tables/flight_delay/validated",
        rows=51_000,
        windows=WINDOWS,
        champion_version=None,
        git_sha="a" * 40,
        lock_hash="b" * 16,
    )


@pytest.fixture
def context_of(flight_delay: ModelConfig) -> Callable[[runs.RunFacts], RunContext]:
    """Opens the night's run and returns what `open_run` would hand on."""

    def opened(facts: runs.RunFacts) -> RunContext:
        run = runs.open_parent_run(flight_delay, facts)
        return RunContext(
            model=flight_delay.name,
            airflow_run_id=facts.airflow_run_id,
            as_of=facts.as_of,
            mlflow_run_id=run.run_id,
            experiment_id=run.experiment_id,
            config_hash=config_hash(flight_delay),
            data_version=facts.data_version,
            data_hash=facts.data_hash,
            rows=facts.rows,
            windows=facts.windows,
            champion_version=facts.champion_version,
            git_sha=facts.git_sha,
            lock_hash=facts.lock_hash,
        )

    return opened


@pytest.fixture(scope="session")
def frame(flight_delay: ModelConfig) -> pd.DataFrame:
    """300 rows with every feature, some values missing, integers and strings among them."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({name: rng.normal(size=300) for name in flight_delay.features.names})
    for name in ("carrier", "origin", "dest"):
        rows[name] = rng.choice(["AA", "B6", "UA"], 300)
    rows["day_of_week"] = rng.integers(0, 7, 300)
    rows["hour"] = rng.integers(0, 24, 300)
    rows.loc[::7, ["temp", "pressure"]] = np.nan
    rows["disrupted"] = (rows["distance"] + rng.normal(size=300) > 0).astype(float)
    return rows


@pytest.fixture(scope="session")
def pipeline(flight_delay: ModelConfig, frame: pd.DataFrame) -> Pipeline:
    """A small real pipeline over those rows."""
    features = flight_delay.features
    numeric = [name for name in features.names if name not in features.categorical]
    columns = make_column_transformer(
        (SimpleImputer(), numeric), (OneHotEncoder(handle_unknown="ignore"), list(features.categorical))
    )
    return make_pipeline(columns, LogisticRegression()).fit(frame[list(features.names)], frame["disrupted"])


@pytest.fixture
def train(
    flight_delay: ModelConfig, frame: pd.DataFrame, pipeline: Pipeline
) -> Callable[[RunContext], CandidateResult]:
    """Does what a candidate's task does with its run: opens it, logs the model, finishes it."""

    def trained(context: RunContext) -> CandidateResult:
        run = runs.open_candidate_run(context, flight_delay, "random_forest")
        if run.result:
            return run.result
        uri = runs.log_model(
            run.run_id,
            run.experiment_id,
            "random_forest",
            pipeline,
            config=flight_delay,
            frame=frame,
            trusted_types=TRUSTED,
        )
        result = CandidateResult(
            name="random_forest",
            index=1,
            mlflow_run_id=run.run_id,
            model_uri=uri,
            metrics={"train_roc_auc": 0.81, "validation_roc_auc": 0.74},
            fit_seconds=1.25,
        )
        runs.finish_candidate(run.run_id, result)
        return result

    return trained
