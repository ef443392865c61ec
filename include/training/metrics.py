"""Metrics by scikit-learn's own names, and what a constant prediction would get. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

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
"""Name -> (function of (y_true, y_score), whether greater is better)."""


def greater_is_better(name: str) -> bool:
    """Whether a higher value of this metric is a better model."""
    return METRICS[name][1]


def compute(names: Iterable[str], y_true: np.ndarray, y_score: np.ndarray) -> dict[str, float]:
    """Compute the named metrics.

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
    return {name: float(METRICS[name][0](y_true, y_score)) for name in wanted}


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
