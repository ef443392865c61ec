"""A model file drafted from a table's profile: commented, ready to run, its assumptions in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from include.authoring import bounds
from include.authoring.bounds import release_metric
from include.authoring.rules import drafted_rules, unruled
from include.authoring.spans import Spans
from include.authoring.yaml_text import comment, entry, flow, listed, said
from include.config.section import METRICS_OF
from include.data.splits import LEAST_ROWS

if TYPE_CHECKING:
    from include.authoring.profile import Profile

FEW_TRAINED = 1000
"""Rows to train on below which trees need smaller leaves than usual."""
FEW_CLUSTERS = 10
"""Days of the holdout below which rows are resampled by a panel's items rather than by days."""
SHARES = {"train": 0.6, "validation": 0.2, "holdout": 0.2}


def draft(
    name: str, owner: str, source: dict[str, Any], found: Profile, shares: Mapping[str, float] | None = None
) -> str:
    """The YAML text of a model file; `shares` are a snapshot's splits, where the usual ones do not do."""
    parts = [
        _head(name, owner, found),
        _data(source, found),
        _features(found),
        _validation(found),
        _training(found, shares or SHARES),
        _release(found),
        _monitoring(found),
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts if part)


def _head(name: str, owner: str, found: Profile) -> list[str]:
    what = {"binary": "Chance that", "multiclass": "Class of", "regression": "Value of"}[found.task]
    asked = f"{said(found.label)} is {said(found.classes[1])}" if len(found.classes) == 2 else said(found.label)
    return [
        "# yaml-language-server: $schema=../../docs/model.schema.json",
        comment(f"{what} {asked}. Drafted from data:"),
        *([comment(f" - {note}") for note in found.notes] or ["#  - nothing had to be assumed"]),
        f"# Read it through, then: ./nightshift lint, and ./nightshift try {name}",
        f"name: {name}",
        f"description: {flow(f'{what} {asked}.')}",
        f"owner: {flow(owner)}",
        f"task: {found.task}",
    ]


def _data(source: dict[str, Any], found: Profile) -> list[str]:
    if found.numbered:
        source = {**source, "row_number": found.key[0]}
    lines = ["data:", f"  source: {flow(source)}"]
    if found.named:
        lines.append("  # Our names of columns that the source has by names of our own tables:")
        lines.append(f"  named: {flow(dict(found.named))}")
    if found.time is None:
        lines.append("  # No day or time column: a snapshot, read whole each night and split by a hash of the key.")
    else:
        dated = "day" if found.kinds[found.time] == "date" else "time"
        lines.append(f"  {dated}: {flow(found.time)}")
    lines += [f"  key: {flow(list(found.key))}", f"  label: {flow(found.label)}"]
    if found.classes:
        note = "   # the chance of the second is predicted" if len(found.classes) == 2 else ""
        lines.append(f"  classes: {flow(list(found.classes))}{note}")
    if found.time is not None:
        lines.append(f"  label_delay_days: {found.delay}   # how long after its day a row's label is known")
    if found.suspects:
        lines.append("  # Suspected to be known only afterwards. Where one is known in time, move it to features.")
        lines.append("  known_afterwards:")
        lines += [f"    - {flow(name)}   {comment(why)}" for name, why in found.suspects.items()]
    if hashed := [name for name in found.key if name in found.personal]:
        lines.append("  # People's own data is refused unless it is hashed, or kept on purpose (keep).")
        lines.append(f"  personal: {flow(dict.fromkeys(hashed, 'hash'))}")
    return [*lines, *_columns(found)]


def _columns(found: Profile) -> list[str]:
    """Columns that something uses; the others are named with the reason, and need not come each night."""
    lines = ["  columns:"]
    for name, kind in _list_columns(found):
        missing = float(found.rows[name].isna().mean()) if name in found.rows else 0.0
        share = f"   # {missing:.1%} missing" if missing else ""
        lines += [f"    {line}" for line in entry(name, f"{kind}{share}").split("\n")]
    unused = {name: why for name, why in found.left_out.items() if name not in found.key}
    if unused:
        lines.append("    # Not declared, so not read, as nothing uses them:")
        lines += [f"    {comment(f' - {said(name) or repr(name)}: {why}')}" for name, why in unused.items()]
    return lines


def _list_columns(found: Profile) -> Iterator[tuple[str, str]]:
    if found.numbered:
        yield found.key[0], "integer"
    used = {
        found.label,
        *found.key,
        *([found.time] if found.time else []),
        *found.numeric,
        *found.categorical,
        *found.target_encoded,
        *found.times,
        *found.suspects,
    }
    for name in map(str, found.rows.columns):
        if name in used:
            yield name, "string" if name in found.personal and name in found.key else found.kinds[name]  # of a hash


def _features(found: Profile) -> list[str]:
    lines = ["features:"]
    for title, names, note in (
        ("numeric", found.numeric, ""),
        ("categorical", found.categorical, ""),
        ("target_encoded", found.target_encoded, "   # many values: each replaced by the label's mean"),
    ):
        if names:
            lines += listed(title, names, 2, note)
    if found.times:
        lines.append("  time:")
        lines += [f"    - {flow({'column': name, 'parts': list(parts)})}" for name, parts in found.times.items()]
    return lines


def _validation(found: Profile) -> list[str]:
    lines = ["validation:", "  rules:   # ranges are those of the data, and half as much again: beyond them, a warning"]
    lines += [f"    - {rule}" for rule in drafted_rules(found)]
    if more := unruled(found):
        lines.append(f"    # {more:,} more features have no rule, for their number; monitoring looks at all of them.")
    return lines


def _training(found: Profile, shares: Mapping[str, float]) -> list[str]:
    if found.spans is None:
        lines = [
            "training:",
            f"  split: {flow(dict(shares))}   # by a hash of the key; each {LEAST_ROWS} rows or more",
        ]
        trained = shares["train"] * len(found.labelled_rows)
    else:
        lines, trained = _days(found.spans), found.spans.rows["train"]
    linear, boosted = {
        "regression": ("Ridge", "HistGradientBoostingRegressor"),
    }.get(found.task, ("LogisticRegression", "HistGradientBoostingClassifier"))
    metric = release_metric(found)
    if metric != METRICS_OF[found.task][0]:
        lines.append(f"  select_by: {metric}   # half of the values are one: the absolute error asks for it always")
    # What is fitted is what is judged.
    params: dict[str, Any] = {"loss": "absolute_error"} if metric == "mean_absolute_error" else {}
    params |= {"learning_rate": 0.05, "max_iter": 150, "max_leaf_nodes": 15}
    if trained < FEW_TRAINED:
        params["min_samples_leaf"] = max(5, int(trained) // 50)
    return [
        *lines,
        "  seed: 0",
        "  candidates:   # they compete on the validation rows",
        "    - name: linear",
        f"      estimator: {linear}",
        "    - name: boosted",
        f"      estimator: {boosted}",
        f"      params: {flow(params)}",
        "      # search: {method: halving, trials: 30, params: {max_leaf_nodes: {low: 7, high: 63, log: true}}}",
    ]


def _days(spans: Spans) -> list[str]:
    lines = ["training:", f"  # Days by the calendar; each split needs {LEAST_ROWS} rows."]
    for part, days in spans.days.items():
        when = "rows, once they are there" if spans.young else "rows so far"
        lines.append(f"  {part}_days: {days}   # {spans.rows[part]:,} {when}")
    if (share := spans.missing_share) is not None:
        lines.append(
            f"  # No rows on {spans.empty:,} of {spans.whole:,} days, on {spans.worst:.0%} of them in one split."
        )
        lines.append(f"  max_missing_share: {share:g}")
    return lines


def _release(found: Profile) -> list[str]:
    metric, bound = release_metric(found), "min: 0.6" if found.task == "binary" else "min_skill: 0.1"
    stale: dict[str, Any] = {"after_days": bounds.stale_days(found)}
    if found.spans is not None:
        stale["live_loss"] = bounds.live_loss(found)
    stale["margin"] = bounds.stale_margin(found)
    lines = ["release:", "  approval: automatic   # or first_release, always: a person answers in the Airflow UI"]
    lines += _dependence(found)
    if metric != METRICS_OF[found.task][0]:
        lines.append(f"  against_champion: {{metric: {metric}}}")
    return [
        *lines,
        f"  min_holdout_rows: {bounds.least_holdout(found, LEAST_ROWS)}",
        "  # A first release must be surely better than a constant prediction, and a later one than the champion.",
        "  # A bound of your own holds always, in every season and for the first release too:",
        f"  # thresholds: [{{metric: {metric}, {bound}}}]",
        f"  # A champion that old, or that much worse than it was, gives way to one that loses no more {metric}",
        "  # than the margin: without it, a first champion stays until another is surely better.",
        f"  stale_champion: {flow(stale)}",
    ]


def _dependence(found: Profile) -> list[str]:
    """What rows depend on each other: those of a day, or of an item where days are too few to tell."""
    items = [name for name in found.items if found.rows[name].nunique() >= FEW_CLUSTERS]
    few_days = found.spans is None or found.spans.holdout_dates < FEW_CLUSTERS
    if few_days and items:
        item = min(items, key=lambda name: (name not in found.categorical + found.target_encoded, items.index(name)))
        return [f"  cluster_by: {flow(item)}   # rows of the same one depend on each other"]
    if found.spans is None:
        return ["  rows: independent     # or cluster_by: a column whose rows depend on each other"]
    if found.spans.holdout_dates < 3:
        return ["  rows: independent     # the holdout has too few days to resample by days"]
    return []


def _monitoring(found: Profile) -> list[str]:
    lines = ["monitoring:"]
    per_day = len(found.rows) if found.spans is None else found.spans.per_day
    if per_day < 100 / 7:
        lines.append("  min_rows: 7")
    if found.moving:
        lines.append(f"  # Shown, never alarmed on: {_reasons(found)}.")
        lines += listed("expected_to_move", list(found.moving), 2)
    if (asked := bounds.harm(found)) is None:
        lines.append("  # No retrain_request: a night has too few labelled rows for live figures to ask by.")
    else:
        request = {"metric": asked.metric, asked.side: asked.bound}
        request |= {"nights": asked.nights} if asked.nights else {}
        what = (
            "hardly better than chance" if asked.side == "min" else "no better than predicting the same for every row"
        )
        lines.append(f"  # Live figures this bad ask for retraining: {what}.")
        lines.append(f"  retrain_request: {flow({**request, 'min_rows': asked.min_rows})}")
    if found.spans is not None and found.spans.missing_share is not None:
        lines.append("  policy: {on_missing_day: nothing}   # days without rows are usual here")
    return lines


def _reasons(found: Profile) -> str:
    words = {
        "less than a year": "months, of which the history has seen none twice",
        "goes with time": "figures that only go on with time",
    }
    return ", and ".join(words[why] for why in dict.fromkeys(found.moving.values()))
