"""Which columns can be compared, and how far apart two samples of the same thing are by chance alone. Pure.

Evidently's own threshold of 0.1 takes no account of the number of rows: with no drift at all, the Wasserstein
distance of 100 rows passes it on most nights, and so does the Jensen-Shannon distance of a column with a hundred
categories at 900 rows. Here the threshold is 0.1 beyond what sampling gives by itself, column by column. Real days
still differ from a season's reference, by weather and weekday: a drifted column explains, it alarms nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.special import rel_entr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.config.schema import ModelConfig

EFFECT = 0.1
"""Distance beyond sampling noise that counts: Evidently's default, a tenth of the reference's standard deviation."""
DRAWS = 100
DRAW_SEED = 0
RARE = 0.95
"""Quantile of the chance distances of categories that a distance must pass by EFFECT: they vary little around it."""
MIN_VALUES = 20
"""A column with fewer values than this on either side says nothing."""
SCORE = "champion_score"
Kind = Literal["numeric", "categorical"]
METHODS: dict[Kind, str] = {"numeric": "wasserstein", "categorical": "jensenshannon"}


@dataclass(frozen=True)
class Comparison:
    """One column to compare: Evidently's method, the threshold, and the shares of missing values on both sides."""

    column: str
    kind: Kind
    threshold: float
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


def typed(config: ModelConfig, frame: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
    """The model's features and its scores as Evidently takes them: floats, and text with NaN where missing."""
    categorical = set(config.features.categorical)
    columns = {
        name: _text(frame[name], config.data.columns.get(name) == "integer")
        if name in categorical
        else frame[name].astype("float64").replace([np.inf, -np.inf], np.nan)
        for name in config.features.names
    }
    return pd.DataFrame(columns).reset_index(drop=True).assign(**{SCORE: np.asarray(scores, dtype=float)})


def plan(config: ModelConfig, reference: pd.DataFrame, current: pd.DataFrame) -> Plan:
    """Choose method and threshold for each feature and the score; frames as `typed` makes them."""
    comparisons: list[Comparison] = []
    left_out: dict[str, str] = {}
    for column in (*config.features.names, SCORE):
        before, now = reference[column].dropna(), current[column].dropna()
        if fault := _too_few(column, before, now):
            left_out[column] = fault
            continue
        kind: Kind = "categorical" if column in config.features.categorical else "numeric"
        comparisons.append(
            Comparison(
                column=column,
                kind=kind,
                threshold=threshold(kind, before, now),
                missing_reference=1 - len(before) / len(reference),
                missing_current=1 - len(now) / len(current),
            )
        )
    return Plan(tuple(comparisons), left_out)


def threshold(kind: Kind, reference: pd.Series, current: pd.Series) -> float:
    """The distance that stands for EFFECT beyond noise; Jensen-Shannon distances add in squares."""
    if kind == "categorical":
        return float(np.sqrt(EFFECT**2 + np.quantile(divergence_noise(reference, current), RARE)))
    return EFFECT + wasserstein_noise(reference.to_numpy(), len(current))


def wasserstein_noise(reference: np.ndarray, rows: int) -> float:
    """Expected Wasserstein distance, in reference standard deviations, between two samples of one distribution.

    The distance is the integral of |F - G|; with no drift F - G is about normal with variance F(1-F)(1/m + 1/n),
    whose mean absolute value is sqrt(2/pi) standard deviations (del Barrio, Gine and Matran, 1999). A heavy tail
    makes it large: rain needs more rows than temperature does.

    :param reference: (m,) values, none missing
    """
    ordered = np.sort(reference.astype(float))
    cumulative = np.arange(1, len(ordered)) / len(ordered)
    spread = max(float(ordered.std()), 0.001)  # Evidently's own floor
    integral = float(np.sum(np.sqrt(cumulative * (1 - cumulative)) * np.diff(ordered)))
    return float(np.sqrt(2 / np.pi * (1 / len(ordered) + 1 / rows))) * integral / spread


def divergence_noise(reference: pd.Series, current: pd.Series) -> np.ndarray:
    """Jensen-Shannon divergences, in nats, between pairs of samples of one distribution of categories: (DRAWS,).

    Both samples of a pair are drawn from the shares of reference and night together. The chi-square approximation
    of their mean is a quarter too small where many categories are rarer than one row in the night.
    """
    rng = np.random.default_rng(DRAW_SEED)
    shares = pd.concat([reference, current]).value_counts(normalize=True).to_numpy()
    before = rng.multinomial(len(reference), shares, size=DRAWS) / len(reference)
    now = rng.multinomial(len(current), shares, size=DRAWS) / len(current)
    middle = (before + now) / 2
    divergences: np.ndarray = (rel_entr(before, middle) + rel_entr(now, middle)).sum(axis=1) / 2
    return divergences


def drifted(comparisons: Sequence[Comparison], distances: dict[str, float]) -> tuple[str, ...]:
    """Features whose distance reaches their threshold, the farthest beyond it first; the score is not a feature."""
    beyond = {found.column: distances[found.column] / found.threshold for found in comparisons if found.column != SCORE}
    return tuple(sorted((name for name, ratio in beyond.items() if ratio >= 1), key=lambda name: -beyond[name]))


def _too_few(column: str, before: pd.Series, now: pd.Series) -> str | None:
    for values, where in ((before, "the reference"), (now, "the night's rows")):
        if values.empty:
            return f"{column} is missing in every row of {where}; it was left out of the comparison."
        if len(values) < MIN_VALUES:
            return f"{column} has only {len(values)} values in {where}; it was left out of the comparison."
    return None


def _text(values: pd.Series, integer: bool) -> pd.Series:
    """Categories as text, the same for 1 and 1.0. `<` would end the script in which Evidently's page keeps them."""
    if integer:
        values = values.astype("float64").astype("Int64")
    text = values.astype("string").str.replace("<", "‹", regex=False).astype(object)
    return text.where(text.notna(), np.nan)
