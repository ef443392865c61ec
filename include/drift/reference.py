"""What a comparison with the champion's training rows comes to, and what is read for one of days and of snapshots."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.config.next_commands import trigger
from include.contracts import DayRange, DriftFinding
from include.data import windows
from include.drift import columns
from include.errors import NotEnoughData, PermanentError
from include.scoring import served_rows
from include.scoring.rows import score_rows
from include.tracking import naming

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig
    from include.scoring.loader import Training

log = logging.getLogger(__name__)

REFERENCE_SEED = 0
DRIFT_PAGE, DRIFT_VALUES = "drift.html", "drift.json"
NULL_FILE = "drift_null.json"
"""Artefact of the version's run that keeps its null."""


@dataclass(frozen=True)
class Compared:
    """The night against the reference: empty, with the reason, where there was too little to compare."""

    rows: int
    reasons: tuple[str, ...]
    distances: dict[str, float] = field(default_factory=dict)
    prediction_distance: float | None = None
    alarms: tuple[DriftFinding, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    judged: bool = False
    """Whether there was a verdict: enough rows, and a null to hold them against."""

    @property
    def drifted(self) -> tuple[str, ...]:
        """Features that are in an alarm, the most unusual first."""
        named = [one.column for one in self.alarms if one.measure != "rows" and one.column != columns.SCORE]
        return tuple(dict.fromkeys(named))


def reference_rows(config: ModelConfig, training: Training) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of the days that the champion was fitted on, as the table was then, and a note where it is not any more."""
    notes: tuple[str, ...] = ()
    try:
        rows = windows.read_rows(training.config, training.train, training.as_of, training.data_version)
    except (PermanentError, OSError) as error:
        log.warning("the reference of %s is read from today's table: %s", config.name, error)
        rows = windows.read_rows(training.config, training.train, training.as_of)
        notes = (
            f"Table version {training.data_version}, which the champion was trained on, cannot be read any more: the "
            "reference is the same days in today's table.",
        )
    if rows.empty:
        raise NotEnoughData(
            f"{config.name}: no validated rows of {training.train.start} to {training.train.end}, the days that "
            f"champion version {training.version} was trained on, so there is nothing to compare a night with. Load "
            f"them: {trigger(config.name, 'ingest', start=training.train.start, end=training.train.end)}"
        )
    return rows, notes


def scores_now(config: ModelConfig, training: Training, rows: pd.DataFrame, pipeline: Pipeline) -> np.ndarray:
    """What is compared of the rows' scores, (n,) as `drift.shown`: those served, new ones for rows not scored yet.

    They are in the order of the classes that the version was trained with, as the reference's are.
    """
    day = rows[training.config.data.day].dt.date
    served = served_rows.read_scores(
        training.config, naming.CHAMPION, training.version, DayRange(start=day.min(), end=day.max())
    ).set_index(["day", "row_key"])[served_rows.choose_compared_column(config)]
    keys = pd.MultiIndex.from_arrays([day.astype(str), rows["row_key"]])
    kind = object if config.task == "multiclass" else float
    scores = served.reindex(keys).to_numpy(dtype=kind, copy=True)
    unscored = ~keys.isin(served.index)
    scores[unscored] = columns.shown(training.config, score_rows(pipeline, rows[unscored], training.config)[0])
    return scores
