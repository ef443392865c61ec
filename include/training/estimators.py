"""The closed registry of estimators, and the one pipeline from a raw row to a prediction."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from include.config.estimators import ESTIMATORS, QUANTILE, EstimatorSpec

if TYPE_CHECKING:
    from include.config.schema import Candidate, ModelConfig

TRUSTED = ("numpy.asarray", "pandas.DataFrame", "numpy.dtype", "sklearn.model_selection._split.KFold")
"""What the columns' own steps hold: the functions that `_as_declared` calls, a type, and the folds of an encoder."""
TEXT = ("string", "date", "timestamp")
RARE_SHARE = 0.001
"""Categories of a smaller share of the training rows are one category, which unseen ones join."""
TARGET_FOLDS = 5
"""Parts of the training rows, each encoded by the label's mean among the others."""


def estimator_class(spec: EstimatorSpec) -> type[BaseEstimator]:
    """The class that the registry names."""
    module, _, name = spec.path.rpartition(".")
    found: type[BaseEstimator] = getattr(importlib.import_module(module), name)
    return found


def skops_trusted_types(estimator: str) -> list[str]:
    """Types to trust when a pipeline with this estimator is saved or loaded."""
    return [*TRUSTED, *ESTIMATORS[estimator].trusted]


def build_pipeline(config: ModelConfig, candidate: Candidate, threads: int) -> Pipeline:
    """Return the unfitted pipeline, from a frame with `config.features.names` to a prediction.

    `random_state` is the model file's seed unless the candidate's params give another; `n_jobs` is always `threads`.
    """
    spec = ESTIMATORS[candidate.estimator]
    columns = _scaled(config) if spec.columns == "scaled" else _ordinal(config)
    settings = settings_of(spec, candidate.params, threads, config.training.seed, config.training.quantile)
    return Pipeline([("columns", columns), ("estimator", estimator_class(spec)(**settings))])


def parameters_of(spec: EstimatorSpec) -> list[str]:
    """Names of the class's parameters, those of its parents too where it takes them by `**kwargs`."""
    return list(estimator_class(spec)().get_params(deep=False))


def settings_of(
    spec: EstimatorSpec, params: Mapping[str, Any], threads: int, seed: int, quantile: float | None = None
) -> dict[str, Any]:
    """All that the class is made with: the candidate's parameters, and those that are not its to set."""
    allowed = parameters_of(spec)
    settings = {"random_state": seed, **params}
    if "random_state" in params and params["random_state"] is None:  # NumPy's own state, which no one can go back to
        settings["random_state"] = seed
    if spec.threads:
        settings["n_jobs"] = threads
    given = {name: value for name, value in settings.items() if name in allowed or name in params}
    return {**given, **spec.fixed, **quantile_settings(spec, quantile)}


def quantile_settings(spec: EstimatorSpec, quantile: float | None) -> dict[str, Any]:
    """The parameters that make it predict `training.quantile`; none where the model predicts no quantile."""
    if quantile is None or spec.quantile is None:
        return {}
    return {name: quantile if value == QUANTILE else value for name, value in spec.quantile.items()}


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

    return _columns(config, numbers, categories, lambda: [_target_encoder(config), StandardScaler()])


def _ordinal(config: ModelConfig) -> ColumnTransformer:
    """Columns for trees, which take missing values as they are and need no scale."""

    def categories() -> list[Any]:
        return [OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)]

    return _columns(config, list, categories, lambda: [_target_encoder(config)])


def _target_encoder(config: ModelConfig) -> TargetEncoder:
    """The label's mean of each category, shrunk to the mean of all where it is rare (Micci-Barreca 2001, SIGKDD).

    A training row is encoded by the labels of other rows alone: by its own, a category of one row would be the answer.
    """
    folds = KFold(TARGET_FOLDS, shuffle=True, random_state=config.training.seed)
    return TargetEncoder(target_type="continuous" if config.task == "regression" else "auto", cv=folds)


Kind = Literal["number", "text"]
Steps = Callable[[], list[Any]]


def _columns(config: ModelConfig, numbers: Steps, categories: Steps, target_encoded: Steps) -> ColumnTransformer:
    """Send features through the steps of their kind, after `_as_declared`; text categories apart from coded ones."""
    features, kinds = config.features, config.data.columns
    parts: list[tuple[str, Kind, Steps, list[str]]] = [
        ("numeric", "number", numbers, [*features.numeric, *features.computed])
    ]
    for prefix, names, steps in (
        ("", features.categorical, categories),
        ("target_", features.target_encoded, target_encoded),
    ):
        parts.append((f"{prefix}coded", "number", steps, [name for name in names if kinds[name] not in TEXT]))
        parts.append((f"{prefix}text", "text", steps, [name for name in names if kinds[name] in TEXT]))
    return ColumnTransformer(
        [
            (name, make_pipeline(*_as_declared(kind), *steps()), columns)
            for name, kind, steps, columns in parts
            if columns
        ],
        sparse_threshold=0.0,
    )


def _as_declared(kind: Kind) -> list[FunctionTransformer]:
    """Steps that make None, NaN and pandas.NA, and int, float and nullable columns, the same thing.

    scikit-learn's encoders tell None from NaN and refuse pandas.NA. By way of an array of objects pandas converts each
    column by itself. NumPy's and pandas' own functions, so that a saved pipeline loads without any code of ours.
    """
    types = ["Float64", "float64"] if kind == "number" else ["str"]
    frames = [FunctionTransformer(pd.DataFrame, kw_args={"dtype": dtype}) for dtype in types]
    return [FunctionTransformer(np.asarray, kw_args={"dtype": "object"}), *frames]
