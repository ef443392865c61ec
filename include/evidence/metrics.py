"""Metrics by scikit-learn's own names, for each task. Pure.

    compute(names, y_true, y_score, task=..., quantile=...)    the named metrics, or a PermanentError
    evaluate(config, y_true, y_score)                          every metric of the model's task that the rows allow
    metrics_of(config)                                         their names

`METRICS` are those of a binary task. What a constant prediction would get is in `include.evidence.baselines`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn import metrics as sk

from include.config.section import METRICS_OF, MetricName, Task
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

THRESHOLD = 0.5
Metric = Callable[[np.ndarray, np.ndarray], float]


def _at_threshold(metric: Callable[..., float]) -> Metric:
    return lambda y_true, y_score: float(metric(y_true, y_score >= THRESHOLD))


METRICS: Mapping[str, tuple[Metric, bool]] = {
    "roc_auc": (sk.roc_auc_score, True),
    "average_precision": (sk.average_precision_score, True),
    "log_loss": (lambda y_true, y_score: float(sk.log_loss(y_true, y_score, labels=[0, 1])), False),
    "brier_score": (sk.brier_score_loss, False),
    "accuracy": (_at_threshold(sk.accuracy_score), True),
    "f1": (_at_threshold(lambda y_true, y_pred: sk.f1_score(y_true, y_pred, zero_division=0)), True),
}
"""Name -> (function of (y_true, y_score), whether greater is better): what a binary model chooses and is judged by."""


def _classes(y_score: np.ndarray) -> np.ndarray:
    return np.arange(y_score.shape[1])


OF_CLASSES: Mapping[str, Metric] = {
    "log_loss": lambda y_true, y_score: float(
        sk.log_loss(y_true, y_score / y_score.sum(axis=1, keepdims=True), labels=_classes(y_score))
    ),
    "roc_auc_ovr": lambda y_true, y_score: float(
        np.mean([sk.roc_auc_score(y_true == one, y_score[:, one]) for one in _classes(y_score)])
    ),
    "accuracy": lambda y_true, y_score: float(sk.accuracy_score(y_true, y_score.argmax(axis=1))),
    "f1_macro": lambda y_true, y_score: float(
        sk.f1_score(y_true, y_score.argmax(axis=1), average="macro", zero_division=0)
    ),
}
"""Of codes (n,) and probabilities (n, k). roc_auc_ovr is the plain mean of each class against the others."""
OF_VALUES: Mapping[str, Metric] = {
    "mean_absolute_error": sk.mean_absolute_error,
    "root_mean_squared_error": sk.root_mean_squared_error,
    "mean_squared_error": sk.mean_squared_error,
    "r2": sk.r2_score,
}
CALIBRATION_BINS = 10


def calibration_bins(y_score: np.ndarray, bins: int = CALIBRATION_BINS) -> np.ndarray:
    """(n,) bin of each row, of equally many rows; equal scores share a bin, so that fewer bins may be filled."""
    edges = np.quantile(y_score, np.arange(1, bins) / bins)
    return np.searchsorted(edges, y_score, side="right")


def expected_calibration_error(y_true: np.ndarray, y_score: np.ndarray) -> float:
    """Mean distance between score and outcome over ten bins of equally many rows, each weighted by its rows.

    Zero only where every bin agrees. Chance alone keeps it above zero: a perfectly calibrated model gets about
    sqrt(bins) * 0.8 * sqrt(rate * (1 - rate) / n), 0.009 for 12,000 rows of rate 0.2, so that its estimate and upper
    limit err to the strict side (Naeini, Cooper and Hauskrecht 2015, AAAI; bins of equal mass as in Roelofs et al.
    2022, AISTATS).
    """
    y_true, y_score = np.asarray(y_true, dtype=float), np.asarray(y_score, dtype=float)
    gaps = np.bincount(calibration_bins(y_score), weights=y_true - y_score)
    return float(np.abs(gaps).sum() / len(y_true))


LOGGED: Mapping[str, tuple[Metric, bool]] = {
    **METRICS,
    "expected_calibration_error": (expected_calibration_error, False),
}
"""What `compute` knows of a binary task: METRICS, and the calibration error, by which no model file chooses."""


class MetricFacts(NamedTuple):
    """Which way is better (None: a rate, which has no better side), for which tasks, and the range of values."""

    greater_is_better: bool | None
    tasks: tuple[Task, ...]
    low: float = 0.0
    high: float = 1.0


PINBALL = "mean_pinball_loss"
SUM_TOLERANCE = 1e-3
INFINITY = float("inf")
BINARY: tuple[Task, ...] = ("binary",)
CLASSES: tuple[Task, ...] = ("binary", "multiclass")
MULTICLASS: tuple[Task, ...] = ("multiclass",)
REGRESSION: tuple[Task, ...] = ("regression",)
CATALOGUE: Mapping[str, MetricFacts] = {
    "roc_auc": MetricFacts(True, BINARY),
    "average_precision": MetricFacts(True, BINARY),
    "log_loss": MetricFacts(False, CLASSES, high=INFINITY),
    "brier_score": MetricFacts(False, BINARY),
    "accuracy": MetricFacts(True, CLASSES),
    "f1": MetricFacts(True, BINARY),
    "expected_calibration_error": MetricFacts(False, BINARY),
    "selection_rate": MetricFacts(None, BINARY),
    "recall": MetricFacts(None, BINARY),
    "false_positive_rate": MetricFacts(None, BINARY),
    "roc_auc_ovr": MetricFacts(True, MULTICLASS),
    "f1_macro": MetricFacts(True, MULTICLASS),
    "mean_absolute_error": MetricFacts(False, REGRESSION, high=INFINITY),
    "mean_squared_error": MetricFacts(False, REGRESSION, high=INFINITY),
    "root_mean_squared_error": MetricFacts(False, REGRESSION, high=INFINITY),
    "r2": MetricFacts(True, REGRESSION, low=-INFINITY),
    "mean_pinball_loss": MetricFacts(False, REGRESSION, high=INFINITY),
}
"""Every metric that evidence can be given for, by scikit-learn's name (without the `neg_` of its scorers)."""


def greater_is_better(name: str) -> bool:
    """Whether a higher value of this metric is a better model; raises ValueError for a rate, which has no better."""
    better = CATALOGUE[name].greater_is_better
    if better is None:
        raise ValueError(f"{name} is a rate: neither more nor less of it is better")
    return better


def metrics_of(config: ModelConfig) -> tuple[MetricName, ...]:
    """Every metric of the model's task; mean_pinball_loss only where `training.quantile` says of which quantile."""
    names = METRICS_OF[config.task]
    return names if config.training.quantile is not None else tuple(name for name in names if name != PINBALL)


def compute(
    names: Iterable[str],
    y_true: np.ndarray,
    y_score: np.ndarray,
    *,
    task: Task = "binary",
    quantile: float | None = None,
) -> dict[str, float]:
    """Compute the named metrics of a task; of a binary one those of LOGGED.

    Parameters
    ----------
    y_true : (n,) labels 0 and 1, codes 0..k-1 of k classes, at least two of them present, or values
    y_score : (n,) probability of 1, (n, k) probabilities of each class, or (n,) predicted values
    quantile : which one mean_pinball_loss is of

    Raises
    ------
    PermanentError
        For no rows, one class only, or scores that are not probabilities: a metric of those is not a number. So is
        roc_auc_ovr where a class is missing, and r2 where all values are the same.
    """
    y_true, y_score = np.asarray(y_true, dtype=float), np.asarray(y_score, dtype=float)
    wanted = list(names)
    fault = _fault(y_true, y_score, task) or "; ".join(
        f"{name}: {why}" for name in wanted if (why := undefined(name, y_true, y_score))
    )
    if fault:
        raise PermanentError(f"metrics {', '.join(wanted)} cannot be computed: {fault}")
    return {name: float(_function(name, task, quantile)(y_true, y_score)) for name in wanted}


def evaluate(config: ModelConfig, y_true: np.ndarray, y_score: np.ndarray) -> dict[str, float]:
    """Every metric of the model's task. One that these rows do not define (a rare class is missing) is left out.

    Raises PermanentError as `compute`, where the rows define none.
    """
    y_true, y_score = np.asarray(y_true, dtype=float), np.asarray(y_score, dtype=float)
    names = [name for name in metrics_of(config) if y_score.shape[:1] == (0,) or not undefined(name, y_true, y_score)]
    return compute(names, y_true, y_score, task=config.task, quantile=config.training.quantile)


def _function(name: str, task: Task, quantile: float | None) -> Metric:
    if name == PINBALL and quantile is not None:
        return lambda y_true, y_score: float(sk.mean_pinball_loss(y_true, y_score, alpha=quantile))
    known: Mapping[str, Metric] = {
        "binary": {metric: function for metric, (function, _) in LOGGED.items()},
        "multiclass": OF_CLASSES,
        "regression": OF_VALUES,
    }[task]
    if name not in known:
        raise PermanentError(f"{name} is no metric of task {task}; its metrics are {', '.join(known)}")
    return known[name]


def undefined(name: str, y_true: np.ndarray, y_score: np.ndarray) -> str:
    """Why rows that are sound do not define this metric; empty where they do."""
    if name == "roc_auc_ovr" and y_score.ndim == 2 and (lost := y_score.shape[1] - len(np.unique(y_true))) > 0:
        return f"{lost} of the {y_score.shape[1]} classes have no row"
    if name == "r2" and len(y_true) and np.ptp(y_true) == 0:
        return f"all {len(y_true)} values are {y_true[0]:g}"
    return ""


def _fault(y_true: np.ndarray, y_score: np.ndarray, task: Task) -> str | None:
    if len(y_true) != len(y_score):
        return f"there are {len(y_true)} labels and {len(y_score)} scores"
    if not len(y_true):
        return "there are no rows"
    if not np.isfinite(y_true).all():
        return f"{int((~np.isfinite(y_true)).sum())} of {len(y_true)} labels are missing"
    if y_score.ndim != 1 + (task == "multiclass"):
        return f"the scores of task {task} have shape {y_score.shape}"
    found = _fault_of_labels(y_true, y_score, task) if task != "regression" else None
    if found:
        return found
    if not np.isfinite(y_score).all():
        bad = ~np.isfinite(y_score.reshape(len(y_score), -1)).all(axis=1)
        return f"{int(bad.sum())} of {len(y_score)} scores are not numbers"
    return _fault_of_probabilities(y_score) if task != "regression" else None


def _fault_of_labels(y_true: np.ndarray, y_score: np.ndarray, task: Task) -> str | None:
    codes = np.arange(y_score.shape[1] if task == "multiclass" else 2, dtype=float)
    if strange := sorted(set(np.unique(y_true)) - set(codes)):
        named = "0 and 1" if task == "binary" else f"0 to {codes[-1]:g}"
        return f"a label is {strange[0]:g}; labels are {named}"
    if len(present := np.unique(y_true)) < 2:
        needed = "both classes are" if task == "binary" else "at least two classes are"
        return f"all {len(y_true)} labels are {present[0]:g}; {needed} needed"
    return None


def _fault_of_probabilities(y_score: np.ndarray) -> str | None:
    if y_score.min() < 0 or y_score.max() > 1:
        return f"scores lie in [{y_score.min():g}, {y_score.max():g}], outside [0, 1]"
    if y_score.ndim == 2 and (off := int((np.abs(y_score.sum(axis=1) - 1) > SUM_TOLERANCE).sum())):
        return f"the probabilities of {off} of {len(y_score)} rows do not sum to 1"
    return None
