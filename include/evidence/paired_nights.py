"""The nights of a trial: one paired difference each, of champion and challenger on the same labelled rows. Pure.

A night is the unit, however many rows it has: rows of a night share its weather and its weekday, so a busy one must not
decide for the others. Which nights are put together is told by counts of rows and labels alone, never by the scores; so
the claim that the challenger is no better, given the past, also holds for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.evidence.input_checks import checked
from include.evidence.metrics import CATALOGUE, greater_is_better
from include.evidence.resampling import Statistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_OF_A_CLASS = 10
"""Rows of each class that a night needs: the ROC AUC of one late flight is noise."""


@dataclass(frozen=True)
class PairedNight:
    """One night, or several that were too small alone; `difference` is above 0 where the challenger was better."""

    first: date
    last: date
    rows: int
    champion: float
    challenger: float
    difference: float


def paired_nights(
    metric: str, rows: pd.DataFrame, min_rows: int, quantile: float = 0.5
) -> tuple[list[PairedNight], int]:
    """Pair the nights in their order.

    Parameters
    ----------
    rows : `day` (ISO text), `label`, and finite scores `champion` and `challenger`, one line a row: a number, or a list
        of the probabilities of k classes
    min_rows : nights below are put together with the next until they reach it
    quantile : which one mean_pinball_loss is of

    Returns
    -------
    The nights, and how many rows of the last days are too few and wait for more. Raises EvidenceError where the scores
    do not suit the metric.
    """
    nights: list[PairedNight] = []
    waiting: list[pd.DataFrame] = []
    for _, of_day in rows.groupby("day", sort=True):
        waiting.append(of_day)
        together = pd.concat(waiting)
        if _enough(metric, together, min_rows):
            nights.append(_pair(metric, together, quantile))
            waiting = []
    return nights, sum(len(of_day) for of_day in waiting)


def _enough(metric: str, rows: pd.DataFrame, min_rows: int) -> bool:
    """Whether the night can be judged by itself.

    Of several classes a rare one is waited for only where it is ranked by itself: otherwise its rows weigh as all do.
    """
    if len(rows) < min_rows:
        return False
    if "regression" in CATALOGUE[metric].tasks:
        return True
    counts = np.unique(rows["label"].to_numpy(), return_counts=True)[1]
    scores = _scores(rows["champion"].head(1))
    if scores.ndim == 1 or metric == "roc_auc_ovr":
        classes = 2 if scores.ndim == 1 else scores.shape[1]
        return len(counts) >= classes and int(counts.min()) >= MIN_OF_A_CLASS
    return len(counts) > 1


def _scores(column: pd.Series) -> NDArray[np.float64]:
    """(n,) numbers, or (n, k) where each row has a list."""
    return np.array(column.tolist(), dtype=np.float64)


def _pair(metric: str, rows: pd.DataFrame, quantile: float) -> PairedNight:
    y, champion, challenger = checked(metric, *(_scores(rows[name]) for name in ("label", "champion", "challenger")))
    theirs, ours = (Statistic.of(metric, y, scores, quantile).value() for scores in (champion, challenger))
    return PairedNight(
        first=date.fromisoformat(rows["day"].min()),
        last=date.fromisoformat(rows["day"].max()),
        rows=len(rows),
        champion=theirs,
        challenger=ours,
        difference=(ours - theirs) if greater_is_better(metric) else (theirs - ours),
    )
