"""Columns that give the label away: alone, by being filled in at all, or as a sum, difference, product or ratio.

Most often such a column is only known afterwards. Each is a suspicion, which the draft leaves to a person. Pure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.authoring.yaml_text import said

if TYPE_CHECKING:
    from include.config.section import Task

PROBED_ROWS = 5000
LEAST_ROWS = 100
GIVES_AWAY = 0.995
"""Share of rows told right, or R2, from which a column gives the label away."""
EXACT = 0.9999
"""R2 from which columns together make up the label: a formula, not a forecast."""
MOST_PAIRED = 16
"""Numeric columns, those that go most with the label, of which pairs are looked at."""
MISSING = -1e18
FILLED = 20
"""Rows with a value from which it counts that nearly all of them are of one class."""
PURE = 0.97
BY_CHANCE = 1e-9


@dataclass(frozen=True)
class _Probe:
    """Sampled rows in a random order, and the label as numbers (n,): classes 0..k-1, or the quantity."""

    rows: pd.DataFrame
    label: str
    y: np.ndarray
    regression: bool

    @property
    def half(self) -> int:
        return len(self.y) // 2

    def gives_away(self, predicted: np.ndarray, known: np.ndarray | None = None) -> float | None:
        """How right `predicted` is on the second half (R2, or share of rows), where that gives the label away."""
        y = self.y[self.half :]
        if known is not None:
            if known.mean() < 0.5:
                return None
            y, predicted = y[known], predicted[known]
        if len(y) < LEAST_ROWS // 4:
            return None
        if self.regression:
            spread = float(((y - y.mean()) ** 2).sum())
            score = 1 - float(((y - predicted) ** 2).sum()) / spread if spread > 0 else 0.0
            return score if score > GIVES_AWAY else None
        share = float(np.bincount(y.astype(int)).max() / len(y))
        score = float((predicted == y).mean())
        return score if score > GIVES_AWAY and score - share > 0.5 * (1 - share) else None

    def words(self, score: float) -> str:
        return f"R2 {score:.3f}" if self.regression else f"{score:.1%} right"


def suspects(rows: pd.DataFrame, target: str, task: Task, names: Sequence[str]) -> dict[str, str]:
    """Columns that give the label away by themselves, or two to four together, each with the reason."""
    probe = _probe(rows, target, task)
    if probe is None:
        return {}
    found = {name: why for name in names if (why := _alone(probe, name)) is not None}
    numeric = [name for name in names if name not in found and pd.api.types.is_numeric_dtype(rows[name])]
    return found | _together(probe, numeric)


def _probe(rows: pd.DataFrame, target: str, task: Task) -> _Probe | None:
    there = rows[rows[target].notna()]
    if len(there) < LEAST_ROWS:
        return None
    sample = there.sample(min(len(there), PROBED_ROWS), random_state=0)
    regression = task == "regression"
    y = sample[target].astype("float64").to_numpy() if regression else pd.factorize(sample[target])[0]
    return _Probe(sample, said(target), y, regression)


def _alone(probe: _Probe, name: str) -> str | None:
    column = probe.rows[name]
    if (pure := _check_filling(probe, column)) is not None:
        return pure
    text = not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column))
    score = _by_value(probe, column) if text else _by_tree(probe, _numbers(column).reshape(-1, 1))
    return None if score is None else f"gives {probe.label} away by itself ({probe.words(score)})"


def _check_filling(probe: _Probe, column: pd.Series) -> str | None:
    """A time stamp of the return, a status of the refund: only there where the answer is already known."""
    there = column.notna().to_numpy()
    if probe.regression or not FILLED <= there.sum() < len(there):
        return None
    classes = np.bincount(probe.y[there].astype(int))
    most = int(classes.argmax())
    share, usual = classes[most] / there.sum(), float((probe.y == most).mean())
    if share < PURE or there.sum() * math.log(max(usual, 1e-12)) > math.log(BY_CHANCE):
        return None
    return f"filled in {there.sum():,} of {len(there):,} rows, of which {share:.1%} have the same {probe.label}"


def _by_value(probe: _Probe, column: pd.Series) -> float | None:
    """Each value's majority, or mean, among the first half's rows, told to the second half; a gap is a value too."""
    codes = pd.Series(pd.factorize(column, use_na_sentinel=False)[0])
    first, second = codes[: probe.half], codes[probe.half :]
    labels = pd.Series(probe.y[: probe.half])
    if probe.regression:
        by_value = labels.groupby(first.to_numpy()).mean()
    else:
        pairs = pd.DataFrame({"value": first.to_numpy(), "label": labels}).value_counts()
        by_value = pairs.reset_index().drop_duplicates("value").set_index("value")["label"]
    told = by_value.reindex(second.to_numpy())
    return probe.gives_away(told.to_numpy(dtype="float64"), told.notna().to_numpy())


def _by_tree(probe: _Probe, x: np.ndarray) -> float | None:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    tree = (DecisionTreeRegressor if probe.regression else DecisionTreeClassifier)(max_depth=6, random_state=0)
    return probe.gives_away(tree.fit(x[: probe.half], probe.y[: probe.half]).predict(x[probe.half :]))


def _numbers(column: pd.Series) -> np.ndarray:
    """Values (n,) as a tree takes them: finite, a gap far below all others."""
    if pd.api.types.is_datetime64_any_dtype(column):
        seconds = column.astype("datetime64[s]").astype("int64").where(column.notna(), np.nan)
        return np.nan_to_num(seconds.to_numpy(dtype="float64"), nan=MISSING)
    values = column.astype("float64").to_numpy(dtype="float64", na_value=np.nan)
    return np.nan_to_num(np.clip(values, -1e30, 1e30), nan=MISSING)


def _together(probe: _Probe, names: Sequence[str]) -> dict[str, str]:
    """Columns that together make up the label: a sum or product of a few, or a sum or difference of two."""
    frame = pd.DataFrame({name: _numbers(probe.rows[name]) for name in names})
    frame = frame.loc[:, (frame > MISSING).all() & (frame.nunique() > 2)]
    if frame.shape[1] < 2:
        return {}
    strength = frame.rank().corrwith(pd.Series(probe.y, index=frame.index).rank()).abs().fillna(0)
    frame = frame[list(strength.sort_values(ascending=False, kind="stable").index[:MOST_PAIRED])]
    for columns, how, score in _formulas(probe, frame) if probe.regression else _signs(probe, frame):
        listed = ", ".join(said(name) for name in columns)
        return {name: f"{listed} together give {probe.label} away ({how}, {probe.words(score)})" for name in columns}
    return {}


def _formulas(probe: _Probe, frame: pd.DataFrame) -> Iterator[tuple[list[str], str, float]]:
    """The fewest columns whose weighted sum, or whose product of powers, is the label."""
    kinds = [("their sum", frame, probe.y)]
    positive = frame.loc[:, (frame > 0).all()]
    if positive.shape[1] > 1 and (probe.y > 0).all():
        logs = pd.DataFrame(np.log(positive.to_numpy()), columns=positive.columns)
        kinds.append(("their product", logs, np.log(probe.y)))
    for how, x, y in kinds:
        columns = list(x.columns)
        if _fit(x, columns, y) <= EXACT or len(y) < 10 * len(columns):
            continue
        for name in list(columns):
            rest = [other for other in columns if other != name]
            if rest and _fit(x, rest, y) > EXACT:
                columns = rest
        if 2 <= len(columns) <= 4:
            yield columns, how, _fit(x, columns, y)


def _fit(x: pd.DataFrame, columns: Sequence[str], y: np.ndarray) -> float:
    """R2 of a least-squares fit with a constant."""
    values = x[list(columns)].to_numpy()
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    values = np.column_stack([values, np.ones(len(values))])
    rest = y - values @ np.linalg.lstsq(values, y, rcond=None)[0]
    total = float(((y - y.mean()) ** 2).sum())
    return 1 - float((rest**2).sum()) / total if total > 0 else 0.0


def _signs(probe: _Probe, frame: pd.DataFrame) -> Iterator[tuple[list[str], str, float]]:
    """Pairs whose difference or sum gives the class: `delivered - promised`."""
    for one, other in itertools.combinations(frame.columns, 2):
        for how, values in (("their difference", frame[one] - frame[other]), ("their sum", frame[one] + frame[other])):
            score = _by_tree(probe, values.to_numpy().reshape(-1, 1))
            if score is not None:
                yield [str(one), str(other)], how, score
