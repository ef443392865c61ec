"""The closed registry of estimators: what a model file may name, and what must be known of each to train and keep it.

Data only, so that a model file is checked without importing scikit-learn. Add one's own in one line below.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from include.config.section import Task

TREE = "sklearn.tree._tree.Tree"
HIST_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
CLASSES: tuple[Task, ...] = ("binary", "multiclass")
VALUES: tuple[Task, ...] = ("regression",)


@dataclass(frozen=True)
class EstimatorSpec:
    """What must be known of an estimator of scikit-learn's interface to train, save and load it.

    `path` is the module and the class; a classifier must have `predict_proba`. `columns` says how raw columns reach it:
    `scaled` (as quantiles of the training rows, imputed, categories one-hot) or `ordinal` (as they are, missing values
    too, categories as integers).
    """

    path: str
    tasks: tuple[Task, ...]
    columns: Literal["scaled", "ordinal"]
    trusted: tuple[str, ...] = ()
    """Types beyond skops's own list that a saved pipeline holds; none of them runs code when it is loaded."""
    threads: bool = True
    """Whether `n_jobs` does anything, where the class has it."""
    weights: bool = True
    """Whether `fit` takes `sample_weight`."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that a model file may not set."""
    quantile: Mapping[str, Any] | None = None
    """Parameters by which it predicts `training.quantile`, beside `quantile` itself; None where it cannot."""

    @property
    def package(self) -> str:
        """The package that must be installed."""
        return self.path.partition(".")[0]

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


ESTIMATORS: Mapping[str, EstimatorSpec] = {
    "LogisticRegression": EstimatorSpec(
        "sklearn.linear_model.LogisticRegression", CLASSES, "scaled", ("numpy.dtype",), threads=False
    ),
    "RandomForestClassifier": EstimatorSpec("sklearn.ensemble.RandomForestClassifier", CLASSES, "ordinal", (TREE,)),
    "ExtraTreesClassifier": EstimatorSpec("sklearn.ensemble.ExtraTreesClassifier", CLASSES, "ordinal", (TREE,)),
    "HistGradientBoostingClassifier": EstimatorSpec(
        "sklearn.ensemble.HistGradientBoostingClassifier", CLASSES, "ordinal", (HIST_TREE,)
    ),
    # A search tree would have to be trusted by its metric's class. Brute force finds the same neighbours, and with as
    # many columns as categories make, as fast.
    "KNeighborsClassifier": EstimatorSpec(
        "sklearn.neighbors.KNeighborsClassifier",
        CLASSES,
        "scaled",
        ("numpy.dtype",),
        weights=False,
        fixed={"algorithm": "brute"},
    ),
    "DummyClassifier": EstimatorSpec("sklearn.dummy.DummyClassifier", CLASSES, "ordinal"),
    "LinearRegression": EstimatorSpec("sklearn.linear_model.LinearRegression", VALUES, "scaled", threads=False),
    "Ridge": EstimatorSpec("sklearn.linear_model.Ridge", VALUES, "scaled"),
    "ElasticNet": EstimatorSpec("sklearn.linear_model.ElasticNet", VALUES, "scaled"),
    "QuantileRegressor": EstimatorSpec("sklearn.linear_model.QuantileRegressor", VALUES, "scaled", quantile={}),
    "RandomForestRegressor": EstimatorSpec("sklearn.ensemble.RandomForestRegressor", VALUES, "ordinal", (TREE,)),
    "ExtraTreesRegressor": EstimatorSpec("sklearn.ensemble.ExtraTreesRegressor", VALUES, "ordinal", (TREE,)),
    "HistGradientBoostingRegressor": EstimatorSpec(
        "sklearn.ensemble.HistGradientBoostingRegressor",
        VALUES,
        "ordinal",
        (HIST_TREE,),
        quantile={"loss": "quantile"},
    ),
    "KNeighborsRegressor": EstimatorSpec(
        "sklearn.neighbors.KNeighborsRegressor",
        VALUES,
        "scaled",
        ("numpy.dtype",),
        weights=False,
        fixed={"algorithm": "brute"},
    ),
    "DummyRegressor": EstimatorSpec(
        "sklearn.dummy.DummyRegressor", VALUES, "ordinal", quantile={"strategy": "quantile"}
    ),
}
"""Estimators by the name that a model file gives them. One's own is one more line, its module importable by workers."""


def known_estimators(task: Task | None = None) -> list[str]:
    """Names that a model file may use for a task, or for any; those whose package is not installed are left out."""
    return sorted(name for name, spec in ESTIMATORS.items() if spec.installed and (task is None or task in spec.tasks))
