"""Pictures of a binary model's evaluation: ROC curve, calibration, confusion. Matplotlib's objects, no pyplot state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn import metrics as sk

from include.drawing import Figure
from include.evidence.metrics import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

BINS = 10
STYLES = (("#1f5fa8", "-", "o"), ("#c9571a", "--", "s"))
"""Colour, line and marker: the two models differ in print, too."""


def evaluation_figures(
    y_true: np.ndarray, scores: Mapping[str, np.ndarray], classes: Sequence[str] = ("0", "1")
) -> dict[str, Figure]:
    """Draw `roc.png`, `calibration.png` and `confusion.png`.

    Parameters
    ----------
    y_true : (n,) labels 0 and 1, both present
    scores : probabilities (n,) by the name shown in the legend; one model, or two to compare
    classes : what 0 and 1 are called
    """
    y_true = np.asarray(y_true, dtype=int)
    models = drawable(scores)
    return {
        "roc.png": _roc(y_true, models),
        "calibration.png": _calibration(y_true, models),
        "confusion.png": _confusion(y_true, models, classes),
    }


def drawable(scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The models' scores as floats; ValueError where there are none, or more than a picture holds."""
    if not 1 <= len(scores) <= len(STYLES):
        raise ValueError(f"scores: {len(scores)} models given; one can be drawn, or two to compare")
    return {name: np.asarray(score, dtype=float) for name, score in scores.items()}


def calibration_bins(y_true: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean score, share of 1 and number of rows, each (k,), in at most ten bins between the scores' quantiles.

    Equal scores are never parted, so a constant score is one bin.
    """
    edges = np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)))
    codes = np.searchsorted(edges[1:-1], score, side="left")
    counts = np.bincount(codes)
    there = counts > 0
    counts = counts[there]
    return (
        np.bincount(codes, weights=score)[there] / counts,
        np.bincount(codes, weights=y_true)[there] / counts,
        counts,
    )


def _roc(y_true: np.ndarray, models: Mapping[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(5.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=f"ROC curve, {len(y_true):,} rows", xlabel="False positive rate", ylabel="True positive rate")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    for (name, score), (colour, line, _) in zip(models.items(), STYLES, strict=False):
        false_positive, true_positive, _ = sk.roc_curve(y_true, score)
        label = f"{name} ({sk.roc_auc_score(y_true, score):.3f})"
        axes.plot(false_positive, true_positive, color=colour, linestyle=line, label=label)
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", title="Area under the curve")
    return figure


def _calibration(y_true: np.ndarray, models: Mapping[str, np.ndarray]) -> Figure:
    """Above, what was predicted against what came; below, how many rows each point stands for."""
    figure = Figure(figsize=(5.4, 5.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.set(title=f"Calibration, {len(y_true):,} rows", ylabel="Share that came true")
    lower.set(xlabel="Mean predicted probability", ylabel="Rows")
    upper.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":", label="perfect")
    top = 0.0
    for (name, score), (colour, line, marker) in zip(models.items(), STYLES, strict=False):
        predicted, observed, counts = calibration_bins(y_true, score)
        label = f"{name} (Brier {sk.brier_score_loss(y_true, score):.3f})"
        upper.plot(predicted, observed, color=colour, linestyle=line, marker=marker, markersize=4, label=label)
        lower.plot(predicted, counts, color=colour, linestyle="", marker=marker, markersize=4)
        top = max(top, predicted.max(), observed.max())
    limit = min(1.0, 1.05 * top) or 1.0
    upper.set(xlim=(0, limit), ylim=(0, limit))
    lower.set_ylim(0, 1.2 * lower.dataLim.ymax)
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
    upper.legend(loc="upper left")
    return figure


def _confusion(y_true: np.ndarray, models: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """One matrix for each model, with counts and their shares of the actual class."""
    figure = Figure(figsize=(4.4 * len(models), 4.4), layout="constrained")
    figure.suptitle(f"Confusion at {THRESHOLD:g}, {len(y_true):,} rows")
    panels = figure.subplots(1, len(models), squeeze=False)[0]
    for axes, (name, score) in zip(panels, models.items(), strict=True):
        matrix(axes, sk.confusion_matrix(y_true, score >= THRESHOLD, labels=[0, 1]), name, classes)
    return figure


def matrix(axes: Axes, counts: np.ndarray, name: str, classes: Sequence[str], size: int = 12) -> None:
    """Draw counts (k, k) of actual by predicted class, with their shares of the actual one."""
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(classes))
    axes.set(title=name, xlabel="Predicted", ylabel="Actual")
    axes.set_xticks(places, classes, rotation=0 if max(map(len, classes)) < 8 else 45)
    axes.set_yticks(places, classes)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        colour = "white" if share > 0.6 else "black"
        axes.text(column, row, f"{count:,}\n{share:.1%}", ha="center", va="center", color=colour, fontsize=size)
