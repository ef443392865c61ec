"""What rows must be like before evidence is taken from them; what is not is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.evidence.metrics import CATALOGUE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

MIN_CLUSTERS = 3
"""Fewer whole clusters than this say nothing about how clusters differ."""
SCORES_ONLY = frozenset({"roc_auc", "average_precision"})
"""They need an order, not a probability."""
NEED_POSITIVES = frozenset({"roc_auc", "average_precision", "f1", "recall"})
NEED_NEGATIVES = frozenset({"roc_auc", "average_precision", "false_positive_rate"})
SUM_TOLERANCE = 1e-3


class EvidenceError(ValueError):
    """The rows cannot answer the question; the message is a clause that a gate can quote."""


def checked(metric: str, y: ArrayLike, *scores: ArrayLike) -> tuple[Floats, ...]:
    """Return float arrays, `y` (n,) and scores of one shape that suits `metric`; raise EvidenceError otherwise."""
    if metric not in CATALOGUE:
        raise EvidenceError(f"there is no metric {metric}; the metrics are {', '.join(CATALOGUE)}")
    arrays = tuple(np.asarray(one, dtype=np.float64) for one in (y, *scores))
    labels, shapes = arrays[0], [one.shape for one in arrays]
    if labels.ndim != 1 or any(shape[:1] != shapes[0] or shape != shapes[1] for shape in shapes[1:]):
        raise EvidenceError(f"labels and scores differ in shape: {shapes}")
    if not len(labels):
        raise EvidenceError("there are no rows")
    tasks, dimensions = CATALOGUE[metric].tasks, arrays[1].ndim
    if dimensions != 1 + (tasks == ("multiclass",)) and not (dimensions == 2 and "multiclass" in tasks):
        raise EvidenceError(f"{metric} is a metric of {' and '.join(tasks)} models, and the scores are {shapes[1]}")
    if not all(np.isfinite(one).all() for one in arrays):
        raise EvidenceError("a label or a score is missing or not finite")
    if dimensions == 2:
        _check_classes(metric, labels, arrays[1:])
    elif "regression" in tasks:
        _check_spread(metric, labels)
    else:
        _check_labels(metric, labels, arrays[1:])
    return arrays


def _check_labels(metric: str, labels: Floats, scores: tuple[Floats, ...]) -> None:
    if not np.isin(labels, (0, 1)).all():
        raise EvidenceError("a label is neither 0 nor 1")
    if len(np.unique(labels)) < 2:
        raise EvidenceError("the rows have one class only")
    if metric not in SCORES_ONLY and any(one.min() < 0 or one.max() > 1 for one in scores):
        raise EvidenceError(f"a score is not a probability between 0 and 1, which {metric} needs")


def _check_classes(metric: str, labels: Floats, scores: tuple[Floats, ...]) -> None:
    classes = scores[0].shape[1]
    if not np.isin(labels, np.arange(classes)).all():
        raise EvidenceError(f"a label is not one of the {classes} classes, 0 to {classes - 1}")
    present = np.unique(labels)
    if len(present) < 2:
        raise EvidenceError("the rows have one class only")
    if metric == "roc_auc_ovr" and len(present) < classes:
        raise EvidenceError(f"the rows have {len(present)} of the {classes} classes")
    for one in scores:
        if one.min() < 0 or np.abs(one.sum(axis=1) - 1).max() > SUM_TOLERANCE:
            raise EvidenceError("a row's scores are not probabilities that sum to 1")


def _check_spread(metric: str, labels: Floats) -> None:
    if metric == "r2" and np.ptp(labels) == 0:
        raise EvidenceError("all values are the same, so r2 is undefined")


def check_part(metric: str, labels: Floats, score: Floats, who: str) -> None:
    """Raise EvidenceError where `metric` is undefined on a part of the rows; `who` names the part."""
    if not len(labels):
        raise EvidenceError(f"no row is {who}")
    if score.ndim == 2:
        missing = score.shape[1] - len(np.unique(labels))
        if metric == "roc_auc_ovr" and missing:
            raise EvidenceError(f"{missing} of the {score.shape[1]} classes have no row {who}")
    elif "regression" in CATALOGUE[metric].tasks:
        if metric == "r2" and np.ptp(labels) == 0:
            raise EvidenceError(f"all values {who} are the same, so r2 is undefined")
    elif metric in NEED_POSITIVES and not (labels == 1).any():
        raise EvidenceError(f"no row {who} is positive")
    elif metric in NEED_NEGATIVES and not (labels == 0).any():
        raise EvidenceError(f"no row {who} is negative")


def cluster_codes(clusters: ArrayLike, rows: int, name: str) -> tuple[Codes, int]:
    """Number the clusters 0..k-1 in their order: codes (n,) and k; a row of no cluster is refused."""
    codes, names = pd.factorize(np.asarray(clusters), sort=True)
    if len(codes) != rows:
        raise EvidenceError(f"{len(codes)} cluster names for {rows} rows")
    if (lost := int((codes < 0).sum())) > 0:
        raise EvidenceError(f"{lost:,} of {rows:,} rows have no {name}")
    require_clusters(len(names), name)
    return codes.astype(np.intp), len(names)


def require_clusters(count: int, name: str, part: str = "the rows are") -> None:
    """Raise EvidenceError where there are too few clusters to see how they differ."""
    if count < MIN_CLUSTERS:
        found = f"{count} {plural(name) if count != 1 else name}"
        raise EvidenceError(f"{part} of {found}; how much {plural(name)} differ takes {MIN_CLUSTERS} or more to see")


def plural(name: str) -> str:
    """Of a noun such as day or customer."""
    return f"{name}s"
