from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_info, threadpool_limits

from include.config.schema import Candidate, ModelConfig
from include.data.computed_features import add_rates
from include.data.sources import flights
from include.errors import PermanentError
from include.evidence.metrics import compute
from include.training import fit as module
from include.training.estimators import build_pipeline
from include.training.fit import fit, predict_scores


@pytest.fixture(scope="module")
def march(flight_delay: ModelConfig) -> pd.DataFrame:
    """Three weeks of real flights; their rates look back on less than the model file asks for."""
    rows = flights.read(date(2013, 3, 1), date(2013, 3, 21)).assign(
        flight_date=lambda frame: pd.to_datetime(frame["flight_date"])
    )
    return add_rates(rows, rows, flight_delay)


@pytest.mark.parametrize("name", ["logistic_regression", "random_forest", "hist_gradient_boosting"])
def test_the_shipped_candidates_rank_next_weeks_flights_better_than_chance(
    name: str, flight_delay: ModelConfig, march: pd.DataFrame
) -> None:
    (candidate,) = (one for one in flight_delay.training.candidates if one.name == name)
    split = pd.Timestamp(date(2013, 3, 1) + timedelta(days=14))
    train, later = march[march["flight_date"] < split], march[march["flight_date"] >= split]
    fitted = fit(flight_delay, candidate, train, threads=1)
    scores = predict_scores(fitted.pipeline, later, flight_delay)
    assert compute(["roc_auc"], later["disrupted"], scores)["roc_auc"] > 0.6
    assert fitted.left_out == ()


def test_fitting_changes_no_row(flight_delay: ModelConfig, march: pd.DataFrame) -> None:
    before = march.copy(deep=True)
    fit(flight_delay, flight_delay.training.candidates[0], march, threads=1)
    pd.testing.assert_frame_equal(march, before)


def test_the_same_rows_and_seed_give_the_same_model(flight_delay: ModelConfig, march: pd.DataFrame) -> None:
    forest = Candidate(name="forest", estimator="RandomForestClassifier", params={"n_estimators": 5})
    scores = [predict_scores(fit(flight_delay, forest, march, 1).pipeline, march, flight_delay) for _ in range(2)]
    np.testing.assert_array_equal(*scores)
    seed = flight_delay.training.seed + 1
    other = flight_delay.model_copy(update={"training": flight_delay.training.model_copy(update={"seed": seed})})
    assert (predict_scores(fit(other, forest, march, 1).pipeline, march, other) != scores[0]).any()


def test_a_fit_takes_no_more_threads_than_it_is_given(
    flight_delay: ModelConfig, march: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two fits side by side that each take every core are ten times slower than two that take one each."""
    seen: list[int] = []

    def watched(*args: object) -> object:
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return build_pipeline(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "build_pipeline", watched)
    with threadpool_limits(2):
        assert 2 in {pool["num_threads"] for pool in threadpool_info()}
        fit(flight_delay, flight_delay.training.candidates[0], march, threads=1)
    assert set(seen) == {1}


def test_a_forest_that_was_fitted_by_two_threads_predicts_the_same_each_time(
    flight_delay: ModelConfig, march: pd.DataFrame
) -> None:
    """Two threads add the trees' votes up in any order, and the last bits of a probability with them."""
    forest = Candidate(name="forest", estimator="RandomForestClassifier", params={"n_estimators": 30})
    pipeline = fit(flight_delay, forest, march, threads=2).pipeline
    first = predict_scores(pipeline, march, flight_delay)
    for _ in range(5):
        np.testing.assert_array_equal(predict_scores(pipeline, march, flight_delay), first)


def test_no_rows_have_no_scores(flight_delay: ModelConfig, march: pd.DataFrame) -> None:
    pipeline = build_pipeline(flight_delay, flight_delay.training.candidates[0], 1)
    scores = predict_scores(pipeline, march.head(0), flight_delay)
    assert scores.shape == (0,)
    assert scores.dtype == np.float64
    with pytest.raises(NotFittedError):
        predict_scores(pipeline, march.head(1), flight_delay)


def test_rows_without_any_feature_are_refused(flight_delay: ModelConfig, march: pd.DataFrame) -> None:
    names = flight_delay.features.names
    empty = march.assign(**dict.fromkeys(names, np.nan))
    with pytest.raises(PermanentError, match=r"none of the features has a value.*flight_delay__ingest"):
        fit(flight_delay, flight_delay.training.candidates[0], empty, threads=1)
