"""The closed registry of estimators: what a model file may name, and what must be known of each to train and keep it.

Data only, so that a model file is checked without importing scikit-learn. One's own is one line more:

    "MyModel": EstimatorSpec("mypackage.models.MyModel", CLASSES, "ordinal", ("mypackage.models.MyModel",)),

The class follows scikit-learn's interface (fit, predict, for classes predict_proba, get_params) and can be imported by
every worker; `./nightshift lint` tries it. It is saved with skops, which refuses every type that it does not know: the
last argument lists those that the fitted estimator holds, its own class among them, and
`skops.io.get_untrusted_types(data=skops.io.dumps(fitted))` says which they are.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from include.config.section import Task

QUANTILE = "training.quantile"
"""Stands for its value in `EstimatorSpec.quantile`."""
TREE = "sklearn.tree._tree.Tree"
HIST_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
LIGHTGBM = ("collections.OrderedDict", "lightgbm.basic.Booster")
QUIET_LIGHTGBM = {"verbosity": -1, "deterministic": True, "force_row_wise": True}
"""The same bits for the same rows, whatever the threads, as its documentation of `deterministic` asks for."""
XGBOOST = "xgboost.core.Booster"
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
    """Parameters by which it predicts `training.quantile`, for which QUANTILE stands; None where it cannot."""

    @property
    def package(self) -> str:
        """The package that must be installed."""
        return self.path.partition(".")[0]

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


ESTIMATORS: Mapping[str, EstimatorSpec] = {
    "LogisticRegression": EstimatorSpec("sklearn.linear_model.LogisticRegression", CLASSES, "scaled", threads=False),
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
        weights=False,
        fixed={"algorithm": "brute"},
    ),
    "DummyClassifier": EstimatorSpec("sklearn.dummy.DummyClassifier", CLASSES, "ordinal"),
    "LinearRegression": EstimatorSpec("sklearn.linear_model.LinearRegression", VALUES, "scaled", threads=False),
    "Ridge": EstimatorSpec("sklearn.linear_model.Ridge", VALUES, "scaled"),
    "ElasticNet": EstimatorSpec("sklearn.linear_model.ElasticNet", VALUES, "scaled"),
    "QuantileRegressor": EstimatorSpec(
        "sklearn.linear_model.QuantileRegressor", VALUES, "scaled", quantile={"quantile": QUANTILE}
    ),
    "RandomForestRegressor": EstimatorSpec("sklearn.ensemble.RandomForestRegressor", VALUES, "ordinal", (TREE,)),
    "ExtraTreesRegressor": EstimatorSpec("sklearn.ensemble.ExtraTreesRegressor", VALUES, "ordinal", (TREE,)),
    "HistGradientBoostingRegressor": EstimatorSpec(
        "sklearn.ensemble.HistGradientBoostingRegressor",
        VALUES,
        "ordinal",
        (HIST_TREE,),
        quantile={"loss": "quantile", "quantile": QUANTILE},
    ),
    "KNeighborsRegressor": EstimatorSpec(
        "sklearn.neighbors.KNeighborsRegressor",
        VALUES,
        "scaled",
        weights=False,
        fixed={"algorithm": "brute"},
    ),
    "DummyRegressor": EstimatorSpec(
        "sklearn.dummy.DummyRegressor", VALUES, "ordinal", quantile={"strategy": "quantile", "quantile": QUANTILE}
    ),
    # Optional: they count once their package is installed.
    "LGBMClassifier": EstimatorSpec(
        "lightgbm.LGBMClassifier",
        CLASSES,
        "ordinal",
        (*LIGHTGBM, "lightgbm.sklearn.LGBMClassifier"),
        fixed=QUIET_LIGHTGBM,
    ),
    "LGBMRegressor": EstimatorSpec(
        "lightgbm.LGBMRegressor",
        VALUES,
        "ordinal",
        (*LIGHTGBM, "lightgbm.sklearn.LGBMRegressor"),
        fixed=QUIET_LIGHTGBM,
        quantile={"objective": "quantile", "alpha": QUANTILE},
    ),
    "XGBClassifier": EstimatorSpec(
        "xgboost.XGBClassifier", CLASSES, "ordinal", (XGBOOST, "xgboost.sklearn.XGBClassifier")
    ),
    "XGBRegressor": EstimatorSpec(
        "xgboost.XGBRegressor",
        VALUES,
        "ordinal",
        (XGBOOST, "xgboost.sklearn.XGBRegressor"),
        quantile={"objective": "reg:quantileerror", "quantile_alpha": QUANTILE},
    ),
}
"""Estimators by the name that a model file gives them. One's own is one more line, its module importable by workers."""


def known_estimators(task: Task | None = None) -> list[str]:
    """Names that a model file may use for a task, or for any; those whose package is not installed are left out."""
    return sorted(name for name, spec in ESTIMATORS.items() if spec.installed and (task is None or task in spec.tasks))
