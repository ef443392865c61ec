"""The page of a night's decision: what it led to and why, the alarms, and the nights before. One file, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.contracts import Alarm, PolicyDecision

HEADLINES = {
    "nothing": "Nothing to do",
    "alert": "People are told",
    "retrain": "Retraining is asked for, and people are told",
}
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1f;background:#fff;max-width:1080px;margin:1.5rem auto;
padding:0 1rem}
h1{font-size:1.35rem;margin:0 0 .3rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
.action{padding:.7rem 1rem;border-left:6px solid;border-radius:3px;margin:.8rem 0}
.nothing{border-color:#1b7f3b;background:#e8f5ec}.alert{border-color:#8a5a00;background:#fff4df}
.retrain{border-color:#b3261e;background:#fbeaea}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
.critical{color:#b3261e;font-weight:600}.warning{color:#8a5a00;font-weight:600}td.night{white-space:nowrap}
"""


def page(decision: PolicyDecision, lately: Sequence[PolicyDecision]) -> str:
    """The HTML page; `lately` are the decisions up to this one, oldest first."""
    title = f"{decision.model}: the night of {decision.night}"
    champion = f"Champion version {decision.champion_version}." if decision.champion_version else "No champion yet."
    parts = [
        f'<h1>{escape(title)}</h1><div class="action {decision.action}">{HEADLINES[decision.action]}.</div>',
        f"<p>{champion}</p><h2>Why</h2><ul>",
        *(f"<li>{escape(reason)}</li>" for reason in decision.reasons),
        "</ul>",
        _alarms(decision.alarms),
        _nights(lately),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _alarms(alarms: Sequence[Alarm]) -> str:
    if not alarms:
        return ""
    rows = "".join(
        f'<tr><td class="{alarm.severity}">{alarm.severity}</td><td>{escape(alarm.key)}</td>'
        f"<td>{escape(alarm.sentence)}</td><td>{escape(alarm.next)}</td></tr>"
        for alarm in alarms
    )
    heads = "<tr><th>How bad</th><th>Alarm</th><th>What</th><th>Where to look</th></tr>"
    return f'<h2>Alarms</h2><div class="table"><table>{heads}{rows}</table></div>'


def _nights(lately: Sequence[PolicyDecision]) -> str:
    rows = "".join(
        f'<tr><td class="night">{one.night}</td><td>{one.champion_version or ""}</td><td>{one.action}</td>'
        f"<td>{escape(', '.join(one.drifted))}</td><td>{escape(one.reasons[0] if one.reasons else '')}</td></tr>"
        for one in reversed(lately)
    )
    heads = (
        "<tr><th>Night</th><th>Champion</th><th>Led to</th><th>Columns in drift alarms</th><th>First reason</th></tr>"
    )
    return f'<h2>The last nights</h2><div class="table"><table>{heads}{rows}</table></div>'
