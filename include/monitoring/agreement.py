"""What the night's scores say before any label is known: do champion and challenger agree, and which rows have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.evidence.metrics import THRESHOLD
from include.scoring import served_rows, stored
from include.tracking import naming

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.config.section import Task

FIGURES: Mapping[Task, tuple[str, ...]] = {
    "binary": ("same_decision", "rank_correlation"),
    "multiclass": ("same_decision",),
    "regression": ("rank_correlation", "absolute_difference"),
}
"""How alike two models of a task are said to be."""
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
    compared = served_rows.choose_compared_column(config)
    wanted = ["day", "role", "row_key", "version", "score", "error", compared]
    rows = stored.read(config, list(dict.fromkeys(wanted)), (day, day))
    unscored = tuple(sentence for role in (naming.CHAMPION, naming.CHALLENGER) for sentence in _unscored(rows, role))
    pairs = paired(rows, compared)
    shadow = agree(pairs, config.task)
    if not shadow:
        return Scores(unscored=unscored)
    champion, challenger = (
        rows.loc[rows["role"] == role, "version"].iloc[0] for role in (naming.CHAMPION, naming.CHALLENGER)
    )
    said = (
        f"In the shadow, challenger version {challenger} and champion version {champion} "
        f"{_told(config, shadow, f'{len(pairs):,} rows of {day}')}."
    )
    return Scores(shadow, (said,), unscored)


def _told(config: ModelConfig, shadow: Mapping[str, float], rows: str) -> str:
    if config.task == "multiclass":
        return f"predict the same class on {shadow['same_decision']:.1%} of {rows}"
    ranked = shadow.get("rank_correlation")
    ranks = "cannot be computed: all scores of one are equal" if ranked is None else f"{ranked:.3f}"
    if config.task == "regression":
        apart = f"predict values that are {shadow['absolute_difference']:.4g} apart on average"
        return f"{apart} on {rows}; rank correlation of the values {ranks}"
    alike = f"decide alike at {THRESHOLD:g} on {shadow['same_decision']:.1%}"
    return f"{alike} of {rows}; rank correlation of their scores {ranks}"


def paired(rows: pd.DataFrame, value: str = "score") -> pd.DataFrame:
    """Rows that both roles scored: day, row_key, champion, challenger (their `value`).

    Parameters
    ----------
    rows : day, role, row_key, score and `value` of one or more days
    """
    key = ["day", "row_key"]
    scored = rows[rows["score"].notna()]
    first, second = (
        scored.loc[scored["role"] == role, [*key, value]].rename(columns={value: role})
        for role in (naming.CHAMPION, naming.CHALLENGER)
    )
    return first.merge(second, on=key, validate="1:1")


def agree(pairs: pd.DataFrame, task: Task = "binary") -> dict[str, float]:
    """How alike both models are on `rows` rows, by FIGURES; empty without rows.

    `same_decision`: share of rows of which they predict the same class, a binary one at 0.5; `rank_correlation`:
    Spearman's, of scores or values, left out where one model's are all equal; `absolute_difference`: how far apart two
    values are on average, in the label's unit.
    """
    if pairs.empty:
        return {}
    found = {"rows": float(len(pairs))}
    if task == "multiclass":
        return {**found, "same_decision": float((pairs[naming.CHAMPION] == pairs[naming.CHALLENGER]).mean())}
    first, second = pairs[naming.CHAMPION].to_numpy(dtype=float), pairs[naming.CHALLENGER].to_numpy(dtype=float)
    if task == "binary":
        found["same_decision"] = float(((first >= THRESHOLD) == (second >= THRESHOLD)).mean())
    else:
        found["absolute_difference"] = float(np.abs(first - second).mean())
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
