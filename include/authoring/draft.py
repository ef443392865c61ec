"""A model file drafted from a table's profile: commented, ready to run, its assumptions in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from include.config.section import METRICS_OF

if TYPE_CHECKING:
    from include.authoring.profile import Profile

SET = 20
"""Values up to which a text column's rule lists them."""
NARROW = 100
"""Characters that a flow of YAML may take before it becomes a list of lines."""
HOLDOUT_ROWS = 500
USUAL = {"train": 365, "validation": 28, "holdout": 28}
"""Days of each split, where the history has as many."""
HALF = 0.5
"""Share of rows with one value of a number to predict, from which the median is that value."""
LEAST_HOLDOUT = 3
"""Whole days that the release gates need, to see how days differ."""
ENOUGH = {"train": 5000, "validation": 200, "holdout": HOLDOUT_ROWS}
"""Rows for which more days than the usual ones are taken."""
FEW_ROWS = {"train": 1095, "validation": 60, "holdout": 90}
"""Days that no split exceeds, however few rows a day has."""


def draft(name: str, owner: str, source: dict[str, Any], found: Profile) -> str:
    """The YAML text of a model file."""
    parts = [
        _head(name, owner, found),
        _data(source, found),
        _features(found),
        _validation(found),
        _training(found),
        _release(found),
        _monitoring(found),
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts if part)


def _head(name: str, owner: str, found: Profile) -> list[str]:
    what = {"binary": "Chance that", "multiclass": "Class of", "regression": "Value of"}[found.task]
    asked = f"{found.label} is {found.classes[1]}" if len(found.classes) == 2 else found.label
    lines = ["# yaml-language-server: $schema=../../docs/model.schema.json", f"# {what} {asked}. Drafted from data:"]
    lines += [f"#  - {note}" for note in found.notes] or ["#  - nothing had to be assumed"]
    lines += [
        "# Read it through, then: ./nightshift lint, and ./nightshift try " + name,
        f"name: {name}",
        f"description: {_text(f'{what} {asked}.')}",
        f"owner: {_text(owner)}",
        f"task: {found.task}",
    ]
    return lines


def _data(source: dict[str, Any], found: Profile) -> list[str]:
    if found.numbered:
        source = {**source, "row_number": "row_number"}
    lines = ["data:", f"  source: {_flow(source)}"]
    if found.time is None:
        lines.append("  # No day or time column: a snapshot, read whole each night and split by a hash of the key.")
    else:
        dated = "day" if found.kinds[found.time] == "date" else "time"
        lines.append(f"  {dated}: {_text(found.time)}")
    lines += [f"  key: {_flow(list(found.key))}", f"  label: {_text(found.label)}"]
    if found.classes:
        note = "   # the chance of the second is predicted" if len(found.classes) == 2 else ""
        lines.append(f"  classes: {_flow(list(found.classes))}{note}")
    if found.time is not None:
        lines.append("  label_delay_days: 1   # how long after its day a row's label is known")
    if found.suspects:
        lines.append("  # Suspected to be known only afterwards. Where one is known in time, move it to features.")
        lines.append("  known_afterwards:")
        lines += [f"    - {_text(name)}   # {why}" for name, why in found.suspects.items()]
    if hashed := [name for name in found.key if name in found.personal]:
        lines.append("  # People's own data is refused unless it is hashed, or kept on purpose (keep).")
        lines.append(f"  personal: {_flow(dict.fromkeys(hashed, 'hash'))}")
    lines.append("  columns:")
    for name, looks in found.personal.items():
        if name not in found.key:
            lines.append(f"    # {name} is not read: it {looks}")
    lines += [f"    {_text(name)}: {kind}{_said(found, name)}" for name, kind in _columns(found)]
    return lines


def _columns(found: Profile) -> Iterator[tuple[str, str]]:
    if found.numbered:
        yield "row_number", "integer"
    for name in map(str, found.rows.columns):
        if name not in found.personal:
            yield name, found.kinds[name]
        elif name in found.key:
            yield name, "string"  # of a hash


def _said(found: Profile, name: str) -> str:
    if name in found.left_out:
        return f"   # no feature: {found.left_out[name]}"
    missing = float(found.rows[name].isna().mean()) if name in found.rows else 0.0
    return f"   # {missing:.1%} missing" if missing else ""


def _features(found: Profile) -> list[str]:
    lines = ["features:"]
    for title, names, note in (
        ("numeric", found.numeric, ""),
        ("categorical", found.categorical, ""),
        ("target_encoded", found.target_encoded, "   # many values: each replaced by the label's mean"),
    ):
        if names:
            lines += _listed(title, list(names), note)
    if found.times:
        lines.append("  time:")
        for name in found.times:
            day = [] if found.kinds[name] == "date" else ["hour"]
            lines.append(f"    - {_flow({'column': name, 'parts': [*day, 'day_of_week', 'month']})}")
    return lines


def _validation(found: Profile) -> list[str]:
    lines = ["validation:", "  rules:   # ranges are those of the data, and half as much again"]
    rules = [_rule("ExpectTableRowCountToBeBetween", "refuse_day", **_row_counts(found))]
    used = [*found.numeric, *found.categorical, *found.target_encoded]
    for name in [found.label, *used]:
        if found.rows[name].notna().all():
            rules.append(_rule("ExpectColumnValuesToNotBeNull", column=name))
    for name in found.numeric:
        if found.kinds[name] == "integer" and set(found.rows[name].dropna().unique()) == {0, 1}:
            rules.append(_rule("ExpectColumnValuesToBeInSet", column=name, value_set=[0, 1]))
        elif found.kinds[name] != "boolean":
            rules.append(_rule("ExpectColumnValuesToBeBetween", column=name, **_range(found, name)))
    for name in found.categorical:
        values = sorted(str(value) for value in found.rows[name].dropna().unique())
        if len(values) <= SET:
            rules.append(_rule("ExpectColumnValuesToBeInSet", "warn", column=name, value_set=values))
    return lines + [f"    - {rule}" for rule in rules]


def _training(found: Profile) -> list[str]:
    lines = ["training:"]
    if found.time is None:
        lines.append("  split: {train: 0.6, validation: 0.2, holdout: 0.2}   # by a hash of the key")
    else:
        lines += [f"  {part}_days: {days}" for part, days in windows(found).items()]
    linear, boosted = {
        "regression": ("Ridge", "HistGradientBoostingRegressor"),
    }.get(found.task, ("LogisticRegression", "HistGradientBoostingClassifier"))
    metric = release_metric(found)
    if metric != METRICS_OF[found.task][0]:
        lines.append(f"  select_by: {metric}   # half of the values are one: the absolute error asks for it always")
    loss = "loss: absolute_error, " if metric == "mean_absolute_error" else ""  # what is fitted is what is judged
    return [
        *lines,
        "  seed: 0",
        "  candidates:   # they compete on the validation rows",
        "    - name: linear",
        f"      estimator: {linear}",
        "    - name: boosted",
        f"      estimator: {boosted}",
        f"      params: {{{loss}learning_rate: 0.05, max_iter: 150, max_leaf_nodes: 15}}",
        "      # search: {method: halving, trials: 30, params: {max_leaf_nodes: {low: 7, high: 63, log: true}}}",
    ]


def _release(found: Profile) -> list[str]:
    metric, bound = release_metric(found), "min: 0.6" if found.task == "binary" else "min_skill: 0.1"
    lines = ["release:", "  approval: automatic   # or first_release, always: a person answers in the Airflow UI"]
    if found.time is None:
        lines.append("  rows: independent     # or cluster_by: a column whose rows depend on each other")
    if metric != METRICS_OF[found.task][0]:
        lines.append(f"  against_champion: {{metric: {metric}}}")
    return [
        *lines,
        f"  min_holdout_rows: {_least_holdout(found)}",
        "  # A first release must be surely better than a constant prediction, and a later one than the champion.",
        "  # A bound of your own holds always, in every season and for the first release too:",
        f"  # thresholds: [{{metric: {metric}, {bound}}}]",
    ]


def release_metric(found: Profile) -> str:
    """What candidates compete on and versions are released by: the task's usual metric, where a model can show skill.

    Of a label that has one value in half of its rows, no rain, nothing sold, the median is that value. By the absolute
    error such a constant is hardly beaten, however well a model tells when there is more.
    """
    usual = METRICS_OF[found.task][0]
    if found.task != "regression" or not len(labels := found.rows[found.label].dropna()):
        return usual
    return "root_mean_squared_error" if labels.value_counts(normalize=True).iloc[0] >= HALF else usual


def _monitoring(found: Profile) -> list[str]:
    per_day = len(found.rows) if found.time is None else _rows_per_day(found).median()
    return ["monitoring:", "  min_rows: 7"] if per_day < 100 / 7 else []


def windows(found: Profile) -> dict[str, int]:
    """Days of each split: those that the data has, up to a usual year."""
    days, per_day = _span(found), float(_rows_per_day(found).median())
    wanted = {
        part: min(FEW_ROWS[part], max(usual, math.ceil(ENOUGH[part] / max(per_day, 1.0))))
        for part, usual in USUAL.items()
    }
    holdout = max(LEAST_HOLDOUT, min(wanted["holdout"], days // 5))
    validation = max(1, min(wanted["validation"], days // 6))
    return {
        "train": max(1, min(wanted["train"], days - holdout - validation)),
        "validation": validation,
        "holdout": holdout,
    }


def _span(found: Profile) -> int:
    moments = found.rows[found.time].dropna()
    return int((moments.max().normalize() - moments.min().normalize()).days) + 1


def _rows_per_day(found: Profile) -> pd.Series:
    return found.rows[found.time].dropna().dt.normalize().value_counts()


def _least_holdout(found: Profile) -> int:
    if found.time is None:
        expected = 0.2 * len(found.rows)
    else:
        expected = float(_rows_per_day(found).median()) * windows(found)["holdout"]
    return max(1, int(min(HOLDOUT_ROWS, 0.7 * expected)))


def _row_counts(found: Profile) -> dict[str, int]:
    if found.time is None:
        return {"min_value": len(found.rows) // 2, "max_value": 3 * len(found.rows)}
    counts = _rows_per_day(found)
    return {"min_value": max(1, int(counts.min()) // 2), "max_value": 3 * int(counts.max())}


def _range(found: Profile, name: str) -> dict[str, Any]:
    values = found.rows[name].dropna().astype("float64")
    low, high = float(values.min()), float(values.max())
    reach = (high - low) / 2
    below = 0.0 if 0 <= low <= reach else low - reach
    return {"min_value": _round(below, math.floor), "max_value": _round(high + reach, math.ceil)}


def _round(value: float, towards: Any) -> float | int:
    """Two digits, outwards: a bound that a person can read."""
    if value == 0:
        return 0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    rounded = float(f"{towards(value / unit) * unit:.12g}")
    return int(rounded) if rounded.is_integer() else rounded


def _rule(expect: str, on_failure: str = "", **args: Any) -> str:
    rule: dict[str, Any] = {"expect": expect, "args": args}
    return _flow(rule | ({"on_failure": on_failure} if on_failure else {}))


def _listed(title: str, names: Sequence[str], note: str = "") -> list[str]:
    flow = f"  {title}: {_flow(list(names))}{note}"
    return [flow] if len(flow) <= NARROW else [f"  {title}:{note}", *(f"    - {_text(name)}" for name in names)]


def _text(value: str) -> str:
    """A scalar as YAML needs it, quoted where it would be read as something else."""
    return _flow([value])[1:-1]


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True, sort_keys=False).strip()
