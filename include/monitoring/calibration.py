"""How well a model does on rows without labels, from its own scores made honest: estimates with intervals. Pure.

Confidence-based performance estimation takes calibrated scores for the chances that they state and computes the
metric that such labels would give. Whole days differ in ways that no score knows of (a storm, a strike), so each day
has a level and a slope of its own here, in log odds, spread about common ones: days to come are drawn from that
spread. This gives the interval its width, and keeps a metric over several days from being estimated too high.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logit
from scipy.stats import chi2, norm, rankdata

from include.evidence.metrics import THRESHOLD

FEWEST_DAYS = 10
"""Days below which the spread between days, and so the interval, is a guess."""
DRAWS, BATCH = 400, 50
CONFIDENCE = 0.95
CLIP = 1e-3
"""Scores are held this far from 0 and 1: log odds of a certainty are infinite."""
MOST_ROWS = 20_000
"""Rows that an estimate is drawn on; beyond them days, not rows, make the uncertainty."""
ESTIMATED = ("roc_auc", "average_precision", "log_loss", "brier_score", "accuracy")
CHECK_LEVEL = 0.01
FEWEST_ERRORS = 2

ASSUMPTIONS = (
    "No concept change: the same rows would still get the same labels as on the days that the map was fitted on.",
    "Rows of kinds that those days had, in whatever proportions.",
    "Calibrated by group: the chances hold within every group of rows that may grow or shrink, not only on average.",
    "Days differ as those days did. None of this can be seen without labels: past errors, below, are what can be.",
)


@dataclass(frozen=True)
class CalibrationMap:
    """Chance of a label 1 by the score's log odds x: on a day, `expit(a + b * (x - center))`.

    (a, b) of a day is normal with mean `mean` (2,) and covariance `spread` (2, 2), both estimated from `days` days.
    `low` and `high` bound the scores that were seen.
    """

    center: float
    mean: np.ndarray
    spread: np.ndarray
    days: int
    rows: int
    low: float
    high: float

    def outside(self, scores: np.ndarray) -> float:
        """Share of the scores beyond those that the map was fitted on."""
        return float(((scores < self.low) | (scores > self.high)).mean()) if len(scores) else 0.0


@dataclass(frozen=True)
class Estimate:
    """A metric as it is expected, and the interval that holds the metric with 95 % where the assumptions hold."""

    value: float
    low: float
    high: float

    def standardised(self, realised: float) -> float:
        """The error in standard deviations of the estimate's own uncertainty."""
        deviation = (self.high - self.low) / (2 * norm.ppf((1 + CONFIDENCE) / 2))
        return (realised - self.value) / max(float(deviation), 1e-9)


@dataclass(frozen=True)
class Trust:
    """Whether estimates can be used, by their errors on nights whose labels have come since."""

    state: Literal["kept", "suspected", "unchecked"]
    sentence: str


def fit(scores: np.ndarray, labels: np.ndarray, days: np.ndarray) -> CalibrationMap | None:
    """Fit the map on rows later than training whose labels are known; None for fewer than ten days or for one class.

    Platt's sigmoid with a random level and slope for each day, by approximate EM: each day's posterior mode and
    curvature, then mean and spread over days (Stiratelli, Laird and Ware 1984, Biometrics 40). Every day counts alike.

    Parameters
    ----------
    scores : (n,) in [0, 1], finite
    labels : (n,) 0 or 1
    days : (n,) day of each row, sortable
    """
    groups = [np.flatnonzero(days == day) for day in np.unique(days)]
    if len(groups) < FEWEST_DAYS or len(np.unique(labels)) < 2:
        return None
    odds = _odds(scores)
    center = float(odds.mean())
    design = np.column_stack([np.ones(len(odds)), odds - center])
    mean, _ = _newton(design, labels, np.zeros(2), np.eye(2) * 1e-6)
    spread = np.diag([0.5, 0.1])
    for _ in range(50):
        precision = np.linalg.inv(spread)
        found = [_newton(design[rows], labels[rows], mean, precision) for rows in groups]
        effects = np.array([effect for effect, _ in found])
        within = np.mean([covariance for _, covariance in found], axis=0)
        before, mean, old = mean, effects.mean(axis=0), spread
        spread = np.cov(effects.T, bias=True) + within + 1e-8 * np.eye(2)
        if max(np.abs(mean - before).max(), np.abs(spread - old).max()) < 1e-3:
            break
    return CalibrationMap(center, mean, spread, len(groups), len(scores), float(scores.min()), float(scores.max()))


def chances(fitted: CalibrationMap, scores: np.ndarray) -> np.ndarray:
    """(n,) chance of a label 1, averaged over the days that may come."""
    rng = np.random.default_rng(0)
    effects = rng.multivariate_normal(fitted.mean, fitted.spread, size=DRAWS)
    at = _odds(scores) - fitted.center
    mean: np.ndarray = np.mean([expit(level + slope * at) for level, slope in effects], axis=0)
    return mean


def estimate(fitted: CalibrationMap, scores: np.ndarray, days: np.ndarray, seed: int = 0) -> dict[str, Estimate]:
    """Every metric of ESTIMATED for these rows, by drawing days and labels.

    What the map does not know of its own mean, which comes from few days, is drawn too. A draw with one class only
    gives no roc_auc or average_precision. The same arguments give the same result.

    Parameters
    ----------
    scores : (n,) in [0, 1], finite
    days : (n,) day of each row
    """
    rng = np.random.default_rng(seed)
    if len(scores) > MOST_ROWS:
        kept = np.sort(rng.choice(len(scores), MOST_ROWS, replace=False))
        scores, days = scores[kept], days[kept]
    order = np.argsort(scores, kind="stable")
    scores, group = scores[order], np.unique(days[order], return_inverse=True)[1]
    at = _odds(scores) - fitted.center
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in ESTIMATED}
    for start in range(0, DRAWS, BATCH):
        count = min(BATCH, DRAWS - start)
        centre = rng.multivariate_normal(fitted.mean, fitted.spread / fitted.days, size=count)
        noise = rng.multivariate_normal(np.zeros(2), fitted.spread, size=(count, group.max() + 1))
        effects = (centre[:, None, :] + noise)[:, group, :]
        labels = rng.random((count, len(scores))) < expit(effects[:, :, 0] + effects[:, :, 1] * at)
        for name, values in _metrics(labels, scores):
            drawn[name].append(values)
    tail = (1 - CONFIDENCE) / 2
    found = {}
    for name, parts in drawn.items():
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]
        if len(values) >= DRAWS // 2:
            low, high = np.quantile(values, [tail, 1 - tail])
            found[name] = Estimate(float(values.mean()), float(low), float(high))
    return found


def check(past: Sequence[tuple[Estimate, float]], name: str = "roc_auc") -> Trust:
    """Are past errors larger, or more of one sign, than the estimates' own uncertainty explains?

    Two looks, each at half of 1 %: Stouffer's sum of the standardised errors sees a lasting shift, the sum of their
    squares sees errors of either sign. A change in days whose labels have not come is not among these errors.

    :param past: estimates of nights that do not overlap, each with the metric that its labels gave
    """
    if len(past) < FEWEST_ERRORS:
        return Trust(
            "unchecked", f"Not checked yet: {len(past)} estimates have met their labels, {FEWEST_ERRORS} are needed."
        )
    errors = np.array([guess.standardised(realised) for guess, realised in past])
    lasting = 2 * norm.sf(abs(errors.sum()) / np.sqrt(len(errors)))
    scattered = chi2.sf((errors**2).sum(), len(errors))
    off = np.mean([abs(realised - guess.value) for guess, realised in past])
    told = f"the last {len(past)} estimates of {name} that met their labels were off by {off:.3f} on average"
    p = min(lasting, scattered)
    if p >= CHECK_LEVEL / 2:
        return Trust("kept", f"T{told[1:]}, as their own uncertainty allows.")
    beyond = f"T{told[1:]}, more than their own uncertainty explains (p {p:.2g})."
    return Trust("suspected", f"Concept change suspected: the estimate cannot be used. {beyond}")


def _odds(scores: np.ndarray) -> np.ndarray:
    odds: np.ndarray = logit(np.clip(scores, CLIP, 1 - CLIP))
    return odds


def _newton(
    design: np.ndarray, labels: np.ndarray, prior: np.ndarray, precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mode (2,) and covariance (2, 2) of a logistic regression with a normal prior."""
    at = prior.copy()
    for _ in range(50):
        chance = expit(design @ at)
        hessian = design.T @ (design * (chance * (1 - chance))[:, None]) + precision
        step = np.linalg.solve(hessian, design.T @ (labels - chance) - precision @ (at - prior))
        at = at + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-6:
            break
    return at, np.linalg.inv(hessian)


def _metrics(labels: np.ndarray, scores: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Each metric of each draw; `labels` (draws, n) and `scores` (n,) ascending. As scikit-learn computes them."""
    rows, ones = len(scores), labels.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ranks = labels @ rankdata(scores)
        yield "roc_auc", (ranks - ones * (ones + 1) / 2) / (ones * (rows - ones))
        last = np.flatnonzero(np.append(np.diff(scores[::-1]) != 0, True))
        hits = labels[:, ::-1].cumsum(axis=1)[:, last]
        gained = np.diff(hits, axis=1, prepend=0)
        yield "average_precision", (gained * hits / (last + 1)).sum(axis=1) / ones
    tiny = np.finfo(float).eps
    sure, unsure = np.log(np.clip(scores, tiny, 1)), np.log(np.clip(1 - scores, tiny, 1))
    yield "log_loss", -(labels @ (sure - unsure) + unsure.sum()) / rows
    yield "brier_score", ((scores**2).sum() + labels @ (1 - 2 * scores)) / rows
    positive = scores >= THRESHOLD
    yield "accuracy", (labels @ (2.0 * positive - 1) + (~positive).sum()) / rows
