"""The pictures of a replay's page: the metric week by week, gains, and drift night by column, as inline SVG."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import matplotlib.dates as mdates
import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from include.drawing import Figure
from include.gates.inputs import WORDS
from include.replay.records import Outcome, Point

COLOURS = {"policy": "#1f5fa8", "never": "#8a8a8a", "always": "#c9571a"}
NAMES = {"policy": "this policy", "never": "never retrain", "always": "always promote"}
ALARM, HARM = "#b3261e", "#7b1fa2"
RAREST = 4.0
"""Powers of ten at which the heat map's colour is full: a p-value of 0.0001."""


def metric_over_time(outcome: Outcome) -> str:
    """Weekly metric of the three strategies with the promotions, and what each week won over never retraining."""
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    weeks = outcome.weekly
    middle = [_middle(week) for week in weeks]
    for name in ("never", "always", "policy"):
        values = [_number(getattr(week, name)) for week in weeks]
        above.plot(middle, values, color=COLOURS[name], label=NAMES[name], linewidth=2.2 if name == "policy" else 1.4)
    if len(weeks) < 3:
        for name in ("never", "always", "policy"):
            daily = [_number(getattr(day, name)) for day in outcome.daily]
            above.plot([_middle(day) for day in outcome.daily], daily, color=COLOURS[name], alpha=0.5, linewidth=1)
    for one in outcome.promotions:
        above.axvline(mdates.date2num(one.night), color=COLOURS["policy"], linewidth=0.8, linestyle=":")
    word = WORDS.get(outcome.metric, outcome.metric)
    _labelled(above, f"{word} by week; dotted: a promotion", word)
    above.legend(loc="best", fontsize=9)
    sign = 1.0 if outcome.greater_is_better else -1.0
    for shift, name in ((-1.3, "always"), (1.3, "policy")):
        gains = [sign * (_number(getattr(week, name)) - _number(week.never)) for week in weeks]
        below.bar([place + shift for place in middle], gains, width=2.5, color=COLOURS[name], label=NAMES[name])
    below.axhline(0, color="black", linewidth=0.8)
    _labelled(below, "Gain over never retraining", "better by")
    below.xaxis.set_major_locator(mdates.AutoDateLocator())
    below.xaxis.set_major_formatter(mdates.ConciseDateFormatter(below.xaxis.get_major_locator()))
    return svg(figure)


def drift_map(outcome: Outcome) -> str:
    """How rare each column's distance was among ordinary days, night by night; alarms and harm in rows above."""
    looked = [one for one in outcome.nights if one.look is not None]
    moving = outcome.expected_to_move
    named = dict.fromkeys(name for one in looked if one.look for name in one.look.p_values)
    columns = sorted(named, key=lambda name: (name in moving, name))
    if not columns:
        return ""
    first, span = looked[0].night, (looked[-1].night - looked[0].night).days + 1
    rarity = np.full((len(columns), span), np.nan)
    marks: dict[str, list[tuple[int, int]]] = {"alarm": [], "harm": []}
    for one in looked:
        if one.look is None:
            continue
        place = (one.night - first).days
        for name, p in one.look.p_values.items():
            rarity[columns.index(name), place] = min(RAREST, -np.log10(max(p, 10**-RAREST)))
        marks["alarm"] += [(place, columns.index(name)) for name in one.look.alarms if name in columns]
        marks["harm"] += [(place, -1)] if one.look.harm else []
    figure = Figure(figsize=(11, 1.6 + 0.24 * len(columns)), layout="constrained")
    axes = figure.subplots()
    begin = float(mdates.date2num(first)) - 0.5
    extent = (begin, begin + span, len(columns) - 0.5, -0.5)
    image = axes.imshow(
        rarity, aspect="auto", cmap="Blues", vmin=0, vmax=RAREST, extent=extent, interpolation="nearest"
    )
    for kind, colour, sign in (("alarm", ALARM, "o"), ("harm", HARM, "v")):
        if marks[kind]:
            across, up = zip(*marks[kind], strict=True)
            axes.scatter([begin + 0.5 + one for one in across], up, s=9, color=colour, marker=sign, label=kind)
    axes.set_ylim(len(columns) - 0.5, -1.7)
    names = [f"{name} (moves)" if name in moving else name for name in columns]
    axes.set_yticks(range(len(columns)), names, fontsize=8)
    axes.xaxis_date()
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
    figure.colorbar(image, ax=axes, label="rarity: p of 10 to the minus", pad=0.01)
    if any(marks.values()):
        axes.legend(loc="upper right", fontsize=8, ncols=2)
    axes.set_title(
        "How unusual each column's distance was among ordinary days of the champion's reference", fontsize=10
    )
    return svg(figure)


def svg(figure: Figure) -> str:
    """The figure as an `svg` element, the same bytes for the same figure."""
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "nightshift", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    element = text.getvalue()[text.getvalue().index("<svg") :]
    return re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)


def _middle(point: Point) -> float:
    return float(mdates.date2num(point.first + timedelta(days=(point.last - point.first).days / 2)))


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _labelled(axes: Axes, title: str, y_label: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.25)
