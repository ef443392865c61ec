"""Weighted metrics against scikit-learn's values on rows that are repeated as often as they weigh."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from sklearn import metrics as sk

from include.evidence.metrics import CATALOGUE, expected_calibration_error
from include.evidence.resampling import MOST_SCORES, Statistic, weighed

RNG = np.random.default_rng(8)
ROWS = 400
Y = RNG.integers(0, 2, ROWS).astype(float)
SMOOTH = np.clip(0.3 * Y + 0.7 * RNG.random(ROWS), 0.001, 0.999)
BINARY = {"smooth": SMOOTH, "tied": np.round(SMOOTH, 1).clip(0.05, 0.95), "constant": np.full(ROWS, 0.4)}
CLASS = RNG.integers(0, 3, ROWS).astype(float)
SPREAD = RNG.dirichlet([1, 1, 1], ROWS) + 0.7 * np.eye(3)[CLASS.astype(int)]
CLASSES = {"smooth": SPREAD / SPREAD.sum(axis=1, keepdims=True), "constant": np.full((ROWS, 3), 1 / 3)}
AMOUNT = 1_000 + 20 * RNG.normal(size=ROWS)
VALUES = {"smooth": AMOUNT + 10 * RNG.normal(size=ROWS), "constant": np.full(ROWS, 1_001.0)}
QUANTILE = 0.9


def _called(score: np.ndarray) -> np.ndarray:
    return score >= 0.5


def _loss(y: np.ndarray, score: np.ndarray) -> float:
    return sk.log_loss(y, score, labels=np.arange(2 if score.ndim == 1 else score.shape[1]))


def _accuracy(y: np.ndarray, score: np.ndarray) -> float:
    return sk.accuracy_score(y, _called(score) if score.ndim == 1 else score.argmax(axis=1))


REFERENCE: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "roc_auc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "log_loss": _loss,
    "brier_score": sk.brier_score_loss,
    "accuracy": _accuracy,
    "f1": lambda y, score: sk.f1_score(y, _called(score), zero_division=0),
    "selection_rate": lambda y, score: _called(score).mean(),
    "recall": lambda y, score: sk.recall_score(y, _called(score)),
    "false_positive_rate": lambda y, score: 1 - sk.recall_score(y, _called(score), pos_label=0),
    "roc_auc_ovr": partial(sk.roc_auc_score, multi_class="ovr"),
    "f1_macro": lambda y, score: sk.f1_score(y, score.argmax(axis=1), average="macro", zero_division=0),
    "mean_absolute_error": sk.mean_absolute_error,
    "mean_squared_error": sk.mean_squared_error,
    "root_mean_squared_error": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "mean_pinball_loss": partial(sk.mean_pinball_loss, alpha=QUANTILE),
}
OF_TASK = {"binary": (Y, BINARY), "multiclass": (CLASS, CLASSES), "regression": (AMOUNT, VALUES)}
CASES = [
    pytest.param(metric, OF_TASK[task][0], score, id=f"{metric}-{task}-{name}")
    for metric, facts in CATALOGUE.items()
    if metric in REFERENCE
    for task in facts.tasks
    for name, score in OF_TASK[task][1].items()
]


def test_every_metric_is_held_against_scikit_learn_but_the_one_that_it_lacks():
    assert set(REFERENCE) == set(CATALOGUE) - {"expected_calibration_error"}


@pytest.mark.parametrize(("metric", "y", "score"), CASES)
def test_value_and_weighted_value_are_scikit_learns(metric, y, score):
    statistic = Statistic.of(metric, y, score, QUANTILE)
    assert statistic.value() == pytest.approx(REFERENCE[metric](y, score), rel=1e-12, abs=1e-12)
    weights = RNG.integers(0, 4, (3, ROWS))
    repeated = [REFERENCE[metric](np.repeat(y, weight), np.repeat(score, weight, axis=0)) for weight in weights]
    np.testing.assert_allclose(statistic.weighted(weights.astype(float), None), repeated, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("clusters", [7, 300])
@pytest.mark.parametrize(("metric", "y", "score"), CASES)
def test_weighing_clusters_is_weighing_their_rows(metric, y, score, clusters):
    codes = RNG.permutation(np.arange(ROWS) % clusters)
    weights = RNG.integers(0, 3, (5, clusters)).astype(float)
    statistic = Statistic.of(metric, y, score, QUANTILE)
    np.testing.assert_allclose(statistic.weighted(weights, codes), statistic.weighted(weights[:, codes], None))


def test_calibration_error_keeps_its_bins_and_is_a_function_of_their_sums():
    statistic = Statistic.of("expected_calibration_error", Y, BINARY["tied"])
    assert statistic.value() == pytest.approx(expected_calibration_error(Y, BINARY["tied"]))
    weights = RNG.integers(0, 3, (4, ROWS)).astype(float)
    bins = np.searchsorted(np.quantile(SMOOTH, np.arange(1, 10) / 10), SMOOTH, side="right")
    apart = [np.bincount(bins, weights=weight * (Y - SMOOTH)) for weight in weights]
    expected = [np.abs(each).sum() / weight.sum() for each, weight in zip(apart, weights, strict=True)]
    found = Statistic.of("expected_calibration_error", Y, SMOOTH)
    np.testing.assert_allclose(found.weighted(weights, None), expected)
    days = RNG.integers(0, 7, ROWS)
    np.testing.assert_allclose(found.weighted(weights[:, :7], days), found.weighted(weights[:, :7][:, days], None))


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "recall"])
@pytest.mark.parametrize("codes", [None, np.arange(4)])
def test_a_resample_without_positives_is_undefined_and_not_a_number_that_counts(metric, codes):
    y = np.array([0.0, 0.0, 1.0, 1.0])
    assert np.isnan(Statistic.of(metric, y, y).weighted(np.array([[1.0, 1.0, 0.0, 0.0]]), codes)[0])


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "log_loss"])
def test_clusters_that_hold_none_of_the_rows_change_nothing(metric):
    statistic, codes = Statistic.of(metric, Y, SMOOTH), RNG.integers(0, 5, ROWS)
    weights = RNG.integers(1, 3, (2, 9)).astype(float)
    np.testing.assert_allclose(statistic.weighted(weights, codes), statistic.weighted(weights[:, :5], codes))


def test_looking_at_some_of_many_scores_leaves_the_spread_of_average_precision_as_it_is():
    y = RNG.integers(0, 2, 6_000).astype(float)
    score, days = y + RNG.normal(0, 1.5, 6_000), RNG.integers(0, 14, 6_000)
    statistic = Statistic.of("average_precision", y, score + RNG.normal(0, 0.3, 14)[days])
    assert y.sum() > 2 * MOST_SCORES
    weights = RNG.multinomial(14, np.full(14, 1 / 14), 300).astype(float)
    found, exact = statistic.weighted(weights, days), statistic.weighted(weights[:, days], None)
    np.testing.assert_allclose(found, exact, atol=0.001)
    assert found.std() == pytest.approx(exact.std(), rel=0.015)


def test_resamples_are_paired_and_repeatable():
    pair = [Statistic.of("roc_auc", Y, SMOOTH).prepared(None, ROWS) for _ in range(2)]
    draws = weighed(pair, ROWS, ROWS, 50, seed=1)
    assert draws.shape == (2, 50)
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws, weighed(pair, ROWS, ROWS, 50, seed=1))
    assert not np.array_equal(draws, weighed(pair, ROWS, ROWS, 50, seed=2))
