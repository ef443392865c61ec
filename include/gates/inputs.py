"""What is put before the gates: scores of the untouched rows, a replay of golden rows, and what is known beside them.

Plain values, read by `judge` and judged by `gates`; a fault is a clause that a gate can quote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from include.contracts import GateResult
from include.evidence.paired_difference import EvidenceError, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import ModelConfig
    from include.config.section import Task

    Floats = NDArray[np.float64]

WORDS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier_score": "Brier score",
    "accuracy": "accuracy",
    "f1": "F1",
    "expected_calibration_error": "expected calibration error",
    "selection_rate": "selection rate",
    "recall": "recall",
    "false_positive_rate": "false positive rate",
    "roc_auc_ovr": "ROC AUC of one class against the others",
    "f1_macro": "mean F1 of the classes",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "mean_squared_error": "mean squared error",
    "r2": "R2",
    "mean_pinball_loss": "mean pinball loss",
}
SCORES_OF: Mapping[str, str] = {"binary": "score", "multiclass": "probabilities", "regression": "score"}
"""The column of served rows that holds what a metric of a task takes: a number, or a list of k probabilities."""
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class HoldoutScores:
    """The untouched rows as the models scored them: labels and days, each (n,), and each model's scores of them.

    Labels are 0 and 1, codes of classes, or values; scores (n,) probabilities of class 1, (n, k) of each class, or (n,)
    predicted values.

    A model that could not score the rows has None and a fault that says why. `clusters` (n,) names what depends on
    each other where that is not the day; `columns` holds those that slices are made of; `baseline` is what a
    constant prediction that skill is measured against takes from the training rows, as `training.baseline.constants`
    names it; `name` is what the rows are told from other holdouts by; `features` are the model's, as they come.
    `champion_lacks` and `anchor_lacks` name the columns that the version was trained with and that none of these rows
    has: its figures are those of a model that misses them.
    """

    y: Floats
    days: NDArray[np.datetime64]
    challenger: Floats | None
    champion: Floats | None = None
    challenger_fault: str = ""
    champion_fault: str = ""
    anchor: Floats | None = None
    anchor_fault: str = ""
    champion_lacks: tuple[str, ...] = ()
    anchor_lacks: tuple[str, ...] = ()
    clusters: NDArray[Any] | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)
    name: str = ""
    features: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """Digest of the challenger's scores, to nine digits: who gives the same ones has learned nothing new."""
        if self.challenger is None:
            return ""
        scores = np.nan_to_num(self.challenger)
        unit = float(np.abs(scores).max(initial=0.0)) or 1.0
        return hashlib.sha256((np.round(scores / unit, 9) + 0.0).tobytes()).hexdigest()[:16]

    @property
    def extent(self) -> str:
        """How much there is, in words."""
        days = len(np.unique(self.days))
        return f"{len(self.y):,} rows of {days} day{'' if days == 1 else 's'}"


@dataclass(frozen=True)
class Replay:
    """Golden rows: scores recorded where the model was fitted, and again by the registry's copy, (m,) or (m, k)."""

    recorded: Floats
    replayed: Floats | None
    fault: str = ""


@dataclass(frozen=True)
class Live:
    """The champion's metric when it was released, and since: on `rows` matured rows before the holdout."""

    released: float
    since: Interval
    rows: int
    first: date
    last: date


@dataclass(frozen=True)
class Facts:
    """What is known beside the scores.

    `earlier_uses` counts the other scores that versions gave to this holdout, `same_answer` names a version that gave
    the same, `earlier_judgements` counts the comparisons of the 365 days before, `judgements_a_year` those that the
    schedule makes. `taken_back` is why a person's rollback speaks
    against this version, or empty.
    """

    champion_age_days: int | None = None
    live: Live | None = None
    anchor_version: int | None = None
    earlier_uses: int = 0
    same_answer: int | None = None
    earlier_judgements: int = 0
    judgements_a_year: int = 365
    scoring_ms: float | None = None
    model_mb: float | None = None
    cost_fault: str = ""
    taken_back: str = ""


def dependence(config: ModelConfig, holdout: HoldoutScores) -> dict[str, Any]:
    """How the rows depend on each other, as arguments of the functions that give evidence.

    Raises EvidenceError where the rows do not say: they are never taken as independent unless the model file says so.
    """
    release = config.release
    shared: dict[str, Any] = {"resamples": release.resamples, "seed": config.training.seed, **quantile_of(config)}
    if release.rows == "independent":
        return {**shared, "clusters": None}
    if release.cluster_by is None or release.cluster_by == config.data.day:
        return {**shared, "clusters": holdout.days, "cluster_name": "day"}
    if holdout.clusters is None:
        raise EvidenceError(f"the rows have no column {release.cluster_by} (release.cluster_by)")
    return {**shared, "clusters": holdout.clusters, "cluster_name": release.cluster_by}


def quantile_of(config: ModelConfig) -> dict[str, Any]:
    """Which quantile mean_pinball_loss is of, as an argument of the functions that give evidence."""
    return {} if config.training.quantile is None else {"quantile": config.training.quantile}


def score_fault(scores: Floats | None, fault: str, task: Task = "binary") -> str:
    """What is wrong with a model's scores, as the rest of a sentence; empty when nothing is."""
    if scores is None:
        return f"could not score the rows ({fault or 'no scores'})"
    if task == "regression":
        odd = int((~np.isfinite(scores)).sum())
        return f"gave no number for {odd:,} of {len(scores):,} rows" if odd else ""
    right = (scores >= 0) & (scores <= 1)
    if task == "multiclass":
        odd = int((~(right.all(axis=1) & (np.abs(scores.sum(axis=1) - 1) <= SUM_TOLERANCE))).sum())
        return f"gave no probabilities that sum to 1 for {odd:,} of {len(scores):,} rows" if odd else ""
    odd = int((~right).sum())
    return f"gave no probability between 0 and 1 for {odd:,} of {len(scores):,} rows" if odd else ""


def refused(name: str, bound: float | None, sentence: str) -> GateResult:
    """A gate that could not be judged, which is a no."""
    return GateResult(name=name, passed=False, value=None, bound=bound, sentence=sentence)
