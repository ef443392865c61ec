"""The page of a trial: the sentence, the confidence sequence over the nights, and the nights; one file, no network."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from include.drawing import Figure
from include.gates.inputs import WORDS
from include.release import report
from include.release.pictures import CHALLENGER, CHAMPION, WORSE, labelled, svg

if TYPE_CHECKING:
    from include.contracts import GateDecision
    from include.evidence.confidence_sequence import Plan, Sequence
    from include.evidence.paired_nights import PairedNight

HEADS = ("Night", "Rows", "Champion", "Challenger", "Difference", "Mean so far", "At least", "At most", "Capital")
ASSUMED = (
    "The limits hold on all nights at once, so looking every night and stopping early costs nothing. They assume that "
    "a model which is no better is, whatever the nights before were like, not expected to be better on the next one; "
    "nights need be neither independent nor alike. A pattern over the week that evens out is no lead either. What they "
    "cannot tell from a lead is one that lasts for weeks and then turns: a season."
)


def markdown(decision: GateDecision, nights: Listed[PairedNight], found: Sequence) -> str:
    """The decision as text, then the table of nights."""
    lines = ["", "| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    lines += ["| " + " | ".join(cells) + " |" for cells in _table(nights, found)]
    return report.markdown(decision) + ("\n".join(lines) + "\n" if nights else "")


def page(decision: GateDecision, metric: str, nights: Listed[PairedNight], found: Sequence, plan: Plan) -> str:
    """One self-contained HTML page; every value that comes from outside is escaped."""
    title = escape(report.headline(decision))
    sentence = next((gate.sentence for gate in decision.gates if gate.name == report.SHADOW), "")
    others = [gate for gate in decision.gates if gate.name != report.SHADOW]
    gates = "".join(report.gate_row(gate) for gate in sorted(others, key=lambda gate: gate.passed))
    asked = "".join(f"<li>{escape(reason)}</li>" for reason in decision.ask_person)
    head = "".join(f"<th>{name}</th>" for name in HEADS)
    rows = "".join(
        "<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells) + "</tr>"
        for cells in _table(nights, found)
    )
    counted = f"One night counts with at most {plan.bound:g}, however large its difference."
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{report.STYLE}</style></head><body>"
        f'<h1>Trial in the shadow</h1><div class="verdict {decision.verdict}"><strong>{title}</strong>'
        f"<div>{escape(sentence)}</div><div>{escape(report.ruling(decision))}</div>"
        f"{f'<ul>{asked}</ul>' if asked else ''}</div>{picture(metric, nights, found, plan)}"
        f'<p class="small">{escape(ASSUMED)} {escape(counted)}</p>'
        f'<h2>Nights</h2><div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        '<h2>Gates</h2><div class="table"><table><thead><tr><th>Gate</th><th>Result</th><th>Value</th><th>Judged</th>'
        f"<th>Bound</th><th>Margin</th><th>In words</th></tr></thead><tbody>{gates}</tbody></table></div></body></html>"
    )


def picture(metric: str, nights: Listed[PairedNight], found: Sequence, plan: Plan) -> str:
    """Limits and mean over the nights, and each night's difference, as inline SVG; nothing without nights."""
    if not nights:
        return ""
    figure = Figure(figsize=(13.2, 4.4), layout="constrained")
    axes = figure.subplots()
    labelled(
        axes, f"{WORDS.get(metric, metric)}, challenger minus champion: above 0 is better", "Night of the trial", ""
    )
    at = np.arange(1, len(nights) + 1)
    bounded = np.clip([night.difference for night in nights], -plan.bound, plan.bound)
    axes.scatter(
        at, bounded, s=14, color=[CHALLENGER if value >= 0 else WORSE for value in bounded], label="each night"
    )
    axes.fill_between(at, found.low, found.high, color=CHALLENGER, alpha=0.15, label="confidence sequence")
    axes.plot(at, found.low, color=CHALLENGER, linewidth=1.2)
    axes.plot(at, found.high, color=CHALLENGER, linewidth=1.2)
    axes.plot(at, found.means, color="black", linewidth=1.2, label="mean so far")
    axes.axhline(plan.least, color="black", linewidth=0.8, label=f"promoted once surely above {plan.least:g}")
    if plan.least == 0:
        label = f"given up once surely below {plan.worth:g}"
        axes.axhline(plan.worth, color=CHAMPION, linewidth=0.8, linestyle="--", label=label)
    axes.axvline(plan.min_nights, color="grey", linewidth=0.8, linestyle=":", label="earliest end")
    axes.set_ylim(-1.1 * plan.bound, 1.1 * plan.bound)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return svg(figure)


def _table(nights: Listed[PairedNight], found: Sequence) -> list[list[str]]:
    """A line for each night, the newest first."""
    lines = []
    for index, night in enumerate(nights):
        name = night.first.isoformat() if night.first == night.last else f"{night.first} to {night.last}"
        values = (night.champion, night.challenger)
        signed = (night.difference, found.means[index], found.low[index], found.high[index])
        lines.append(
            [
                name,
                f"{night.rows:,}",
                *(f"{value:.4f}" for value in values),
                *(f"{value:+.4f}" for value in signed),
                f"{found.capital[index]:.3g}",
            ]
        )
    return lines[::-1]
