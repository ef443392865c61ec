"""Two models' scores of rows whose truth is known: binormal scores, and days that favour one model or the other.

Given the label, a score is normal: of variance 1, with a mean that is higher by the model's separation where the label
is 1. On each day a model's separation and level move by chance, apart from the other model's. All rows of a day share
these moves, so that rows depend on each other while every expectation keeps a closed form.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit, logit

AUC = 0.80
NODES = 200


class Rows(NamedTuple):
    """Labels, probabilities by both models and days, each (n,)."""

    y: np.ndarray
    challenger: np.ndarray
    champion: np.ndarray
    day: np.ndarray


@dataclass(frozen=True)
class Setting:
    """How rows come about.

    `strength` and `level` are standard deviations over days of a model's separation and level, `prevalence_spread` of
    the log-odds of a positive; all 0: rows are independent. `correlation` is of both models' scores, given the label.
    """

    name: str
    days: int
    rows: tuple[int, int]
    strength: float
    level: float
    prevalence_spread: float
    prevalence: float = 0.3
    correlation: float = 0.8

    def separation(self, auc: float) -> float:
        """The mean separation that gives `auc` to two rows of different days, one of each class."""
        return float(stats.norm.ppf(auc) * np.sqrt(2 + self.strength**2 + 2 * self.level**2))

    def draw(self, seed: int, challenger: float = AUC, champion: float = AUC) -> Rows:
        """Rows on which the two models' true ROC AUCs are as given; the same seed gives the same rows."""
        rng = np.random.default_rng(seed)
        sizes = rng.integers(self.rows[0], self.rows[1] + 1, self.days)
        day = np.repeat(np.arange(self.days), sizes)
        chance = expit(logit(self.prevalence) + rng.normal(0, self.prevalence_spread, self.days))
        y = (rng.random(len(day)) < chance[day]).astype(np.float64)
        shared = rng.normal(size=len(day))
        scores = [self._score(rng, y, day, shared, auc) for auc in (challenger, champion)]
        return Rows(y, scores[0], scores[1], day)

    def truth(self, metric: str, auc: float = AUC) -> float:
        """The metric that a model of this ROC AUC has over infinitely many days, by Gauss-Hermite quadrature."""
        if metric == "roc_auc":
            return auc
        nodes, weights = _normal_nodes()
        positives = float(weights @ expit(logit(self.prevalence) + self.prevalence_spread * nodes))
        wide = np.sqrt(1 + self.level**2 + self.strength**2)
        of_positive = self._probability(self.separation(auc) + wide * nodes)
        of_negative = self._probability(np.sqrt(1 + self.level**2) * nodes)
        if metric == "log_loss":
            losses = -np.log(of_positive), -np.log1p(-of_negative)
        else:
            losses = (1 - of_positive) ** 2, of_negative**2
        return float(positives * (weights @ losses[0]) + (1 - positives) * (weights @ losses[1]))

    def _score(
        self, rng: np.random.Generator, y: np.ndarray, day: np.ndarray, shared: np.ndarray, auc: float
    ) -> np.ndarray:
        noise = np.sqrt(self.correlation) * shared + np.sqrt(1 - self.correlation) * rng.normal(size=len(y))
        separation = self.separation(auc) + rng.normal(0, self.strength, self.days)[day]
        return self._probability(separation * y + noise + rng.normal(0, self.level, self.days)[day])

    def _probability(self, score: np.ndarray) -> np.ndarray:
        """The chance of a positive where no day moves anything: calibrated then, and off by chance otherwise."""
        separation = self.separation(AUC)
        return expit(separation * score - separation**2 / 2 + logit(self.prevalence))


@functools.cache
def _normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Places and weights that take the mean over a standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, weights / weights.sum()


INDEPENDENT = Setting("independent rows", 14, (60, 140), strength=0.0, level=0.0, prevalence_spread=0.0)
SHARED_DAYS = Setting("rows that share a day", 14, (60, 140), strength=0.3, level=0.3, prevalence_spread=0.5)
MANY_DAYS = Setting("rows that share a day", 60, (30, 70), strength=0.3, level=0.3, prevalence_spread=0.5)
