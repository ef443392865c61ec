from __future__ import annotations

import functools
import sys
import types
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from pydantic import ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from include.config.estimators import ESTIMATORS, EstimatorSpec, known_estimators
from include.config.schema import Candidate, ModelConfig
from include.config.section import Task
from include.evidence.metrics import evaluate
from include.training.candidate_faults import candidate_faults
from include.training.estimators import build_pipeline, estimator_class, skops_trusted_types
from include.training.fit import fit, predict_scores
from tests.unit.training.tasks import CLASSES, FEATURES, LABELS, candidate, config_of, rows_of

NAMES = known_estimators("binary")
PAIRS = [(task, name) for task in LABELS for name in known_estimators(task)]
OPTIONAL = sorted(name for name, spec in ESTIMATORS.items() if spec.package != "sklearn")
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


@pytest.fixture(scope="module")
def config() -> ModelConfig:
    return config_of("binary")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return rows_of("binary")


@dataclass(frozen=True)
class Known:
    """A fitted pipeline, the configuration and the rows it was fitted by."""

    pipeline: Pipeline
    config: ModelConfig
    rows: pd.DataFrame

    def scores(self, rows: pd.DataFrame | None = None) -> np.ndarray:
        return predict_scores(self.pipeline, self.rows if rows is None else rows, self.config)


@functools.cache
def known(task: str, estimator: str) -> Known:
    config, rows = config_of(task), rows_of(task)
    return Known(fit(config, candidate(estimator), rows, threads=1).pipeline, config, rows)


def test_the_registry_holds_exactly_the_names_that_a_model_file_may_use() -> None:
    for name, spec in ESTIMATORS.items():
        assert not spec.installed or estimator_class(spec).__name__ == name


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
def test_a_saved_pipeline_trusts_exactly_what_is_stated_and_predicts_the_same(task: str, estimator: str) -> None:
    found, everywhere = known(task, estimator), set[str]()
    encoded = config_of(task, features={"target_encoded": ["street"]})
    for config, pipeline in (
        (found.config, found.pipeline),
        (encoded, fit(encoded, candidate(estimator), found.rows, 1).pipeline),
    ):
        saved = skops.io.dumps(pipeline)
        everywhere |= set(skops.io.get_untrusted_types(data=saved))
        loaded = skops.io.loads(saved, trusted=skops_trusted_types(estimator))
        before = predict_scores(pipeline, found.rows, config)
        np.testing.assert_array_equal(predict_scores(loaded, found.rows, config), before)
        assert before.dtype == np.float64
        assert before.shape == ((len(found.rows), 3) if task == "multiclass" else (len(found.rows),))
    scaled = ESTIMATORS[estimator].columns == "scaled"
    assert everywhere == set(skops_trusted_types(estimator)) - (set() if scaled else {"numpy.dtype"})


@pytest.mark.parametrize("estimator", OPTIONAL)
def test_an_optional_estimator_works_where_its_package_is_installed(estimator: str) -> None:
    """The tests above then cover it too: this one says in a report that they did not."""
    spec = ESTIMATORS[estimator]
    if not spec.installed:
        with pytest.raises(ValidationError, match=f"needs the package {spec.package}.*pip install {spec.package}"):
            candidate(estimator)
        pytest.skip(f"the package {spec.package} is not installed")
    config = config_of(spec.tasks[0], training={"quantile": 0.9} if spec.quantile else None)
    pipeline = fit(config, candidate(estimator), rows_of(spec.tasks[0]), 1).pipeline
    assert type(pipeline.named_steps["estimator"]).__module__.startswith(spec.package)


def test_a_saved_pipeline_holds_no_code_of_ours() -> None:
    """It must load where only scikit-learn and pandas are installed."""
    for task, name in PAIRS:
        assert b"include." not in skops.io.dumps(known(task, name).pipeline)


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
def test_predictions_do_not_depend_on_threads(task: str, estimator: str) -> None:
    found = known(task, estimator)
    two = fit(found.config, candidate(estimator), found.rows, threads=2).pipeline
    again = predict_scores(two, found.rows, found.config, threads=2)
    np.testing.assert_allclose(again, found.scores(), rtol=1e-9, atol=1e-12)


LEARNT = {"binary": ("roc_auc", 0.75), "multiclass": ("roc_auc_ovr", 0.75), "regression": ("r2", 0.4)}


@pytest.mark.parametrize(
    ("task", "estimator"), [pair for pair in PAIRS if not pair[1].startswith(("Dummy", "QuantileRegressor"))]
)
def test_every_estimator_learns_something(task: str, estimator: str) -> None:
    found = known(task, estimator)
    metric, least = LEARNT[task]
    later = rows_of(task, seed=8)
    assert evaluate(found.config, later[found.config.data.label], found.scores(later))[metric] > least


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
@pytest.mark.parametrize("form", ["objects", "none", "pandas_na", "nullable", "category", "signature", "shuffled"])
def test_the_same_row_in_any_form_has_the_same_prediction(form: str, task: str, estimator: str) -> None:
    found = known(task, estimator)
    raw = found.rows[FEATURES].head(200)
    assert raw.isna().any().all(), "every feature must have a missing value to test"
    predict = found.pipeline.predict if task == "regression" else found.pipeline.predict_proba
    np.testing.assert_array_equal(predict(in_form(raw, form)), predict(raw))


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


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
def test_integers_without_a_missing_value_are_the_same_as_floats(task: str, estimator: str) -> None:
    found = known(task, estimator)
    raw = found.rows[FEATURES].dropna()
    integers = raw.astype({"minutes": "int64", "weekday": "int64", "wet": "bool"})
    np.testing.assert_array_equal(found.scores(integers), found.scores(raw))
    label = found.config.data.label
    again = fit(found.config, candidate(estimator), integers.assign(**{label: found.rows[label]}), 1).pipeline
    one, other = (predict_scores(again, rows, found.config) for rows in (integers, raw))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
def test_a_row_like_none_before_is_still_predicted_and_quietly(task: str, estimator: str) -> None:
    found = known(task, estimator)
    row = found.rows[FEATURES].dropna().head(1)
    strange = [
        row.assign(carrier="ZZ", weekday=99.0),
        row.assign(warmth=np.nan, minutes=np.nan, rate_7d=np.nan),
        row.assign(**dict.fromkeys(FEATURES, None)),
        row.assign(warmth=1e9, minutes=-1e9),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = [found.scores(one) for one in (row, *strange)]
    low, high = found.rows[found.config.data.label].agg(["min", "max"])
    span = (2 * low - high, 2 * high - low) if task == "regression" else (0, 1)
    assert all(len(score) == 1 and (score >= span[0]).all() and (score <= span[1]).all() for score in scores)


def test_each_row_is_predicted_by_itself() -> None:
    for task, estimator in PAIRS:
        found = known(task, estimator)
        alone = [found.scores(found.rows.iloc[[n]])[0] for n in range(5)]
        np.testing.assert_allclose(alone, found.scores()[:5], rtol=1e-9, atol=1e-12, err_msg=estimator)


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
def test_a_column_without_a_value_in_training_is_left_out(task: str, estimator: str) -> None:
    """31 December has no weather at all, and a column may be newer than the training rows."""
    config, rows = config_of(task), rows_of(task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = fit(config, candidate(estimator), rows.assign(warmth=np.nan, wet=None, minutes=5.0), 1)
    assert done.left_out == ("warmth", "wet")
    full = predict_scores(done.pipeline, rows, config)
    assert np.isfinite(full).all()
    np.testing.assert_array_equal(full, predict_scores(done.pipeline, rows.assign(warmth=np.nan), config))


@pytest.mark.parametrize(("task", "estimator"), [("binary", "LogisticRegression"), ("regression", "Ridge")])
def test_a_linear_model_does_not_extrapolate(task: str, estimator: str) -> None:
    found = known(task, estimator)
    row, most = found.rows.dropna().head(1), found.rows["warmth"].max()
    hottest, beyond = found.scores(row.assign(warmth=most)), found.scores(row.assign(warmth=most * 100))
    coldest = found.scores(row.assign(warmth=found.rows["warmth"].min()))
    assert hottest == beyond
    assert hottest > coldest


def test_a_class_that_no_training_row_has_gets_no_probability() -> None:
    config, rows = config_of("multiclass"), rows_of("multiclass")
    seen = rows[rows["level"] != 1.0]
    scores = predict_scores(fit(config, candidate("LogisticRegression"), seen, 1).pipeline, rows, config)
    assert scores.shape == (len(rows), len(CLASSES))
    assert (scores[:, 1] == 0).all() and (scores[:, [0, 2]] > 0).all()


@pytest.mark.parametrize("estimator", [name for name, spec in ESTIMATORS.items() if spec.quantile and spec.installed])
def test_a_quantile_is_what_is_predicted(estimator: str) -> None:
    config, rows = config_of("regression", training={"quantile": 0.8}), rows_of("regression", missing=0)
    params = {"alpha": 0.0} if estimator == "QuantileRegressor" else {}
    scores = predict_scores(fit(config, candidate(estimator, **params), rows, 1).pipeline, rows, config)
    assert (rows["amount"] <= scores).mean() == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(
    ("estimator", "params"),
    [("HistGradientBoostingRegressor", {"loss": "squared_error"}), ("QuantileRegressor", {"quantile": 0.5})],
)
def test_a_quantile_is_given_once(estimator: str, params: dict[str, Any]) -> None:
    (fault,) = candidate_faults(candidate(estimator, **params), "regression", quantile=0.9)
    assert "training.quantile gives" in fault and "remove it" in fault
    assert candidate_faults(candidate(estimator), "regression", quantile=0.9) == []


def test_a_target_encoded_category_that_means_nothing_gains_nothing() -> None:
    """Encoded by its own row's label, a category of two rows each would be the answer."""
    rows = rows_of("binary", count=2000)
    noise = np.random.default_rng(5).permutation(np.repeat(np.arange(1000), 2)).astype(str)
    later = rows_of("binary", count=2000, seed=9).assign(street=noise)
    config = config_of("binary", features={"numeric": [], "rates": [], "categorical": [], "target_encoded": ["street"]})
    train = rows.assign(street=np.random.default_rng(6).permutation(noise))
    pipeline = fit(config, candidate("LogisticRegression"), train, 1).pipeline
    assert evaluate(config, later["late"], predict_scores(pipeline, later, config))["log_loss"] < 0.69
    encoded = pipeline.named_steps["columns"].fit_transform(train[["street"]], train["late"].astype(int))[:, 0]
    assert abs(np.corrcoef(encoded, train["late"])[0, 1]) < 0.1
    by_itself = train.groupby("street")["late"].transform("mean")
    assert np.corrcoef(by_itself, train["late"])[0, 1] > 0.6, "the rows must be able to leak"


@pytest.mark.parametrize("task", TASKS)
def test_a_target_encoded_category_is_learnt_and_a_new_or_missing_one_predicted(task: str) -> None:
    rows = rows_of(task, count=2000)
    config = config_of(
        task, features={"numeric": ["minutes"], "rates": [], "categorical": [], "target_encoded": ["street", "weekday"]}
    )
    label = config.data.label
    train = rows.assign(street=rows[label].rank(method="min").floordiv(50).astype(int).astype(str))
    name = "Ridge" if task == "regression" else "LogisticRegression"
    pipeline = fit(config, candidate(name), train, 1).pipeline
    found = evaluate(config, train[label], predict_scores(pipeline, train, config))
    assert found["r2"] > 0.5 if task == "regression" else found["log_loss"] < 0.3
    odd = train.head(2).assign(street=["nowhere", None], weekday=[np.nan, 99.0])
    assert np.isfinite(predict_scores(pipeline, odd, config)).all()


class OwnClassifier(BaseEstimator, ClassifierMixin):  # type: ignore[misc]
    """Somebody's own estimator: the nearest class mean of one column."""

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def fit(self, X: np.ndarray, y: np.ndarray) -> OwnClassifier:
        self.classes_ = np.unique(y)
        self.means_ = np.array([np.nanmean(X[np.asarray(y) == one, self.column]) for one in self.classes_])
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        near = np.exp(-np.abs(np.nan_to_num(X[:, [self.column]]) - self.means_) / 5)
        return near / near.sum(axis=1, keepdims=True)


def test_ones_own_estimator_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("own_models")
    monkeypatch.setattr(OwnClassifier, "__module__", "own_models")
    module.OwnClassifier = OwnClassifier  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_models", module)
    line = EstimatorSpec(
        "own_models.OwnClassifier", ("binary",), "scaled", ("own_models.OwnClassifier",), weights=False
    )
    monkeypatch.setattr(EstimatorSpec, "installed", True)
    monkeypatch.setitem(ESTIMATORS, "OwnClassifier", line)  # type: ignore[arg-type]
    own, config, rows = candidate("OwnClassifier"), config_of("binary"), rows_of("binary")
    assert candidate_faults(own) == []
    assert "no such parameter (did you mean 'column'?)" in candidate_faults(candidate("OwnClassifier", colum=1))[0]
    pipeline = fit(config, own, rows, 1).pipeline
    loaded = skops.io.loads(skops.io.dumps(pipeline), trusted=skops_trusted_types("OwnClassifier"))
    scores = predict_scores(loaded, rows, config)
    np.testing.assert_array_equal(scores, predict_scores(pipeline, rows, config))
    assert evaluate(config, rows["late"], scores)["roc_auc"] > 0.6


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


def test_a_narrow_model_needs_no_more_trust() -> None:
    """With few columns scikit-learn would search for neighbours in a tree, a type of its own."""
    for task, estimator in PAIRS:
        one, rows = config_of(task, features={"rates": [], "categorical": []}), rows_of(task)
        pipeline = fit(one, candidate(estimator), rows, 1).pipeline
        loaded = skops.io.loads(skops.io.dumps(pipeline), trusted=skops_trusted_types(estimator))
        np.testing.assert_array_equal(predict_scores(loaded, rows, one), predict_scores(pipeline, rows, one))


def test_the_shipped_candidates_have_no_fault(flight_delay: ModelConfig) -> None:
    assert [candidate_faults(one) for one in flight_delay.training.candidates] == [[], [], []]


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
def test_defaults_have_no_fault(task: Task, estimator: str) -> None:
    assert candidate_faults(candidate(estimator), task) == []


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
        ("Ridge", {"alpha": -1.0}, ["params.alpha", "Got -1.0"]),
        ("HistGradientBoostingRegressor", {"loss": "quantile"}, ["params:", "quantile"]),
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


@pytest.mark.parametrize("estimator", sorted({name for _, name in PAIRS}))
@pytest.mark.parametrize("params", [{}, {"random_state": None}])
def test_nothing_in_a_pipeline_draws_from_numpys_own_state(estimator: str, params: dict[str, Any]) -> None:
    """Whoever draws from it can never draw the same again."""
    config = config_of(ESTIMATORS[estimator].tasks[0], features={"target_encoded": ["street"]})
    if params and "random_state" not in estimator_class(ESTIMATORS[estimator])().get_params():
        params = {}
    pipeline = build_pipeline(config, candidate(estimator, **params), 1)
    states = {name: value for name, value in pipeline.get_params().items() if name.endswith("random_state")}
    encoders = [name for name in states if "targetencoder" in name]
    assert [states.pop(name) for name in encoders] == ["deprecated"], "its folds have the seed"
    folds = [value for name, value in pipeline.get_params().items() if name.endswith("targetencoder__cv")]
    assert [found.random_state for found in folds] == [config.training.seed]
    assert set(states.values()) <= {config.training.seed}
    drawn = "random_state" in estimator_class(ESTIMATORS[estimator])().get_params()
    assert drawn == ("estimator__random_state" in states)


def test_all_faults_are_told_at_once() -> None:
    assert len(candidate_faults(candidate("RandomForestClassifier", max_dept=3, min_samples_leaf=-1))) == 2


def test_an_unknown_estimator_gets_the_nearest_name() -> None:
    with pytest.raises(ValidationError, match="did you mean 'RandomForest"):
        Candidate(name="forest", estimator="RandomForest")
