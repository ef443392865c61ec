"""Which columns of a night can be compared with the reference, as both are given to Evidently and to the verdict. Pure.

Evidently's own threshold of 0.1 takes no account of the number of rows, nor of what a day is: it calls most columns of
every real day drifted. Here it draws; whether a distance is unusual is said by `verdict`, from the null of days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.drift.alarms import SCORE
from include.drift.distances import Kind
from include.scoring import outputs

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DriftFinding

__all__ = ["METHODS", "SCORE", "Comparison", "Plan", "kinds", "plan", "shown", "typed"]

EFFECT = 0.1
"""Threshold that Evidently draws where there is no null: its own default."""
MIN_VALUES = 20
"""A column with fewer values than this on either side says nothing."""
Columns = pd.DataFrame | Mapping[str, pd.Series]
"""One side of a comparison. A snapshot's score has rows of its own, and so another length than its features."""
METHODS: dict[Kind, str] = {"numeric": "wasserstein", "categorical": "jensenshannon"}


@dataclass(frozen=True)
class Comparison:
    """One column to compare: Evidently's method, and the shares of missing values on both sides."""

    column: str
    kind: Kind
    missing_reference: float
    missing_current: float

    @property
    def method(self) -> str:
        return METHODS[self.kind]


@dataclass(frozen=True)
class Plan:
    """The columns that can be compared, and a sentence for each that cannot."""

    comparisons: tuple[Comparison, ...]
    left_out: dict[str, str]

    @property
    def notes(self) -> list[str]:
        """The sentences, those that say the same of several columns as one."""
        columns: dict[str, list[str]] = {}
        for column, sentence in self.left_out.items():
            columns.setdefault(sentence.removeprefix(f"{column} "), []).append(column)
        return [
            f"{named[0]} {said}" if len(named) == 1 else f"Each of {', '.join(named)} {said}"
            for said, named in columns.items()
        ]


def kinds(config: ModelConfig) -> dict[str, Kind]:
    """How each feature and the score are compared."""
    categorical = {*config.features.categorical, *config.features.target_encoded}
    features: dict[str, Kind] = {
        name: "categorical" if name in categorical else "numeric" for name in config.features.names
    }
    return {**features, SCORE: "categorical" if config.task == "multiclass" else "numeric"}


def shown(config: ModelConfig, scores: np.ndarray) -> np.ndarray:
    """What is compared of a model's scores: the scores or values (n,) themselves, of several classes the predicted."""
    return outputs.predicted(config, scores) if config.task == "multiclass" else scores


def typed(config: ModelConfig, frame: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
    """The model's features and its scores as Evidently takes them: floats, and text with NaN where missing.

    :param scores: (n,) as `shown` gives them
    """
    categorical = {*config.features.categorical, *config.features.target_encoded}
    columns = {
        name: _text(frame[name], config.data.columns.get(name) == "integer")
        if name in categorical
        else frame[name].astype("float64").replace([np.inf, -np.inf], np.nan)
        for name in config.features.names
    }
    score = _text(pd.Series(scores), False) if config.task == "multiclass" else np.asarray(scores, dtype=float)
    return pd.DataFrame(columns).reset_index(drop=True).assign(**{SCORE: score})


def plan(config: ModelConfig, reference: Columns, current: Columns) -> Plan:
    """Choose the features, and the score, that have enough values on both sides; columns as `typed` makes them."""
    comparisons: list[Comparison] = []
    left_out: dict[str, str] = {}
    for column, kind in kinds(config).items():
        before, now = int(reference[column].notna().sum()), int(current[column].notna().sum())
        if fault := _too_few(column, before, now):
            left_out[column] = fault
            continue
        missing = 1 - before / len(reference[column]), 1 - now / len(current[column])
        comparisons.append(Comparison(column, kind, *missing))
    return Plan(tuple(comparisons), left_out)


def thresholds(plan: Plan, findings: Sequence[DriftFinding]) -> dict[str, float]:
    """The distance that Evidently draws as each column's threshold: what ordinary days keep, and the floor beyond."""
    known = {one.column: one.usual + one.floor for one in findings if one.measure == "distance" and one.over == "night"}
    return {found.column: known.get(found.column, EFFECT) for found in plan.comparisons}


def _too_few(column: str, before: int, now: int) -> str | None:
    for values, where in ((before, "the reference"), (now, "the night's rows")):
        if not values:
            return f"{column} is missing in every row of {where}; no figure of it is drawn."
        if values < MIN_VALUES:
            return f"{column} has only {values} values in {where}; no figure of it is drawn."
    return None


def _text(values: pd.Series, integer: bool) -> pd.Series:
    """Categories as text, the same for 1 and 1.0. `<` would end the script in which Evidently's page keeps them."""
    if integer:
        values = values.astype("float64").astype("Int64")
    text = values.astype("string").str.replace("<", "‹", regex=False).astype(object)
    return text.where(text.notna(), np.nan)
