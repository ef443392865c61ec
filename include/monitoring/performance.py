"""How well the served scores did, once their labels are known. `measure` and `joined` are pure; `read` reads.

Of a snapshot only the rows of its holdout part are measured, by the hash of their keys: no version was fitted or chosen
on them, on whichever night it was trained, so that measuring the very table it was trained on does not flatter it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange
from include.data import labels, splits, tables, windows
from include.data.declared_types import as_declared
from include.errors import PermanentError
from include.monitoring import metrics
from include.release.checks import EvidenceError
from include.release.intervals import metric_interval
from include.scoring import loader, outputs, stored

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

DEFAULT_NIGHTS = 7
CONFIDENCE = 0.95
DEALT = 200
MOST_SINGLE_ROWS = 20_000
"""Independent rows beyond which they are resampled in DEALT groups made by chance, which is as good and quick."""


@dataclass(frozen=True)
class Performance:
    """Metrics of one role on labelled rows. `days` is the first and last day that has any."""

    metrics: dict[str, float]
    rows: int
    days: DayRange | None
    reasons: tuple[str, ...] = ()


def matured_days(config: ModelConfig, night: date) -> DayRange:
    """The last nights whose labels had all arrived by `night`, as many as `retrain_request.nights` says.

    Of a snapshot the last one alone: the same rows come again every night.
    """
    rule = config.monitoring.retrain_request
    nights = 1 if config.data.snapshot else rule.nights if rule else DEFAULT_NIGHTS
    last = night - timedelta(days=max(1, config.data.label_delay_days))
    return DayRange(start=last - timedelta(days=nights - 1), end=last)


def matured(config: ModelConfig, day: date, night: date) -> bool:
    """Whether the labels of `day` count by `night`; a day has to be over first."""
    return day + timedelta(days=max(1, config.data.label_delay_days)) <= night


def read(config: ModelConfig, role: str, version: int, days: DayRange) -> pd.DataFrame:
    """Rows that `version` scored as `role` and whose label is known, as `joined` gives them.

    Rows of another version are left out: a metric that mixes the former champion with this one is neither's.
    """
    return joined(predicted(config, role, version, days), known(config, days), held_out(config, version))


def known(config: ModelConfig, days: DayRange) -> pd.DataFrame:
    """Labels as they are known now: day, row_key, label (a number); and of a snapshot what clusters its rows."""
    label, cluster = config.data.label, config.release.cluster_by if config.data.snapshot else None
    wanted = ["day", "row_key", label, *([cluster] if cluster else [])]
    rows = tables.read(config.name, windows.VALIDATED, list(dict.fromkeys(wanted)), (days.start, days.end))
    clusters = {"cluster": rows[cluster]} if cluster else {}
    numbers = labels.numbers(config, as_declared(config.name, rows[[label]], config.data.columns)[label])
    return pd.DataFrame({"day": rows["day"], "row_key": rows["row_key"], "label": numbers, **clusters})


def predicted(config: ModelConfig, role: str, version: int, days: DayRange) -> pd.DataFrame:
    """What `version` scored as `role`, in `score_columns`; probabilities of other classes than today's are no score."""
    rows = stored.read(config, score_columns(config), (days.start, days.end), role)
    rows = rows[rows["version"] == version]
    if config.task != "multiclass":
        return rows
    there = np.isfinite(outputs.stacked(config, rows["probabilities"])).all(axis=1)
    return rows.assign(score=rows["score"].where(there), probabilities=rows["probabilities"].where(there, None))


def score_columns(config: ModelConfig) -> list[str]:
    """Columns of `predictions` that a metric of the task, or a comparison, needs."""
    of_classes = ["prediction", "probabilities"] if config.task == "multiclass" else []
    return ["day", "row_key", "version", "score", *of_classes]


def held_out(config: ModelConfig, version: int) -> ModelConfig | None:
    """The configuration by whose shares a snapshot's holdout is told, that of the version's training; None with days.

    Of a version that the registry has no more, today's: its scores are only looked at again.
    """
    if not config.data.snapshot:
        return None
    try:
        return loader.training(config.name, version).config
    except PermanentError:
        return config


def joined(scored: pd.DataFrame, known: pd.DataFrame, held_out: ModelConfig | None = None) -> pd.DataFrame:
    """Scores and labels of the rows that have both a prediction and a known label, in the order of their keys.

    A row is named by its day and its key: a key without the day in it comes again every day.

    :param held_out: configuration whose holdout part alone counts, for rows of a snapshot
    """
    labelled = known.loc[known["label"].notna(), [name for name in known if name in LABELLED]]
    rows = scored[[name for name in scored if name in SCORED]].merge(labelled, on=["day", "row_key"], validate="1:1")
    typed = rows.assign(score=rows["score"].astype("float64"), label=rows["label"].astype("float64"))
    if held_out is not None and len(typed):
        typed = typed[splits.in_part(held_out, typed, "holdout")]
    return typed.sort_values(["day", "row_key"], ignore_index=True)


LABELLED = ("day", "row_key", "label", "cluster")
SCORED = ("day", "row_key", "score", "probabilities")


def usable(config: ModelConfig, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows that have a score, and their scores as metrics take them: (n,), or (n, k) probabilities of k classes."""
    if config.task != "multiclass":
        scored = rows[rows["score"].notna()]
        return scored, scored["score"].to_numpy(dtype=np.float64)
    scores = outputs.stacked(config, rows["probabilities"])
    there = np.isfinite(scores).all(axis=1)
    return rows[there], scores[there]


def limits(config: ModelConfig, rows: pd.DataFrame, names: Iterable[str]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric; none of metrics that the rows allow none for.

    Whole days are resampled; of a snapshot what `release.cluster_by` names, or else rows, declared independent.

    :param rows: as `read` gives them; those without a score are left out
    """
    scored, scores = usable(config, rows)
    y_true, clusters = scored["label"].to_numpy(), _clusters(config, scored)
    found = {}
    for metric in names:
        with suppress(EvidenceError):
            interval = metric_interval(
                metric,
                y_true,
                scores,
                clusters=clusters,
                confidence=CONFIDENCE,
                quantile=metrics.quantile(config),
            )
            found[metric] = (interval.low, interval.high)
    return found


def _clusters(config: ModelConfig, scored: pd.DataFrame) -> np.ndarray | None:
    if not config.data.snapshot:
        return scored["day"].to_numpy()
    if "cluster" in scored:
        return scored["cluster"].astype("string").to_numpy()
    if len(scored) <= MOST_SINGLE_ROWS:
        return None
    return np.random.default_rng(0).permutation(np.arange(len(scored)) % DEALT)


def measure(config: ModelConfig, rows: pd.DataFrame, who: str) -> Performance:
    """Every metric that the rows allow, and a sentence for what they do not; `who` names the version in it."""
    scored, scores = usable(config, rows)
    reasons = []
    if len(scored) < len(rows):
        reasons.append(f"{len(rows) - len(scored):,} of {len(rows):,} labelled rows have no score by {who}.")
    if scored.empty:
        return Performance({}, 0, None, (*reasons, f"No labelled rows that {who} scored: nothing to measure it on."))
    found, said = metrics.measured(config, scored["label"].to_numpy(), scores, who)
    days = DayRange(start=date.fromisoformat(scored["day"].min()), end=date.fromisoformat(scored["day"].max()))
    return Performance(found, len(scored), days, (*reasons, *said))
