"""A model card as Markdown. Pure: the same facts give the same text, and what comes from data is shown as text only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from include.contracts import CandidateResult, GateResult, SliceResult
from include.evidence.metrics import metrics_of
from include.markdown import as_text
from include.release.card_facts import Card, count, word
from include.release.card_limits import limits
from include.release.card_words import kind, predicted, weights, windows
from include.tracking import naming

WHOLE_FROM = 1000
TABLE_ROW = re.compile(r"\| (?!---)")
GAP = " | &ensp;"
"""MLflow's page draws a table's cells without space between them."""
CUT = "\nThe rest is in `model_card.md` of the candidate's run.\n"


@dataclass(frozen=True)
class Shape:
    """How much of the card is written out: gates that held and lists of names in full or counted, how many slices."""

    held: bool = True
    names: int = 1000
    slices: int = 1000


SHAPES = (Shape(), Shape(slices=12), Shape(held=False, slices=12), Shape(held=False, names=12, slices=5))


def markdown(card: Card, limit: int | None = None) -> str:
    """The card whole, or as MLflow's page shows it in at most `limit` characters.

    There long parts are shortened first, and what is wrong comes before what holds.
    """
    if limit is None:
        return _render(card, SHAPES[0])
    for shape in SHAPES:
        if len(text := _spaced(_render(card, shape))) <= limit:
            return text
    kept = text[: limit - len(CUT)]
    return kept[: kept.rfind("\n") + 1] + CUT


def _spaced(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(line.replace(" | ", GAP) if TABLE_ROW.match(line) else line for line in lines)


def _render(card: Card, shape: Shape) -> str:
    version = f"{card.registered.model} version {card.registered.version}"
    parts = [
        f"### {version}: {_verdict(card)}\n\n{as_text(card.config.description)}",
        _table(("", ""), _facts(card, shape)),
        _metrics(card),
        _gates(card, shape),
        _slices(card, shape),
        "\n".join(["**Limits**", "", *(f"- {limit}" for limit in limits(card, shape.slices))]),
        _links(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(card: Card) -> str:
    if card.decision is None:
        return "not judged yet"
    if card.decision.verdict == "refuse":
        return "refused by its gates"
    if card.decision.verdict == "trial":
        return "on trial in the shadow of the champion"
    if card.approval is not None and not card.approval.approved:
        return "passed its gates, not approved"
    if card.decision.ask_person and card.approval is None:
        return "passed its gates, a person has to agree"
    return "may be served"


def _facts(card: Card, shape: Shape) -> list[tuple[str, str]]:
    config, context = card.config, card.context
    data, features = config.data, config.features
    own = next((one for one in card.candidates if one.mlflow_run_id == card.registered.mlflow_run_id), None)
    named = next((one for one in config.training.candidates if own is not None and one.name == own.name), None)
    table = f"{config.name}/validated version {context.data_version} (rows {context.data_hash})"
    taken = {
        "numeric": features.numeric,
        "rates of earlier days": [rate.name for rate in features.rates],
        "parts of a time": features.time_names,
        "categorical": features.categorical,
        "replaced by the label's mean": features.target_encoded,
    }
    kept_out = {"protected": data.protected, "known only afterwards": data.known_afterwards}
    rows = [
        ("Owner", as_text("; ".join([config.owner, kind(config), *config.tags]))),
        ("Predicts", predicted(config)),
        ("Model", as_text(f"{named.estimator if named else 'unknown'}: {card.reason}")),
        ("Data", as_text(f"{context.rows:,} rows of {table}, as known on night {context.as_of}")),
        ("Weights", weights(config)),
        ("Windows", windows(config, context.windows)),
        ("Features", _grouped(taken, shape)),
        ("Kept out", _grouped(kept_out, shape)),
        ("Against", _compared(card)),
        ("Approval", _approval(card)),
        ("Resources", "; ".join(part for part in (_spent(own), _tried(card, shape)) if part)),
        ("Made with", as_text(_made_with(card))),
        ("Reproduce", f"`./nightshift reproduce {card.registered.model} {card.registered.version}`"),
    ]
    return [(name, value) for name, value in rows if value]


def _grouped(names: Mapping[str, Sequence[str]], shape: Shape) -> str:
    return "; ".join(f"**{kind}** {_names(group, shape)}" for kind, group in names.items() if group)


def _compared(card: Card) -> str:
    decision = card.decision
    if decision is None or decision.first_release:
        champion = card.context.champion_version
        return "no champion yet: a first release" if champion is None else f"champion version {champion}"
    rule = decision.rule.replace("_", "-")
    rule += f" at alpha {decision.alpha:.3g}" if decision.alpha is not None else ""
    anchor = f", anchor version {decision.anchor_version}" if decision.anchor_version else ""
    return f"champion version {decision.champion_version}{anchor}, by {rule}"


def _approval(card: Card) -> str:
    answer, asked = card.approval, card.decision.ask_person if card.decision else ()
    if answer is not None and answer.asked:
        word = "agreed" if answer.approved else "did not agree"
        return as_text(f"{answer.answered_by or 'nobody'} {word}: {answer.reason}")
    if asked:
        return as_text("a person is asked: " + " ".join(asked))
    return {"automatic": "automatic", "always": "a person is asked"}.get(
        card.config.release.approval, "a person is asked for the first release"
    )


def _spent(own: CandidateResult | None) -> str:
    if own is None:
        return ""
    used = own.resources
    more = f", {used.cpu_seconds:.1f} CPU s, {used.peak_memory_mb:,.0f} MB of memory at most" if used else ""
    return f"fitted in {own.fit_seconds:.1f} s{more}"


def _tried(card: Card, shape: Shape) -> str:
    """Every candidate that was fitted, with the figure that they competed on."""
    metric = naming.metric("validation", card.config.training.select_by)
    figures = [f"{one.name} {one.metrics[metric]:.4f}" for one in card.candidates if metric in one.metrics]
    seconds = sum(one.fit_seconds for one in card.candidates)
    by = word(card.config.training.select_by)
    return f"tried in {seconds:.1f} s, by validation {by}: {_names(figures, shape)}" if figures else ""


def _made_with(card: Card) -> str:
    tags = card.tags
    parts = [f"commit {card.context.git_sha}", f"lock {card.context.lock_hash}", f"config {card.context.config_hash}"]
    parts += [f"Python {tags['python_version']}"] if "python_version" in tags else []
    parts += [f"scikit-learn {tags['scikit_learn_version']}"] if "scikit_learn_version" in tags else []
    parts += [count(int(tags["threads"]), "thread")] if "threads" in tags else []
    return ", ".join(parts)


def _metrics(card: Card) -> str:
    holdout = naming.of_split(card.metrics, "holdout")
    names = [
        name
        for name in dict.fromkeys([*metrics_of(card.config), *card.intervals])
        if name in holdout or name in card.intervals
    ]
    if not names:
        return ""
    levels = sorted({f"{100 * found.confidence:.0f} % interval" for found in card.intervals.values()}) or ["interval"]
    rows = []
    for name in names:
        found = card.intervals.get(name)
        value = found.value if found else holdout[name]
        cells = [card.metrics.get(naming.metric(split, name)) for split in ("baseline", "validation", "train")]
        bounds = f"{found.low:.4f} to {found.high:.4f}" if found else ""
        rows.append((word(name), f"{value:.4f}", bounds, *("" if cell is None else f"{cell:.4f}" for cell in cells)))
    heads = ("metric", "holdout", " or ".join(levels), "constant prediction", "validation", "train")
    extent = _extent(card)
    return f"**Metrics**{f' on {extent}' if extent else ''}\n\n{_table(heads, rows)}"


def _extent(card: Card) -> str:
    """How many holdout rows there were, and of how many days or other clusters."""
    evidence = card.decision.evidence[:1] if card.decision else ()
    rows, days = card.metrics.get("rows_in_holdout"), card.metrics.get("days_in_holdout")
    if rows is None or days is None:
        return ""
    clusters = evidence[0].clusters if evidence else None
    by = card.config.release.cluster_by
    more = f", {clusters:,} clusters by {as_text(by)}" if clusters and by and by != card.config.data.day else ""
    return f"{rows:,.0f} untouched rows of {count(int(days), 'day')}{more}"


def _gates(card: Card, shape: Shape) -> str:
    """Figures of each gate, what did not hold first; a sentence only where there is something to do."""
    if card.decision is None:
        return ""
    ordered = sorted(card.decision.gates, key=lambda gate: (gate.passed, not gate.ask_person))
    written = [gate for gate in ordered if shape.held or not gate.passed or gate.ask_person]
    rows = [_gate_cells(gate) for gate in written]
    if held := [as_text(gate.name) for gate in ordered if gate not in written]:
        rows.append((f"{len(held)} more: {', '.join(held)}", "held", "", "", ""))
    told = [
        f"- {as_text(gate.name)}: {as_text(gate.sentence)}" for gate in ordered if not gate.passed or gate.ask_person
    ]
    head = f"**Gates**, {as_text(card.decision.rule.replace('_', ' '))}"
    return "\n".join([head, "", _table(("gate", "", "value", "judged", "bound"), rows), "", *told]).rstrip("\n")


def _gate_cells(gate: GateResult) -> tuple[str, ...]:
    holds = "**no**" if not gate.passed else "ask a person" if gate.ask_person else "held"
    return (as_text(gate.name), holds, *(_number(value) for value in (gate.value, gate.judged, gate.bound)))


def _number(value: float | None) -> str:
    """Four digits, and whole numbers from a thousand on."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= WHOLE_FROM else f"{value:.4g}"


def _slices(card: Card, shape: Shape) -> str:
    """Slices with the largest gap above their bound first; those that could not be judged are among the limits."""
    judged = [one for one in card.decision.slices if not one.why_not] if card.decision else []
    if not judged:
        return ""
    judged.sort(key=lambda one: (one.high or 0.0) - one.bound, reverse=True)
    rows = [_slice_cells(one) for one in judged[: shape.slices]]
    more = len(judged) - len(rows)
    heads = ("slice", "metric", "rows", "inside", "others", "gap", "at most", "allowed")
    note = f"\n\n{more} more have smaller gaps." if more else ""
    return f"**Slices**: a gap above 0 is served worse\n\n{_table(heads, rows)}{note}"


def _slice_cells(one: SliceResult) -> tuple[str, ...]:
    name = f"{as_text(one.column)} = {as_text(one.value)}{' (protected)' if one.protected else ''}"
    figures = ("" if value is None else f"{value:.4f}" for value in (one.inside, one.outside, one.gap, one.high))
    return (name, word(one.metric), f"{one.rows:,}", *figures, f"{one.bound:g}")


def _links(card: Card) -> str:
    """Addresses inside MLflow's own pages, which hold wherever it is served."""
    night, own = card.context.mlflow_run_id, card.registered.mlflow_run_id
    experiment = card.context.experiment_id
    links = {
        "the night's run": naming.run_url("", experiment, night),
        "the candidate's run": naming.run_url("", experiment, own),
    }
    if card.decision is not None:
        links["the gate report"] = naming.artifact_url("", experiment, night, "gates/report.html")
    return " · ".join(f"[{name}]({address.lstrip('/')})" for name, address in links.items())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _names(names: Sequence[str], shape: Shape) -> str:
    shown = ", ".join(as_text(name) for name in names[: shape.names])
    more = len(names) - shape.names
    return f"{shown} and {more} more" if more > 0 else shown
