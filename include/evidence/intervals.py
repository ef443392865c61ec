"""How sure we are of one model: of a metric, of its skill over a constant, and of a slice beside the other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from include.evidence.clusters import Units
from include.evidence.input_checks import EvidenceError, check_part, checked, require_clusters
from include.evidence.metrics import CATALOGUE
from include.evidence.resampling import Statistic

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A metric and the bounds that hold with `confidence` (two-sided), in the metric's own unit and range."""

    value: float
    low: float
    high: float
    confidence: float


class SliceGap(NamedTuple):
    """A metric inside a slice and on all other rows; `gap` is above 0 where the slice is served worse.

    `high` is the gap's upper one-sided confidence limit, `rows` how many are inside. A rate has no better side: its gap
    is the distance.
    """

    inside: float
    outside: float
    gap: float
    high: float
    rows: int


def metric_interval(
    metric: str,
    y: ArrayLike,
    score: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    cluster_name: str = "day",
    confidence: float = 0.9,
    resamples: int = 2000,
    seed: int = 0,
    quantile: float = 0.5,
) -> Interval:
    """Bound one model's metric: `low` and `high` each hold one-sided with (1 + confidence) / 2, 95 % by default.

    Parameters and errors as `include.evidence.paired_difference.paired_difference`.
    """
    labels, scores = checked(metric, y, score)
    statistic = Statistic.of(metric, labels, scores, quantile)
    units = Units.of(clusters, len(labels), cluster_name)
    error, freedom = units.error([statistic], lambda values: values[0], resamples, seed)
    facts = CATALOGUE[metric]
    return _interval(statistic.value(), error, freedom, confidence, (facts.low, facts.high))


def skill_interval(
    metric: str,
    y: ArrayLike,
    score: ArrayLike,
    baseline: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    cluster_name: str = "day",
    confidence: float = 0.9,
    resamples: int = 2000,
    seed: int = 0,
    quantile: float = 0.5,
) -> Interval:
    """Bound the share of the way from a constant prediction's metric to a perfect one's: 0 no better, 1 perfect.

    `baseline` is that prediction: one number, one probability for each class, or one a row. Both metrics are taken of
    the same resamples; a resample on which the constant is already perfect has no skill to speak of and counts as
    undefined. EvidenceError where that is so on the rows themselves, or as in `metric_interval`.
    """
    given = np.asarray(score, dtype=np.float64)
    try:
        constant = np.broadcast_to(np.asarray(baseline, dtype=np.float64), given.shape)
    except ValueError:
        raise EvidenceError(f"a baseline of shape {np.shape(baseline)} for scores of shape {given.shape}") from None
    labels, scores, constants = checked(metric, y, given, constant)
    pair = [Statistic.of(metric, labels, one, quantile) for one in (scores, constants)]
    perfect = _perfect(metric)
    value = float(_skill(np.array([one.value() for one in pair]), perfect))
    if not np.isfinite(value):
        raise EvidenceError(f"the constant prediction's {metric} is perfect already, so skill over it is undefined")
    units = Units.of(clusters, len(labels), cluster_name)
    error, freedom = units.error(pair, lambda values: _skill(values, perfect), resamples, seed)
    return _interval(value, error, freedom, confidence, (-np.inf, 1.0))


def slice_gap(
    metric: str,
    y: ArrayLike,
    score: ArrayLike,
    inside: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    cluster_name: str = "day",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    quantile: float = 0.5,
) -> SliceGap:
    """Hold a metric on the rows where `inside` (n,) is true against the other rows, and bound the gap from above.

    Whole clusters are resampled, the same ones for both parts. Student's t has one degree of freedom fewer than the
    clusters that hold rows of the part that has fewer: the others say nothing about how much that part varies, though
    they may be many. In simulation the 95 % limit then held in 93-97 % of slices of 140 rows and more on 3 to 14 of 14
    days, in 91 % of slices of 40 rows. Independent rows are dealt to 200 groups that take the clusters' place. Of
    several slices the caller shares the error out (`confidence` is one-sided). Raises EvidenceError where the metric
    is undefined on a part or a part has too few clusters.
    """
    labels, scores = checked(metric, y, score)
    mask = np.asarray(inside, dtype=bool)
    if mask.shape != labels.shape:
        raise EvidenceError(f"the slice names {mask.shape} rows of {labels.shape}")
    units = Units.dealt(len(labels), seed) if clusters is None else Units.of(clusters, len(labels), cluster_name)
    held, weighings, values = units.count, [], []
    for part, who in ((mask, "of the slice"), (~mask, "outside the slice")):
        check_part(metric, labels[part], scores[part], who)
        own = units.codes[part]
        require_clusters(len(np.unique(own)), units.name, f"the rows {who} are")
        held = min(held, len(np.unique(own)))
        statistic = Statistic.of(metric, labels[part], scores[part], quantile)
        weighings.append(statistic.prepared(own, units.count))
        values.append(statistic.value())
    error, freedom = units.weighed_error(weighings, lambda pair: pair[0] - pair[1], resamples, seed, held)
    facts, difference = CATALOGUE[metric], values[0] - values[1]
    better = facts.greater_is_better
    gap = abs(difference) if better is None else -difference if better else difference
    high = gap + float(stats.t.isf(1 - confidence, freedom)) * error
    return SliceGap(values[0], values[1], gap, float(min(high, facts.high - facts.low)), int(mask.sum()))


def _interval(value: float, error: float, freedom: float, confidence: float, span: tuple[float, float]) -> Interval:
    reach = float(stats.t.isf((1 - confidence) / 2, freedom)) * error
    low, high = np.clip([value - reach, value + reach], *span)
    return Interval(value, float(low), float(high), confidence)


def _perfect(metric: str) -> float:
    facts = CATALOGUE[metric]
    if facts.greater_is_better is None:
        raise EvidenceError(f"{metric} is a rate: there is no skill in it")
    return facts.high if facts.greater_is_better else facts.low


def _skill(values: Floats, perfect: float) -> Floats:
    """Of (2, ...) metric and constant's metric; NaN where the constant is perfect."""
    ours, constant = values
    left = np.abs(perfect - constant)
    way = (ours - constant) * np.sign(perfect - constant)
    return np.divide(way, left, out=np.full(np.shape(left), np.nan), where=left > 0)
