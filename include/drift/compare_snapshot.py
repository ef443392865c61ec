"""A night's snapshot against the one that the champion was trained on: read, scored, judged, drawn.

The same keys come every night, so that most of tonight's rows are the champion's own training rows. Compared with those
they could hardly ever be far, whatever the other rows do: a change that comes with new keys would be watered down, and
a null of independent samples would be far too wide. So only rows whose key is not among the training rows' are
compared; without a change they and the training rows are independent samples of one table, told apart by a hash, which
is what the null draws (`drawn`). A change of a column as a whole shows in them as in all rows.

The champion's scores on rows that it was fitted on are surer of themselves than on others. They are compared on rows
that it was not fitted on either side: those of its validation part, then, with tonight's that are in neither part.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange, DriftFinding
from include.data import splits, windows
from include.drift import chance, distances, evidently_pages
from include.drift import columns as drift
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
class Snapshot:
    """The snapshot that the champion was trained on: its `rows`, and `columns` of training rows and validation scores.

    `fitted` and `seen` are the keys that it was fitted on, and fitted or chosen on.
    """

    rows: int
    columns: Mapping[str, pd.Series]
    fitted: pd.Index
    seen: pd.Index
    notes: tuple[str, ...]


def compare(config: ModelConfig, training: Training, night: date) -> Compared:
    """Tonight's rows that the champion was not trained on, and its scores, against its training rows."""
    declared, last = training.config, night - timedelta(days=1)
    rows = windows.read_rows(declared, DayRange(start=last, end=last), night)
    if rows.empty:
        return Compared(rows=0, reasons=(f"Insufficient rows to compare: day {last} has no validated rows.",))
    pipeline = loader.load(config.name, training.version)
    known, missing = reference_rows(config, training)
    reference = _of(config, training, known, pipeline, missing)
    fresh = _sampled(config, rows[~rows["row_key"].isin(reference.fitted)])
    if len(fresh) < (needed := config.monitoring.min_rows):
        few = f"{len(fresh):,} of the {len(rows):,} rows of {last} are not among the champion's training rows"
        return Compared(rows=0, reasons=(f"Insufficient rows to compare: {few}, {needed} needed.",))
    now = _current(config, training, reference, rows, fresh, pipeline)
    plan = drift.plan(declared, reference.columns, now)
    findings, said = _judged(config, training, reference, now, len(rows))
    title = f"{config.name}: {len(fresh):,} rows seen on the night of {night}, champion version {training.version}"
    against = (
        f"Reference: {len(reference.columns[declared.features.names[0]]):,} rows of the snapshot of "
        f"{training.train.start}, which the champion was trained on. Compared are tonight's rows that are not among "
        "its training rows; scores with those on its validation rows."
    )
    notes = [*reference.notes, *plan.notes]
    told = [*said, against, *notes]
    found, page, values = evidently_pages.drift_page(
        plan, findings, reference.columns, now, title, told, evidently_pages.OF_DRAWS
    )
    return Compared(
        rows=len(fresh),
        reasons=(*said, *notes),
        prediction_distance=found.pop(drift.SCORE, None),
        distances=found,
        alarms=tuple(found for found in findings if found.alarm),
        files={DRIFT_PAGE: page, DRIFT_VALUES: evidently_pages.as_json(values)},
        judged=True,
    )


def keep_null(config: ModelConfig, training: Training) -> None:
    """Draw the version's null for a night of as many rows as its own snapshot has, and keep it with the version.

    Raises NotEnoughData where that snapshot is gone.
    """
    declared = training.config
    rows, notes = reference_rows(config, training)
    reference = _of(config, training, rows, loader.load(config.name, training.version), notes)
    fresh = min(config.monitoring.reference_rows, int((~rows["row_key"].isin(reference.fitted)).sum()))
    unseen = min(config.monitoring.reference_rows, int((~rows["row_key"].isin(reference.seen)).sum()))
    judged = [name for name in reference.columns if name != drift.SCORE or unseen >= config.monitoring.min_rows]
    pools = {
        name: chance.pooled(_tally(declared, name, reference.columns[name]), reference.columns[name])[0]
        for name in judged
    }
    _null(config, training, pools, {name: unseen if name == drift.SCORE else fresh for name in pools}, reference.rows)


def _of(
    config: ModelConfig, training: Training, rows: pd.DataFrame, pipeline: Pipeline, notes: tuple[str, ...]
) -> Snapshot:
    """The champion's own snapshot, of which `rows` are all rows."""
    declared = training.config
    of_train, of_validation = (splits.in_part(declared, rows, name) for name in ("train", "validation"))
    if not of_train.any():
        raise NotEnoughData(f"{config.name}: the snapshot of {training.train.start} has no rows of its training part")
    train, validation = (_sampled(config, rows[part]) for part in (of_train, of_validation))
    scores = drift.shown(declared, score_rows(pipeline, validation, declared)[0])
    keys = pd.Index(rows["row_key"])
    return Snapshot(
        rows=len(rows),
        columns=_columns(declared, train, validation, scores),
        fitted=keys[of_train],
        seen=keys[of_train | of_validation],
        notes=notes,
    )


def _current(
    config: ModelConfig,
    training: Training,
    reference: Snapshot,
    rows: pd.DataFrame,
    fresh: pd.DataFrame,
    pipeline: Pipeline,
) -> dict[str, pd.Series]:
    """Tonight's side: features of `fresh` rows, scores of those that the version was not chosen on either."""
    unseen = _sampled(config, rows[~rows["row_key"].isin(reference.seen)])
    scores = scores_now(config, training, unseen, pipeline) if len(unseen) else np.zeros(0)
    return _columns(training.config, fresh, unseen, scores)


def _columns(
    declared: ModelConfig, features: pd.DataFrame, scored: pd.DataFrame, scores: np.ndarray
) -> dict[str, pd.Series]:
    typed = drift.typed(declared, features, np.zeros(len(features)))
    score = drift.typed(declared, scored, scores)[drift.SCORE]
    return {**{str(name): typed[name] for name in declared.features.names}, drift.SCORE: score}


def _judged(
    config: ModelConfig, training: Training, reference: Snapshot, now: Mapping[str, pd.Series], rows: int
) -> tuple[list[DriftFinding], tuple[str, ...]]:
    before: dict[str, distances.Tally] = {}
    current: dict[str, pd.Series] = {}
    for name, column in reference.columns.items():
        if name == drift.SCORE and len(now[name]) < config.monitoring.min_rows:
            continue  # too few of tonight's rows were neither trained nor chosen on
        before[name], current[name] = chance.pooled(_tally(training.config, name, column), now[name])
    null = _null(config, training, before, {name: len(column) for name, column in current.items()}, reference.rows)
    expected = config.monitoring.expected_to_move
    found = chance.judge(null, before, current, rows, config.monitoring.drift, expected)
    told = chance.told(found, null)
    if drift.SCORE not in before:
        few = f"{len(now[drift.SCORE]):,} of tonight's rows were neither trained nor chosen on"
        told = (*told, f"No verdict on {drift.SCORE}: {few}, {config.monitoring.min_rows} needed.")
    return found, told


def _null(
    config: ModelConfig,
    training: Training,
    reference: Mapping[str, distances.Tally],
    rows_now: Mapping[str, int],
    rows: int,
) -> chance.Drawn:
    """The version's null: kept with its run, and drawn on the first look, or again for other settings or rows."""
    draws = chance.draws_needed((one.kind for one in reference.values()), config.monitoring.drift.false_discovery_rate)
    levels = {name: chance.level(number) for name, number in rows_now.items()}
    some = {str(number) for number in levels.values()}
    made_with = f"reference_rows={config.monitoring.reference_rows} draws={draws} rows={','.join(sorted(some))}"
    run_id = registry.version_info(config.name, training.version).mlflow_run_id
    try:
        kept = chance.from_json(runs.load_text(run_id, NULL_FILE), made_with)
    except PermanentError:
        kept = None
    if kept is not None and set(kept.tails) == set(reference):
        return kept
    made = chance.build(reference, levels, rows, draws)
    runs.log_text(run_id, chance.to_json(made, made_with), NULL_FILE)
    log.info("the null of %s version %s was drawn %s times", config.name, training.version, f"{draws:,}")
    return made


def _tally(declared: ModelConfig, name: str, column: pd.Series) -> distances.Tally:
    return distances.tally(drift.kinds(declared)[name], column)


def _sampled(config: ModelConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """At most `monitoring.reference_rows` of the rows, the same ones whenever they are asked for."""
    if len(rows) <= (wanted := config.monitoring.reference_rows):
        return rows.reset_index(drop=True)
    return rows.sample(wanted, random_state=REFERENCE_SEED).sort_index().reset_index(drop=True)
