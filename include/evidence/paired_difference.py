"""How sure we are of a metric, and of the difference between two models that scored the same rows.

Rows of one day (or one customer) depend on each other, so whole clusters are resampled and the interval is Student's t
with clusters - 1 degrees of freedom around the estimate. `benchmarks/evidence.py` measures how often it keeps its word.
Where rows are declared independent, ROC AUC is compared by DeLong's test and accuracy by McNemar's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from include.contracts import PairedDifference
from include.evidence.clusters import Units
from include.evidence.input_checks import MIN_CLUSTERS, EvidenceError, checked, plural
from include.evidence.intervals import Interval, SliceGap, metric_interval, skill_interval, slice_gap
from include.evidence.metrics import CATALOGUE, THRESHOLD, greater_is_better
from include.evidence.paired_tests import Judged, delong, mcnemar, smallest_detectable, student
from include.evidence.resampling import Statistic

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "MIN_CLUSTERS",
    "EvidenceError",
    "Interval",
    "SliceGap",
    "delong",
    "metric_interval",
    "paired_difference",
    "skill_interval",
    "slice_gap",
]

Method = Literal["bootstrap", "delong", "mcnemar"]
TESTS = {"delong": ("DeLong", "roc_auc"), "mcnemar": ("McNemar", "accuracy")}


def paired_difference(
    metric: str,
    y: ArrayLike,
    challenger: ArrayLike,
    champion: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    cluster_name: str = "day",
    method: Method = "bootstrap",
    alpha: float = 0.01,
    margin: float = 0.0,
    resamples: int = 2000,
    seed: int = 0,
    quantile: float = 0.5,
) -> PairedDifference:
    """Compare two models' scores of the same rows; the sign is such that higher is better for the challenger.

    Parameters
    ----------
    metric : a name of `include.evidence.metrics.CATALOGUE`, rates left out
    y : (n,) labels 0 or 1, codes 0..k-1 of k classes, or values
    challenger, champion : (n,) probabilities of class 1, (n, k) of each class, or (n,) predicted values
    clusters : (n,) what names a row's cluster, a `cluster_name` such as its day; None resamples rows
    method : "delong" (roc_auc) and "mcnemar" (accuracy) take rows as independent, whatever `clusters` says
    alpha : one-sided error; `low` is the one-sided bound at alpha, so `confidence` is 1 - 2 alpha
    margin : loss that is tolerated; `p_value` tests difference <= -margin and is below alpha exactly if low > -margin
    quantile : which one mean_pinball_loss is of

    Raises EvidenceError where the metric or its error is undefined on these rows.
    """
    labels, ours, theirs = checked(metric, y, challenger, champion)
    if CATALOGUE[metric].greater_is_better is None:
        raise EvidenceError(f"{metric} is a rate: neither more nor less of it is better")
    if method != "bootstrap":
        values, judged = _tested(method, metric, (labels, ours, theirs), alpha, margin)
        name, freedom, count = f"paired {TESTS[method][0]} test, rows taken as independent", np.inf, None
    else:
        pair = [Statistic.of(metric, labels, one, quantile) for one in (ours, theirs)]
        values = pair[0].value(), pair[1].value()
        units = Units.of(clusters, len(labels), cluster_name)
        error, freedom = units.error(pair, lambda both: both[0] - both[1], resamples, seed)
        sign = 1.0 if greater_is_better(metric) else -1.0
        judged = student(sign * (values[0] - values[1]), error, freedom, alpha, margin)
        count = units.count if units.clustered else None
        name = f"paired bootstrap of {'rows' if count is None else f'whole {plural(cluster_name)}'}, t interval"
    return PairedDifference(
        metric=metric,
        method=name,
        rows=len(labels),
        clusters=count,
        challenger=values[0],
        champion=values[1],
        confidence=1 - 2 * alpha,
        smallest_detectable=smallest_detectable(judged.standard_error, alpha, freedom),
        **judged._asdict(),
    )


def _tested(
    method: str, metric: str, rows: tuple[Floats, ...], alpha: float, margin: float
) -> tuple[tuple[float, float], Judged]:
    """Both values and the verdict of a test of independent rows; higher is better in either metric."""
    who, only = TESTS[method]
    if metric != only:
        raise EvidenceError(f"{who}'s test is for {only}, not {metric}")
    y, ours, theirs = rows
    if method == "delong":
        values, error = delong(y, ours, theirs)
        return values, student(values[0] - values[1], error, np.inf, alpha, margin)
    right = [_called(one) == y for one in (ours, theirs)]
    return (float(right[0].mean()), float(right[1].mean())), mcnemar(right[0], right[1], alpha, margin)


def _called(score: Floats) -> NDArray[np.intp]:
    """The class that a row is given."""
    return score.argmax(axis=1) if score.ndim == 2 else (score >= THRESHOLD).astype(np.intp)
