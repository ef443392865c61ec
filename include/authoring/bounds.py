"""What a drafted model tolerates: bounds and margins, worked out from the label and the rows there are. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from include.config.section import METRICS_OF

if TYPE_CHECKING:
    from include.authoring.profile import Profile
    from include.config.section import MetricName

HOLDOUT_ROWS = 500
HALF = 0.5
"""Share of rows with one value of a number to predict, from which the median is that value."""
STALE_DAYS = 30
LEAST_AUC = 0.52
"""A live ROC AUC below which the order of the scores says hardly anything."""
FEWEST_LIVE = {"binary": 50, "multiclass": 50, "regression": 20}
"""Labelled rows below which a live metric is chance."""
WANTED_LIVE = 200
MOST_NIGHTS = 90


@dataclass(frozen=True)
class Harm:
    """`monitoring.retrain_request`: the side of the bound, the bound, over how many nights and rows."""

    metric: str
    side: Literal["min", "max"]
    bound: float
    nights: int | None
    min_rows: int


def release_metric(found: Profile) -> MetricName:
    """What candidates compete on and versions are released by: the task's usual metric, where a model can show skill.

    Of a label that has one value in half of its rows, no rain, nothing sold, the median is that value. By the absolute
    error such a constant is hardly beaten, however well a model tells when there is more.
    """
    usual = METRICS_OF[found.task][0]
    if found.task != "regression":
        return usual
    most = found.labelled_rows[found.label].value_counts(normalize=True).iloc[0]
    return "root_mean_squared_error" if most >= HALF else usual


def holdout_rows(found: Profile) -> float:
    """Labelled rows that the holdout is expected to have."""
    if found.spans is not None:
        return float(found.spans.rows["holdout"])
    count = len(found.labelled_rows)
    return count / 3 if count < 3 * 60 else max(60.0, 0.2 * count)


def least_holdout(found: Profile, least: int) -> int:
    """`release.min_holdout_rows`: most of what is expected, and never less than the window check demands."""
    return int(max(least, min(HOLDOUT_ROWS, 0.7 * holdout_rows(found))))


def constant_loss(found: Profile) -> float:
    """What predicting the same for every row costs: distance from the median or the mean, or entropy of the classes."""
    label = found.labelled_rows[found.label]
    if found.task == "regression":
        values = label.astype("float64")
        squared = release_metric(found) == "root_mean_squared_error"
        return float(values.std(ddof=0) if squared else (values - values.median()).abs().mean())
    shares = label.value_counts(normalize=True).to_numpy()
    return float(-(shares * np.log(shares)).sum())


def stale_margin(found: Profile) -> float:
    """The loss that a stale champion's successor may show: smaller where more rows can show a small one.

    In ROC AUC 0.01 to 0.1; in other metrics 2 % to 10 % of a constant's loss.
    """
    rows = holdout_rows(found)
    if found.task == "binary":
        shares = found.labelled_rows[found.label].value_counts(normalize=True)
        return _digits(min(0.1, max(0.01, 0.3 / math.sqrt(max(1.0, rows * float(shares.min()))))))
    return _digits(min(0.1, max(0.02, 0.5 / math.sqrt(max(1.0, rows)))) * constant_loss(found))


def live_loss(found: Profile) -> float:
    """How much worse than at its release a champion must surely be to count as stale before its time."""
    return 0.1 if found.task == "binary" else _digits(0.25 * constant_loss(found))


def stale_days(found: Profile) -> int:
    """Nights after which a champion counts as stale: a month, or four days with rows where these are rarer."""
    return STALE_DAYS if found.spans is None else max(STALE_DAYS, 4 * found.spans.step)


def harm(found: Profile) -> Harm | None:
    """Where live figures show that retraining is due; None where a season of nights has too few rows to show it."""
    fewest = FEWEST_LIVE[found.task]
    if found.spans is None:
        nights, rows = None, 0.5 * holdout_rows(found)
        fewest = min(fewest, int(rows))
    else:
        a_night = found.spans.per_day / found.spans.step
        nights = min(MOST_NIGHTS, max(7, math.ceil(WANTED_LIVE / max(a_night, 1e-9))))
        rows = 0.5 * a_night * nights
    if rows < fewest:
        return None
    min_rows = max(fewest, min(HOLDOUT_ROWS, int(rows)))
    if found.task == "binary":
        return Harm("roc_auc", "min", LEAST_AUC, nights, min_rows)
    return Harm(release_metric(found), "max", _digits(constant_loss(found)), nights, min_rows)


def _digits(value: float) -> float:
    return float(f"{value:.2g}")
