"""Metrics by scikit-learn's own names, and what a constant prediction would get. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from sklearn import metrics as sk

from include.errors import PermanentError

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
"""Name -> (function of (y_true, y_score), whether greater is better): what a model file may choose and judge by."""
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
"""What `compute` knows: METRICS, and the calibration error, by which no model file chooses."""

Task = Literal["binary", "multiclass", "regression"]


class MetricFacts(NamedTuple):
    """Which way is better (None: a rate, which has no better side), for which tasks, and the range of values."""

    greater_is_better: bool | None
    tasks: tuple[Task, ...]
    low: float = 0.0
    high: float = 1.0


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


def compute(names: Iterable[str], y_true: np.ndarray, y_score: np.ndarray) -> dict[str, float]:
    """Compute the named metrics of LOGGED.

    Parameters
    ----------
    y_true : (n,) labels 0 and 1, both present
    y_score : (n,) probability of 1, in [0, 1]

    Raises
    ------
    PermanentError
        For no rows, one class only, or scores that are not probabilities: a metric of those is not a number.
    """
    y_true, y_score = np.asarray(y_true, dtype=float), np.asarray(y_score, dtype=float)
    wanted = list(names)
    if fault := _fault(y_true, y_score):
        raise PermanentError(f"metrics {', '.join(wanted)} cannot be computed: {fault}")
    return {name: float(LOGGED[name][0](y_true, y_score)) for name in wanted}


def baseline_metrics(y_true: np.ndarray, rate: float) -> dict[str, float]:
    """Every metric of the constant prediction `rate`, the share of 1 in the training rows."""
    return compute(METRICS, y_true, np.full(len(y_true), rate))


def _fault(y_true: np.ndarray, y_score: np.ndarray) -> str | None:
    if len(y_true) != len(y_score):
        return f"there are {len(y_true)} labels and {len(y_score)} scores"
    if not len(y_true):
        return "there are no rows"
    if not np.isfinite(y_true).all():
        return f"{int((~np.isfinite(y_true)).sum())} of {len(y_true)} labels are missing"
    if strange := sorted(set(np.unique(y_true)) - {0.0, 1.0}):
        return f"a label is {strange[0]:g}; labels are 0 and 1"
    if len(classes := np.unique(y_true)) < 2:
        return f"all {len(y_true)} labels are {classes[0]:g}; both classes are needed"
    if not np.isfinite(y_score).all():
        return f"{int((~np.isfinite(y_score)).sum())} of {len(y_score)} scores are not numbers"
    if y_score.min() < 0 or y_score.max() > 1:
        return f"scores lie in [{y_score.min():g}, {y_score.max():g}], outside [0, 1]"
    return None
