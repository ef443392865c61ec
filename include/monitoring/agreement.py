"""What the night's scores say before any label is known: do champion and challenger agree, and which rows have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.data import tables
from include.scoring.batch import PREDICTIONS
from include.tracking import naming
from include.training.metrics import THRESHOLD

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

MOST_NAMED = 3
"""Rows and errors that a sentence names; the table `predictions` has them all."""


@dataclass(frozen=True)
class Scores:
    """What the newest day's scores say: `shadow` is empty without a challenger that scored the same rows."""

    shadow: dict[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    unscored: tuple[str, ...] = ()


def of_night(config: ModelConfig, night: date) -> Scores:
    """Agreement of the two roles, and the rows without a score, on the day before `night`."""
    day = night - timedelta(days=1)
    wanted = ["day", "role", "row_key", "version", "score", "error"]
    rows = tables.read(config.name, PREDICTIONS, wanted, (day, day))
    unscored = tuple(sentence for role in (naming.CHAMPION, naming.CHALLENGER) for sentence in _unscored(rows, role))
    pairs = paired(rows)
    shadow = agree(pairs)
    if not shadow:
        return Scores(unscored=unscored)
    versions = {
        role: rows.loc[rows["role"] == role, "version"].iloc[0] for role in (naming.CHAMPION, naming.CHALLENGER)
    }
    ranked = shadow.get("rank_correlation")
    said = (
        f"In the shadow, challenger version {versions[naming.CHALLENGER]} and champion version "
        f"{versions[naming.CHAMPION]} decide alike at {THRESHOLD:g} on {shadow['same_decision']:.1%} of "
        f"{len(pairs):,} rows of {day}; rank correlation of their scores "
        f"{'cannot be computed: all scores of one are equal' if ranked is None else f'{ranked:.3f}'}."
    )
    return Scores(shadow, (said,), unscored)


def paired(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that both roles scored: day, row_key, champion, challenger (scores).

    Parameters
    ----------
    rows : day, role, row_key, score of one or more days
    """
    key = ["day", "row_key"]
    scored = rows[rows["score"].notna()]
    first, second = (
        scored.loc[scored["role"] == role, [*key, "score"]].rename(columns={"score": role})
        for role in (naming.CHAMPION, naming.CHALLENGER)
    )
    return first.merge(second, on=key, validate="1:1")


def agree(pairs: pd.DataFrame) -> dict[str, float]:
    """`same_decision`: share of rows on the same side of 0.5; `rank_correlation`: Spearman's, of the scores; `rows`.

    Empty without rows; without the correlation where one model's scores are all equal.
    """
    if pairs.empty:
        return {}
    first, second = pairs[naming.CHAMPION].to_numpy(dtype=float), pairs[naming.CHALLENGER].to_numpy(dtype=float)
    found = {"rows": float(len(pairs)), "same_decision": float(((first >= THRESHOLD) == (second >= THRESHOLD)).mean())}
    ranks = pd.Series(first).rank().to_numpy(), pd.Series(second).rank().to_numpy()
    if min(np.ptp(ranks[0]), np.ptp(ranks[1])) > 0:
        found["rank_correlation"] = float(np.corrcoef(*ranks)[0, 1])
    return found


def _unscored(rows: pd.DataFrame, role: str) -> Iterator[str]:
    """One sentence for each reason for which rows of a role have no score, the most frequent first."""
    of_role = rows[rows["role"] == role]
    failed = of_role[of_role["score"].isna()]
    reasons = failed["error"].fillna("no reason is stored").value_counts()
    for reason, number in list(reasons.items())[:MOST_NAMED]:
        such = sorted(failed.loc[failed["error"].fillna("no reason is stored") == reason, "row_key"])[:MOST_NAMED]
        yield (
            f"{role} version {of_role['version'].iloc[0]} could not score {number:,} of {len(of_role):,} rows of "
            f"{of_role['day'].iloc[0]}: {reason} (such as {', '.join(such)})."
        )
    if len(reasons) > MOST_NAMED:
        yield f"{role}: {len(reasons) - MOST_NAMED} more reasons for rows without a score are in the table predictions."
