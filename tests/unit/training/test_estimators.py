from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from pydantic import ValidationError
from sklearn.pipeline import Pipeline

from include.config.estimators import ESTIMATORS, known_estimators
from include.config.schema import Candidate, ModelConfig
from include.training.estimators import (
    build_pipeline,
    candidate_faults,
    estimator_class,
    skops_trusted_types,
)
from include.training.fit import fit, predict_scores

NAMES = known_estimators("binary")
FEATURES = ["warmth", "minutes", "rate_7d", "carrier", "weekday", "wet"]
FAST = {"RandomForestClassifier": 8, "ExtraTreesClassifier": 8}


@pytest.fixture(scope="module")
def config(flight_delay: ModelConfig) -> ModelConfig:
    """Numbers, a rate, and categories declared as text, integer and boolean."""
    content = flight_delay.model_dump(mode="json", exclude={"release"})
    content["data"] |= {
        "key": ["day", "row"],
        "day": "day",
        "label": "late",
        "known_afterwards": [],
        "columns": dict.fromkeys(["row", "minutes", "weekday", "late"], "integer")
        | {"day": "date", "warmth": "number", "carrier": "string", "wet": "boolean"},
    }
    content["monitoring"]["expected_to_move"] = []
    content["features"] = {
        "numeric": FEATURES[:2],
        "rates": [{"name": FEATURES[2], "by": [], "days": 7}],
        "categorical": FEATURES[3:],
    }
    return ModelConfig.model_validate(content)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """600 rows that can be learnt, every feature with missing values, as the table gives them."""
    random = np.random.default_rng(7)
    n = 600
    frame = pd.DataFrame(
        {
            "warmth": random.normal(10, 5, n),
            "minutes": random.integers(30, 400, n).astype("float64"),
            "rate_7d": random.uniform(0, 0.6, n),
            "carrier": random.choice(["AA", "B6", "UA"], n).astype(object),
            "weekday": random.integers(0, 7, n).astype("float64"),
            "wet": random.choice([True, False], n).astype(object),
        }
    )
    signal = frame["warmth"] / 5 + 3 * frame["rate_7d"] + (frame["carrier"] == "B6") + frame["wet"].astype(float)
    frame["late"] = (signal + random.normal(0, 0.5, n) > 4).astype("int64")
    for column in FEATURES:
        frame.loc[random.choice(n, 30, replace=False), column] = np.nan
    return frame.astype({"carrier": "str", "wet": "boolean"})


def candidate(estimator: str, **params: Any) -> Candidate:
    fast = {"n_estimators": FAST[estimator]} if estimator in FAST else {}
    return Candidate.model_validate({"name": "candidate", "estimator": estimator, "params": {**fast, **params}})


@pytest.fixture(scope="module")
def fitted(config: ModelConfig, rows: pd.DataFrame) -> dict[str, Pipeline]:
    return {name: fit(config, candidate(name), rows, threads=1).pipeline for name in NAMES}


def test_the_registry_holds_exactly_the_names_that_a_model_file_may_use() -> None:
    for name, spec in ESTIMATORS.items():
        assert not spec.installed or estimator_class(spec).__name__ == name


@pytest.mark.parametrize("estimator", NAMES)
def test_a_saved_pipeline_trusts_exactly_what_is_stated_and_predicts_the_same(
    estimator: str, config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]
) -> None:
    saved = skops.io.dumps(fitted[estimator])
    assert set(skops.io.get_untrusted_types(data=saved)) == set(skops_trusted_types(estimator))
    loaded = skops.io.loads(saved, trusted=skops_trusted_types(estimator))
    before = predict_scores(fitted[estimator], rows, config)
    np.testing.assert_array_equal(predict_scores(loaded, rows, config), before)
    assert before.dtype == np.float64
    assert before.shape == (len(rows),)


def test_a_saved_pipeline_holds_no_code_of_ours(fitted: dict[str, Pipeline]) -> None:
    """It must load where only scikit-learn and pandas are installed."""
    for pipeline in fitted.values():
        assert b"include." not in skops.io.dumps(pipeline)


@pytest.mark.parametrize("estimator", NAMES)
def test_predictions_do_not_depend_on_threads(
    estimator: str, config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]
) -> None:
    two = fit(config, candidate(estimator), rows, threads=2).pipeline
    one = predict_scores(fitted[estimator], rows, config)
    np.testing.assert_allclose(predict_scores(two, rows, config, threads=2), one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("estimator", sorted(set(NAMES) - {"DummyClassifier"}))
def test_every_estimator_learns_something(
    estimator: str, config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]
) -> None:
    scores = predict_scores(fitted[estimator], rows, config)
    assert scores[rows["late"] == 1].mean() > scores[rows["late"] == 0].mean() + 0.15


@pytest.mark.parametrize("estimator", NAMES)
@pytest.mark.parametrize("form", ["objects", "none", "pandas_na", "nullable", "category", "signature", "shuffled"])
def test_the_same_row_in_any_form_has_the_same_prediction(
    form: str, estimator: str, config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]
) -> None:
    pipeline = fitted[estimator]
    raw = rows[FEATURES].head(200)
    assert raw.isna().any().all(), "every feature must have a missing value to test"
    expected = pipeline.predict_proba(raw)
    np.testing.assert_array_equal(pipeline.predict_proba(in_form(raw, form)), expected)


def in_form(raw: pd.DataFrame, form: str) -> pd.DataFrame:
    """What tables, JSON, MLflow's signature and callers make of the same rows."""
    objects = raw.astype(object)
    missing = raw.isna()
    return {
        "objects": lambda: objects.where(~missing, np.nan),
        "none": lambda: objects.where(~missing, None),
        "pandas_na": lambda: objects.where(~missing, pd.NA),
        "nullable": lambda: raw.astype({"minutes": "Int64", "weekday": "Int64", "carrier": "string", "wet": "boolean"}),
        "category": lambda: raw.astype({"carrier": "category", "weekday": "category"}),
        "signature": lambda: raw.astype({"wet": "float64"}),
        "shuffled": lambda: raw[raw.columns[::-1]].assign(extra="ignored").set_axis(range(900, 900 + len(raw))),
    }[form]()


@pytest.mark.parametrize("estimator", NAMES)
def test_integers_without_a_missing_value_are_the_same_as_floats(
    estimator: str, config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]
) -> None:
    raw = rows[FEATURES].dropna()
    integers = raw.astype({"minutes": "int64", "weekday": "int64", "wet": "bool"})
    np.testing.assert_array_equal(fitted[estimator].predict_proba(integers), fitted[estimator].predict_proba(raw))
    again = fit(config, candidate(estimator), integers.assign(late=rows["late"]), 1).pipeline
    np.testing.assert_array_equal(again.predict_proba(integers), again.predict_proba(raw))


@pytest.mark.parametrize("estimator", NAMES)
def test_a_row_like_none_before_is_still_predicted_and_quietly(
    estimator: str, config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]
) -> None:
    row = rows[FEATURES].dropna().head(1)
    strange = [
        row.assign(carrier="ZZ", weekday=99.0),
        row.assign(warmth=np.nan, minutes=np.nan, rate_7d=np.nan),
        row.assign(**dict.fromkeys(FEATURES, None)),
        row.assign(warmth=1e9, minutes=-1e9),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = [predict_scores(fitted[estimator], one, config) for one in (row, *strange)]
    assert all(score.shape == (1,) and 0 <= score[0] <= 1 for score in scores)


def test_each_row_is_predicted_by_itself(config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]) -> None:
    for estimator, pipeline in fitted.items():
        alone = [predict_scores(pipeline, rows.iloc[[n]], config)[0] for n in range(5)]
        together = predict_scores(pipeline, rows, config)[:5]
        np.testing.assert_allclose(alone, together, rtol=0, atol=1e-12, err_msg=estimator)


@pytest.mark.parametrize("estimator", NAMES)
def test_a_column_without_a_value_in_training_is_left_out(
    estimator: str, config: ModelConfig, rows: pd.DataFrame
) -> None:
    """31 December has no weather at all, and a column may be newer than the training rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = fit(config, candidate(estimator), rows.assign(warmth=np.nan, wet=None, minutes=5.0), 1)
    assert done.left_out == ("warmth", "wet")
    full = predict_scores(done.pipeline, rows, config)
    assert np.isfinite(full).all()
    np.testing.assert_array_equal(full, predict_scores(done.pipeline, rows.assign(warmth=np.nan), config))


def test_a_linear_model_does_not_extrapolate(
    config: ModelConfig, rows: pd.DataFrame, fitted: dict[str, Pipeline]
) -> None:
    pipeline = fitted["LogisticRegression"]
    row = rows.dropna().head(1)
    hottest = predict_scores(pipeline, row.assign(warmth=rows["warmth"].max()), config)
    beyond = predict_scores(pipeline, row.assign(warmth=rows["warmth"].max() * 100), config)
    coldest = predict_scores(pipeline, row.assign(warmth=rows["warmth"].min()), config)
    assert hottest == beyond
    assert hottest > coldest


def test_the_seed_comes_from_the_model_file_unless_the_candidate_has_its_own(config: ModelConfig) -> None:
    def seed(**params: Any) -> Any:
        pipeline = build_pipeline(config, candidate("RandomForestClassifier", **params), threads=2)
        return pipeline.named_steps["estimator"].random_state

    assert seed() == config.training.seed
    assert seed(random_state=5) == 5


def test_threads_reach_the_estimators_that_take_them(config: ModelConfig) -> None:
    def estimator(name: str) -> Any:
        return build_pipeline(config, candidate(name), threads=2).named_steps["estimator"]

    assert estimator("RandomForestClassifier").n_jobs == 2
    assert estimator("KNeighborsClassifier").n_jobs == 2
    assert estimator("LogisticRegression").n_jobs is None
    assert not hasattr(estimator("HistGradientBoostingClassifier"), "n_jobs")


def test_a_narrow_model_needs_no_more_trust(config: ModelConfig, rows: pd.DataFrame) -> None:
    """With few columns scikit-learn would search for neighbours in a tree, a type of its own."""
    one = config.model_copy(update={"features": config.features.model_copy(update={"rates": (), "categorical": ()})})
    for estimator in NAMES:
        pipeline = fit(one, candidate(estimator), rows, 1).pipeline
        loaded = skops.io.loads(skops.io.dumps(pipeline), trusted=skops_trusted_types(estimator))
        np.testing.assert_array_equal(predict_scores(loaded, rows, one), predict_scores(pipeline, rows, one))


def test_the_shipped_candidates_have_no_fault(flight_delay: ModelConfig) -> None:
    assert [candidate_faults(one) for one in flight_delay.training.candidates] == [[], [], []]


@pytest.mark.parametrize("estimator", NAMES)
def test_defaults_have_no_fault(estimator: str) -> None:
    assert candidate_faults(candidate(estimator)) == []


@pytest.mark.parametrize(
    ("estimator", "params", "said"),
    [
        ("RandomForestClassifier", {"max_dept": 3}, ["params.max_dept", "did you mean 'max_depth'?", "n_estimators"]),
        ("RandomForestClassifier", {"max_depth": 0}, ["params.max_depth", "[1, inf)", "Got 0"]),
        ("RandomForestClassifier", {"random_state": None}, ["params.random_state", "training.seed"]),
        ("RandomForestClassifier", {"n_jobs": 4}, ["params.n_jobs", "NIGHTSHIFT_THREADS"]),
        ("HistGradientBoostingClassifier", {"n_estimators": 4}, ["no such parameter"]),
        ("LogisticRegression", {"solver": "newton"}, ["params.solver", "newton-cholesky", "Got 'newton'"]),
        ("LogisticRegression", {"C": -1.0}, ["params.C", "Got -1.0"]),
        ("RandomForestClassifier", {"bootstrap": False, "max_samples": 0.3}, ["params:", "max_sample"]),
        ("LogisticRegression", {"solver": "lbfgs", "l1_ratio": 0.5}, ["params:", "lbfgs"]),
        ("KNeighborsClassifier", {"algorithm": "kd_tree"}, ["params.algorithm", "'brute'"]),
    ],
)
def test_a_fault_names_the_parameter_and_what_is_allowed(
    estimator: str, params: dict[str, Any], said: list[str]
) -> None:
    faults = candidate_faults(candidate(estimator, **params))
    assert len(faults) == 1
    assert faults[0].startswith("training.candidates.candidate.params")
    for words in said:
        assert words in faults[0]


@pytest.mark.parametrize("estimator", NAMES)
@pytest.mark.parametrize("params", [{}, {"random_state": None}])
def test_nothing_in_a_pipeline_draws_from_numpys_own_state(
    estimator: str, params: dict[str, Any], config: ModelConfig
) -> None:
    """Whoever draws from it can never draw the same again."""
    if params and "random_state" not in estimator_class(ESTIMATORS[estimator])().get_params():
        params = {}
    pipeline = build_pipeline(config, candidate(estimator, **params), 1)
    states = {name: value for name, value in pipeline.get_params().items() if name.endswith("random_state")}
    assert set(states.values()) <= {config.training.seed}
    assert estimator == "KNeighborsClassifier" or "estimator__random_state" in states


def test_all_faults_are_told_at_once() -> None:
    assert len(candidate_faults(candidate("RandomForestClassifier", max_dept=3, min_samples_leaf=-1))) == 2


def test_an_unknown_estimator_gets_the_nearest_name() -> None:
    with pytest.raises(ValidationError, match="did you mean 'RandomForest"):
        Candidate(name="forest", estimator="RandomForest")
