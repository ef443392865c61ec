"""What holds before any rule can speak: columns there, values of their types, keys known, each row of a day asked."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.config.show import show
from include.data.undated import unreadable
from include.errors import PermanentError
from include.validation import personal
from include.validation.coerce import coerce
from include.validation.inspection import UNDATED, Inspection, count, listed

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

COLUMN_EXISTS = "column_exists"
UNDATED_PARTITION = "undated"
"""`day` of the rows in quarantine that have none."""
LABEL_CLASS = "label_class"


def inspect(
    config: ModelConfig,
    frame: pd.DataFrame,
    days: Sequence[datetime.date],
    unmatured: frozenset[datetime.date] = frozenset(),
) -> Inspection:
    """Type the rows, place each under a day, and hold against rows and days what is structurally wrong.

    Raises PermanentError where the source delivers a column twice, as neither can be preferred.
    """
    doubled = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if doubled:
        raise PermanentError(
            f"{config.name}: the source {config.data.source.place} delivered column {listed(doubled)} twice; "
            "make it deliver each column once"
        )
    asked = tuple(sorted(set(days)))
    original = frame.reset_index(drop=True)
    coerced = coerce(original, config)
    own, day_of_row, is_own = _places(config, coerced.frame, asked)
    seen = personal.sightings(config, original, day_of_row)
    if seen:
        original = personal.withheld(original, day_of_row, seen)
        coerced = coerce(original, config)
    declared = config.data.columns
    absent = [name for name in declared if name not in original.columns]
    spared = set(absent) & {*config.data.optional, *unused_columns(config)}
    typed = coerce(original.assign(**dict.fromkeys(spared)), config).frame if spared else coerced.frame
    found = Inspection(
        config=config,
        days=asked,
        original=original,
        typed=typed,
        day_of_row=day_of_row,
        is_own=is_own,
        missing=tuple(name for name in absent if name not in spared),
        unexpected=tuple(str(name) for name in original.columns if name not in declared),
        unmatured=unmatured,
    )
    personal.refuse(found, seen)
    _columns(found, [name for name in absent if name in spared])
    for name, faulty in coerced.faults.items():
        _types(found, name, faulty)
    _classes(found)
    _empty(found)
    _keys(found)
    _days(found, own)
    return found


def duplicates(found: Inspection) -> None:
    """Set repeats of a key aside under `duplicate_key`, all but the first row that nothing else is held against.

    A source that delivers a row again has most often delivered the same row: to throw away both would lose an
    observation, to keep both would count it twice. Where the repeats differ nobody here can know the right one; the
    others stay readable in quarantine, and a day with many is refused by its share of rows set aside.
    """
    data = found.config.data
    key = list(dict.fromkeys([data.day, *data.key]))  # a key without the day in it comes again every day
    if found.missing and set(key) & set(found.missing):
        return
    good = np.flatnonzero(~found.aside)
    repeated = good[found.typed.iloc[good].duplicated(subset=key, keep="first").to_numpy(dtype=bool)]
    if len(repeated):
        found.mark("duplicate_key", repeated)
        days = sorted(set(found.day_of_row[repeated]))
        named = ", ".join(data.key)
        detail = f"{count(len(repeated), 'row')} repeat the key ({named}) of an earlier row on {listed(days)}"
        found.fail("duplicate_key", "quarantine_row", len(repeated), len(good), detail)


def unused_columns(config: ModelConfig) -> set[str]:
    """Declared columns that nothing in the model file uses: no row is set aside, and no day refused, for their sake.

    A rule that mentions a name anywhere in its arguments uses the column.
    """
    data, release = config.data, config.release
    used = {data.day, data.time, data.label, *data.key, *data.known_afterwards, *data.protected, *data.personal}
    used |= {*config.features.inputs, config.training.sample_weight, release.cluster_by}
    used |= {part.column for part in release.slices}
    rules = [str(rule.args) for rule in config.validation.rules]
    return {name for name in data.columns if name not in used and not any(name in text for text in rules)}


def _places(
    config: ModelConfig, typed: pd.DataFrame, asked: tuple[datetime.date, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each row's own day (None where unknown), the day asked under which it counts, and whether that is its own.

    Without a day column every row counts under the first day asked: all days are refused then, and the rows kept.
    """
    own = np.full(len(typed), None, dtype=object)
    dated = config.data.day in typed.columns
    if dated:
        own[:] = [value if isinstance(value, datetime.date) else None for value in typed[config.data.day]]
    wanted = set(asked)
    is_own = np.array([day in wanted for day in own], dtype=bool)
    place = np.where(is_own, own, np.array(asked[0], dtype=object))
    return own, np.where(dated & _unknown(own), np.array(UNDATED, dtype=object), place), is_own


def _unknown(own: np.ndarray) -> np.ndarray:
    return np.array([day is None for day in own], dtype=bool)


def _columns(found: Inspection, spared: Sequence[str]) -> None:
    for name in found.unexpected:
        found.fail(
            f"column_unexpected:{name}", "warn", found.rows, found.rows, f"column {name!r} is not declared: dropped"
        )
    if not found.rows:
        return
    for name in spared:
        detail = f"the source delivered no column {name!r}, which can be done without: null in every row"
        found.fail(f"column_missing:{name}", "warn", found.rows, found.rows, detail)
    for name in found.missing:
        found.mark(f"{COLUMN_EXISTS}:{name}", np.ones(found.rows, dtype=bool))
        detail = f"the source delivered no column {name!r}; it delivered {listed(list(found.original.columns), 40)}"
        found.fail(f"{COLUMN_EXISTS}:{name}", "refuse_day", found.rows, found.rows, detail)
    if found.missing:
        noun = "column" if len(found.missing) == 1 else f"{len(found.missing)} columns"
        for day in found.days:
            found.refuse(day, f"{noun} missing from what the source delivered: {listed(found.missing, 40)}")


def _types(found: Inspection, name: str, faulty: np.ndarray) -> None:
    rule, kind = f"column_type:{name}", found.config.data.columns[name]
    vital = name not in unused_columns(found.config)
    if vital:
        found.mark(rule, faulty)
    faulty = faulty & ~found.undated  # they are told by `_undated`
    if not faulty.any():
        return
    values = list(dict.fromkeys(show(value) for value in found.original[name][faulty].head(100)))
    what = f"no {'finite ' if kind == 'number' else ''}{kind} in {name}"
    detail = f"{count(int(faulty.sum()), 'row')} hold {what}, such as {', '.join(values[:3])}"
    if not vital:
        detail += "; nothing uses the column: the rows stay, these values are null"
    found.fail(rule, "quarantine_row" if vital else "warn", int(faulty.sum()), found.rows, detail)


def _classes(found: Inspection) -> None:
    """Rows whose label is none of the model's classes; one without a label is the model file's rules' business."""
    data, typed = found.config.data, found.typed
    allowed = data.classes or ((0, 1) if found.config.task == "binary" else ())
    if not allowed or data.label not in typed.columns:
        return
    label = typed[data.label]
    other = (label.notna() & ~label.isin(allowed)).to_numpy(dtype=bool)
    if other.any():
        found.mark(LABEL_CLASS, other)
        values = list(dict.fromkeys(show(value) for value in found.original[data.label][other].head(100)))
        detail = (
            f"{count(int(other.sum()), 'row')} hold a {data.label} that is no class of the model, such as "
            f"{', '.join(values[:3])}; allowed are {listed([show(name) for name in allowed], 20)}"
        )
        found.fail(LABEL_CLASS, "quarantine_row", int(other.sum()), found.rows, detail)


def _empty(found: Inspection) -> None:
    """Columns without any value on a day: told, and refused where a rule of the model file says so.

    A column may rightly be empty for a day, as a weather station's is that was down.
    """
    data = found.config.data
    delivered = [name for name in found.typed.columns if name in found.original.columns]
    for name in pd.Index(delivered).difference([data.label, data.day, *data.key], sort=False):
        there = found.original[name].notna().to_numpy(dtype=bool)
        days = [] if there.all() else found.days_without(there)
        if days:
            detail = f"column {name!r} is null in every row of {count(len(days), 'day')} ({listed(days)})"
            found.fail(f"column_empty:{name}", "warn", len(days), len(found.days), detail)


def _keys(found: Inspection) -> None:
    """Rows whose key or day is null; a value of the wrong type is already held against its row by name."""
    null = np.zeros(found.rows, dtype=bool)
    columns = []
    for name in dict.fromkeys([found.config.data.day, *found.config.data.key]):
        if name in found.original.columns:
            # Blank text is a missing value too, where it is no string.
            faulty = found.marks.get(f"column_type:{name}", np.zeros(found.rows, dtype=bool))
            empty = found.typed[name].isna().to_numpy(dtype=bool) & ~faulty
            null |= empty
            columns += [name] if (empty & ~found.undated).any() else []
    found.mark("key_not_null", null)
    null &= ~found.undated  # they are told by `_undated`
    if null.any():
        detail = f"{count(int(null.sum()), 'row')} without a value in {listed(columns)}: part of the key or the day"
        found.fail("key_not_null", "quarantine_row", int(null.sum()), found.rows, detail)


def _undated(found: Inspection) -> str:
    """Rows without a readable day: of no night, so that they are told and set aside, and counted against no day.

    Returns what a day without any rows of its own adds to its reason.
    """
    undated, column = found.undated, found.config.data.time or found.config.data.day
    if not undated.any():
        return ""
    found.mark("undated", undated)
    values = found.original[column if column in found.original else found.config.data.day][undated]
    detail = f"{count(int(undated.sum()), 'row')} without a readable day: {unreadable(found.config, column, values)}"
    aside = f"{detail}; set aside once (table quarantine, day={UNDATED_PARTITION}), counted against no day"
    found.fail("undated", "quarantine_row", int(undated.sum()), found.rows, aside)
    return f"; {detail}"


def _days(found: Inspection, own: np.ndarray) -> None:
    """Rows of days that were not asked for, and days asked for that have no rows of their own."""
    foreign = ~found.is_own & ~_unknown(own)
    if foreign.any():
        found.mark("day_asked", foreign)
        days = sorted(set(own[foreign]))
        detail = (
            f"{count(int(foreign.sum()), 'row')} of days that were not asked for ({listed(days)}), "
            f"set aside under {found.days[0]}"
        )
        found.fail("day_asked", "quarantine_row", int(foreign.sum()), found.rows, detail)
    undated = _undated(found)
    if found.config.data.day in found.missing and found.rows:
        return
    empty = [day for day in found.days if not (found.is_own & found.rows_of(day)).any()]
    for day in empty:
        others = int(found.rows_of(day).sum())
        also = f"; {count(others, 'row')} of another day were set aside" if others else ""
        found.refuse(day, f"the source delivered no rows of {day}{also}{undated}")
    if empty:
        detail = f"no rows of {listed(empty)}"
        found.fail("day_not_empty", "refuse_day", len(empty), len(found.days), detail)
