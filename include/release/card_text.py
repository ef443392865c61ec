"""A model card as Markdown. Pure: the same facts give the same text, and what comes from data is shown as text only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.contracts import CandidateResult, DayRange, SliceResult
from include.release.card_facts import Card, count, said, word
from include.release.card_limits import limits
from include.tracking import naming
from include.training.metrics import METRICS

CUT = "\nThe rest is in `model_card.md` of the candidate's run.\n"


@dataclass(frozen=True)
class Shape:
    """How much of the card is written out: gates that held and lists of names in full or counted, how many slices."""

    held: bool = True
    names: int = 1000
    slices: int = 1000


SHAPES = (Shape(), Shape(slices=12), Shape(held=False, slices=12), Shape(held=False, names=12, slices=5))


def markdown(card: Card, limit: int | None = None) -> str:
    """The card, in at most `limit` characters: long parts are shortened first, what is wrong is never left out."""
    if limit is None:
        return _render(card, SHAPES[0])
    for shape in SHAPES:
        if len(text := _render(card, shape)) <= limit:
            return text
    kept = text[: limit - len(CUT)]
    return kept[: kept.rfind("\n") + 1] + CUT


def _render(card: Card, shape: Shape) -> str:
    version = f"{card.registered.model} version {card.registered.version}"
    parts = [
        f"### {version}: {_verdict(card)}\n\n{said(card.config.description)}",
        _table(("", ""), _facts(card, shape)),
        _metrics(card),
        _gates(card, shape),
        _slices(card, shape),
        "\n".join(["#### Limits", "", *(f"- {limit}" for limit in limits(card, shape.slices))]),
        _links(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(card: Card) -> str:
    if card.decision is None:
        return "not judged yet"
    if card.decision.verdict == "refuse":
        return "refused by its gates"
    if card.approval is not None and not card.approval.approved:
        return "passed its gates, not approved"
    if card.decision.ask_person and card.approval is None:
        return "passed its gates, a person has to agree"
    return "may be served"


def _facts(card: Card, shape: Shape) -> list[tuple[str, str]]:
    config, context = card.config, card.context
    data, features = config.data, config.features
    split = context.windows
    own = next((one for one in card.candidates if one.mlflow_run_id == card.registered.mlflow_run_id), None)
    named = next((one for one in config.training.candidates if own is not None and one.name == own.name), None)
    rows = [
        (
            "Owner",
            said("; ".join([config.owner, f"{config.task} classification", ", ".join(config.tags)]).rstrip("; ")),
        ),
        ("Model", said(f"{named.estimator if named else 'unknown'}: {card.reason}")),
        ("Rows", said(f"{context.rows:,} of {split.whole.days} days, as known on night {context.as_of}")),
        ("Table", said(f"{config.name}/validated version {context.data_version}, rows {context.data_hash}")),
        ("Train", _days(split.train)),
        ("Validation", _days(split.validation)),
        ("Holdout", _days(split.holdout)),
        ("Label", said(f"{data.label}, known after {count(data.label_delay_days, 'day')}")),
        ("Numeric", _names(features.numeric, shape)),
        ("Rates of earlier days", _names([rate.name for rate in features.rates], shape)),
        ("Categorical", _names(features.categorical, shape)),
        ("Kept out: protected", _names(data.protected, shape)),
        ("Kept out: known afterwards", _names(data.known_afterwards, shape)),
        ("Compared with", _compared(card)),
        ("Approval", _approval(card)),
        ("Fit", _spent(own)),
        ("Tried", _tried(card, shape)),
        ("Made with", said(_made_with(card))),
        ("Train it again", f"`./nightshift reproduce {card.registered.model} {card.registered.version}`"),
    ]
    return [(name, value) for name, value in rows if value]


def _days(days: DayRange) -> str:
    return f"{days.start} to {days.end}, {count(days.days, 'day')}"


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
        return said(f"{answer.answered_by or 'nobody'} {word}: {answer.reason}")
    if asked:
        return said("a person is asked: " + " ".join(asked))
    return {"automatic": "automatic", "always": "a person is asked"}.get(
        card.config.release.approval, "a person is asked for the first release"
    )


def _spent(own: CandidateResult | None) -> str:
    if own is None:
        return ""
    used = own.resources
    more = f", {used.cpu_seconds:.1f} CPU s, {used.peak_memory_mb:,.0f} MB of memory at most" if used else ""
    return f"{own.fit_seconds:.1f} s{more}"


def _tried(card: Card, shape: Shape) -> str:
    """Every candidate that was fitted, with the figure that they competed on."""
    metric = naming.metric("validation", card.config.training.select_by)
    figures = [f"{one.name} {one.metrics[metric]:.4f}" for one in card.candidates if metric in one.metrics]
    seconds = sum(one.fit_seconds for one in card.candidates)
    listed = _names(figures, shape)
    return f"{listed} (validation {word(card.config.training.select_by)}), {seconds:.1f} s in all" if listed else ""


def _made_with(card: Card) -> str:
    tags = card.tags
    parts = [f"commit {card.context.git_sha}", f"lock {card.context.lock_hash}", f"config {card.context.config_hash}"]
    parts += [f"Python {tags['python_version']}"] if "python_version" in tags else []
    parts += [f"scikit-learn {tags['scikit_learn_version']}"] if "scikit_learn_version" in tags else []
    parts += [count(int(tags["threads"]), "thread")] if "threads" in tags else []
    return ", ".join(parts)


def _metrics(card: Card) -> str:
    holdout = naming.of_split(card.metrics, "holdout")
    names = [name for name in dict.fromkeys([*METRICS, *card.intervals]) if name in holdout or name in card.intervals]
    if not names:
        return ""
    levels = sorted({f"{found.confidence:.0%} interval" for found in card.intervals.values()}) or ["interval"]
    rows = []
    for name in names:
        found = card.intervals.get(name)
        value = found.value if found else holdout[name]
        cells = [card.metrics.get(naming.metric(split, name)) for split in ("baseline", "validation", "train")]
        bounds = f"{found.low:.4f} to {found.high:.4f}" if found else ""
        rows.append((word(name), f"{value:.4f}", bounds, *("" if cell is None else f"{cell:.4f}" for cell in cells)))
    heads = ("metric", "holdout", " or ".join(levels), "constant prediction", "validation", "train")
    extent = _extent(card)
    return f"#### Metrics{f' on {extent}' if extent else ''}\n\n{_table(heads, rows)}"


def _extent(card: Card) -> str:
    """How many holdout rows there were, and of how many days or other clusters."""
    evidence = card.decision.evidence[:1] if card.decision else ()
    rows, days = card.metrics.get("rows_in_holdout"), card.metrics.get("days_in_holdout")
    if rows is None or days is None:
        return ""
    clusters = evidence[0].clusters if evidence else None
    by = card.config.release.cluster_by
    more = f", {clusters:,} clusters by {said(by)}" if clusters and by and by != card.config.data.day else ""
    return f"{rows:,.0f} untouched rows of {count(int(days), 'day')}{more}"


def _gates(card: Card, shape: Shape) -> str:
    if card.decision is None:
        return ""
    written = [gate for gate in card.decision.gates if shape.held or not gate.passed or gate.ask_person]
    written.sort(key=lambda gate: (gate.passed, not gate.ask_person))
    rows = [
        (said(gate.name), "**no**" if not gate.passed else "ask" if gate.ask_person else "held", said(gate.sentence))
        for gate in written
    ]
    counted = len(card.decision.gates) - len(written)
    if counted:
        held = [gate.name for gate in card.decision.gates if gate not in written]
        rows.append((f"{counted} more", "held", said(", ".join(held))))
    return f"#### Gates, {said(card.decision.rule.replace('_', ' '))}\n\n{_table(('gate', 'holds', 'why'), rows)}"


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
    return f"#### Slices: a gap above 0 is served worse\n\n{_table(heads, rows)}{note}"


def _slice_cells(one: SliceResult) -> tuple[str, ...]:
    name = f"{said(one.column)} = {said(one.value)}{' (protected)' if one.protected else ''}"
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
    shown = ", ".join(said(name) for name in names[: shape.names])
    more = len(names) - shape.names
    return f"{shown} and {more} more" if more > 0 else shown
