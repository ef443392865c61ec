"""Weights change what is learnt, as they say, and nothing of what is measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.config.estimators import ESTIMATORS, known_estimators
from include.config.schema import ModelConfig
from include.errors import PermanentError
from include.training.fit import fit, predict_scores
from include.training.weights import row_weights
from tests.unit.training.tasks import candidate, config_of, rows_of

WEIGHTED = [
    (task, name)
    for task in ("binary", "regression")
    for name in known_estimators(task)
    if ESTIMATORS[name].weights and not name.startswith("Dummy")
]


def asked(task: str = "binary", **training: Any) -> ModelConfig:
    return config_of(task, training=training)


def test_without_any_nothing_is_weighted() -> None:
    assert row_weights(asked(), rows_of("binary")) is None


def test_weights_multiply_and_have_a_mean_of_one() -> None:
    rows = rows_of("binary")
    weights = row_weights(asked(sample_weight="weight", class_weight="balanced", half_life_days=5), rows)
    assert weights is not None
    age = (rows["day"].max() - rows["day"]).dt.days
    rate = rows["late"].mean()
    by_class = np.where(rows["late"] == 1, 0.5 / rate, 0.5 / (1 - rate))
    expected = rows["weight"] * by_class * 0.5 ** (age / 5)
    np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-12)
    assert weights.mean() == pytest.approx(1)


@pytest.mark.parametrize(("task", "estimator"), WEIGHTED)
def test_every_estimator_that_takes_weights_heeds_them(task: str, estimator: str) -> None:
    """Half of the rows say the opposite, so that together they say nothing; weighted away they must not count."""
    config = config_of(task, training={"sample_weight": "weight"})
    rows, label = rows_of(task, missing=0), config.data.label
    away = rows["row"] % 2 == 0
    turned = rows[label].mask(away, rows[label].max() + rows[label].min() - rows[label])
    mixed = rows.assign(**{label: turned}, weight=np.where(away, 1e-9, 1.0))
    params = {"alpha": 0.0} if estimator == "QuantileRegressor" else {}
    params |= {"max_depth": 4} if estimator.startswith("ExtraTrees") else {}  # else a leaf for each row of no weight
    later = rows_of(task, seed=8, missing=0)
    told = []
    for one in (config, config_of(task)):
        pipeline = fit(one, candidate(estimator, **params), mixed, 1).pipeline
        told.append(np.corrcoef(predict_scores(pipeline, later, one), later[label])[0, 1])
    assert told[0] > max(0.4, told[1] + 0.2)


def test_newer_rows_count_more() -> None:
    config = config_of("regression", training={"half_life_days": 1})
    rows = rows_of("regression")
    later = rows["day"] > rows["day"].median()
    moved = rows.assign(amount=rows["amount"] + 1000 * later)
    (value,) = set(predict_scores(fit(config, candidate("DummyRegressor"), moved, 1).pipeline, rows, config))
    assert value == pytest.approx(moved.loc[later, "amount"].mean(), abs=30)


def test_rare_classes_count_alike() -> None:
    rows = rows_of("binary")
    rare = rows.drop(index=rows.index[(rows["late"] == 1) & (rows["row"] % 8 != 0)]).reset_index(drop=True)
    assert rare["late"].mean() < 0.15
    config = asked(class_weight="balanced")
    pipeline = fit(config, candidate("DummyClassifier", strategy="prior"), rare, 1).pipeline
    assert predict_scores(pipeline, rare, config) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([np.nan], r"1 of 600 training rows .* missing, negative or no number: 3 \(nan\)"),
        ([-1.0, np.inf], r"2 of 600 .*: 3 \(-1\), 4 \(inf\)"),
    ],
)
def test_a_weight_that_is_none_is_refused_with_the_row(bad: list[float], said: str) -> None:
    rows = rows_of("binary")
    rows.loc[3 : 2 + len(bad), "weight"] = bad
    with pytest.raises(PermanentError, match=f"training.sample_weight: {said}.*binary_model__ingest"):
        fit(asked(sample_weight="weight"), candidate("LogisticRegression"), rows, 1)


def test_a_nullable_column_of_weights_is_refused_for_its_nulls_too() -> None:
    rows = rows_of("binary").assign(weight=pd.array([1, None] * 300, dtype="Int64"))
    with pytest.raises(PermanentError, match="300 of 600"):
        row_weights(asked(sample_weight="weight"), rows)


def test_weights_of_nothing_but_zero_are_refused() -> None:
    with pytest.raises(PermanentError, match="all 600 training rows weigh 0 in 'weight'"):
        row_weights(asked(sample_weight="weight"), rows_of("binary").assign(weight=0.0))
