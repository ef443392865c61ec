"""A metric of resampled rows without copying a row: a resample is a vector of integer weights.

Scores are sorted once. A weighted ROC AUC or average precision is then a cumulative sum, for hundreds of resamples at
a time; the other metrics are functions of sums, so that whole days reduce to one line each before any resampling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from include.training.metrics import THRESHOLD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import MetricName

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

CHUNK_ELEMENTS = 1_000_000
"""Weights held at once: 8 MB, so that the passes over them stay near the cache."""
RANKED = frozenset({"roc_auc", "average_precision"})


@dataclass(frozen=True)
class Statistic:
    """One model's metric, prepared so that weighing its rows is cheap."""

    metric: MetricName
    rows: int
    order: Codes
    """Rows by falling score (ranked metrics)."""
    starts: Codes
    """Where each group of equal scores starts in `order`."""
    positive: Floats
    """(rows,) 1 where the label is, in `order` (ranked metrics)."""
    sums: Floats
    """(rows, m) what each row adds to the sums that the metric is a function of (other metrics)."""

    @classmethod
    def of(cls, metric: MetricName, y: Floats, score: Floats) -> Self:
        """Prepare `metric` of labels `y` (n,) and probabilities `score` (n,)."""
        if metric in RANKED:
            order = np.argsort(-score, kind="stable")
            starts = np.concatenate([[0], 1 + np.flatnonzero(np.diff(score[order]))])
            return cls(metric, len(y), order, starts, y[order], np.empty((len(y), 0)))
        nothing = np.empty(0, dtype=np.intp)
        return cls(metric, len(y), nothing, nothing, np.empty(0), _addends(metric, y, score))

    def value(self) -> float:
        """The metric of the rows as they are."""
        return float(self.weighted(np.ones((1, self.rows)), None)[0])

    def weighted(self, weights: Floats, codes: Codes | None) -> Floats:
        """(b,) values for `weights` (b, k) of clusters, or (b, n) of rows where `codes` is None; NaN if undefined."""
        if self.metric not in RANKED:
            return _of_sums(self.metric, weights @ self._totals(codes))
        places = self.order if codes is None else codes[self.order]
        by_place = np.take(weights, places, axis=1)
        positives = by_place * self.positive
        if len(self.starts) < self.rows:
            by_place = np.add.reduceat(by_place, self.starts, axis=1)
            positives = np.add.reduceat(positives, self.starts, axis=1)
        area = _area if self.metric == "roc_auc" else _precision
        return area(positives, by_place)

    def _totals(self, codes: Codes | None) -> Floats:
        if codes is None:
            return self.sums
        return np.stack([np.bincount(codes, weights=column) for column in self.sums.T], axis=1)


def resampled(statistics: Sequence[Statistic], codes: Codes | None, resamples: int, seed: int) -> Floats:
    """(statistics, resamples) values; a resample's weights are the same for every statistic, hence pairs."""
    rows = statistics[0].rows
    units = rows if codes is None else int(codes.max()) + 1
    chunk = max(1, CHUNK_ELEMENTS // rows)
    parts = [
        np.stack([one.weighted(weights, codes) for one in statistics])
        for weights in _weights(units, resamples, chunk, seed)
    ]
    return np.concatenate(parts, axis=1)


def _weights(units: int, resamples: int, chunk: int, seed: int) -> Iterator[Floats]:
    """Yield (b, units): how often each unit was drawn when `units` are drawn with replacement."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.integers(units, size=(size, units)) + units * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units).astype(np.float64)


def _area(positives: Floats, weights: Floats) -> Floats:
    """ROC AUC: weighted share of pairs in which the positive row scores higher, ties counted as a half."""
    above = np.cumsum(positives, axis=1) - 0.5 * positives
    negatives = weights - positives
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.einsum("ij,ij->i", above, negatives) / pairs


def _precision(positives: Floats, weights: Floats) -> Floats:
    """Average precision: precision at each distinct score, weighted by the recall gained there."""
    found = np.cumsum(positives, axis=1)
    called = np.cumsum(weights, axis=1)
    np.maximum(called, 1.0, out=called)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.einsum("ij,ij->i", positives, found / called) / found[:, -1]


def _addends(metric: MetricName, y: Floats, score: Floats) -> Floats:
    """(n, m) per-row terms: for f1 true positives, calls and positives; otherwise the loss and the row itself."""
    called = (score >= THRESHOLD).astype(np.float64)
    if metric == "f1":
        return np.stack([y * called, called, y], axis=1)
    if metric == "log_loss":
        tiny = np.finfo(np.float64).eps
        inside = np.clip(score, tiny, 1 - tiny)
        each = -(y * np.log(inside) + (1 - y) * np.log1p(-inside))
    elif metric == "brier_score":
        each = (score - y) ** 2
    else:
        each = (called == y).astype(np.float64)
    return np.stack([each, np.ones_like(y)], axis=1)


def _of_sums(metric: MetricName, sums: Floats) -> Floats:
    """(b,) metric from (b, m) sums; f1 is 0 where nothing is called and nothing is positive, as in scikit-learn."""
    if metric == "f1":
        return 2 * sums[:, 0] / np.maximum(sums[:, 1] + sums[:, 2], 1.0)
    return sums[:, 0] / sums[:, 1]
