"""Rules of a drafted model file. They warn: a range that was seen is no range that must hold. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from include.authoring.yaml_text import flow

if TYPE_CHECKING:
    from include.authoring.profile import Profile

SET = 20
"""Values up to which a text column's rule lists them."""
MOST = 40
"""Columns that get rules of their own: every rule takes its time each night."""


def drafted_rules(found: Profile) -> list[str]:
    """The rules, each as YAML. Rows are set aside for one thing alone: no label, where every row has one."""
    rules = list(_of_days(found))
    if found.rows[found.label].notna().all():
        rules.append(_rule("ExpectColumnValuesToNotBeNull", column=found.label))
    for name in _ruled(found):
        rules += _of_column(found, name)
    return rules


def unruled(found: Profile) -> int:
    """How many features have no rule, for their number."""
    return max(0, len(found.numeric) + len(found.categorical) + len(found.target_encoded) - MOST)


def _ruled(found: Profile) -> list[str]:
    return [*found.numeric, *found.categorical, *found.target_encoded][:MOST]


def _of_days(found: Profile) -> Iterator[str]:
    least, most = _row_counts(found)
    yield _rule("ExpectTableRowCountToBeBetween", "refuse_day", min_value=least)
    yield _rule("ExpectTableRowCountToBeBetween", "warn", max_value=most)


def _of_column(found: Profile, name: str) -> Iterator[str]:
    values, kind = found.rows[name], found.kinds[name]
    if values.notna().all():
        yield _rule("ExpectColumnValuesToNotBeNull", "warn", column=name)
    if name in found.numeric and kind == "integer" and set(values.dropna().unique()) == {0, 1}:
        yield _rule("ExpectColumnValuesToBeInSet", "warn", column=name, value_set=[0, 1])
    elif name in found.numeric and kind != "boolean" and name not in found.moving:
        if bounds := _range(found, name):
            yield _rule("ExpectColumnValuesToBeBetween", "warn", column=name, **bounds)
    elif name in found.categorical and kind == "string":
        listed = sorted(str(value) for value in values.dropna().unique())
        if len(listed) <= SET:
            yield _rule("ExpectColumnValuesToBeInSet", "warn", column=name, value_set=listed)


def _row_counts(found: Profile) -> tuple[int, int]:
    if found.time is None:
        return max(1, len(found.rows) // 2), 3 * len(found.rows)
    counts = found.rows[found.time].dropna().dt.normalize().value_counts()
    return max(1, int(counts.min()) // 2), 3 * int(counts.max())


def _range(found: Profile, name: str) -> dict[str, Any]:
    values = found.rows[name].astype("float64").to_numpy(dtype="float64", na_value=np.nan)
    values = values[np.isfinite(values)]
    if not len(values):
        return {}
    low, high = float(values.min()), float(values.max())
    reach = high / 2 - low / 2
    below = 0.0 if 0 <= low <= reach else low - reach
    if not math.isfinite(below) or not math.isfinite(high + reach):
        return {}
    return {"min_value": _round(below, math.floor), "max_value": _round(high + reach, math.ceil)}


def _round(value: float, towards: Callable[[float], int]) -> float | int:
    """Two digits, outwards: a bound that a person can read."""
    if value == 0:
        return 0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    if unit == 0 or not math.isfinite(value / unit):
        return value
    rounded = float(f"{towards(value / unit) * unit:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def _rule(expect: str, on_failure: str = "", **args: Any) -> str:
    rule: dict[str, Any] = {"expect": expect, "args": args}
    return flow(rule | ({"on_failure": on_failure} if on_failure else {}))
