"""How well the served scores did, once their labels are known. `measure` and `joined` are pure; `read` reads."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange
from include.data import tables, windows
from include.release.checks import EvidenceError
from include.release.intervals import metric_interval
from include.scoring.batch import PREDICTIONS
from include.training.metrics import METRICS

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

DEFAULT_NIGHTS = 7
CONFIDENCE = 0.95
NEED_BOTH_CLASSES = ("roc_auc", "average_precision", "f1")


@dataclass(frozen=True)
class Performance:
    """Metrics of one role on labelled rows. `days` is the first and last day that has any."""

    metrics: dict[str, float]
    rows: int
    days: DayRange | None
    reasons: tuple[str, ...] = ()


def matured_days(config: ModelConfig, night: date) -> DayRange:
    """The last nights whose labels had all arrived by `night`, as many as `retrain_request.nights` says."""
    rule = config.monitoring.retrain_request
    last = night - timedelta(days=max(1, config.data.label_delay_days))
    return DayRange(start=last - timedelta(days=(rule.nights if rule else DEFAULT_NIGHTS) - 1), end=last)


def matured(config: ModelConfig, day: date, night: date) -> bool:
    """Whether the labels of `day` count by `night`; a day has to be over first."""
    return day + timedelta(days=max(1, config.data.label_delay_days)) <= night


def read(config: ModelConfig, role: str, version: int, days: DayRange) -> pd.DataFrame:
    """Rows that `version` scored as `role` and whose label is known: day, row_key, score (NaN: failed), label.

    Rows of another version are left out: a metric that mixes the former champion with this one is neither's.
    """
    label = config.data.label
    known = tables.read(config.name, windows.VALIDATED, ["day", "row_key", label], (days.start, days.end))
    return joined(predicted(config, role, version, days), known.rename(columns={label: "label"}))


def predicted(config: ModelConfig, role: str, version: int, days: DayRange) -> pd.DataFrame:
    """What `version` scored as `role`: day, row_key, version, score."""
    wanted = ["day", "row_key", "version", "score"]
    rows = tables.read(config.name, PREDICTIONS, wanted, (days.start, days.end), where={"role": role})
    return rows[rows["version"] == version]


def joined(scored: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Scores and labels of the rows that have both a prediction and a known label, in the order of their keys.

    A row is named by its day and its key: a key without the day in it comes again every day.
    """
    labelled = known.loc[known["label"].notna(), ["day", "row_key", "label"]]
    rows = scored[["day", "row_key", "score"]].merge(labelled, on=["day", "row_key"], validate="1:1")
    typed = rows.assign(score=rows["score"].astype("float64"), label=rows["label"].astype("float64"))
    return typed.sort_values(["day", "row_key"], ignore_index=True)


def limits(rows: pd.DataFrame, metrics: Iterable[str]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric, whole days resampled; none of metrics that the rows allow none for.

    :param rows: as `read` gives them; those without a score are left out
    """
    scored = rows[rows["score"].notna()]
    y_true, y_score, day = (scored[name].to_numpy() for name in ("label", "score", "day"))
    found = {}
    for metric in metrics:
        with suppress(EvidenceError):
            interval = metric_interval(metric, y_true, y_score, clusters=day, confidence=CONFIDENCE)
            found[metric] = (interval.low, interval.high)
    return found


def measure(rows: pd.DataFrame, who: str) -> Performance:
    """Every metric that the rows allow, and a sentence for what they do not; `who` names the version in it."""
    scored = rows[rows["score"].notna()]
    reasons = []
    if len(scored) < len(rows):
        reasons.append(f"{len(rows) - len(scored):,} of {len(rows):,} labelled rows have no score by {who}.")
    if scored.empty:
        return Performance({}, 0, None, (*reasons, f"No labelled rows that {who} scored: nothing to measure it on."))
    names = list(METRICS)
    y_true, y_score = scored["label"].to_numpy(), scored["score"].to_numpy()
    if len(np.unique(y_true)) < 2:
        names = [name for name in names if name not in NEED_BOTH_CLASSES]
        reasons.append(
            f"All {len(scored):,} labels are {y_true[0]:g}: {', '.join(NEED_BOTH_CLASSES)} of {who} need both classes."
        )
    days = DayRange(start=date.fromisoformat(scored["day"].min()), end=date.fromisoformat(scored["day"].max()))
    return Performance(
        {name: float(METRICS[name][0](y_true, y_score)) for name in names}, len(scored), days, tuple(reasons)
    )
