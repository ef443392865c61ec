"""Tests of two models on the same, independent rows: DeLong's of ROC AUC, McNemar's of accuracy; and the power."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize, stats

from include.evidence.input_checks import EvidenceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

POWER = 0.8


class Judged(NamedTuple):
    """A difference that is above 0 where the first is better: its bounds, and the p-value of <= -margin."""

    difference: float
    standard_error: float
    low: float
    high: float
    p_value: float


def student(difference: float, error: float, freedom: float, alpha: float, margin: float) -> Judged:
    """Bounds and p-value by Student's t, the normal where `freedom` is infinite; they say the same at every margin."""
    reach = float(stats.t.isf(alpha, freedom)) * error
    above = difference + margin
    p_value = float(stats.t.sf(above / error, freedom)) if error else float(above <= 0)
    return Judged(difference, error, difference - reach, difference + reach, p_value)


def smallest_detectable(error: float, alpha: float, freedom: float) -> float:
    """The true lead over the bound that is seen with 80 % power, by an `error` that was itself estimated.

    Student's error is too small on average, by chi's mean over its root mean square; that is undone first.
    """
    mean = 1.0 if np.isinf(freedom) else float(stats.chi.mean(freedom) / np.sqrt(freedom))
    return detectable_errors(alpha, freedom) * error / mean


@functools.lru_cache(maxsize=256)
def detectable_errors(alpha: float, freedom: float) -> float:
    """How many true standard errors above the bound a difference must lie to be seen with 80 % power.

    The statistic is then noncentral t: the noncentrality is sought at which it exceeds the one-sided critical value
    with probability 0.8 (Cohen 1988, Statistical Power Analysis, 2nd ed.).
    """
    critical = float(stats.t.isf(alpha, freedom))
    if np.isinf(freedom):
        return critical + float(stats.norm.ppf(POWER))
    return float(optimize.brentq(lambda lead: stats.nct.sf(critical, freedom, lead) - POWER, 0, 3 * critical + 10))


def delong(y: Floats, first: Floats, second: Floats) -> tuple[tuple[float, float], float]:
    """Return both ROC AUCs and the standard error of their difference.

    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, in the mid-rank form of Sun and Xu (2014), IEEE Signal
    Processing Letters 21(11): O(n log n), ties counted as a half.
    """
    positive = y == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise EvidenceError(f"DeLong's test needs two rows of each class, not {m} positive and {n} negative")
    scores = np.stack([first, second])
    ranks = stats.rankdata(scores, axis=1)
    of_positives = (ranks[:, positive] - stats.rankdata(scores[:, positive], axis=1)) / n
    of_negatives = 1 - (ranks[:, ~positive] - stats.rankdata(scores[:, ~positive], axis=1)) / m
    covariance = np.cov(of_positives) / m + np.cov(of_negatives) / n
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    areas = of_positives.mean(axis=1)
    return (float(areas[0]), float(areas[1])), float(np.sqrt(max(0.0, variance)))


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_], alpha: float, margin: float) -> Judged:
    """Compare two accuracies on the same rows by the score test that is McNemar's where the margin is 0.

    Tango (1998), Statistics in Medicine 17: the bounds are the differences that the test does not reject, so that
    bounds and p-value agree at every margin. No continuity correction, which Fagerland, Lydersen and Laake (2013), BMC
    Medical Research Methodology 13:91, found to keep its level at any sample size while the exact test wastes power.
    The standard error is the plain one of a paired difference.
    """
    rows = len(first_right)
    wins, losses = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    difference = (wins - losses) / rows
    error = float(np.sqrt(max(0.0, wins + losses - rows * difference**2))) / rows
    critical = float(stats.norm.isf(alpha))
    edge = 1 - 1e-12
    low, high = -1.0, 1.0
    if difference > -edge and _tango(-edge, wins, losses, rows) > critical:
        low = float(optimize.brentq(lambda d: _tango(d, wins, losses, rows) - critical, -edge, difference))
    if difference < edge and _tango(edge, wins, losses, rows) < -critical:
        high = float(optimize.brentq(lambda d: _tango(d, wins, losses, rows) + critical, difference, edge))
    p_value = float(stats.norm.sf(_tango(-margin, wins, losses, rows)))
    return Judged(difference, error, low, high, p_value)


def _tango(true: float, wins: int, losses: int, rows: int) -> float:
    """Score statistic of the paired difference `true`: its nuisance, the share of losses, at its restricted maximum."""
    linear = (2 * rows - wins + losses) * true - wins - losses
    root = np.sqrt(linear**2 + 8 * rows * losses * true * (1 - true))
    share = (root - linear) / (4 * rows)
    variance = rows * (2 * share + true * (1 - true))
    above = wins - losses - rows * true
    if variance <= 0:
        return 0.0 if above == 0 else float(np.copysign(np.inf, above))
    return float(above / np.sqrt(variance))
