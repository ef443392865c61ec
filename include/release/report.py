"""The page that a person reads before approving, or in the morning: verdict, gates, pictures; one file, no network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from include.contracts import GateDecision, GateResult, PairedDifference, SliceResult
from include.gates.inputs import WORDS, HoldoutScores
from include.markdown import as_text
from include.release.pictures import pictures

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

SLICE_HEADS = (
    "Column",
    "Value",
    "Metric",
    "Rows",
    "These rows",
    "Other rows",
    "Gap",
    "At most (95 %)",
    "Allowed",
    "Served",
)
SHADOW = "shadow"
"""The gate that judges the nights of a trial."""
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1f;background:#fff;max-width:1080px;margin:1.5rem auto;
padding:0 1rem}
h1{font-size:1.35rem;margin:0 0 .3rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
.verdict{padding:.7rem 1rem;border-left:6px solid;border-radius:3px;margin:.8rem 0}
.promote{border-color:#1b7f3b;background:#e8f5ec}.trial{border-color:#8a5a00;background:#fdf5e6}.refuse{border-color:#b3261e;background:#fbeaea}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.yes{color:#1b7f3b}.ask{color:#8a5a00;font-weight:600}.no{color:#b3261e;font-weight:600}svg{max-width:100%;height:auto}.small{color:#555;font-size:.87rem}
"""


def headline(decision: GateDecision) -> str:
    """The verdict in a sentence."""
    name = f"{decision.model} version {decision.version}"
    failed = sum(not gate.passed for gate in decision.gates)
    if decision.verdict == "refuse":
        return f"{name} is refused: {failed} of {len(decision.gates)} gates did not pass."
    if decision.verdict == "trial":
        return f"{name} is on trial in the shadow of version {decision.champion_version}."
    before = "it is the first release" if decision.first_release else f"the champion is {decision.champion_version}"
    person = " A person has to agree first." if decision.ask_person else ""
    return f"{name} may be promoted: all {len(decision.gates)} gates passed; {before}.{person}"


def ruling(decision: GateDecision) -> str:
    """By which rule the version was compared, and at which error rate."""
    if decision.first_release:
        return "Judged as a first release: it must be surely better than a constant prediction."
    if decision.alpha is None:
        return ""
    claims = {
        "superiority": "it must be better than the champion",
        "non_inferiority": "it must not be worse than the champion, nor than the anchor, by more than the margin",
    }
    shadow = decision.verdict == "trial" or any(gate.name == SHADOW for gate in decision.gates)
    often = "trials, however often they are looked at" if shadow else "nights"
    return (
        f"Judged by {decision.rule}: {claims[decision.rule]}. A model that does not meet this passes in at most "
        f"{decision.alpha:.2g} of {often}."
    )


def markdown(decision: GateDecision) -> str:
    """The decision as text for an approval form or a note: verdict, then a line for each gate."""
    lines = [f"**{headline(decision)}**", "", *([ruling(decision), ""] if ruling(decision) else [])]
    lines += [f"- asks a person: {as_text(reason)}" for reason in decision.ask_person]
    lines += [f"- **look at this**: {as_text(warning)}" for warning in decision.warnings]
    lines += [f"- next: {as_text(decision.next_step)}"] if decision.next_step else []
    lines += [
        f"- {'passed' if gate.passed else '**NOT PASSED**'} {as_text(gate.name)}: {as_text(gate.sentence)}"
        for gate in _ordered(decision)
    ]
    if decision.evidence:
        head = [
            "",
            "| metric | method | challenger | champion | difference | interval | p |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += head + ["| " + " | ".join(map(as_text, _cells(found))) + " |" for found in decision.evidence]
    if decision.slices:
        lines += ["", "| " + " | ".join(SLICE_HEADS) + " |", "|" + "---|" * len(SLICE_HEADS)]
        lines += ["| " + " | ".join(map(as_text, _slice_cells(found))) + " |" for found in decision.slices]
    return "\n".join(lines) + "\n"


def page(decision: GateDecision, config: ModelConfig, holdout: HoldoutScores | None) -> str:
    """The decision as one self-contained HTML page; every value that comes from outside is escaped."""
    title = escape(headline(decision))
    rows = "".join(gate_row(gate) for gate in _ordered(decision))
    asked = "".join(f"<li>{escape(reason)}</li>" for reason in _beside(decision))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f'<h1>Release gates</h1><div class="verdict {decision.verdict}"><strong>{title}</strong>'
        f"<div>{escape(ruling(decision))}</div>{f'<ul>{asked}</ul>' if asked else ''}</div>"
        '<h2>Gates</h2><div class="table"><table><thead><tr><th>Gate</th><th>Result</th><th>Value</th><th>Judged</th>'
        "<th>Bound</th><th>Margin</th>"
        f"<th>In words</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f"{_evidence_table(decision)}{_slices_table(decision)}{pictures(decision, config, holdout)}</body></html>"
    )


def _beside(decision: GateDecision) -> list[str]:
    """What a person should know beside the gates."""
    return [*decision.ask_person, *decision.warnings, *([decision.next_step] if decision.next_step else [])]


def _ordered(decision: GateDecision) -> list[GateResult]:
    """What did not pass comes first."""
    return sorted(decision.gates, key=lambda gate: gate.passed)


def gate_row(gate: GateResult) -> str:
    mark, word = ("yes", "passed") if gate.passed else ("no", "not passed")
    if gate.passed and gate.ask_person:
        mark, word = "ask", "asks a person"
    numbers = "".join(
        f'<td class="number">{"" if value is None else f"{value:.5g}"}</td>'
        for value in (gate.value, gate.judged, gate.bound, gate.margin)
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
    note = "Differences are challenger minus champion, signed so that above 0 is better."
    if len(decision.evidence) > 1:
        note += (
            " Rows of a day depend on each other; a method that takes them as independent is shown for comparison and "
            "is surer than it should be."
        )
    head = "".join(f"<th>{name}</th>" for name in heads)
    return (
        f'<h2>Evidence</h2><div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="small">{note}</p>'
    )


def _slices_table(decision: GateDecision) -> str:
    """Each value of each declared column, the worst served first; those that a person has to look at last."""
    if not decision.slices:
        return ""
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _slice_cells(found))}</tr>"
        for found in sorted(decision.slices, key=lambda found: -(found.high if found.high is not None else -9.0))
    )
    head = "".join(f"<th>{name}</th>" for name in SLICE_HEADS)
    return (
        f'<h2>Slices</h2><div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        '<p class="small">A gap above 0 means that these rows are served worse than all the others. The upper limit '
        "holds with 95 % confidence over all values of a column together.</p>"
    )


def _slice_cells(found: SliceResult) -> list[str]:
    name = f"{found.column}{' (protected)' if found.protected else ''}"
    shared = [name, found.value, WORDS[found.metric], f"{found.rows:,}"]
    if found.served == "not judged":
        return [*shared, "", "", "", "", f"{found.bound:g}", f"a person decides: {found.why_not}"]
    return [
        *shared,
        f"{found.inside:.4f}",
        f"{found.outside:.4f}",
        f"{found.gap:+.4f}",
        f"{found.high:+.4f}",
        f"{found.bound:g}",
        found.served,
    ]
