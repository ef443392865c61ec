"""From the nights' records to what a policy was worth: its weeks, its promotions and their sequel, its alarms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from include.config.loader import config_hash
from include.contracts import DayRange
from include.data import labels_known
from include.evidence.metrics import greater_is_better
from include.evidence.paired_difference import EvidenceError, paired_difference
from include.evidence.resampling import Statistic
from include.replay.records import Compute, Later, NightRecord, Outcome, Promotion
from include.replay.strategies import alarms_and_harm, mean_weekly, points, refusals, share_kept

if TYPE_CHECKING:
    from include.replay.decisions import Nights
    from include.replay.plan import Plan

LATER_DAYS = 30
"""Days after a promotion on which its truth is looked for."""
FEWEST_LATER = 7
MARGIN = 0.01
"""A later loss that counts, where the model file gives no margin."""


def outcome(
    name: str,
    plan: Plan,
    nights: Nights,
    records: list[NightRecord],
    rows_from: str,
    spent: Callable[[list[float]], Compute],
) -> Outcome:
    """Everything that is told of one policy; `spent` makes the compute from the CPU seconds of its trained nights."""
    config = plan.config
    metric = config.release.against_champion.metric
    promotions = [_promotion(nights, metric, one, earlier) for earlier, one in _changes(records)]
    weekly, rule = points(metric, nights.served, 7), config.monitoring.retrain_request
    margin = _margin(nights)
    justified, idle, unannounced = alarms_and_harm(records, rule.nights if rule else 1)
    means = mean_weekly(weekly)
    return Outcome(
        name=name,
        model=config.name,
        first=plan.first,
        last=plan.last,
        metric=metric,
        greater_is_better=greater_is_better(metric),
        config_hash=config_hash(config),
        rows_from=rows_from,
        margin=margin,
        expected_to_move=config.monitoring.expected_to_move,
        nights=tuple(records),
        promotions=tuple(promotions),
        daily=tuple(points(metric, nights.served, 1)),
        weekly=tuple(weekly),
        mean_weekly=means,
        share_kept=share_kept(means, greater_is_better(metric)),
        worse_later=sum(one.later is not None and one.later.difference < -margin for one in promotions),
        surely_worse_later=sum(
            one.later is not None and one.later.high is not None and one.later.high < -margin for one in promotions
        ),
        refusals=refusals(records),
        alarms_with_harm=justified,
        alarms_without_harm=idle,
        harm_without_alarm=unannounced,
        compute=spent([one.trained.cpu_seconds for one in nights.state.versions]),
    )


def _margin(nights: Nights) -> float:
    release = nights.config.release
    return release.stale_champion.margin if release.stale_champion else release.against_champion.margin or MARGIN


def _changes(records: list[NightRecord]) -> list[tuple[int, NightRecord]]:
    """Promotions that took a champion's place, each with the version that was champion before."""
    found, champion = [], None
    for one in records:
        if one.verdict == "promoted" and champion is not None:
            found.append((champion, one))
        champion = one.champion
    return found


def _promotion(nights: Nights, metric: str, one: NightRecord, replaced: int) -> Promotion:
    return Promotion(
        night=one.night,
        version=one.version or 0,
        replaced=replaced,
        rule=one.rule,
        candidate=one.candidate,
        difference=one.difference,
        later=later(nights, metric, one.night, one.version or 0, replaced),
    )


def later(nights: Nights, metric: str, night: date, version: int, replaced: int) -> Later | None:
    """Both versions on the days from `night` on, which neither had seen; whole days resampled, 95 % interval.

    None where fewer than FEWEST_LATER of those days are in the stretch.
    """
    config, history = nights.config, nights.history
    end = min(night + timedelta(days=LATER_DAYS - 1), max(history.there, default=night))
    if (end - night).days + 1 < FEWEST_LATER:
        return None
    as_of = labels_known.first_night(config, end)
    rows = history.rows(config, DayRange(start=night, end=end), as_of)
    rows = rows[rows[config.data.label].notna()]
    y = rows[config.data.label].to_numpy(dtype=float)
    ours, theirs = (nights.scores.of(nights.state.version(number), rows) for number in (version, replaced))
    shared = {"first": night, "last": end, "rows": len(rows)}
    try:
        days = rows[config.data.day].to_numpy(dtype="datetime64[D]")
        found = paired_difference(metric, y, ours, theirs, clusters=days, alpha=0.025, seed=config.training.seed)
    except EvidenceError:
        if len(np.unique(y)) < 2 or not np.isfinite([ours, theirs]).all():
            return None
        sign = 1.0 if greater_is_better(metric) else -1.0
        values = [Statistic.of(metric, y, scores).value() for scores in (ours, theirs)]
        return Later(**shared, difference=sign * (values[0] - values[1]))
    return Later(**shared, difference=found.difference, low=found.low, high=found.high)
