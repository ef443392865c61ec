from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

from include.drift import distances
from include.drift.distances import Kind, compare, tally


def series(kind: Kind, rows: int, seed: int, shift: float = 0.0) -> pd.Series:
    rng = np.random.default_rng(seed)
    if kind == "numeric":
        values = rng.normal(shift, 2.0, rows).round(1)
        values[::7] = np.nan
        return pd.Series(values)
    shares = rng.dirichlet(np.full(40, 0.7))
    names = np.array([f"c{number:02d}" for number in range(40)], dtype=object)
    return pd.Series(np.where(np.arange(rows) % 9 == 0, np.nan, rng.choice(names, rows, p=shares)), dtype=object)


@pytest.mark.parametrize(("kind", "method"), [("numeric", "wasserstein"), ("categorical", "jensenshannon")])
def test_our_distance_is_evidentlys(kind: Kind, method: str) -> None:
    before, now = series(kind, 3000, 1), series(kind, 400, 2, shift=0.7)
    definition = DataDefinition(**{f"{'numerical' if kind == 'numeric' else 'categorical'}_columns": ["x"]})
    both = [Dataset.from_pandas(pd.DataFrame({"x": side}), definition) for side in (now, before)]
    theirs = Report([ValueDrift(column="x", method=method)]).run(*both).dict()["metrics"][0]["value"]
    ours = compare(tally(kind, before), tally(kind, now))["distance"]
    assert ours > 0.05 and ours == pytest.approx(float(theirs), rel=1e-9)


def test_shares_are_of_what_the_reference_would_not_have() -> None:
    numbers = compare(
        tally("numeric", pd.Series([1.0, 2.0, 3.0])), tally("numeric", pd.Series([0.0, 2.0, 9.0, 3.0, np.nan]))
    )
    assert (numbers["missing"], numbers["outside"]) == (0.2, 0.5)
    names = compare(
        tally("categorical", pd.Series(["a", "b"])), tally("categorical", pd.Series(["a", "c", "c", "b", np.nan]))
    )
    assert (names["missing"], names["new"]) == (0.2, 0.5)


def test_a_night_without_a_value_has_no_distance_and_is_all_missing() -> None:
    found = compare(tally("numeric", pd.Series([1.0, 2.0])), tally("numeric", pd.Series([np.nan, np.nan])))
    assert np.isnan(found["distance"]) and found["missing"] == 1.0


def test_many_numbers_are_reduced_with_little_loss() -> None:
    values = np.random.default_rng(3).lognormal(size=20_000)
    groups = np.repeat([0, 1], [15_000, 5_000])
    found = []
    for levels in (None, 2048):
        coded = distances.coded("numeric", values * np.where(groups == 1, 1.1, 1.0), levels)
        before, now = coded.counts(groups, 2)
        found.append(float(distances.measures("numeric", coded.support, before[None], now[None])["distance"][0]))
    assert found[1] == pytest.approx(found[0], rel=0.02) and found[0] > 0.05
