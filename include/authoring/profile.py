"""What a table's columns are to a model: proposals, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from include.authoring import keys, leaks, roles, spans, target
from include.authoring.yaml_text import said
from include.config.near import near
from include.config.show import show
from include.data.splits import LEAST_ROWS
from include.data.values import convert
from include.errors import ConfigError

if TYPE_CHECKING:
    from include.authoring.spans import Spans
    from include.config.features import TimePart
    from include.config.schema import ColumnType
    from include.config.section import Task

LONGEST_DELAY = 365


@dataclass(frozen=True)
class Profile:
    """A table with the part that each column plays. `notes` say what was assumed, and why.

    `items` are the key's columns that come again, such as the store of a table of stores and days. `delay` counts the
    days after which a row's label is known; `spans` are None for a snapshot. `moving` features are no drift.
    `named` gives what the source calls columns that it has by names of our own tables.
    """

    rows: pd.DataFrame
    kinds: dict[str, ColumnType]
    task: Task
    label: str
    classes: tuple[Any, ...]
    time: str | None
    key: tuple[str, ...]
    numbered: bool
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    target_encoded: tuple[str, ...]
    times: Mapping[str, tuple[TimePart, ...]]
    left_out: dict[str, str]
    suspects: dict[str, str]
    personal: dict[str, str]
    items: tuple[str, ...] = ()
    delay: int = 1
    spans: Spans | None = None
    moving: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = field(default=())
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def labelled_rows(self) -> pd.DataFrame:
        """Rows whose label is known."""
        return self.rows[self.rows[self.label].notna()]


def profile(
    rows: pd.DataFrame,
    kinds: dict[str, ColumnType],
    target_name: str,
    time: str | None = None,
    key: Sequence[str] = (),
    task: Task | None = None,
    personal: dict[str, str] | None = None,
    origin: str = "the table",
) -> Profile:
    """Give every column a part. Raises ConfigError, with all faults, where target, time or key cannot be what was said.

    :param personal: columns that look like people's own data, and like what
    """
    if faults := _faults(rows, kinds, target_name, time, key, task):
        raise ConfigError(origin, faults)
    notes: list[str] = []
    label, private = rows[target_name], dict(personal or {})
    found_task = task or target.task_of(label, kinds[target_name], notes)
    classes = target.classes_of(label, kinds[target_name], found_task, notes)
    windows, delay = _windows(rows, target_name, time, notes, origin)
    named = keys.find_key(rows, kinds, target_name, time, key, origin)
    notes += named.notes
    items = tuple(keys.find_items(rows, [name for name in named.columns if name != time]))
    others = [str(name) for name in rows.columns if name not in (target_name, time, *named.columns) or name in items]
    parts = roles.roles_of(rows, kinds, others, private)
    if windows is not None and time is not None:
        parts = _recent(rows, windows, time, parts)
    found = leaks.suspects(rows, target_name, found_task, [*parts.columns, *parts.times])
    parts.left_out |= {name: why for name, why in found.items() if name in named.columns}
    parts = parts.without(found)
    suspects = {name: why for name, why in found.items() if name not in named.columns}
    if time is not None and (own := roles.roles_of(rows, kinds, [time], {}).times):
        parts.times = {**parts.times, **own}
    if not parts.columns and not parts.times:
        reasons = [f"{said(name)}: {why}" for name, why in {**parts.left_out, **suspects}.items()]
        raise ConfigError(origin, ["no column is left that could be a feature", *reasons])
    return Profile(
        rows=rows,
        kinds=kinds,
        task=found_task,
        label=target_name,
        classes=classes,
        time=time,
        key=named.columns,
        numbered=named.numbered,
        numeric=tuple(parts.numeric),
        categorical=tuple(parts.categorical),
        target_encoded=tuple(parts.target_encoded),
        times=parts.times,
        left_out=parts.left_out,
        suspects=suspects,
        personal=private,
        items=items,
        delay=delay,
        spans=windows,
        moving=roles.moving(rows, parts, time) if time else {},
        notes=tuple(notes),
    )


def _faults(
    rows: pd.DataFrame,
    kinds: dict[str, ColumnType],
    target_name: str,
    time: str | None,
    key: Sequence[str],
    task: Task | None,
) -> list[str]:
    columns = [str(name) for name in rows.columns]
    given = [("--target", target_name), *([("--time", time)] if time else []), *(("--key", name) for name in key)]
    faults = [
        f"{option} {said(name)!r} is no column of it{near(name, columns)}; columns: {', '.join(map(said, columns))}"
        for option, name in given
        if name not in columns
    ]
    if faults:
        return faults
    faults = target.target_faults(rows[target_name], kinds[target_name], task)
    if time == target_name:
        faults.append(f"--time {said(time)!r} is the target")
    if target_name in key:
        faults.append(f"--key {said(target_name)!r} is the target; a row must be named before its label is known")
    if time is not None and kinds[time] not in ("date", "timestamp"):
        there = rows[time].dropna()
        faulty = there[convert(there, "timestamp")[1]]
        value = show(faulty.iloc[0] if len(faulty) else None)
        faults.append(
            f"--time {said(time)!r} holds {said(value)}, no date (2026-01-31) or time stamp (2026-01-31 14:05) of "
            "ISO 8601"
        )
    elif key and time != target_name:
        day = {"the day": rows[time].dt.normalize()} if time else {}
        doubled = int(pd.DataFrame({**{name: rows[name] for name in key}, **day}).duplicated().sum())
        if doubled:
            faults.append(f"--key {', '.join(map(said, key))} names {doubled:,} of {len(rows):,} rows twice")
    return faults


def _windows(
    rows: pd.DataFrame, label: str, time: str | None, notes: list[str], origin: str
) -> tuple[Spans | None, int]:
    """The windows that fit, and the days until a label is known: the newest days may wait for theirs."""
    labelled = rows[rows[label].notna()]
    if time is None:
        if len(labelled) < 3 * LEAST_ROWS:
            least = LEAST_ROWS
            few = f"{len(labelled):,} rows with a {said(label)}: too few to train, choose and judge on three splits"
            raise ConfigError(origin, [f"{few} of {least} rows each; {3 * least} rows would do"])
        return None, 1
    dated = labelled[labelled[time].notna()]
    if dated.empty:
        raise ConfigError(origin, [f"no row with a {said(label)} has a {said(time)}, by which days are told apart"])
    found = spans.spans_of(dated[time])
    if found.young:
        notes.append(_young_note(dated, label, time, found))
    last, known = rows[time].max().normalize(), labelled[time].max().normalize()
    delay = min(LONGEST_DELAY, int((last - known).days) + 1)
    if delay > 1:
        notes.append(f"no row after {known:%Y-%m-%d} has a {said(label)}: labels are taken to come {delay} days late")
    if found.missing_share is not None:
        notes.append(
            f"{found.empty:,} of the {found.whole:,} days of the windows have no rows; training.max_missing_share is "
            "drafted to allow as many"
        )
    return found, delay


def _young_note(dated: pd.DataFrame, label: str, time: str, found: Spans) -> str:
    days, least = dated[time].dt.normalize(), LEAST_ROWS
    history = int((days.max() - days.min()).days) + 1
    other = ""
    if len(dated) >= 3 * least:
        other = f" Without --time the table is a snapshot, of which {3 * least} rows do."
    return (
        f"{len(dated):,} rows with a {said(label)} on {days.nunique():,} days are too few to train on: each of three "
        f"spans of days needs {least}. Nights keep what comes and refuse to train until the {found.whole:,} days of "
        f"the windows are there; {history:,} are.{other}"
    )


def _recent(rows: pd.DataFrame, windows: Spans, time: str, parts: roles.Roles) -> roles.Roles:
    """Leave out what is empty throughout one of the splits: nothing could be learnt, chosen or judged by it."""
    day, empty = rows[time].dt.normalize(), {}
    for name in [*parts.columns, *parts.times]:
        there = day[rows[name].notna()]
        for part, (start, end) in windows.edges.items():
            if not ((there >= start) & (there < end)).any():
                ended = there.max() < start
                last = (
                    f"its {'last' if ended else 'first'} value is of {there.max() if ended else there.min():%Y-%m-%d}"
                )
                empty[name] = f"empty throughout the {part} days from {start:%Y-%m-%d}; {last}"
    parts.left_out |= empty
    return parts.without(empty)
