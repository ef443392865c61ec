"""What a policy was worth: its champion beside the first one for ever, and beside every night's version. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import Literal

import numpy as np

from include.evidence.metrics import METRICS
from include.replay.records import NightRecord, Point

Strategy = Literal["policy", "never", "always"]
STRATEGIES: tuple[Strategy, ...] = ("policy", "never", "always")
WEEK = 7


@dataclass(frozen=True)
class ServedDay:
    """A day's rows as the three strategies served them: `y` (n,) its labels in the end, `scores` (n,) each."""

    day: date
    y: np.ndarray
    scores: Mapping[Strategy, np.ndarray]


def points(metric: str, served: Sequence[ServedDay], days: int) -> list[Point]:
    """The metric on each block of `days` calendar days from the first one on; a block cut short at the end is left out.

    A block's rows are taken together, whoever scored them: that is what was served.
    """
    if not served:
        return []
    first, last = served[0].day, served[-1].day
    found = []
    for start in range(0, (last - first).days + 2 - days, days):
        begin, end = first + timedelta(days=start), first + timedelta(days=start + days - 1)
        block = [one for one in served if begin <= one.day <= end]
        if block:
            found.append(_point(metric, block, begin, end))
    return found


def mean_weekly(weekly: Sequence[Point]) -> dict[str, float | None]:
    """Each strategy's mean over the weeks in which all three have a value."""
    usable = [one for one in weekly if None not in (one.policy, one.never, one.always)]
    return {name: fmean(getattr(one, name) for one in usable) if usable else None for name in STRATEGIES}


def share_kept(means: Mapping[str, float | None], greater_is_better: bool) -> float | None:
    """Which part of what always promoting gains over never retraining the policy gains; None where it gains nothing."""
    policy, never, always = (means.get(name) for name in STRATEGIES)
    if policy is None or never is None or always is None:
        return None
    sign = 1.0 if greater_is_better else -1.0
    gain = sign * (always - never)
    return sign * (policy - never) / gain if gain > 0 else None


def refusals(nights: Sequence[NightRecord]) -> dict[str, int]:
    """How often each gate did not hold, the most frequent first; a refusal counts for every gate that said no."""
    counts: dict[str, int] = {}
    for one in nights:
        for gate in one.gates:
            counts[gate] = counts.get(gate, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def alarms_and_harm(nights: Sequence[NightRecord], window: int) -> tuple[int, int, int]:
    """Nights with an alarm of drift that harm came with, without harm, and nights of harm that no alarm came before.

    An alarm is one that lasts, and is told. It is about its own day, which is among the matured days of the `window`
    nights from it on: harm on any of those came with it.
    """
    harmed = {one.night for one in nights if one.look and one.look.harm}
    alarmed = {one.night for one in nights if one.look and any(key.startswith("drift:") for key in one.look.told)}
    ahead = [timedelta(days=step) for step in range(window)]
    justified = sum(any(night + step in harmed for step in ahead) for night in alarmed)
    unannounced = sum(not any(night - step in alarmed for step in ahead) for night in harmed)
    return justified, len(alarmed) - justified, unannounced


def opened(nights: Sequence[NightRecord]) -> int:
    """How often people would have been told of a drift that had not been there the night before."""
    before: set[str] = set()
    count = 0
    for look in (one.look for one in nights if one.look):
        now = {key for key in look.told if key.startswith("drift:")}
        count += len(now - before)
        before = now
    return count


def _point(metric: str, block: Sequence[ServedDay], first: date, last: date) -> Point:
    y = np.concatenate([one.y for one in block])
    known = np.isfinite(y)
    values = {
        name: _value(metric, y[known], np.concatenate([one.scores[name] for one in block])[known])
        for name in STRATEGIES
    }
    return Point(first=first, last=last, rows=int(known.sum()), **values)


def _value(metric: str, y: np.ndarray, scores: np.ndarray) -> float | None:
    """None where it is undefined: no rows, one class, or a row that could not be scored."""
    if len(np.unique(y)) < 2 or not np.isfinite(scores).all():
        return None
    return float(METRICS[metric][0](y, scores))
