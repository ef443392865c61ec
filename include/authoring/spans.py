"""Windows that fit a history: days of each split, so that every split has rows enough for the window check. Pure.

Days are counted by the calendar, as the model file does; a history of one row a month needs many of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.data.splits import LEAST_ROWS

SPARE = 1.2
"""How many times as many rows as needed are wanted: windows move on, and a day may be refused."""
HOLDOUT_ROWS = 500
ENOUGH = {"train": 5000, "validation": 200, "holdout": HOLDOUT_ROWS}
"""Rows for which more days than the usual ones are taken."""
USUAL_TRAIN, MOST_TRAIN = 365, 1095
"""Days to train on, where a day has rows enough, and where it has few."""
USUAL = ((7, 28, 90), (28, 13, 39), (80, 12, 36))
"""For days less apart than the first figure: how many of them a split usually has, and at most."""
FEWEST = (4, 12)
"""The same for quarters and years."""
USUAL_MISSING = 0.1
"""The default of `training.max_missing_share`."""


@dataclass(frozen=True)
class Spans:
    """Calendar days, rows, first day and day after the last of each split; days without rows, and their worst share.

    `step` is the number of days from one day with rows to the next, `per_day` the rows of such a day. Of a `young`
    history the splits reach back before its first day: `rows` are those that will be there, and no split has edges yet.
    """

    days: dict[str, int]
    rows: dict[str, int]
    edges: dict[str, tuple[pd.Timestamp, pd.Timestamp]]
    holdout_dates: int
    step: int
    per_day: float
    empty: int
    whole: int
    worst: float
    young: bool = False

    @property
    def missing_share(self) -> float | None:
        """What `training.max_missing_share` must allow, where the default does not do."""
        if self.worst <= USUAL_MISSING / 2:
            return None
        room = 0.1 if self.worst < 0.5 else (1 - self.worst) / 4
        return min(0.9999, math.ceil((self.worst + room) * 10_000) / 10_000)


def spans_of(moments: pd.Series) -> Spans:
    """The windows for one or more rows (n,) of these days or moments, of which the label is known.

    Where three splits of LEAST_ROWS rows cannot be had yet, they are those that the rows will fill at the pace seen.
    """
    counts = moments.dropna().dt.normalize().value_counts().sort_index()
    dates, per_date = counts.index, counts.to_numpy()
    step = _step(dates)
    for spare in (SPARE, 1.0):
        if (cuts := _cuts(per_date, step, math.ceil(spare * LEAST_ROWS))) is not None:
            break
    else:
        return _young_spans(dates, per_date, step)
    train, validation, holdout = cuts
    first = _first(dates, per_date, train, validation)
    starts = {"train": first, "validation": validation, "holdout": holdout}
    ends = {"train": validation, "validation": holdout, "holdout": len(dates)}
    after = dates[-1] + pd.Timedelta(days=1)
    edges = {
        part: (dates[start], dates[ends[part]] if ends[part] < len(dates) else after) for part, start in starts.items()
    }
    days = {part: int((end - start).days) for part, (start, end) in edges.items()}
    missing = {part: 1 - (ends[part] - starts[part]) / days[part] for part in days}
    whole = sum(days.values())
    return Spans(
        days=days,
        rows={part: int(per_date[start : ends[part]].sum()) for part, start in starts.items()},
        edges=edges,
        holdout_dates=len(dates) - holdout,
        step=step,
        per_day=float(np.median(per_date)),
        empty=whole - (len(dates) - first),
        whole=whole,
        worst=max(missing.values()),
    )


def _step(dates: pd.DatetimeIndex) -> int:
    """Days from one date with rows to the next, in the middle."""
    return (
        max(1, int(np.median(np.diff(dates.to_numpy()).astype("timedelta64[D]").astype(int)))) if len(dates) > 1 else 1
    )


def _cuts(per_date: np.ndarray, step: int, least: int) -> tuple[int, int, int] | None:
    """Where train, validation and holdout begin among the dates, or None where one would have too few rows."""
    dates = len(per_date)
    # The holdout's rows are resampled by days: three at the least, where there are as many.
    holdout = _begin(per_date, dates, step, "holdout", max(dates // 5, min(3, dates // 3)), least)
    validation = _begin(per_date, holdout, step, "validation", dates // 6, least) if holdout > 0 else -1
    if validation <= 0 or per_date[:validation].sum() < least:
        return None
    return 0, validation, holdout


def _begin(per_date: np.ndarray, end: int, step: int, part: str, most: int, least: int) -> int:
    """The date at which a split that ends before `end` begins; below 0 where there are not rows enough."""
    usual, longest = next(((usual, longest) for below, usual, longest in USUAL if step < below), FEWEST)
    rows, begin = 0, end
    while begin > 0:
        taken = end - begin
        wants_more = taken < usual or (rows < ENOUGH[part] and taken < longest)
        if rows >= least and (taken >= max(1, most) or not wants_more):
            return begin
        begin -= 1
        rows += int(per_date[begin])
    return -1


def _first(dates: pd.DatetimeIndex, per_date: np.ndarray, first: int, end: int) -> int:
    """The first date to train on: a year back, or more where that has few rows."""
    rows_after = per_date[first:end][::-1].cumsum()[::-1]
    for days in (USUAL_TRAIN, MOST_TRAIN):
        start = int((dates[first:end] < dates[end] - pd.Timedelta(days=days)).sum())
        if start < end - first and rows_after[start] >= ENOUGH["train"]:
            return first + start
    start = int((dates[first:end] < dates[end] - pd.Timedelta(days=MOST_TRAIN)).sum())
    return first + start if start < end - first and rows_after[start] >= 1000 else first


def _young_spans(dates: pd.DatetimeIndex, per_date: np.ndarray, step: int) -> Spans:
    """Windows for a history that is too short as yet: each split as long as it takes to fill at the pace so far."""
    history, total = int((dates[-1] - dates[0]).days) + 1, int(per_date.sum())
    pace = total / max(history, step * len(dates))
    least = max(3 * step, math.ceil(SPARE * LEAST_ROWS / pace))
    days = {"train": 2 * least, "validation": least, "holdout": least}
    whole = sum(days.values())
    share = 1 - min(1.0, len(dates) / history)
    return Spans(
        days=days,
        rows={part: int(pace * number) for part, number in days.items()},
        edges={},
        holdout_dates=max(1, least // step),
        step=step,
        per_day=float(np.median(per_date)),
        empty=round(share * whole),
        whole=whole,
        worst=share,
        young=True,
    )
