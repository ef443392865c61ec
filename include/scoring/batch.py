"""Batch scoring by state: what is not scored, or was validated again since, is scored; nothing else is touched.

Scores are what was served. When the champion changes, the days that the former one scored keep its scores, unless
they are named by hand. The challenger scores the same rows in the shadow, in partitions of its own.

Of a snapshot the newest one is scored, all of its rows: people are served by them, whichever rows the version was
trained on. How well it does is measured on the holdout's keys alone (`monitoring.performance`), so nothing flatters.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from include.contracts import DayRange, ScoreResult
from include.data import tables, windows
from include.errors import PermanentError, TransientError
from include.scoring import lacking, loader, outputs
from include.scoring.rows import score_rows
from include.tracking import naming, registry

if TYPE_CHECKING:
    from include.config.schema import ColumnType, ModelConfig

log = logging.getLogger(__name__)

PREDICTIONS = "predictions"
PREDICTION_COLUMNS: Mapping[str, ColumnType] = {
    "row_key": "string",
    "version": "integer",
    "score": "number",
    "error": "string",
    "night": "date",
    "snapshot": "string",
}
"""Beside the partition columns `day` and `role`. `score` is null where `error` says why the row has none."""
OUTPUT_FIELDS = (
    pa.field("prediction", pa.string()),
    pa.field("probabilities", pa.list_(pa.float64())),
    pa.field("classes", pa.string()),
)
"""Newer columns, as `scoring.outputs` fills them; a table that was made before them has them from its next write on."""
MOST_LOGGED = 5
"""Rows without a score that a task's log names; the table has them all."""


class Scored(NamedTuple):
    """What one role's version did: the days it scored, their rows, and the rows that it could not score."""

    days: tuple[date, ...]
    rows: int
    failed: int
    lacking: tuple[str, ...] = ()


def score(config: ModelConfig, as_of: date, start: date | None = None, end: date | None = None) -> ScoreResult:
    """Score the validated days of the last `scoring.lookback_days` before night `as_of` that are not up to date.

    A day is up to date when its partition was made from the rows that are validated now; labels that came or were
    corrected since change nothing, for scores do not depend on them. Days that a version was trained or chosen on are
    left out, for they would flatter it; of a snapshot, all but the newest. Days named by hand (`start`, or `start` to
    `end`) are scored again whatever was there. Before the first release there is nothing to do, which is no failure.
    """
    champion = registry.champion_version(config.name)
    if champion is None:
        log.info("%s has no champion yet, so nothing is scored; %s__retrain makes one", config.name, config.name)
        return ScoreResult(model=config.name, scored_days=(), rows=0, rows_failed=0, versions={})
    days, by_hand = _asked(config, as_of, start, end)
    versions = {naming.CHAMPION: champion}
    done = [_score_role(config, naming.CHAMPION, champion, days, as_of, by_hand)]
    challenger = registry.alias_version(config.name, naming.CHALLENGER)
    if challenger is not None and challenger != champion:
        shadow = _shadow(config, challenger, days, as_of, by_hand)
        if shadow is not None:
            versions[naming.CHALLENGER] = challenger
            done.append(shadow)
    return ScoreResult(
        model=config.name,
        scored_days=tuple(sorted({day for scored in done for day in scored.days})),
        rows=sum(scored.rows for scored in done),
        rows_failed=sum(scored.failed for scored in done),
        versions=versions,
        lacking=tuple(sentence for scored in done for sentence in scored.lacking),
    )


def _asked(config: ModelConfig, as_of: date, start: date | None, end: date | None) -> tuple[DayRange, bool]:
    """The days to look at, all before `as_of`, and whether a person named them."""
    latest = as_of - timedelta(days=1)
    if start is None and end is None:
        return DayRange(start=as_of - timedelta(days=config.scoring.lookback_days), end=latest), False
    first = start or end or latest
    last = end or first
    if first > last or first > latest:
        raise PermanentError(
            f"{config.name}: cannot score start={first} to end={last} as of night {as_of}; "
            f"start must not be after end, nor after {latest}"
        )
    return DayRange(start=first, end=min(last, latest)), True


def _shadow(config: ModelConfig, version: int, days: DayRange, as_of: date, by_hand: bool) -> Scored | None:
    """The challenger's turn. Nobody is served by it: one that cannot be used is reported and stops nothing."""
    try:
        return _score_role(config, naming.CHALLENGER, version, days, as_of, by_hand)
    except TransientError:
        raise
    except Exception as error:
        log.warning("challenger version %s of %s was left out of the shadow: %s", version, config.name, error)
        return None


def _score_role(config: ModelConfig, role: str, version: int, days: DayRange, as_of: date, by_hand: bool) -> Scored:
    """Score the days that `role` is due, each partition replaced whole, all in one commit."""
    training = loader.training(config.name, version)
    data_version = tables.table_version(config.name, windows.VALIDATED)
    snapshots = windows.row_snapshots(config, days, data_version)
    due = snapshots if by_hand else _due(config, role, training, days, snapshots)
    if not due:
        return Scored((), 0, 0)
    pipeline = loader.load(config.name, version)
    span = DayRange(start=min(due), end=max(due))
    rows = windows.read_rows(training.config, span, as_of, data_version)
    day_of_row = rows[training.config.data.day].dt.date
    rows, day_of_row = rows[day_of_row.isin(list(due))], day_of_row[day_of_row.isin(list(due))]
    scores, errors = score_rows(pipeline, rows, training.config)
    for key, error in [(key, error) for key, error in zip(rows["row_key"], errors, strict=True) if error][:MOST_LOGGED]:
        log.warning("%s version %s of %s could not score row %s: %s", role, version, config.name, key, error)
    scores, meant = outputs.of_today(config, training.config, scores)
    made = {"row_key": rows["row_key"].to_numpy(), "version": version, "error": errors, "night": as_of}
    frame = outputs.columns(meant, scores).assign(**made, snapshot=day_of_row.map(due).to_numpy())
    tables.replace_days(config.name, PREDICTIONS, frame, day_of_row, list(due), schema(), within={"role": role})
    recent = rows
    if lacking.find_lacking(training.config, rows):
        recent = windows.read_rows(training.config, lacking.recent_days(max(due)), as_of, data_version)
    gaps = lacking.sentences(config, role, version, training.config, rows, recent)
    for sentence in gaps:
        log.warning("%s", sentence)
    return Scored(tuple(due), len(rows), int(frame["score"].isna().sum()), gaps)


def schema() -> pa.Schema:
    """Of the table `predictions`, without its partition columns."""
    found = tables.schema_for(PREDICTION_COLUMNS)
    for field in OUTPUT_FIELDS:
        found = found.append(field)
    return found


def _due(
    config: ModelConfig, role: str, training: loader.Training, days: DayRange, snapshots: Mapping[date, str]
) -> dict[date, str]:
    """Days whose partition is missing or was made from other rows than are validated now; of snapshots the newest."""
    stored = tables.read(config.name, PREDICTIONS, ["day", "snapshot"], (days.start, days.end), where={"role": role})
    made_from = dict(zip(stored["day"], stored["snapshot"], strict=True))
    stale = {day: digest for day, digest in snapshots.items() if made_from.get(day.isoformat()) != digest}
    if config.data.snapshot:
        return {day: digest for day, digest in stale.items() if day == max(snapshots)}
    seen = [day for day in stale if not training.precedes(day)]
    if seen:
        log.info(
            "%s version %s of %s was trained and chosen on days up to %s: %s to %s are scored only when they are named",
            role,
            training.version,
            config.name,
            training.validation.end,
            seen[0],
            seen[-1],
        )
    return {day: digest for day, digest in stale.items() if day not in seen}
