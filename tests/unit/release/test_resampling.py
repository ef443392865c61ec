"""Weighted metrics against scikit-learn's `sample_weight`, ties and repeated days included."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from include.release.resampling import Statistic, resampled
from include.training.metrics import METRICS

RNG = np.random.default_rng(8)
Y = RNG.integers(0, 2, 400).astype(float)
SMOOTH = np.clip(0.3 * Y + 0.7 * RNG.random(400), 0.001, 0.999)
SCORES = {"smooth": SMOOTH, "tied": np.round(SMOOTH, 1).clip(0.05, 0.95), "constant": np.full(400, 0.4)}


def _reference(metric: str, y: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    called = score >= 0.5
    functions = {
        "roc_auc": lambda: sk.roc_auc_score(y, score, sample_weight=weight),
        "average_precision": lambda: sk.average_precision_score(y, score, sample_weight=weight),
        "log_loss": lambda: sk.log_loss(y, score, sample_weight=weight),
        "brier_score": lambda: sk.brier_score_loss(y, score, sample_weight=weight),
        "accuracy": lambda: sk.accuracy_score(y, called, sample_weight=weight),
        "f1": lambda: sk.f1_score(y, called, sample_weight=weight, zero_division=0),
    }
    return float(functions[metric]())


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("metric", METRICS)
def test_value_and_weighted_value_are_scikit_learns(metric, score):
    statistic = Statistic.of(metric, Y, SCORES[score])
    assert statistic.value() == pytest.approx(METRICS[metric][0](Y, SCORES[score]), abs=1e-12)
    weights = RNG.integers(0, 4, (3, len(Y))).astype(float)
    found = statistic.weighted(weights, None)
    expected = [_reference(metric, Y, SCORES[score], weight) for weight in weights]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_weighing_days_is_weighing_their_rows(metric):
    days = RNG.integers(0, 7, len(Y))
    weights = RNG.integers(0, 3, (5, 7)).astype(float)
    statistic = Statistic.of(metric, Y, SCORES["tied"])
    np.testing.assert_allclose(statistic.weighted(weights, days), statistic.weighted(weights[:, days], None))


def test_a_resample_of_one_class_is_undefined():
    y = np.array([0.0, 0.0, 1.0, 1.0])
    weights = np.array([[1.0, 1.0, 0.0, 0.0]])
    assert np.isnan(Statistic.of("roc_auc", y, y).weighted(weights, None)[0])
    assert np.isnan(Statistic.of("average_precision", y, y).weighted(weights, None)[0])


def test_resamples_are_paired_and_repeatable():
    one = Statistic.of("roc_auc", Y, SMOOTH)
    draws = resampled((one, one), None, 50, seed=1)
    assert draws.shape == (2, 50)
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws, resampled((one, one), None, 50, seed=1))
    assert not np.array_equal(draws, resampled((one, one), None, 50, seed=2))
