"""Pictures of a multiclass model's evaluation: each class against the others, and which is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from sklearn import metrics as sk

from include.drawing import Figure
from include.training.plots import STYLES, drawable, matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_CURVES = 10
"""Classes whose curves are drawn, the most frequent ones: more cannot be told apart."""
MOST_NAMED = 15
"""Classes up to which a confusion matrix can be read."""


def class_figures(y_true: np.ndarray, scores: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[str, Figure]:
    """Draw `roc.png` and `confusion.png`.

    Parameters
    ----------
    y_true : (n,) codes 0..k-1
    scores : probabilities (n, k) by the name shown; one model, or two to compare
    classes : k names, in the order of their codes
    """
    y_true = np.asarray(y_true, dtype=int)
    models = drawable(scores)
    return {"roc.png": _roc(y_true, models, classes), "confusion.png": _confusion(y_true, models, classes)}


def _roc(y_true: np.ndarray, models: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """One curve for each class against all others, and for each model a line of its own kind."""
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=f"ROC, one class against the others, {len(y_true):,} rows")
    axes.set(xlabel="False positive rate", ylabel="True positive rate")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    counts = np.bincount(y_true, minlength=len(classes))
    drawn = [code for code in np.argsort(-counts, kind="stable") if 0 < counts[code] < len(y_true)][:MOST_CURVES]
    for (name, score), (_, line, _) in zip(models.items(), STYLES, strict=False):
        for place, code in enumerate(drawn):
            false_positive, true_positive, _ = sk.roc_curve(y_true == code, score[:, code])
            area = sk.roc_auc_score(y_true == code, score[:, code])
            label = f"{f'{name}: ' if len(models) > 1 else ''}{classes[code]} ({area:.3f})"
            colour = colormaps["tab10"](place)
            axes.plot(false_positive, true_positive, color=colour, linestyle=line, label=label)
    axes.grid(alpha=0.25)
    title = next(iter(models)) if len(models) == 1 else "Area under the curve"
    axes.legend(loc="lower right", title=title, fontsize=8)
    return figure


def _confusion(y_true: np.ndarray, models: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """One matrix for each model; of many classes the most frequent, the others being one."""
    counts = np.bincount(y_true, minlength=len(classes))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_NAMED])
    places = np.full(len(classes), len(kept))
    places[kept] = np.arange(len(kept))
    named = [classes[code] for code in kept] + (["others"] if len(kept) < len(classes) else [])
    side = max(4.4, 0.75 * len(named))
    figure = Figure(figsize=(side * len(models), side), layout="constrained")
    figure.suptitle(f"Most probable class, {len(y_true):,} rows")
    panels = figure.subplots(1, len(models), squeeze=False)[0]
    for axes, (name, score) in zip(panels, models.items(), strict=True):
        found = sk.confusion_matrix(places[y_true], places[score.argmax(axis=1)], labels=range(len(named)))
        matrix(axes, found, name, named, size=12 if len(named) <= 4 else 7)
    return figure
