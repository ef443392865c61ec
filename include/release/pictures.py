"""The pictures of a gate report: ROC and calibration of both models, and their difference day by day, as inline SVG."""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_curve

from include.release.facts import WORDS, HoldoutScores
from include.release.resampling import Statistic
from include.training.metrics import greater_is_better

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import MetricName
    from include.contracts import GateDecision, PairedDifference

ROC_POINTS = 250
BINS = 10
CHALLENGER, CHAMPION, WORSE = "#1f5fa8", "#c9571a", "#b3261e"


def pictures(decision: GateDecision, metric: MetricName, holdout: HoldoutScores | None) -> str:
    """ROC, calibration and the difference by day as one inline SVG; nothing where there are no scores to draw."""
    if holdout is None or len(np.unique(holdout.y)) < 2:
        return ""
    offered = (
        (f"version {decision.version}", holdout.challenger, CHALLENGER),
        (f"champion {decision.champion_version}", holdout.champion, CHAMPION),
    )
    drawn = [
        (name, scores, colour) for name, scores, colour in offered if scores is not None and np.isfinite(scores).all()
    ]
    if not drawn:
        return ""
    figure = Figure(figsize=(13.2, 4.2), layout="constrained")
    roc, calibration, days = figure.subplots(1, 3)
    labelled(roc, "ROC curve", "False positive rate", "True positive rate")
    labelled(
        calibration, "Calibration, bins of equally many rows", "Mean predicted probability", "Share that came true"
    )
    for name, scores, colour in drawn:
        false_positive, true_positive, _ = roc_curve(holdout.y, scores)
        keep = np.unique(np.linspace(0, len(false_positive) - 1, ROC_POINTS).astype(int))
        roc.plot(false_positive[keep], true_positive[keep], color=colour, label=name)
        observed, predicted = calibration_curve(holdout.y, np.clip(scores, 0, 1), n_bins=BINS, strategy="quantile")
        calibration.plot(predicted, observed, marker="o", markersize=4, color=colour, label=name)
    for axes in (roc, calibration):
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
        axes.legend()
    judged = decision.evidence[0] if decision.evidence else None
    _by_day(days, metric, holdout, judged if len(drawn) == len(offered) else None)
    return f"<h2>On the same {escape(holdout.extent)}</h2>{svg(figure)}"


def _by_day(axes: Axes, metric: MetricName, holdout: HoldoutScores, judged: PairedDifference | None) -> None:
    """Bars of challenger minus champion, one for each day that has both classes, over the judged interval."""
    labelled(axes, f"{WORDS[metric]} by day: above 0 is better", "", "Challenger minus champion")
    if judged is None or holdout.challenger is None or holdout.champion is None:
        axes.text(0.5, 0.5, "not compared on these rows", ha="center", transform=axes.transAxes)
        return
    sign = 1.0 if greater_is_better(metric) else -1.0
    names, heights = [], []
    for day in np.unique(holdout.days):
        rows = holdout.days == day
        if len(np.unique(holdout.y[rows])) == 2:
            ours, theirs = (
                _value(metric, holdout.y, scores, rows) for scores in (holdout.challenger, holdout.champion)
            )
            names.append(str(day)[5:10])
            heights.append(sign * (ours - theirs))
    axes.bar(names, heights, color=[CHALLENGER if height >= 0 else WORSE for height in heights])
    axes.axhspan(judged.low, judged.high, color="grey", alpha=0.25, label=f"all days, {judged.confidence:.0%} interval")
    axes.axhline(judged.difference, color="grey", linewidth=1.2)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.legend()
    axes.tick_params(axis="x", rotation=90)


def _value(metric: MetricName, y: NDArray[np.float64], scores: NDArray[np.float64], rows: NDArray[np.bool_]) -> float:
    return Statistic.of(metric, y[rows], scores[rows]).value()


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
