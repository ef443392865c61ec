"""Pictures of a regression's evaluation: predicted against actual, residuals, and how often a quantile holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.drawing import Figure
from include.training.plots import BINS, STYLES, drawable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

MOST_POINTS = 3000
"""Rows that are drawn as points, spread evenly over all of them."""
HISTOGRAM_BINS = 40


def value_figures(
    y_true: np.ndarray, scores: Mapping[str, np.ndarray], quantile: float | None = None
) -> dict[str, Figure]:
    """Draw `predicted.png`, `residuals.png` and, for a quantile, `coverage.png`.

    Parameters
    ----------
    y_true : (n,) values
    scores : predictions (n,) by the name shown; one model, or two to compare
    quantile : the one that is predicted, in (0, 1)
    """
    y_true = np.asarray(y_true, dtype=float)
    models = drawable(scores)
    figures = {"predicted.png": _predicted(y_true, models), "residuals.png": _residuals(y_true, models)}
    if quantile is not None:
        figures["coverage.png"] = _coverage(y_true, models, quantile)
    return figures


def coverage_bins(y_true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean prediction, share of values at or below their prediction, and rows, each (k,), in bins of equal counts.

    Equal predictions are never parted, so a constant one is one bin.
    """
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, BINS + 1)))
    codes = np.searchsorted(edges[1:-1], predicted, side="left")
    counts = np.bincount(codes)
    there = counts > 0
    held = np.bincount(codes, weights=(y_true <= predicted).astype(float))[there] / counts[there]
    return np.bincount(codes, weights=predicted)[there] / counts[there], held, counts[there]


def _predicted(y_true: np.ndarray, models: Mapping[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(5.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    _labelled(axes, f"Predicted against actual, {len(y_true):,} rows", "Predicted", "Actual")
    shown = _spread(len(y_true))
    ends = [min(y_true.min(), *(one.min() for one in models.values()))]
    ends.append(max(y_true.max(), *(one.max() for one in models.values())))
    axes.plot(ends, ends, color="grey", linewidth=0.8, linestyle=":", label="perfect")
    for (name, predicted), (colour, _, marker) in zip(models.items(), STYLES, strict=False):
        error = np.abs(y_true - predicted).mean()
        label = f"{name} (mean absolute error {error:.4g})"
        axes.scatter(predicted[shown], y_true[shown], s=6, alpha=0.35, color=colour, marker=marker, label=label)
    axes.legend(loc="upper left")
    return figure


def _residuals(y_true: np.ndarray, models: Mapping[str, np.ndarray]) -> Figure:
    """Left by what was predicted, which a good model leaves no pattern in; right how they are spread."""
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    by_value, spread = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    _labelled(by_value, f"Residuals, {len(y_true):,} rows", "Predicted", "Actual minus predicted")
    _labelled(spread, "How many", "Rows", "")
    shown = _spread(len(y_true))
    for (name, predicted), (colour, line, marker) in zip(models.items(), STYLES, strict=False):
        left = y_true - predicted
        by_value.scatter(predicted[shown], left[shown], s=6, alpha=0.35, color=colour, marker=marker, label=name)
        spread.hist(left, bins=HISTOGRAM_BINS, orientation="horizontal", histtype="step", color=colour, linestyle=line)
    for axes in (by_value, spread):
        axes.axhline(0, color="grey", linewidth=0.8, linestyle=":")
    by_value.legend(loc="upper left")
    return figure


def _coverage(y_true: np.ndarray, models: Mapping[str, np.ndarray], quantile: float) -> Figure:
    figure = Figure(figsize=(5.8, 4.6), layout="constrained")
    axes = figure.add_subplot()
    _labelled(
        axes, f"How often quantile {quantile:g} held, {len(y_true):,} rows", "Mean prediction", "Share at or below"
    )
    axes.axhline(quantile, color="grey", linewidth=0.8, linestyle=":", label=f"wanted: {quantile:g}")
    for (name, predicted), (colour, line, marker) in zip(models.items(), STYLES, strict=False):
        means, held, _ = coverage_bins(y_true, predicted)
        label = f"{name} ({(y_true <= predicted).mean():.1%} of all rows)"
        axes.plot(means, held, color=colour, linestyle=line, marker=marker, markersize=4, label=label)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(loc="best")
    return figure


def _spread(rows: int) -> np.ndarray:
    return np.unique(np.linspace(0, rows - 1, min(rows, MOST_POINTS)).astype(int))


def _labelled(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.25)
