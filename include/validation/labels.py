"""Labels that come later than their rows, or are corrected: merged into the stored days, the rows left as they were.

There is no table of labels beside `validated`: one version of it pins rows and labels together, which is what a run is
trained again from. What the model saw when it scored stays: a day's rows are never read from their source again here.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from include.contracts import DayRange, LabelsResult, LabelUpdate
from include.data import evolution, tables
from include.data.sources import read_labels
from include.data.windows import ROWS_SNAPSHOT, VALIDATED, row_keys, validated_days
from include.errors import PermanentError
from include.validation.coerce import coerce
from include.validation.rule_arguments import columns_of
from include.validation.runner import ValidationOutcome, validate

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

log = logging.getLogger(__name__)


def unmatured_days(config: ModelConfig, days: Collection[date], night: date | None) -> frozenset[date]:
    """Days whose labels need not have arrived by `night`; without a night, or of a snapshot, none."""
    if config.data.snapshot:
        return frozenset()
    delay = timedelta(days=config.data.label_delay_days)
    return frozenset(day for day in days if night is not None and day + delay > night)


def refresh_labels(config: ModelConfig, night: date) -> LabelsResult:
    """Read the labels of the stored days that may have got or changed theirs, and merge what differs, in one commit.

    Looked at are the days from `label_delay_days + label_corrections_days` before `night` on, but for the last, which
    the night itself ingests, labels and all. A label must pass its type and the model file's rules on the label and key
    alone; one that does not leaves the stored one, and so does one that is missing. Nothing is written where nothing
    differs. Quarantine is not touched. A snapshot is left alone: each night brings its rows with their labels.

    Raises PermanentError where the source gives no label or day column, TransientError where a day is replaced
    by another writer meanwhile.
    """
    data = config.data
    if data.snapshot:
        version = tables.table_version(config.name, VALIDATED)
        return LabelsResult(model=config.name, looked_at=None, table_version=version, snapshot=True)
    evolution.evolve(config)
    span = DayRange(
        start=night - timedelta(days=data.label_delay_days + data.label_corrections_days), end=night - timedelta(days=2)
    )
    version = tables.table_version(config.name, VALIDATED)
    stored_days = validated_days(config, span, version) if version is not None else {}
    if not stored_days:
        return LabelsResult(model=config.name, looked_at=None, table_version=version)
    looked_at = DayRange(start=min(stored_days), end=max(stored_days))
    read = _labelled(config, read_labels(config, looked_at.start, looked_at.end))
    asked = [day for day in stored_days if day in read.days]
    updates: list[LabelUpdate] = []
    if asked:
        outcome = validate(read.config, read.rows, asked, unmatured_days(config, asked, night))
        updates, version = _merge(config, outcome, asked, stored_days, version)
    told = tuple(one for one in updates if one != LabelUpdate(day=one.day))
    return LabelsResult(model=config.name, looked_at=looked_at, days=told, table_version=version)


def with_labels(config: ModelConfig, rows: pd.DataFrame, labels: pd.DataFrame | None) -> pd.DataFrame:
    """Raw rows with the label that `labels` has for their day and key, null where there is none.

    A row that is given two different labels gets neither: nobody here can know the right one.
    """
    data = config.data
    named = list(dict.fromkeys([data.day, *data.key]))
    if labels is None or set(named) - set(rows.columns):
        return rows.assign(**{data.label: None})  # validation names what is missing
    _require(config, labels, [*named, data.label])
    known = _undisputed(config, labels)
    if known.empty or rows.empty:
        return rows.assign(**{data.label: None})
    ours, theirs = (pd.MultiIndex.from_tuples(_places(config, frame)) for frame in (rows, known))
    # As objects: integers would become floats beside rows without a label, and lose digits.
    found = pd.Series(known[data.label].astype(object).to_numpy(), index=theirs).reindex(ours)
    return rows.assign(**{data.label: found.to_numpy()})


def _undisputed(config: ModelConfig, labels: pd.DataFrame) -> pd.DataFrame:
    """Labels that are there, each row's once; those of rows that are given two different ones are left out."""
    data = config.data
    known = labels[labels[data.label].notna()].drop_duplicates([*dict.fromkeys([data.day, *data.key]), data.label])
    places = _places(config, known)
    twice = places.duplicated(keep=False)
    if twice.any():
        log.warning("%s: %d rows are given two different labels: left out", config.name, places[twice].nunique())
    return known[~twice]


@dataclass(frozen=True)
class _Read:
    """Labels that are known, the days they are of, and the model's declaration as far as it speaks of them."""

    config: ModelConfig
    rows: pd.DataFrame
    days: frozenset[object]


def _labelled(config: ModelConfig, frame: pd.DataFrame) -> _Read:
    data = config.data
    named = [data.day, *data.key, data.label]
    _require(config, frame, named)
    columns = {name: kind for name, kind in data.columns.items() if name in named}
    rules = tuple(
        rule
        for rule in config.validation.rules
        if data.label in columns_of(rule) and set(columns_of(rule)) <= columns.keys()
    )
    narrow = config.model_copy(
        update={
            "data": data.model_copy(update={"columns": columns, "source": data.labels or data.source}),
            "validation": config.validation.model_copy(update={"rules": rules}),
        }
    )
    rows = _undisputed(narrow, frame)[list(columns)].reset_index(drop=True)
    return _Read(narrow, rows, frozenset(coerce(rows[[data.day]], narrow).frame[data.day]))


def _require(config: ModelConfig, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    if missing := [name for name in dict.fromkeys(columns) if name not in frame.columns]:
        place = (config.data.labels or config.data.source).place
        raise PermanentError(
            f"{config.name}: the labels that {place} delivered lack {', '.join(missing)}; "
            f"it must give the day, the key columns and the label: {', '.join(columns)}"
        )


def _places(config: ModelConfig, rows: pd.DataFrame) -> pd.Series:
    """(day, row_key) of each row; None for what cannot be read, which meets nothing."""
    typed = coerce(rows, config).frame
    days, keys = typed[config.data.day], row_keys(config, typed)
    pairs = [
        (day, key if isinstance(key, str) else f"unreadable {number}")
        for number, (day, key) in enumerate(zip(days, keys, strict=True))
    ]
    return pd.Series(pairs, index=rows.index, dtype=object)


def _merge(
    config: ModelConfig,
    outcome: ValidationOutcome,
    asked: Sequence[date],
    digests: dict[date, str],
    version: int | None,
) -> tuple[list[LabelUpdate], int | None]:
    """Write the days on which a label differs; return what there is to tell of each day, and the table's version."""
    label = config.data.label
    stored = tables.read(config.name, VALIDATED, days=(min(asked), max(asked)), version=version, exact=True)
    stored = stored[stored["day"].isin([day.isoformat() for day in asked])].reset_index(drop=True)
    good = outcome.accepted
    places = pd.MultiIndex.from_arrays([[day.isoformat() for day in good[config.data.day]], row_keys(config, good)])
    known = pd.Series(good[label].astype(stored[label].dtype).to_numpy(), index=places)
    ours = pd.MultiIndex.from_arrays([stored["day"].astype(object), stored["row_key"].astype(object)])
    theirs = pd.Series(known.reindex(ours).to_numpy(), index=stored.index).astype(stored[label].dtype)
    empty = stored[label].isna().to_numpy(dtype=bool)
    there = theirs.notna().to_numpy(dtype=bool)
    other = there & ~empty & (theirs != stored[label]).fillna(False).to_numpy(dtype=bool)
    differs = (there & empty) | other
    if differs.any():
        version = _write(config, stored.assign(**{label: theirs.where(there, stored[label])}), differs, digests)
    strangers = pd.Series([place[0] for place in places[~places.isin(ours)]], dtype=object)
    updates = [
        LabelUpdate(
            day=day,
            arrived=int((there & empty & (of_day := (stored["day"] == day.isoformat()).to_numpy(dtype=bool))).sum()),
            corrected=int((other & of_day).sum()),
            set_aside=int((outcome.quarantine["day"] == day).sum()),
            without_row=int((strangers == day.isoformat()).sum()),
            refused="; ".join(outcome.refused_days.get(day, ())),
        )
        for day in asked
    ]
    return updates, version


def _write(config: ModelConfig, rows: pd.DataFrame, differs: np.ndarray, digests: dict[date, str]) -> int:
    """Replace the days that have a row that `differs` by their `rows`; each keeps the digest that it first had."""
    changed = sorted(set(rows["day"][differs]))
    rows = rows[rows["day"].isin(changed)].reset_index(drop=True)
    made_from = {day: digests[date.fromisoformat(day)] for day in changed}
    first = rows["day"].map(made_from).astype(pd.ArrowDtype(pa.string()))
    if ROWS_SNAPSHOT in rows.columns:
        first = rows[ROWS_SNAPSHOT].fillna(first)
    rows = rows.assign(**{ROWS_SNAPSHOT: first})
    schema = pa.Table.from_pandas(rows.drop(columns="day"), preserve_index=False).schema.remove_metadata()
    days = rows["day"].map(date.fromisoformat)
    return tables.replace_days(config.name, VALIDATED, rows, days, sorted(set(days)), schema, made_from=made_from)
