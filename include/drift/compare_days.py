"""A night's rows and those of the last nights against the champion's reference: read, scored, judged, drawn."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange, DriftFinding
from include.data import windows
from include.drift import alarms, columns, compare_snapshot, distances, evidently_pages, ordinary_days
from include.drift.reference import (
    DRIFT_PAGE,
    DRIFT_VALUES,
    NULL_FILE,
    REFERENCE_SEED,
    Compared,
    reference_rows,
    scores_now,
)
from include.errors import NotEnoughData, PermanentError
from include.scoring import loader
from include.scoring.rows import score_rows
from include.tracking import registry, runs

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig
    from include.scoring.loader import Training

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reference:
    """What the champion was fitted on: all `rows`, whether each is in the sample that nights are compared with."""

    rows: pd.DataFrame
    sampled: np.ndarray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Recent:
    """Rows of the last nights, day by day; the night's own are those from `start` on, pooled where they are few."""

    rows: pd.DataFrame
    day: pd.Series
    start: date
    last: date
    notes: tuple[str, ...]


def compare(config: ModelConfig, training: Training, night: date) -> Compared:
    """Features of the night and the champion's scores on them against its training rows, and against their null."""
    if config.data.snapshot:
        return compare_snapshot.compare(config, training, night)
    declared = training.config
    recent = recent_rows(config, declared, night)
    if isinstance(recent, str):
        return Compared(rows=0, reasons=(recent,))
    reference = _reference(config, training)
    pipeline = loader.load(config.name, training.version)
    sample = reference.rows[reference.sampled].reset_index(drop=True)
    before = columns.typed(declared, sample, columns.shown(declared, score_rows(pipeline, sample, declared)[0]))
    lately = columns.typed(declared, recent.rows, scores_now(config, training, recent.rows, pipeline))
    now = lately[(recent.day >= recent.start).to_numpy()].reset_index(drop=True)
    plan = columns.plan(declared, before, now)
    notes = [*recent.notes, *reference.notes, *plan.notes]
    findings, said = _judged(config, training, reference, pipeline, before, recent, lately)
    if not plan.comparisons and not findings:
        return Compared(rows=len(now), reasons=tuple(notes))
    title = f"{config.name}: {len(now):,} rows seen on the night of {night}, champion version {training.version}"
    against = (
        f"Reference: {len(sample):,} rows of {training.train.start} to {training.train.end}, which the champion was "
        "trained on."
    )
    found, page, values = evidently_pages.drift_page(plan, findings, before, now, title, [*said, against, *notes])
    prediction_distance = found.pop(columns.SCORE, None)
    return Compared(
        rows=len(now),
        reasons=(*said, *notes),
        distances=found,
        prediction_distance=prediction_distance,
        alarms=tuple(found for found in findings if found.alarm),
        files={DRIFT_PAGE: page, DRIFT_VALUES: evidently_pages.as_json(values)},
        judged=bool(findings),
    )


def keep_null(config: ModelConfig, version: int) -> None:
    """Compute the version's null and keep it with its run, where that has not been done: at its release.

    A version whose training rows are gone is served all the same; the nightly look says what is missing.
    """
    training = loader.training(config.name, version)
    try:
        if config.data.snapshot:
            compare_snapshot.keep_null(config, training)
            return
        reference = _reference(config, training)
    except NotEnoughData as error:
        log.warning("%s", error)
        return
    _null(config, training, reference, loader.load(config.name, version))


def _judged(
    config: ModelConfig,
    training: Training,
    reference: Reference,
    pipeline: Pipeline,
    before: pd.DataFrame,
    recent: Recent,
    lately: pd.DataFrame,
) -> tuple[list[DriftFinding], tuple[str, ...]]:
    """Findings on the night and on the last nights together, and what they come to in words."""
    kept = _null(config, training, reference, pipeline)
    if kept is None:
        return [], (
            f"No verdict on drift: champion version {training.version} was trained on fewer than "
            f"{ordinary_days.FEWEST_DAYS} days with rows, which do not tell how far apart ordinary days are "
            "(training.train_days).",
        )
    return judged(config, kept, tallies_of(training.config, before), recent, lately)


def tallies_of(declared: ModelConfig, before: pd.DataFrame) -> dict[str, distances.Tally]:
    """Every feature's and the score's values in the sample that nights are compared with, as `drift.typed` made it."""
    return {column: distances.tally(kind, before[column]) for column, kind in columns.kinds(declared).items()}


def judged(
    config: ModelConfig,
    kept: ordinary_days.Null,
    tallies: Mapping[str, distances.Tally],
    recent: Recent,
    lately: pd.DataFrame,
) -> tuple[list[DriftFinding], tuple[str, ...]]:
    """Findings on the night and on the last nights together, by a null that is there already. Pure.

    :param lately: features and scores of `recent`'s rows, as `drift.typed` makes them
    """
    of_night = (recent.day >= recent.start).to_numpy()
    days = recent.day[of_night].nunique()
    weekday, rules = recent.last.weekday(), config.monitoring.drift
    samples = [
        alarms.Sample("night", lately[of_night], days, weekday, night_rows=int((recent.day == recent.last).sum()))
    ]
    if (held := recent.day.nunique()) > days:
        samples.append(alarms.Sample("recent", lately, held, weekday))
    expected = config.monitoring.expected_to_move
    found = [one for sample in samples for one in alarms.judge(kept, tallies, sample, rules, expected)]
    return found, alarms.told(found, len(kept.days))


def _null(
    config: ModelConfig, training: Training, reference: Reference, pipeline: Pipeline
) -> ordinary_days.Null | None:
    """The version's null: kept with its run, and computed on the first look, or again where its settings changed."""
    made_with = f"reference_rows={config.monitoring.reference_rows} min_rows={config.monitoring.min_rows}"
    run_id = registry.version_info(config.name, training.version).mlflow_run_id
    try:
        kept = ordinary_days.from_json(runs.load_text(run_id, NULL_FILE), made_with)
    except PermanentError:
        kept = None
    if kept is not None:
        return kept
    scores = columns.shown(training.config, score_rows(pipeline, reference.rows, training.config)[0])
    made = build_null(config, training.config, reference, scores)
    if made is not None:
        runs.log_text(run_id, ordinary_days.to_json(made, made_with), NULL_FILE)
        log.info("the null of %s version %s was computed from %s days", config.name, training.version, len(made.days))
    return made


def build_null(
    config: ModelConfig, declared: ModelConfig, reference: Reference, scores: np.ndarray
) -> ordinary_days.Null | None:
    """The null of a reference and of the version's scores (n,) on all its rows; None of too few days. Pure."""
    rows = reference.rows
    days = rows[declared.data.day].dt.date.to_numpy()
    frame = columns.typed(declared, rows, scores)
    needed = config.monitoring.min_rows
    pooled = math.ceil(needed / max(1.0, float(np.median(np.unique(days, return_counts=True)[1]))))
    blocks = sorted({1, min(pooled, ordinary_days.RECENT), ordinary_days.RECENT})
    return ordinary_days.build(frame, days, reference.sampled, columns.kinds(declared), needed, blocks)


def recent_rows(
    config: ModelConfig, declared: ModelConfig, night: date, read: windows.Reader | None = None
) -> Recent | str:
    """Rows of the last nights; the night's own are pooled with earlier days' until they are enough to say anything."""
    last = night - timedelta(days=1)
    span = DayRange(start=night - timedelta(days=ordinary_days.RECENT), end=last)
    rows = windows.read_rows(declared, span, night, read=read)
    day = rows[declared.data.day].dt.date
    if not (day == last).any():
        return f"Insufficient rows to compare: day {last} has no validated rows."
    needed = config.monitoring.min_rows
    start = last
    while start > span.start and (day >= start).sum() < needed:
        start -= timedelta(days=1)
    if (found := (day >= start).sum()) < needed:
        return (
            f"Insufficient rows to compare: {found} of {span.start} to {last}, {needed} needed (monitoring.min_rows)."
        )
    notes: Sequence[str] = ()
    if start < last:
        notes = (f"Day {last} alone has fewer than {needed} rows: pooled with the days from {start} on.",)
    return Recent(rows, day, start, last, tuple(notes))


def _reference(config: ModelConfig, training: Training) -> Reference:
    """What the champion was fitted on, as the table was then, and a sample of it that is the same every night."""
    return reference_of(config, *reference_rows(config, training))


def reference_of(config: ModelConfig, rows: pd.DataFrame, notes: tuple[str, ...] = ()) -> Reference:
    """The rows that a version was fitted on as a reference, with the sample of them that nights are compared with."""
    sampled = np.ones(len(rows), dtype=bool)
    if len(rows) > (wanted := config.monitoring.reference_rows):
        sampled[:] = False
        sampled[rows.sample(wanted, random_state=REFERENCE_SEED).index] = True
    return Reference(rows, sampled, notes)
