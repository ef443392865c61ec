"""The pictures of a gate report: how good both models are, and their difference day by day, as inline SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_curve

from include.data.labels import class_names
from include.drawing import Figure
from include.evidence.input_checks import EvidenceError, checked
from include.evidence.metrics import greater_is_better
from include.evidence.resampling import Statistic
from include.gates.inputs import WORDS, HoldoutScores, quantile_of
from include.training.value_plots import coverage_bins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import ModelConfig
    from include.contracts import GateDecision, PairedDifference

    Floats = NDArray[np.float64]

ROC_POINTS = 250
BINS = 10
RESIDUAL_BINS = 40
MOST_CLASSES = 12
"""Classes that bars are drawn for, the most frequent ones."""
CHALLENGER, CHAMPION, WORSE = "#1f5fa8", "#c9571a", "#b3261e"


class Drawn(NamedTuple):
    """One model's scores of the rows, and how it is shown."""

    name: str
    scores: Floats
    colour: str


def pictures(decision: GateDecision, config: ModelConfig, holdout: HoldoutScores | None) -> str:
    """Two pictures of the task and the difference by day, as one inline SVG; nothing where there is nothing to draw."""
    if holdout is None or len(np.unique(holdout.y)) < 2:
        return ""
    offered = (
        (f"version {decision.version}", holdout.challenger, CHALLENGER),
        (f"champion {decision.champion_version}", holdout.champion, CHAMPION),
    )
    drawn = [
        Drawn(name, scores, colour)
        for name, scores, colour in offered
        if scores is not None and np.isfinite(scores).all()
    ]
    if not drawn:
        return ""
    figure = Figure(figsize=(13.2, 4.2), layout="constrained")
    first, second, days = figure.subplots(1, 3)
    if config.task == "regression":
        _values(first, second, holdout.y, drawn, config.training.quantile)
    elif config.task == "multiclass":
        _classes(first, second, holdout.y, drawn, class_names(config))
    else:
        _binary(first, second, holdout.y, drawn)
    judged = decision.evidence[0] if decision.evidence else None
    _by_day(days, config, holdout, judged if len(drawn) == len(offered) else None)
    return f"<h2>On the same {escape(holdout.extent)}</h2>{svg(figure)}"


def _binary(roc: Axes, calibration: Axes, y: Floats, drawn: Sequence[Drawn]) -> None:
    labelled(roc, "ROC curve", "False positive rate", "True positive rate")
    labelled(
        calibration, "Calibration, bins of equally many rows", "Mean predicted probability", "Share that came true"
    )
    for name, scores, colour in drawn:
        false_positive, true_positive, _ = roc_curve(y, scores)
        keep = np.unique(np.linspace(0, len(false_positive) - 1, ROC_POINTS).astype(int))
        roc.plot(false_positive[keep], true_positive[keep], color=colour, label=name)
        _calibration(calibration, y, scores, name, colour)
    for axes in (roc, calibration):
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
        axes.legend()


def _classes(recalls: Axes, calibration: Axes, y: Floats, drawn: Sequence[Drawn], classes: Sequence[str]) -> None:
    """How many of each class's rows are found, and whether the most probable class is right as often as it says."""
    labelled(recalls, "Rows of each class that are found", "", "Share")
    labelled(calibration, "Calibration of the most probable class", "Mean probability of it", "Share that were of it")
    counts = np.bincount(y.astype(int), minlength=len(classes))
    shown = [code for code in np.argsort(-counts, kind="stable")[:MOST_CLASSES] if counts[code]]
    for place, (name, scores, colour) in enumerate(drawn):
        right = scores.argmax(axis=1) == y
        places = np.arange(len(shown)) + 0.4 * place
        recalls.bar(places, [right[y == code].mean() for code in shown], 0.4, align="edge", color=colour, label=name)
        _calibration(calibration, right.astype(float), scores.max(axis=1), name, colour)
    recalls.set_xticks(np.arange(len(shown)) + 0.2 * len(drawn), [classes[code] for code in shown], rotation=30)
    recalls.set_ylim(0, 1)
    calibration.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    for axes in (recalls, calibration):
        axes.legend()


def _values(means: Axes, residuals: Axes, y: Floats, drawn: Sequence[Drawn], quantile: float | None) -> None:
    """Actual against predicted in bins of equally many rows, and the residuals; of a quantile how often it held."""
    wanted = "Share at or below the prediction" if quantile is not None else "Mean actual"
    labelled(means, "Bins of equally many rows", "Mean prediction", wanted)
    labelled(residuals, "Residuals", "Actual minus predicted", "Rows")
    span = np.quantile(np.concatenate([y - one.scores for one in drawn]), [0.005, 0.995])
    for name, scores, colour in drawn:
        if quantile is not None:
            predicted, found, _ = coverage_bins(y, scores)
        else:
            predicted, found = _binned(y, scores)
        means.plot(predicted, found, marker="o", markersize=4, color=colour, label=name)
        residuals.hist(np.clip(y - scores, *span), bins=RESIDUAL_BINS, histtype="step", color=colour, label=name)
    if quantile is not None:
        means.axhline(quantile, color="grey", linewidth=0.8, linestyle="--")
    else:
        ends = [min(one.scores.min() for one in drawn), max(one.scores.max() for one in drawn)]
        means.plot(ends, ends, color="grey", linewidth=0.8, linestyle="--")
    residuals.axvline(0, color="grey", linewidth=0.8, linestyle="--")
    for axes in (means, residuals):
        axes.legend()


def _binned(y: Floats, predicted: Floats) -> tuple[Floats, Floats]:
    """Mean prediction and mean value, (k,) each, in bins of equally many rows by rising prediction."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(BINS, len(y)))
    return np.array([predicted[rows].mean() for rows in parts]), np.array([y[rows].mean() for rows in parts])


def _calibration(axes: Axes, y: Floats, scores: Floats, name: str, colour: str) -> None:
    observed, predicted = calibration_curve(y, np.clip(scores, 0, 1), n_bins=BINS, strategy="quantile")
    axes.plot(predicted, observed, marker="o", markersize=4, color=colour, label=name)


def _by_day(axes: Axes, config: ModelConfig, holdout: HoldoutScores, judged: PairedDifference | None) -> None:
    """Bars of challenger minus champion, one for each day that defines the metric, over the judged interval."""
    metric = config.release.against_champion.metric
    labelled(axes, f"{WORDS[metric]} by day: above 0 is better", "", "Challenger minus champion")
    if judged is None or holdout.challenger is None or holdout.champion is None:
        axes.text(0.5, 0.5, "not compared on these rows", ha="center", transform=axes.transAxes)
        return
    sign = 1.0 if greater_is_better(metric) else -1.0
    names, heights = [], []
    for day in np.unique(holdout.days):
        rows = holdout.days == day
        try:
            y, ours, theirs = checked(metric, holdout.y[rows], holdout.challenger[rows], holdout.champion[rows])
        except EvidenceError:
            continue
        values = [Statistic.of(metric, y, one, **quantile_of(config)).value() for one in (ours, theirs)]
        names.append(str(day)[5:10])
        heights.append(sign * (values[0] - values[1]))
    axes.bar(names, heights, color=[CHALLENGER if height >= 0 else WORSE for height in heights])
    axes.axhspan(judged.low, judged.high, color="grey", alpha=0.25, label=f"all days, {judged.confidence:.0%} interval")
    axes.axhline(judged.difference, color="grey", linewidth=1.2)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.legend()
    axes.tick_params(axis="x", rotation=90)


def labelled(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.25)


def svg(figure: Figure) -> str:
    """The figure as an `svg` element, the same bytes for the same figure."""
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "nightshift", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    element = text.getvalue()[text.getvalue().index("<svg") :]
    return re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
