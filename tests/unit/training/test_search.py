"""A search finds what is better, sees the train split alone, and finds the same again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from include.config.schema import Range
from include.errors import PermanentError
from include.training.candidate_faults import candidate_faults
from include.training.fit import fit, predict_scores
from include.training.search import drawn_from
from tests.unit.training.tasks import candidate, config_of, rows_of

RIDGE = {"trials": 8, "folds": 3, "params": {"alpha": {"low": 1e-3, "high": 1e6, "log": True}}}
BOOSTING = {
    "method": "halving",
    "trials": 9,
    "params": {"max_leaf_nodes": [2, 8, 31], "learning_rate": {"low": 0.01, "high": 0.3}},
}
SEARCHES = [
    (
        "binary",
        "LogisticRegression",
        {"trials": 4, "params": {"C": [1e-4, 1.0], "solver": ["lbfgs", "newton-cholesky"]}},
    ),
    ("multiclass", "HistGradientBoostingClassifier", BOOSTING),
    ("regression", "Ridge", RIDGE),
]


@pytest.mark.parametrize(("task", "estimator", "search"), SEARCHES)
def test_the_best_setting_is_found_fitted_and_found_again(task: str, estimator: str, search: dict[str, Any]) -> None:
    config, rows = config_of(task), rows_of(task)
    fixed = {"max_iter": 15} if "Boosting" in estimator else {}
    one, other = (fit(config, candidate(estimator, search, **fixed), rows, threads) for threads in (1, 1))
    assert one.searched is not None and other.searched is not None
    found = one.searched
    assert found.params == other.searched.params
    assert set(found.params) == set(search["params"])
    np.testing.assert_array_equal(*(predict_scores(done.pipeline, rows, config) for done in (one, other)))
    settings = one.pipeline.named_steps["estimator"].get_params()
    assert {name: settings[name] for name in found.params} == found.params
    alone = fit(config, candidate(estimator, **fixed, **found.params), rows, 1)
    np.testing.assert_array_equal(*(predict_scores(done.pipeline, rows, config) for done in (one, alone)))
    best = found.trials.iloc[0]
    assert {name: json.loads(best[name]) for name in found.params} == found.params
    assert best["score"] == found.score == found.figures[f"search_best_{found.metric}"]
    assert found.figures["search_trials"] == search["trials"]
    assert len(found.trials) == {"halving": 9 + 3 + 1}.get(search.get("method", ""), search["trials"])
    assert found.figures["search_folds"] == 3


def test_a_bad_setting_loses() -> None:
    search = {"trials": 3, "params": {"alpha": [1e6, 1.0, 1e5]}}
    found = fit(config_of("regression"), candidate("Ridge", search), rows_of("regression"), 1).searched
    assert found is not None
    assert found.params == {"alpha": 1.0}
    assert found.trials["score"].is_monotonic_increasing, "errors: the lowest is the best"
    assert (found.trials["score"] > 0).all()


def test_what_a_search_measures_by_has_the_gap_of_late_labels() -> None:
    """Were trials judged by days whose neighbours they had learnt from, remembering a day would pay."""
    rows = rows_of("regression", count=1500, days=30, missing=0)
    level = np.random.default_rng(4).normal(0, 300, 30)
    number = (rows["day"] - rows["day"].min()).dt.days
    rows = rows.assign(minutes=number.astype(float), amount=rows["amount"] + level[number])
    search = {"trials": 2, "params": {"max_depth": [2, None]}}
    found = fit(config_of("regression"), candidate("RandomForestRegressor", search, random_state=0), rows, 1).searched
    assert found is not None
    assert found.score > 200, "what a day is like cannot be known before it"


@pytest.mark.parametrize(
    ("choice", "low", "high", "whole"),
    [
        (Range(low=2, high=5), 2, 5, True),
        (Range(low=1, high=1000, log=True), 1, 1000, True),
        (Range(low=0.5, high=2.0), 0.5, 2.0, False),
        (Range(low=1e-4, high=10.0, log=True), 1e-4, 10.0, False),
    ],
)
def test_ranges_are_drawn_from_end_to_end(choice: Range, low: float, high: float, whole: bool) -> None:
    random = np.random.RandomState(3)
    drawn = np.array([drawn_from(choice).rvs(random_state=random) for _ in range(2000)])
    assert drawn.min() >= low and drawn.max() <= high
    if whole:
        assert (drawn == drawn.astype(int)).all()
        assert {low, high} <= set(drawn) or choice.log
    middle = np.sqrt(low * high) if choice.log else (low + high) / 2
    assert np.mean(drawn <= middle) == pytest.approx(0.5, abs=0.12)


def test_a_search_without_a_single_measure_is_refused_by_name() -> None:
    search = {"trials": 2, "params": {"l1_ratio": [0.5, 0.7]}}
    with pytest.raises(
        PermanentError, match=r"candidate candidate: no setting of its search could be measured by roc_auc"
    ):
        fit(config_of("binary"), candidate("LogisticRegression", search, solver="lbfgs"), rows_of("binary"), 1)


def test_a_feature_that_is_newer_than_the_first_fold_does_not_break_the_search() -> None:
    rows = rows_of("binary")
    rows = rows.assign(warmth=rows["warmth"].where(rows["day"] > rows["day"].min() + pd.Timedelta(days=12)))
    search = {"trials": 2, "params": {"max_leaf_nodes": [3, 8]}}
    done = fit(config_of("binary"), candidate("HistGradientBoostingClassifier", search, max_iter=5), rows, 1)
    assert done.left_out == ()
    assert done.searched is not None and done.searched.trials["score"].notna().all()


@pytest.mark.parametrize(
    ("estimator", "params", "said"),
    [
        ("Ridge", {"alpa": [1.0, 2.0]}, ["search.params.alpa", "did you mean 'alpha'?"]),
        ("Ridge", {"alpha": [1.0, -1.0]}, ["search.params.alpha", "Got -1.0"]),
        ("RandomForestRegressor", {"max_depth": {"low": 0, "high": 5}}, ["search.params.max_depth", "Got 0"]),
        ("RandomForestRegressor", {"n_jobs": [1, 2]}, ["search.params.n_jobs", "NIGHTSHIFT_THREADS"]),
        ("HistGradientBoostingRegressor", {"loss": ["squared_error", "quantile"]}, ["search.params.loss", "quantile"]),
    ],
)
def test_the_lint_tries_what_a_search_may_draw(estimator: str, params: dict[str, Any], said: list[str]) -> None:
    (fault,) = candidate_faults(candidate(estimator, {"params": params}), "regression")
    for words in said:
        assert words in fault


@pytest.mark.parametrize(("task", "estimator", "search"), SEARCHES)
def test_sound_searches_have_no_fault(task: Any, estimator: str, search: dict[str, Any]) -> None:
    assert candidate_faults(candidate(estimator, search), task) == []


def test_a_model_file_with_too_few_days_for_its_folds_is_refused() -> None:
    search = {"folds": 3, "params": {"alpha": [1.0, 2.0]}}
    asked = {"candidates": [{"name": "ridge", "estimator": "Ridge", "search": search}]}
    assert config_of("regression", training={**asked, "train_days": 4})
    with pytest.raises(ValidationError, match=r"candidates.0.search.folds: 3 folds .* train_days of 4 or more, not 3"):
        config_of("regression", training={**asked, "train_days": 3})
