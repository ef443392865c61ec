"""How far samples are from a reference, for many samples at once, from counts of values. Pure.

The distances are Evidently's own: Wasserstein's over the reference's standard deviation for numbers, Jensen-Shannon's
in nats for categories. On counts one pass over the values gives them for every day of a reference together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import rel_entr

Kind = Literal["numeric", "categorical"]
Measure = Literal["distance", "moved", "missing", "outside", "new"]
MEASURES: dict[Kind, tuple[Measure, ...]] = {
    "numeric": ("distance", "missing", "outside"),
    "categorical": ("distance", "moved", "missing", "new"),
}
SIZED: tuple[Measure, ...] = ("distance", "moved")
"""Measures that are larger by sampling alone where there are fewer rows."""
SMALLEST_SPREAD = 0.001
"""Evidently's own floor of the standard deviation that a Wasserstein distance is divided by."""


@dataclass(frozen=True)
class Coded:
    """A column as codes of its values: `support` (u,) sorted, `codes` (n,) its positions, u where missing."""

    kind: Kind
    support: np.ndarray
    codes: np.ndarray

    def counts(self, groups: np.ndarray, number: int, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Rows of each value in each group, (number, u + 1); missing ones are counted in the last column."""
        width = len(self.support) + 1
        found = np.bincount(groups[rows] * width + self.codes[rows], minlength=number * width)
        return found.reshape(number, width).astype(float)


def coded(kind: Kind, values: np.ndarray, levels: int | None = None) -> Coded:
    """Code a column; numbers with more than `levels` different values are moved to the nearest of as many quantiles.

    :param values: (n,) floats, or text with NaN where missing
    """
    codes, support = pd.factorize(values, sort=True)
    if kind == "numeric" and levels is not None and len(support) > levels:
        kept = np.unique(np.quantile(support[codes[codes >= 0]], np.linspace(0, 1, levels)))
        nearest = np.searchsorted((kept[1:] + kept[:-1]) / 2, support)
        codes, support = np.where(codes >= 0, nearest[codes], -1), kept
    return Coded(kind, support, np.where(codes >= 0, codes, len(support)))


def measures(kind: Kind, support: np.ndarray, before: np.ndarray, now: np.ndarray) -> dict[Measure, np.ndarray]:
    """What is watched of a column, each (k,): its distance and the shares of rows that the reference would not have.

    Of categories the largest change of one's share as well: among a hundred of them it hardly moves the distance.
    Without a value on either side the distance, and what needs one, is NaN.

    Parameters
    ----------
    before, now : (k, u + 1) counts of reference and sample, pair by pair; the last column counts missing values
    """
    known_before, known_now = before[:, :-1], now[:, :-1]
    rows, values = now.sum(axis=1), known_now.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        missing = now[:, -1] / rows
        f, g = known_before / known_before.sum(axis=1, keepdims=True), known_now / values[:, None]
        if kind == "categorical":
            unseen = (known_now * (known_before == 0)).sum(axis=1) / values
            moved = np.abs(f - g).max(axis=1, initial=0.0)
            return {"distance": jensen_shannon(f, g), "moved": moved, "missing": missing, "new": unseen}
        outside = (known_now * ~_range(known_before)).sum(axis=1) / values
        return {"distance": wasserstein(support, f, g), "missing": missing, "outside": outside}


def wasserstein(support: np.ndarray, f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Wasserstein distances (k,) between shares f and g (k, u) of numbers, in standard deviations of f."""
    mean = f @ support
    spread = np.sqrt(np.maximum((f * (support - mean[:, None]) ** 2).sum(axis=1), 0.0))
    gaps = np.abs(np.cumsum(f - g, axis=1)[:, :-1])
    result: np.ndarray = (gaps @ np.diff(support)) / np.maximum(spread, SMALLEST_SPREAD)
    return result


def jensen_shannon(f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Jensen-Shannon distances (k,), the root of the divergence in nats, between shares f and g (k, u)."""
    middle = (f + g) / 2
    divergence = (rel_entr(f, middle) + rel_entr(g, middle)).sum(axis=1) / 2
    result: np.ndarray = np.sqrt(np.maximum(divergence, 0.0))
    return result


def _range(counts: np.ndarray) -> np.ndarray:
    """Which values (k, u) lie between the lowest and the highest that occur."""
    seen = counts > 0
    from_low = np.maximum.accumulate(seen, axis=1)
    to_high = np.maximum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    result: np.ndarray = from_low & to_high
    return result


@dataclass(frozen=True)
class Tally:
    """How often a column has each value: `values` (u,) sorted, `counts` (u,), and the rows that miss it."""

    kind: Kind
    values: np.ndarray
    counts: np.ndarray
    missing: int


def tally(kind: Kind, column: pd.Series) -> Tally:
    """Count a column's values, as `drift.typed` makes them."""
    present = column[column.notna()].to_numpy()
    values, counts = np.unique(present.astype(float if kind == "numeric" else str), return_counts=True)
    return Tally(kind, values, counts, len(column) - len(present))


def compare(before: Tally, now: Tally) -> dict[Measure, float]:
    """What is watched of one column, a sample against the reference; every value is told from every other."""
    support = np.union1d(before.values, now.values)
    sides = []
    for side in (before, now):
        counts = np.zeros((1, len(support) + 1))
        counts[0, np.searchsorted(support, side.values)] = side.counts
        counts[0, -1] = side.missing
        sides.append(counts)
    return {name: float(found[0]) for name, found in measures(before.kind, support, *sides).items()}
