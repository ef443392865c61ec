"""How well the served scores did, once their labels are known: metrics, and their intervals, of rows that are given."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange
from include.data import labels_known
from include.evidence.input_checks import EvidenceError
from include.evidence.intervals import metric_interval
from include.monitoring import metrics
from include.scoring import served_rows

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
    last = labels_known.last_day(config, night)
    return DayRange(start=last - timedelta(days=nights - 1), end=last)


def limits(config: ModelConfig, rows: pd.DataFrame, names: Iterable[str]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric; none of metrics that the rows allow none for.

    Whole days are resampled; of a snapshot what `release.cluster_by` names, or else rows, declared independent.

    :param rows: as `served_rows.read` gives them; those without a score are left out
    """
    scored, scores = served_rows.usable_scores(config, rows)
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
    scored, scores = served_rows.usable_scores(config, rows)
    reasons = []
    if len(scored) < len(rows):
        reasons.append(f"{len(rows) - len(scored):,} of {len(rows):,} labelled rows have no score by {who}.")
    if scored.empty:
        return Performance({}, 0, None, (*reasons, f"No labelled rows that {who} scored: nothing to measure it on."))
    found, said = metrics.measured(config, scored["label"].to_numpy(), scores, who)
    days = DayRange(start=date.fromisoformat(scored["day"].min()), end=date.fromisoformat(scored["day"].max()))
    return Performance(found, len(scored), days, (*reasons, *said))
