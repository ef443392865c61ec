"""A metric of resampled rows without copying a row: a resample is a vector of integer weights.

Most metrics are functions of sums, so that whole clusters reduce to one line each before any resampling. ROC AUC is a
quadratic form: the weighted pairs in which a positive row of one cluster scores above a negative row of another. Where
clusters are many, or rows are resampled one by one, scores are sorted once and weights are summed along them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.evidence.row_sums import sums_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Weighing = Callable[[Floats], Floats]
    """(b, k) weights of units -> (b,) values, NaN where the metric is undefined."""

CHUNK_ELEMENTS = 1_000_000
"""Weights held at once: 8 MB, so that the passes over them stay near the cache."""
FEW_CLUSTERS = 256
"""Up to here a resample of ROC AUC by pairs of clusters is cheaper than one by rows."""
FEW_CELLS = 4_000_000
"""Up to here rows times clusters are counted in tables of 32 MB for average precision."""
MOST_SCORES = 1_000
"""Scores at which average precision is taken in a resample."""
RANKED = frozenset({"roc_auc", "average_precision"})


class Statistic(ABC):
    """One model's metric, prepared so that weighing its rows is cheap."""

    rows: int

    @abstractmethod
    def prepared(self, codes: Codes | None, units: int) -> Weighing:
        """The metric as a function of the weights of `units` clusters, `codes` (n,) naming each row's, or of rows."""

    def weighted(self, weights: Floats, codes: Codes | None) -> Floats:
        """(b,) values for `weights` (b, k) of clusters, or (b, n) of rows where `codes` is None; NaN if undefined."""
        return self.prepared(codes, weights.shape[1])(weights)

    def value(self) -> float:
        """The metric of the rows as they are."""
        return float(self.weighted(np.ones((1, self.rows)), None)[0])

    @staticmethod
    def of(metric: str, y: Floats, score: Floats, quantile: float = 0.5) -> Statistic:
        """Prepare `metric` of `y` (n,) and `score`: (n,) probabilities of 1 or predictions, (n, k) for k classes."""
        if metric == "roc_auc_ovr":
            each = [
                Statistic.of("roc_auc", (y == one).astype(np.float64), score[:, one]) for one in range(score.shape[1])
            ]
            return Averaged(len(y), tuple(each))
        if metric in RANKED:
            order = np.argsort(-score, kind="stable")
            starts = np.concatenate([[0], 1 + np.flatnonzero(np.diff(score[order]))])
            return Ranked(len(y), metric, order, starts, y[order])
        return Summed(len(y), *sums_of(metric, y, score, quantile))


@dataclass(frozen=True)
class Summed(Statistic):
    """A function of sums over rows."""

    rows: int
    addends: Floats
    """(n, m) what each row adds."""
    of_sums: Callable[[Floats], Floats]

    def prepared(self, codes: Codes | None, units: int) -> Weighing:
        totals = self.addends
        if codes is not None:
            totals = np.column_stack([np.bincount(codes, weights=one, minlength=units) for one in self.addends.T])
        return lambda weights: self.of_sums(weights @ totals)


@dataclass(frozen=True)
class Averaged(Statistic):
    """The plain mean of several statistics of the same rows."""

    rows: int
    parts: tuple[Statistic, ...]

    def prepared(self, codes: Codes | None, units: int) -> Weighing:
        parts = [part.prepared(codes, units) for part in self.parts]
        return lambda weights: np.mean([part(weights) for part in parts], axis=0)


@dataclass(frozen=True)
class Ranked(Statistic):
    """ROC AUC or average precision of 0/1 labels, rows sorted by falling score."""

    rows: int
    metric: str
    order: Codes
    """Rows by falling score."""
    starts: Codes
    """Where each group of equal scores starts in `order`."""
    positive: Floats
    """(n,) 1 where the label is, in `order`."""

    def prepared(self, codes: Codes | None, units: int) -> Weighing:
        if codes is not None and self.metric == "roc_auc" and units <= FEW_CLUSTERS:
            return self._by_pairs(codes, units)
        if codes is not None and self.metric != "roc_auc" and units * self.rows <= FEW_CELLS:
            return self._by_scores(codes, units)
        places = self.order if codes is None else codes[self.order]
        area = _area if self.metric == "roc_auc" else _cumulated_precision
        return lambda weights: area(*self._summed(np.take(weights, places, axis=1)))

    def _summed(self, by_place: Floats) -> tuple[Floats, Floats]:
        """Weights of the positive rows, and of all rows, at each distinct score."""
        positives = by_place * self.positive
        if len(self.starts) < self.rows:
            positives = np.add.reduceat(positives, self.starts, axis=1)
            by_place = np.add.reduceat(by_place, self.starts, axis=1)
        return positives, by_place

    def _levels(self) -> Codes:
        """(n,) number of each row's distinct score, 0 the highest, in `order`."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=self.rows))

    def _by_pairs(self, codes: Codes, units: int) -> Weighing:
        """ROC AUC: `wins[a, b]` counts positive rows of cluster a above negative rows of b, ties as a half."""
        levels, own, positive = self._levels(), codes[self.order], self.positive == 1
        high, theirs = levels[positive], own[positive]
        totals = [np.bincount(own[side], minlength=units) for side in (positive, ~positive)]
        by_cluster = levels[~positive][np.argsort(own[~positive], kind="stable")]
        wins = np.empty((units, units))
        for cluster, low in enumerate(np.split(by_cluster, np.cumsum(totals[1][:-1]))):
            passed = np.searchsorted(low, high, side="left") + np.searchsorted(low, high, side="right")
            wins[:, cluster] = np.bincount(theirs, weights=len(low) - passed / 2, minlength=units)

        def area(weights: Floats) -> Floats:
            pairs = (weights @ totals[0]) * (weights @ totals[1])
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.einsum("ij,ij->i", weights @ wins, weights) / pairs

        return area

    def _by_scores(self, codes: Codes, units: int) -> Weighing:
        """Average precision: counts by cluster at the scores of positive rows, the only ones where recall is gained.

        Of very many scores only MOST_SCORES are looked at, equally many of those scores apart: that moves a resample
        by less than a tenth of the standard error, and the standard error itself by about one percent.
        """
        cells = self._levels() * units + codes[self.order]
        shape = (len(self.starts), units)
        called, found = (
            np.cumsum(np.bincount(cells, weights=one, minlength=shape[0] * units).reshape(shape), axis=0)
            for one in (np.ones(self.rows), self.positive)
        )
        gains = np.flatnonzero(np.diff(found.sum(axis=1), prepend=0.0))
        if len(gains) > MOST_SCORES:
            gains = gains[np.linspace(0, len(gains) - 1, MOST_SCORES).round().astype(np.intp)]
        called, found = called[gains].T, found[gains].T
        gained = np.diff(found, axis=1, prepend=0.0)
        return lambda weights: _precision(*(weights @ one for one in (gained, found, called)))


def weighed(weighings: Sequence[Weighing], units: int, rows: int, resamples: int, seed: int) -> Floats:
    """(weighings, resamples) values of `units` drawn with replacement, the same draws for each weighing: hence pairs.

    `rows` is how many rows the units stand for, which bounds the memory of a pass.
    """
    chunk = max(1, CHUNK_ELEMENTS // max(rows, units))
    parts = [
        np.stack([weighing(weights) for weighing in weighings]) for weights in _weights(units, resamples, chunk, seed)
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


def _cumulated_precision(positives: Floats, weights: Floats) -> Floats:
    return _precision(positives, np.cumsum(positives, axis=1), np.cumsum(weights, axis=1))


def _precision(gained: Floats, found: Floats, called: Floats) -> Floats:
    """Average precision: precision at each score, weighted by the recall gained there; (b, scores) each."""
    precision = found / np.maximum(called, 1.0, out=called)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.einsum("ij,ij->i", gained, precision) / found[:, -1]
