"""The page that a person reads before approving, or in the morning: verdict, gates, pictures; one file, no network."""

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

from include.contracts import GateDecision, GateResult, PairedDifference
from include.release.gates import WORDS, HoldoutScores
from include.release.resampling import Statistic
from include.training.metrics import greater_is_better

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import MetricName

ROC_POINTS = 250
BINS = 10
CHALLENGER, CHAMPION, WORSE = "#1f5fa8", "#c9571a", "#b3261e"
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1f;background:#fff;max-width:1080px;margin:1.5rem auto;
padding:0 1rem}
h1{font-size:1.35rem;margin:0 0 .3rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
.verdict{padding:.7rem 1rem;border-left:6px solid;border-radius:3px;margin:.8rem 0}
.promote{border-color:#1b7f3b;background:#e8f5ec}.refuse{border-color:#b3261e;background:#fbeaea}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.yes{color:#1b7f3b}.no{color:#b3261e;font-weight:600}svg{max-width:100%;height:auto}.small{color:#555;font-size:.87rem}
"""


def headline(decision: GateDecision) -> str:
    """The verdict in a sentence."""
    name = f"{decision.model} version {decision.version}"
    failed = sum(not gate.passed for gate in decision.gates)
    if decision.verdict == "refuse":
        return f"{name} is refused: {failed} of {len(decision.gates)} gates did not pass."
    before = "it is the first release" if decision.first_release else f"the champion is {decision.champion_version}"
    return f"{name} may be promoted: all {len(decision.gates)} gates passed; {before}."


def markdown(decision: GateDecision) -> str:
    """The decision as text for an approval form or a note: verdict, then a line for each gate."""
    lines = [f"**{headline(decision)}**", ""]
    lines += [
        f"- {'passed' if gate.passed else '**NOT PASSED**'} `{gate.name}`: {gate.sentence}"
        for gate in _ordered(decision)
    ]
    if decision.evidence:
        head = [
            "",
            "| metric | method | challenger | champion | difference | interval | p |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += head + ["| " + " | ".join(_cells(found)) + " |" for found in decision.evidence]
    return "\n".join(lines) + "\n"


def page(decision: GateDecision, metric: MetricName, holdout: HoldoutScores | None) -> str:
    """The decision as one self-contained HTML page; every value that comes from outside is escaped."""
    title = escape(headline(decision))
    rows = "".join(_gate_row(gate) for gate in _ordered(decision))
    pictures = _pictures(decision, metric, holdout)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f'<h1>Release gates</h1><div class="verdict {decision.verdict}"><strong>{title}</strong></div>'
        '<h2>Gates</h2><div class="table"><table><thead><tr><th>Gate</th><th>Result</th><th>Value</th><th>Bound</th>'
        f"<th>In words</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f"{_evidence_table(decision)}{pictures}</body></html>"
    )


def _ordered(decision: GateDecision) -> list[GateResult]:
    """What did not pass comes first."""
    return sorted(decision.gates, key=lambda gate: gate.passed)


def _gate_row(gate: GateResult) -> str:
    mark, word = ("yes", "passed") if gate.passed else ("no", "not passed")
    numbers = "".join(
        f'<td class="number">{"" if value is None else f"{value:.6g}"}</td>' for value in (gate.value, gate.bound)
    )
    return (
        f'<tr><td>{escape(gate.name)}</td><td class="{mark}">{word}</td>{numbers}<td>{escape(gate.sentence)}</td></tr>'
    )


def _cells(found: PairedDifference) -> list[str]:
    return [
        WORDS[found.metric],
        found.method,
        f"{found.challenger:.4f}",
        f"{found.champion:.4f}",
        f"{found.difference:+.4f}",
        f"{found.low:+.4f} to {found.high:+.4f} ({found.confidence:.0%})",
        f"{found.p_value:.3g}",
    ]


def _evidence_table(decision: GateDecision) -> str:
    if not decision.evidence:
        return ""
    lines = [[*_cells(found), "shown" if index else "judged"] for index, found in enumerate(decision.evidence)]
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    heads = ("Metric", "Method", "Challenger", "Champion", "Difference", "Interval", "p", "Use")
    note = (
        "Differences are challenger minus champion, signed so that above 0 is better. Rows of a day depend on each "
        "other; a method that takes them as independent is shown for comparison and is surer than it should be."
    )
    head = "".join(f"<th>{name}</th>" for name in heads)
    return (
        f'<h2>Evidence</h2><div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="small">{note}</p>'
    )


def _pictures(decision: GateDecision, metric: MetricName, holdout: HoldoutScores | None) -> str:
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
    _labelled(roc, "ROC curve", "False positive rate", "True positive rate")
    _labelled(
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
    _by_day(days, metric, holdout, paired=len(drawn) == len(offered))
    return f"<h2>On the same {escape(holdout.extent)}</h2>{_svg(figure)}"


def _by_day(axes: Axes, metric: MetricName, holdout: HoldoutScores, paired: bool) -> None:
    """Bars of challenger minus champion, one for each day that has both classes."""
    _labelled(axes, f"{WORDS[metric]} by day: above 0 is better", "", "Challenger minus champion")
    if not paired or holdout.challenger is None or holdout.champion is None:
        axes.text(0.5, 0.5, "no champion's scores to compare with", ha="center", transform=axes.transAxes)
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
    axes.axhline(0, color="black", linewidth=0.8)
    axes.tick_params(axis="x", rotation=90)


def _value(metric: MetricName, y: NDArray[np.float64], scores: NDArray[np.float64], rows: NDArray[np.bool_]) -> float:
    return Statistic.of(metric, y[rows], scores[rows]).value()


def _labelled(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.25)


def _svg(figure: Figure) -> str:
    """The figure as an `svg` element, the same bytes for the same figure."""
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "nightshift", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    element = text.getvalue()[text.getvalue().index("<svg") :]
    return re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
