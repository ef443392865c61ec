"""The closed registry of estimators, and the one pipeline from a raw row to a prediction."""

from __future__ import annotations

import difflib
import importlib
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.utils._param_validation import InvalidParameterError

from include.config.estimators import ESTIMATORS, EstimatorSpec

if TYPE_CHECKING:
    from include.config.schema import Candidate, ModelConfig

CASTS = ("numpy.asarray", "pandas.DataFrame")
"""The functions that `_as_declared` calls."""
TEXT = ("string", "date", "timestamp")
RARE_SHARE = 0.001
"""Categories of a smaller share of the training rows are one category, which unseen ones join."""
TRIAL_ROWS = 400


def estimator_class(spec: EstimatorSpec) -> type[BaseEstimator]:
    """The class that the registry names."""
    module, _, name = spec.path.rpartition(".")
    found: type[BaseEstimator] = getattr(importlib.import_module(module), name)
    return found


def skops_trusted_types(estimator: str) -> list[str]:
    """Types to trust when a pipeline with this estimator is saved or loaded."""
    return [*CASTS, *ESTIMATORS[estimator].trusted]


def build_pipeline(config: ModelConfig, candidate: Candidate, threads: int) -> Pipeline:
    """Return the unfitted pipeline, from a frame with `config.features.names` to a prediction.

    `random_state` is the model file's seed unless the candidate's params give another; `n_jobs` is always `threads`.
    """
    spec = ESTIMATORS[candidate.estimator]
    columns = _scaled(config) if spec.columns == "scaled" else _ordinal(config)
    settings = _settings(spec, candidate.params, threads, config.training.seed)
    return Pipeline([("columns", columns), ("estimator", estimator_class(spec)(**settings))])


def candidate_faults(candidate: Candidate) -> list[str]:
    """Every parameter that scikit-learn does not have or does not accept, for `./nightshift lint`.

    Where each is accepted by itself, their combination is tried with a fit on a few made-up rows.
    """
    spec = ESTIMATORS[candidate.estimator]
    faults = [
        f"training.candidates.{candidate.name}.params.{name}: {message}"
        for name, value in candidate.params.items()
        if (message := _parameter_fault(spec, name, value))
    ]
    if not faults and (message := _combination_fault(spec, candidate.params)):
        faults.append(f"training.candidates.{candidate.name}.params: {message}")
    return faults


def _settings(spec: EstimatorSpec, params: Mapping[str, Any], threads: int, seed: int) -> dict[str, Any]:
    allowed = inspect.signature(estimator_class(spec)).parameters
    settings = {"random_state": seed, **params, **spec.fixed}
    if "random_state" in params and params["random_state"] is None:  # NumPy's own state, which no one can go back to
        settings["random_state"] = seed
    if spec.threads:
        settings["n_jobs"] = threads
    return {name: value for name, value in settings.items() if name in allowed or name in params}


def _parameter_fault(spec: EstimatorSpec, name: str, value: Any) -> str | None:
    """Ask scikit-learn's own validation, on this parameter alone."""
    allowed = list(inspect.signature(estimator_class(spec)).parameters)
    if name not in allowed:
        return (
            f"{estimator_class(spec).__name__} has no such parameter{_near(name, allowed)}; it has {', '.join(allowed)}"
        )
    if name in spec.fixed:
        return f"always {spec.fixed[name]!r} here; remove it"
    if name == "random_state" and value is None:
        return "null would fit another model each time; remove it (training.seed is taken), or give a number"
    if name == "n_jobs":
        return "threads are given by the environment variable NIGHTSHIFT_THREADS; remove n_jobs"
    try:
        estimator_class(spec)(**{name: value})._validate_params()
    except InvalidParameterError as error:
        return str(error)
    return None


def _combination_fault(spec: EstimatorSpec, params: Mapping[str, Any]) -> str | None:
    """Fit on rows that any estimator can learn; some parameters exclude each other, which only `fit` finds."""
    settings = _settings(spec, params, threads=1, seed=0)
    settings |= {name: min(settings[name], 2) for name in ("n_estimators", "max_iter") if settings.get(name)}
    X = np.arange(2 * TRIAL_ROWS, dtype=float).reshape(TRIAL_ROWS, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two iterations do not converge, and need not
            estimator_class(spec)(**settings).fit(X, np.arange(TRIAL_ROWS) % 2)
    except (ValueError, TypeError) as error:
        return " ".join(str(error).split())
    return None


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _scaled(config: ModelConfig) -> ColumnTransformer:
    """Columns for an estimator that adds or compares them: every one on the same scale, none missing.

    A linear model extrapolates: trained on a winter, it must not answer a summer's heat with certainty. A column's
    quantile is 0 or 1 beyond what training saw, and an outlier moves it no further than that.
    """

    def numbers() -> list[Any]:
        quantiles = QuantileTransformer(n_quantiles=200, subsample=20_000, random_state=config.training.seed)
        # Missing values pass through the quantiles; the indicators must not.
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        return [quantiles, imputer, StandardScaler()]

    def categories() -> list[Any]:
        return [OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE_SHARE, sparse_output=False)]

    return _columns(config, numbers, categories)


def _ordinal(config: ModelConfig) -> ColumnTransformer:
    """Columns for trees, which take missing values as they are and need no scale."""

    def categories() -> list[Any]:
        return [OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)]

    return _columns(config, list, categories)


def _columns(
    config: ModelConfig, numbers: Callable[[], list[Any]], categories: Callable[[], list[Any]]
) -> ColumnTransformer:
    """Send numeric features, numeric categories and text categories through their steps, after `_as_declared`."""
    features, kinds = config.features, config.data.columns
    text = [name for name in features.categorical if kinds[name] in TEXT]
    coded = [name for name in features.categorical if kinds[name] not in TEXT]
    numeric = [*features.numeric, *features.computed]
    parts = [
        ("numeric", make_pipeline(*_as_declared("number"), *numbers()), numeric),
        ("coded", make_pipeline(*_as_declared("number"), *categories()), coded),
        ("text", make_pipeline(*_as_declared("text"), *categories()), text),
    ]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0.0)


def _as_declared(kind: Literal["number", "text"]) -> list[FunctionTransformer]:
    """Steps that make None, NaN and pandas.NA, and int, float and nullable columns, the same thing.

    scikit-learn's encoders tell None from NaN and refuse pandas.NA. By way of an array of objects pandas converts each
    column by itself. NumPy's and pandas' own functions, so that a saved pipeline loads without any code of ours.
    """
    types = ["Float64", "float64"] if kind == "number" else ["str"]
    frames = [FunctionTransformer(pd.DataFrame, kw_args={"dtype": dtype}) for dtype in types]
    return [FunctionTransformer(np.asarray, kw_args={"dtype": "object"}), *frames]
