"""The night's decision: its facts are read here, as of the night, and what was decided is kept, one row a night.

A night is looked at more than once, and late or again by hand. Facts come from tables and the registry, never from an
event, and of earlier nights only, so that looking again gives the same and replaces the row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd
from croniter import croniter

from include import clock
from include.contracts import DayRange, PolicyDecision
from include.data import labels_known, outcomes, source_end, tables, windows
from include.errors import PermanentError
from include.monitoring import policy, requests
from include.release import trials
from include.tracking import registry

if TYPE_CHECKING:
    from include.config.schema import ColumnType, ModelConfig, ScheduleConfig
    from include.contracts import DriftFinding
    from include.monitoring.performance import Performance
    from include.scoring.loader import Training
    from include.tracking.runs import OpenRun

POLICY = "policy"
COLUMNS: Mapping[str, ColumnType] = {
    "champion_version": "integer",
    "action": "string",
    "reasons": "string",
    "drifted": "string",
    "decision": "string",
}
"""Beside the partition column `day`, which is the night. Lists are JSON; `decision` is the whole of it."""
SHOWN_NIGHTS = 14
"""Nights on the page of a decision."""


def on_data_alone(config: ModelConfig, night: date) -> PolicyDecision:
    """Decide where nothing is looked at: no version is served yet, or the source has ended. Bad data is told. Kept."""
    return keep(policy.decide(config.monitoring, _data(config, night)))


def decide(
    config: ModelConfig,
    night: date,
    training: Training,
    champion: Performance,
    drift: Sequence[DriftFinding] | None,
    run: OpenRun,
) -> PolicyDecision:
    """Decide on a night of a served version, and keep it.

    :param drift: tonight's drift alarms; None where there was no verdict
    :param run: the night's MLflow run, which alerts point to
    """
    known = _data(config, night)
    first = night - timedelta(days=config.monitoring.policy.drift.of - 1)
    earlier = history(config.name, first, night - timedelta(days=1))
    trial = trials.on_trial(config)
    facts = policy.Facts(
        model=config.name,
        night=night,
        champion_version=training.version,
        champion_as_of=training.as_of,
        bad_data=known.bad_data,
        missing=known.missing,
        awaited=known.awaited,
        performance=champion.metrics,
        performance_rows=champion.rows,
        of="the last snapshot's holdout" if config.data.snapshot else "",
        drift=None if drift is None else _sentences(drift),
        drifted_before={one.night: one.drifted for one in earlier if one.champion_version == training.version},
        new_rows=_new_rows(config, night, training),
        requests=requests.nights(config.name),
        trained_as_of=registry.newest_as_of(config.name),
        on_trial=trial.version if trial else None,
    )
    decided = policy.decide(config.monitoring, facts)
    return keep(decided.model_copy(update={"experiment_id": run.experiment_id, "mlflow_run_id": run.run_id}))


def keep(decision: PolicyDecision) -> PolicyDecision:
    """Replace the night's row, and return the decision."""
    row = {
        "champion_version": decision.champion_version,
        "action": decision.action,
        "reasons": json.dumps(decision.reasons),
        "drifted": json.dumps(decision.drifted),
        "decision": decision.model_dump_json(),
    }
    frame = pd.DataFrame([row]).astype({"champion_version": "Int64"})
    night = [decision.night]
    schema = tables.schema_for(COLUMNS)
    tables.replace_days(decision.model, POLICY, frame, pd.Series(night, dtype=object), night, schema)
    return decision


def kept(model: str, night: date) -> PolicyDecision | None:
    """The decision on a night; None where nobody has looked at it."""
    return next(iter(history(model, night, night)), None)


def history(model: str, first: date, last: date) -> list[PolicyDecision]:
    """The kept decisions from the night `first` to `last`, both included, in order; not looked at, not there."""
    rows = tables.read(model, POLICY, ["day", "decision"], days=(first, last)).sort_values("day")
    return [PolicyDecision.model_validate_json(text) for text in rows["decision"]]


def lately(decision: PolicyDecision) -> list[PolicyDecision]:
    """The decisions that led up to this one, itself the last."""
    first = decision.night - timedelta(days=SHOWN_NIGHTS - 1)
    return [*history(decision.model, first, decision.night - timedelta(days=1)), decision]


def _data(config: ModelConfig, night: date) -> policy.Facts:
    """Whether the day before the night is there and was not refused."""
    day = night - timedelta(days=1)
    bad, missing = "", False
    became = outcomes.outcome(config.name, day)
    there = bool(windows.validated_days(config, DayRange(start=day, end=day)))
    if not there and (became is None or not became.rows) and (end := source_end.source_end(config, night)):
        return policy.Facts(
            model=config.name, night=night, bad_data=source_end.sentence(config, end), missing=True, ended=True
        )
    if became is not None and became.refused:
        bad = f"Day {day} was refused: {'; '.join(became.reasons)}."
    elif not there:
        missing = True
        why = "its source had none" if became is not None else f"{config.name}__ingest has not brought any"
        bad = f"Day {day} has no validated rows: {why}."
    awaited = missing and is_awaited(config.schedule, night, clock.now())
    return policy.Facts(model=config.name, night=night, bad_data=bad, missing=missing, awaited=awaited)


def is_awaited(schedule: ScheduleConfig, night: date, now: datetime) -> bool:
    """Whether the night's ingest has not been due yet: scores by hand wake the night's look at any hour."""
    midnight = datetime.combine(night, time(), ZoneInfo(schedule.timezone))
    return now < croniter(schedule.ingest, midnight - timedelta(seconds=1)).get_next(datetime)


def _sentences(drift: Sequence[DriftFinding]) -> dict[str, str]:
    """The first, and so the most unusual, alarm of each column."""
    told: dict[str, str] = {}
    for found in drift:
        told.setdefault(found.column, found.sentence)
    return told


def _new_rows(config: ModelConfig, night: date, training: Training) -> int:
    """Rows whose label arrived after the night that the champion was trained as of, and by this one.

    Of a snapshot, whose rows come again every night, those that are new or have changed since the champion's own.
    """
    if config.data.snapshot:
        return _rows_that_changed(config, night, training)
    days, label = labels_known.days_learned(config, training.as_of, night), config.data.label
    if days is None:
        return 0
    rows = tables.read(config.name, windows.VALIDATED, ["day", label], (days.start, days.end))
    return int(rows[label].notna().sum())


def _rows_that_changed(config: ModelConfig, night: date, training: Training) -> int:
    """Labelled rows of the night's snapshot that the champion's snapshot had not, or had with other values."""
    columns, last = [name for name in config.data.columns if name != config.data.day], night - timedelta(days=1)

    def hashes(first: date, last: date, version: int | None) -> pd.Series:
        rows = tables.read(config.name, windows.VALIDATED, columns, (first, last), version)
        labelled = rows[rows[config.data.label].notna()]
        return pd.util.hash_pandas_object(labelled.astype("string"), index=False)

    now = hashes(last, last, None)
    try:
        known = hashes(training.train.start, training.train.end, training.data_version)
    except PermanentError:
        return len(now)  # that version of the table is gone, or lacks a column: nothing says that the rows are old
    return int((~now.isin(known)).sum())
