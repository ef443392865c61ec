"""Metrics that are functions of sums over rows: what each row adds, and the metric of the sums.

Whole clusters reduce to one line of sums each before any resampling, so that a resample is a small matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from include.evidence.metrics import THRESHOLD, calibration_bins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    OfSums = Callable[[Floats], Floats]
    Built = tuple[Floats, OfSums]


def sums_of(metric: str, y: Floats, score: Floats, quantile: float) -> Built:
    """What each row adds, (n, m), and the function of such sums, (b, m) -> (b,), NaN where undefined.

    Parameters
    ----------
    y : (n,) labels 0 or 1, class codes, or values; score : (n,) or, for several classes, (n, k)
    """
    if score.ndim == 2:
        return _of_classes(metric, y.astype(np.intp), score)
    if metric in _ERRORS:
        return _of_errors(metric, y - score, quantile)
    if metric == "r2":
        return _of_r2(y, score)
    return _of_labels(metric, y, score)


def _of_labels(metric: str, y: Floats, score: Floats) -> Built:
    called = (score >= THRESHOLD).astype(np.float64)
    if metric == "expected_calibration_error":
        bins = calibration_bins(score)
        apart = np.where(bins[:, None] == np.arange(bins.max() + 1), (y - score)[:, None], 0.0)
        return np.column_stack([apart, np.ones_like(y)]), _calibration_error
    if metric == "f1":
        return np.column_stack([y * called, called, y]), _f1
    if metric == "recall":
        return np.column_stack([y * called, y]), _ratio
    if metric == "false_positive_rate":
        return np.column_stack([(1 - y) * called, 1 - y]), _ratio
    each = {
        "log_loss": lambda: -np.log(_inside(np.where(y == 1, score, 1 - score))),
        "brier_score": lambda: (score - y) ** 2,
        "accuracy": lambda: (called == y).astype(np.float64),
        "selection_rate": lambda: called,
    }[metric]()
    return _mean(each)


def _of_classes(metric: str, y: NDArray[np.intp], score: Floats) -> Built:
    called = score.argmax(axis=1)
    if metric == "log_loss":
        return _mean(-np.log(_inside(score[np.arange(len(y)), y])))
    if metric == "accuracy":
        return _mean((called == y).astype(np.float64))
    classes = np.arange(score.shape[1])
    true, chosen = (np.equal.outer(codes, classes).astype(np.float64) for codes in (y, called))
    return np.concatenate([true * chosen, chosen, true], axis=1), _f1_macro


_ERRORS = ("mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "mean_pinball_loss")


def _of_errors(metric: str, error: Floats, quantile: float) -> Built:
    if metric == "mean_absolute_error":
        return _mean(np.abs(error))
    if metric == "mean_pinball_loss":
        return _mean(np.maximum(quantile * error, (quantile - 1) * error))
    addends, mean = _mean(error**2)
    return (addends, mean) if metric == "mean_squared_error" else (addends, lambda sums: np.sqrt(mean(sums)))


def _of_r2(y: Floats, prediction: Floats) -> Built:
    centred = y - y.mean()  # the spread is the same, without the loss of digits
    return np.column_stack([(y - prediction) ** 2, centred**2, centred, np.ones_like(y)]), _r2


def _mean(each: Floats) -> Built:
    return np.column_stack([each, np.ones_like(each)]), _ratio


def _inside(probability: Floats) -> Floats:
    """Keep the logarithm finite, as scikit-learn does."""
    tiny = np.finfo(np.float64).eps
    return np.clip(probability, tiny, 1 - tiny)


def _divided(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _ratio(sums: Floats) -> Floats:
    return _divided(sums[:, 0], sums[:, 1])


def _f1(sums: Floats) -> Floats:
    """F1; 0 where nothing is called and nothing is positive, as in scikit-learn."""
    return 2 * sums[:, 0] / np.maximum(sums[:, 1] + sums[:, 2], 1.0)


def _f1_macro(sums: Floats) -> Floats:
    """Mean F1 of the classes that are there or are predicted, as in scikit-learn."""
    both, chosen, true = np.split(sums, 3, axis=1)
    return np.nanmean(_divided(2 * both, chosen + true), axis=1)


def _calibration_error(sums: Floats) -> Floats:
    return _divided(np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1])


def _r2(sums: Floats) -> Floats:
    left, square, plain, rows = sums.T
    spread = square - _divided(plain**2, rows)
    return 1 - _divided(left, np.where(spread > 1e-12 * square, spread, 0.0))
